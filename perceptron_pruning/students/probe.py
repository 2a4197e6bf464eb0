"""A probe that is trained on a share of the pool which it then prunes."""

import math

import numpy as np

from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk
from perceptron_pruning.students.max_margin.fit import fit_max_margin
from replica_theory.losses.named import LOSSES
from replica_theory.selection import GradientProbe, TrainedProbe

_AT_THE_CORNER = 1e-6  # |y p·x − 1| up to which a hinge probe has left an example at margin 1


def train_probe(
    probe: TrainedProbe | GradientProbe, inputs: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Trains it on a random share of a pool.

    Args:
        probe: Its loss, ridge, share, and how equal margins are ranked or how many steps it takes.
        inputs: x of the pool, (P, N).
        labels: y, (P,), each −1 or +1.
        rng: Draws the share, and the order of equal margins.

    Returns:
        The unit probe (N,), and its fields (P,) on the pool, in which equal margins have been told apart.
    """
    seen = np.arange(len(inputs))
    if probe.share < 1:
        seen = np.sort(rng.permutation(len(inputs))[: max(1, round(probe.share * len(inputs)))])
    if isinstance(probe, GradientProbe):
        weights, dual = descended(probe, inputs[seen], labels[seen], rng), None
    else:
        weights, dual = _trained(probe, inputs[seen], labels[seen])
    norm = float(np.linalg.norm(weights))
    margins = labels * (inputs @ weights)
    if isinstance(probe, TrainedProbe) and probe.loss == "hinge" and dual is not None:
        margins[seen] = _told_apart(margins[seen], dual, probe, rng)
    return weights / norm, labels * margins / norm


def descended(probe: GradientProbe, inputs: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights after the probe's steps from 0, each over all examples or over mini-batches in random order."""
    folded, loss, n_features = labels[:, None] * inputs, LOSSES[probe.loss], inputs.shape[1]
    weights, decay = np.zeros(n_features), 1 - probe.step_size * probe.ridge / probe.batches
    for _ in range(probe.steps):
        batches = [folded]
        if probe.batches > 1:
            batches = [folded[rows] for rows in np.array_split(rng.permutation(len(folded)), probe.batches)]
        for batch in batches:
            pull = -loss.derivative(batch @ weights) @ batch / n_features
            weights = decay * weights + probe.step_size * pull
    return weights


def _trained(probe: TrainedProbe, inputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Weights and duals; Hebb's probe, at an infinite ridge, has the mean of y x and no duals."""
    if math.isinf(probe.ridge):
        return labels @ inputs / len(inputs), None
    if probe.ridge == 0 and probe.loss in ("hinge", "squared_hinge"):
        fit = fit_max_margin(inputs, labels)
        return fit.weights, fit.dual if probe.loss == "hinge" else None
    fit = fit_empirical_risk(inputs, labels, loss=probe.loss, ridge=probe.ridge)
    return fit.weights, fit.dual


def _told_apart(margins: np.ndarray, dual: np.ndarray, probe: TrainedProbe, rng: np.random.Generator) -> np.ndarray:
    """Margins at 1 spread within the solver's accuracy: by chance, or the harder, the larger the dual."""
    corner = np.abs(margins - 1) < _AT_THE_CORNER
    ease = rng.random(len(margins)) if probe.ties == "random" else 1 - dual / max(float(dual.max()), 1e-300)
    return np.where(corner, 1 + _AT_THE_CORNER * (ease - 0.5), margins)
