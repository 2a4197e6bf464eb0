"""The ridge at which a student of a convex loss errs least."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from replica_theory._empirical_risk.square_loss import square_student
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import check_alpha, check_label_noise, check_probe_angle
from replica_theory.geometry import angle_to, in_plane
from replica_theory.losses.base import Loss, Proximal, Weight
from replica_theory.losses.named import Square, check_loss
from replica_theory.selection import Selection, check_selection

_LOG_RIDGES = np.linspace(math.log(1e-7), math.log(1e5), 29)
_PRECISION = 1e-7  # of ln λ; the error is flat there to its square
_GAIN = 1e-12  # relative, that a ridge must have over a limit to be told from it


@dataclass(frozen=True, kw_only=True)
class OptimalRidge:
    """The best ridge, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        loss: The loss, as it was given.
        ridge: λ in [0, ∞]: 0 where no ridge is better than the limit λ → 0, ∞ where Hebb's student is best.
        generalization_error: ε there.
        residual: Of the student there.
    """

    alpha_prune: Any
    loss: str | Loss | Proximal
    ridge: Any
    generalization_error: Any
    residual: Any


def optimal_ridge(
    alpha_prune: ArrayLike,
    *,
    loss: str | Loss | Proximal,
    selection: Selection,
    probe_angle: float = 0.0,
    label_noise: float = 0.0,
    sample_weight: Weight | None = None,
) -> OptimalRidge:
    """The ridge of least test error, of the whole half-line and its two limits.

    The error is sampled at 29 ridges from 1e-7 to 1e5 and at the limits 0 (where it exists) and ∞, and
    then minimised around the best of them. On random clean labels the square loss is best at
    λ = π/2 − 1, whatever α.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        loss: As in `empirical_risk`.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η in [0, 1/2].
        sample_weight: As in `empirical_risk`.

    Returns:
        The ridges and their errors. A minimum narrower than a factor of 2.7 in λ may be missed.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution at a ridge on the way.
    """
    alphas = check_alpha(alpha_prune)
    setting: dict[str, Any] = {
        "loss": loss,
        "selection": selection,
        "probe_angle": probe_angle,
        "label_noise": label_noise,
        "sample_weight": sample_weight,
    }
    error = _searched_error(setting)
    found = [_best(float(alpha), setting, partial(error, float(alpha))) for alpha in np.atleast_1d(alphas)]

    def shaped(values: list[float]) -> Any:
        return np.array(values) if alphas.ndim else values[0]

    return OptimalRidge(
        alpha_prune=alphas[()],
        loss=loss,
        ridge=shaped([ridge for ridge, _ in found]),
        generalization_error=shaped([float(solution.generalization_error) for _, solution in found]),
        residual=shaped([float(solution.residual) for _, solution in found]),
    )


def _searched_error(setting: dict[str, Any]) -> Callable[[float, float], float]:
    """ε(α, ln λ) for the search; of the square loss from its two moments, and only what is found is checked."""
    angle = check_probe_angle(setting["probe_angle"])
    loss = check_loss(setting["loss"])
    if isinstance(loss, Square) and setting["sample_weight"] is None:
        law = check_selection(setting["selection"]).kept_distribution(angle, check_label_noise(setting["label_noise"]))
        moments = KeptAverages(law).plane_moments

        def of_square(alpha: float, log_ridge: float) -> float:
            student = square_student(*moments, alpha=alpha, ridge=math.exp(log_ridge))
            return float(angle_to(student.components, in_plane(angle))) / math.pi

        return of_square
    return lambda alpha, log_ridge: float(
        empirical_risk(alpha, ridge=math.exp(log_ridge), **setting).generalization_error
    )


def _best(alpha: float, setting: dict[str, Any], error: Callable[[float], float]):
    """The best ridge and its student."""
    sampled = [error(log_ridge) for log_ridge in _LOG_RIDGES]
    lowest = int(np.argmin(sampled))
    around = _LOG_RIDGES[max(lowest - 1, 0)], _LOG_RIDGES[min(lowest + 1, _LOG_RIDGES.size - 1)]
    inner: Any = minimize_scalar(error, bounds=around, method="bounded", options={"xatol": _PRECISION})
    ridge = math.exp(inner.x)
    best = ridge, empirical_risk(alpha, ridge=ridge, **setting)
    for limit in (0.0, math.inf):
        solution = _at_limit(alpha, limit, setting)
        if solution is not None and solution.generalization_error <= best[1].generalization_error * (1 + _GAIN):
            best = limit, solution
    return best


def _at_limit(alpha: float, ridge: float, setting: dict[str, Any]):
    """The student there; none where the limit has no minimiser."""
    try:
        return empirical_risk(alpha, ridge=ridge, **setting)
    except ValueError:
        if ridge == 0 and setting["loss"] == "logistic":
            return None
        raise
