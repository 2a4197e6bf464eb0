"""Max-margin students of finite dimension on pruned data: the theory's setting, sampled."""

import math
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.sampling import pruned_data
from perceptron_pruning.solver.max_margin_fit import fit_max_margin
from replica_theory.errors import check_alpha, check_probe_angle
from replica_theory.selection import Selection, check_selection

_BATCH_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """One cell of a simulation: its parameters, and one value a trial, each array (n_trials,).

    Attributes:
        alpha_prune: α = P/N that was simulated (P is rounded to whole examples).
        selection: The rule by which examples were kept.
        probe_angle: θ, radians.
        n_features: N.
        n_trials: Independent pools.
        seed: Trial t of a seed is the same draw whatever the number of trials.
        n_kept: P.
        probe: How the probe came about, "exact".
        generalization_error: ε = angle(student, teacher)/π.
        overlap: R, cosine of that angle.
        probe_overlap: ρ, cosine of the angle to the probe.
        margin: κ, least y J·x over kept examples for the unit-norm student J.
    """

    alpha_prune: float
    selection: Selection
    probe_angle: float
    n_features: int
    n_trials: int
    seed: int
    n_kept: int
    probe: str
    generalization_error: np.ndarray
    overlap: np.ndarray
    probe_overlap: np.ndarray
    margin: np.ndarray


def simulate(
    alpha_prune: float,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    n_features: int = 200,
    n_trials: int = 100,
    seed: int = 0,
    probe: str = "exact",
) -> SimulationResult:
    """Trains max-margin students on pruned Gaussian data and measures their test error.

    Inputs x ~ N(0, I_N), labels sign(T·x), a probe at exactly ``probe_angle`` to the teacher T; the
    rule keeps P = α N of P/f examples. The error on unpruned data is exact given the student:
    ε = arctan2(part across T, part along T)/π.

    Args:
        alpha_prune: α, kept examples per dimension, > 0.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        n_features: N, ≥ 3.
        n_trials: Independent pools, ≥ 1.
        seed: Non-negative integer.
        probe: "exact", a probe that lies at ``probe_angle`` and knows nothing of the pool.

    Returns:
        One value a trial; every student is verified optimal to 1e-9.

    Raises:
        ValueError: A parameter is out of range.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, section 2.
    """
    alpha = _checked_scalar(alpha_prune)
    angle = check_probe_angle(probe_angle)
    check_selection(selection)
    if probe != "exact":
        raise ValueError(f"`probe` must be 'exact'; got {probe!r}")
    _check_count("n_features", n_features, at_least=3)
    _check_count("n_trials", n_trials, at_least=1)
    _check_count("seed", seed, at_least=0)
    n_kept = round(alpha * n_features)
    if n_kept < 1:
        raise ValueError(f"`alpha_prune` * `n_features` must be at least 1 example; got {alpha * n_features}")
    students = [
        _students(selection, angle, n_kept, n_features, seed, trials)
        for trials in _batches(n_trials, n_kept * n_features * 8)
    ]
    return SimulationResult(
        alpha_prune=n_kept / n_features,
        selection=selection,
        probe_angle=angle,
        n_features=n_features,
        n_trials=n_trials,
        seed=seed,
        n_kept=n_kept,
        probe=probe,
        **_observables(np.concatenate(students), angle),
    )


def _students(selection, angle, n_kept, n_features, seed, trials) -> np.ndarray:
    """Weights (len(trials), N) of the students with y w·x ≥ 1."""
    data = [
        pruned_data(selection, probe_angle=angle, n_kept=n_kept, n_features=n_features, seed=seed, trial=trial)
        for trial in trials
    ]
    return fit_max_margin(np.stack([inputs for inputs, _ in data]), np.stack([labels for _, labels in data])).weights


def _observables(weights: np.ndarray, angle: float) -> dict[str, np.ndarray]:
    along, across = weights[:, 0], np.linalg.norm(weights[:, 1:], axis=1)
    norm = np.hypot(along, across)
    return {
        "generalization_error": np.arctan2(across, along) / math.pi,
        "overlap": along / norm,
        "probe_overlap": weights[:, :2] @ [math.cos(angle), math.sin(angle)] / norm,
        "margin": 1 / norm,
    }


def _batches(n_trials: int, bytes_each: int) -> list[range]:
    size = max(1, _BATCH_BYTES // bytes_each)
    return [range(start, min(start + size, n_trials)) for start in range(0, n_trials, size)]


def _checked_scalar(alpha_prune: float) -> float:
    alpha = check_alpha(alpha_prune)
    if alpha.ndim:
        raise ValueError(f"`alpha_prune` must be a single number here; got shape {alpha.shape}")
    return float(alpha)


def _check_count(name: str, value: int, *, at_least: int) -> None:
    if not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"`{name}` must be an integer >= {at_least}; got {value!r}")
