"""Exact draws of pruned data, with the pool as scalars or as a matrix.

A probe that knows nothing of the pool sees an example only through its components (u, v) in the
plane of teacher and probe. So the pool is drawn as those scalars and ranked as a real run ranks it;
the other N − 2 coordinates, on which pruning has no bearing, are drawn for the kept examples alone.
The kept set has exactly the distribution of pruning a full P_tot × N matrix, at cost O(P_tot + P N) instead
of O(P_tot N). A probe that is trained on the pool needs the matrix.
"""

import math
from typing import NamedTuple

import numpy as np

from perceptron_pruning.students.probe import train_probe
from replica_theory.selection import GradientProbe, Selection, TrainedProbe
from replica_theory.selection.label_noise import LabelNoise, Noise

_POOL_SCALARS = 8  # numbers in memory for each example of a pool that is ranked
_PERCEPTRON_BATCH = 16  # examples a perceptron step


class PrunedData(NamedTuple):
    """Kept inputs (P, N), their labels (P,), noise included, and the unit probe (N,); the teacher is the first axis."""

    inputs: np.ndarray
    labels: np.ndarray
    probe: np.ndarray


def pool_size(selection: Selection, probe_angle: float, n_kept: int, label_noise: Noise = 0.0) -> int:
    """Examples in a pool of which the rule keeps P: P/f."""
    return max(n_kept, round(n_kept / selection.kept_distribution(probe_angle, label_noise).keep_fraction))


def bytes_needed(n_kept: int, n_features: int, pool: int, *, trained: bool) -> int:
    """Bytes that drawing one trial takes at its peak, with a trained or an exact probe."""
    per_example = n_features + _POOL_SCALARS if trained else _POOL_SCALARS
    return 8 * (n_kept * n_features + pool * per_example)


def pruned_data(
    selection: Selection,
    *,
    probe_angle: float,
    n_kept: int,
    n_features: int,
    seed: int,
    trial: int,
    label_noise: Noise = 0.0,
) -> PrunedData:
    """One trial with a probe at exactly ``probe_angle``, which lies in the first two axes.

    The draw depends on ``seed`` and ``trial`` alone, whatever else runs beside it and wherever.
    """
    rng = np.random.default_rng([seed, trial])
    inputs = np.empty((n_kept, n_features))
    inputs[:, :2], labels = kept_plane(
        selection, probe_angle=probe_angle, n_kept=n_kept, rng=rng, label_noise=label_noise
    )
    inputs[:, 2:] = rng.standard_normal((n_kept, n_features - 2))
    probe = np.zeros(n_features)
    probe[:2] = math.cos(probe_angle), math.sin(probe_angle)
    return PrunedData(inputs, labels, probe)


def kept_plane(
    selection: Selection, *, probe_angle: float, n_kept: int, rng: np.random.Generator, label_noise: Noise = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Plane components and labels of the kept examples of one pool.

    Args:
        selection: The rule.
        probe_angle: θ between probe and teacher, radians.
        n_kept: Examples to keep, P; the pool has P / f.
        rng: Source of the pool.
        label_noise: η, chance that a label of the pool is flipped, before the rule sees it.

    Returns:
        Components (P, 2) along the teacher and across it (towards the probe), and labels (P,).
    """
    pool = rng.standard_normal((pool_size(selection, probe_angle, n_kept, label_noise), 2))
    probe = np.array([math.cos(probe_angle), math.sin(probe_angle)])
    labels = _labels(pool, label_noise, rng)
    return _kept(selection, pool, labels, probe, n_kept=n_kept, label_noise=label_noise, rng=rng)


def trained_pruned_data(
    selection: Selection,
    *,
    epochs: int,
    n_kept: int,
    n_features: int,
    seed: int,
    trial: int,
    label_noise: Noise = 0.0,
) -> PrunedData:
    """One trial with a probe that is a perceptron trained on the pool itself, noisy labels and all.

    Probe and pool depend on each other, so the pool is a full matrix, drawn anew for each trial.
    """
    rng = np.random.default_rng([seed, trial])
    pool, labels = labelled_pool(pool_size(selection, 0.0, n_kept, label_noise), n_features, label_noise, rng)
    probe = trained_perceptron(pool, labels, epochs=epochs, rng=rng)
    kept = _kept(selection, pool, labels, probe, n_kept=n_kept, label_noise=label_noise, rng=rng)
    return PrunedData(*kept, probe)


def data_pruned_by_its_own_probe(
    selection: Selection,
    *,
    probe: TrainedProbe | GradientProbe,
    n_kept: int,
    n_features: int,
    seed: int,
    trial: int,
    label_noise: Noise = 0.0,
) -> PrunedData:
    """One trial with a probe that descends a risk on a share of the pool which it then prunes, by rank."""
    rng = np.random.default_rng([seed, trial])
    pool, labels = labelled_pool(pool_size(selection, 0.0, n_kept, label_noise), n_features, label_noise, rng)
    weights, fields = train_probe(probe, pool, labels, rng)
    chosen = selection.choose(fields, labels, count=n_kept, rng=rng)
    return PrunedData(pool[chosen], labels[chosen], weights)


def labelled_pool(
    n_examples: int, n_features: int, label_noise: Noise, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A pool as a matrix (P_tot, N), and its labels (P_tot,), noise included; the teacher is the first axis."""
    pool = rng.standard_normal((n_examples, n_features))
    return pool, _labels(pool, label_noise, rng)


def trained_perceptron(inputs: np.ndarray, labels: np.ndarray, *, epochs: int, rng: np.random.Generator) -> np.ndarray:
    """Unit weights (N,) of Rosenblatt's perceptron after some epochs, each in a new order.

    w ← w + Σ y x over the misclassified examples of a mini-batch of 16; it starts at w = 0, where
    every example counts as misclassified.
    """
    weights = np.zeros(inputs.shape[1])
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(inputs)), math.ceil(len(inputs) / _PERCEPTRON_BATCH)):
            rows = inputs[batch] * labels[batch, None]
            weights += rows[rows @ weights <= 0].sum(0)
    return weights / np.linalg.norm(weights)


def _kept(
    selection: Selection,
    pool: np.ndarray,
    labels: np.ndarray,
    probe: np.ndarray,
    *,
    n_kept: int,
    label_noise: Noise,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels of the kept examples; another pool of the same size is drawn when chance kept too few."""
    kept, missing = [], n_kept
    while True:
        chosen = selection.choose(pool @ probe, labels, count=missing, rng=rng)
        kept.append((pool[chosen], labels[chosen]))
        missing -= len(chosen)
        if missing == 0:
            break
        pool = rng.standard_normal(pool.shape)
        labels = _labels(pool, label_noise, rng)
    inputs, labels = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return inputs, labels


def _labels(pool: np.ndarray, label_noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """The teacher's labels, sign of the first component, each flipped with its chance; η = 0 draws nothing."""
    clean = np.sign(pool[:, 0])
    if label_noise == 0:
        return clean
    chance = label_noise.flip_chance(np.abs(pool[:, 0])) if isinstance(label_noise, LabelNoise) else label_noise
    return np.where(rng.random(len(pool)) < chance, -clean, clean)
