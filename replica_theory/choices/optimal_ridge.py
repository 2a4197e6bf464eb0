"""The ridge at which a student of a convex loss errs least."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, cast, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._empirical_risk.ruled_students import RuledStudent as RiskStudent
from replica_theory._empirical_risk.ruled_students import RuledStudents as RiskStudents
from replica_theory._numerics.one_variable import minimiser
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.ruled_students import RuledStudents as StudentsOfTrainedProbe
from replica_theory.empirical_risk import EmpiricalRiskSolution, empirical_risk
from replica_theory.errors import (
    ArrayFields,
    FloatOrArray,
    SaddlePointError,
    Values,
    check_alpha,
    check_probe_angle,
    shaped_like,
)
from replica_theory.geometry import angle_to
from replica_theory.losses.base import LossLike, Weight
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.selection import Selection, TrainedProbe, check_probe, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_LOG_RIDGES = np.linspace(math.log(1e-7), math.log(1e5), 29)  # ln λ at which ε is sampled
_DECADE = math.log(10.0)  # step in ln λ below those, where the student changes with ln ln λ
_LEAST_LOG_RIDGE = -30 * _DECADE  # least ln λ at which ε is sampled: there the student is nearly the limit
_PRECISION = 1e-7  # error of ln λ at the minimum, where ε varies by the square of it
_SAME_ERROR = 1e-12  # relative excess over the least error up to which a limit, 0 or ∞, is preferred


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OptimalRidge(ArrayFields, Generic[Values]):
    """The best ridge, shaped like ``alpha_prune``.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        loss: The loss, as it was given.
        probe_angle: θ, radians, a float; of a trained probe the one that training reaches, shaped like
            ``alpha_prune``.
        ridge: λ in [0, ∞]: 0 where no ridge is better than the limit λ → 0, ∞ where Hebb's student is best.
        generalization_error: ε there.
        residual: Largest relative residual of the saddle point's equations there.

    Example:
        >>> from replica_theory import KeepRandom, optimal_ridge
        >>> best = optimal_ridge(2.0, loss="square", selection=KeepRandom(), label_noise=0.1)
        >>> f"{best.ridge:.3f}, {best.generalization_error:.5f}"
        '1.454, 0.24789'
    """

    alpha_prune: Values
    loss: LossLike
    probe_angle: FloatOrArray
    ridge: Values
    generalization_error: Values
    residual: Values


class RidgeSetting(TypedDict):
    """Arguments of `empirical_risk` beside α and λ."""

    loss: LossLike
    selection: Selection
    probe_angle: float
    probe: TrainedProbe | None
    label_noise: Noise
    sample_weight: Weight | None


@overload
def optimal_ridge(
    alpha_prune: float,
    *,
    loss: LossLike,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> OptimalRidge[float]: ...
@overload
def optimal_ridge(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    loss: LossLike,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> OptimalRidge[np.ndarray]: ...
def optimal_ridge(
    alpha_prune: ArrayLike,
    *,
    loss: LossLike,
    selection: Selection,
    probe_angle: float = 0.0,
    probe: TrainedProbe | None = None,
    label_noise: Noise = 0.0,
    sample_weight: Weight | None = None,
) -> OptimalRidge[FloatOrArray]:
    """The ridge of least test error, of the whole half-line and its two limits.

    The error is sampled at 29 ridges from 1e-7 to 1e5 and at the limits 0 and ∞, and then minimised around the
    best of them. A logistic student of separable examples tends to the max-margin student as λ → 0, with a norm that
    grows like ln 1/λ: if it is best at 1e-7, smaller ridges are searched, decade by decade, until it errs more, down to
    1e-30; if it still errs less there, the better of that student and the limit is the answer. Where rounding leaves
    the best of them unconfirmed it is the next decade's, whose error is nearly the same. On random clean labels the
    square loss is best at λ = π/2 − 1, whatever α.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        loss: As in `empirical_risk`.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        probe: A probe that is trained on the pool, as in `empirical_risk`; λ is the student's, not the probe's.
        label_noise: η in [0, 1/2], or a `LabelNoise`.
        sample_weight: As in `empirical_risk`.

    Returns:
        The ridges and their errors. A minimum narrower than a factor of 2.7 in λ may be missed.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution at a ridge on the way.

    Example:
        >>> from replica_theory import KeepRandom, optimal_ridge
        >>> f"{optimal_ridge(2.0, loss='square', selection=KeepRandom()).ridge:.5f}"
        '0.57080'
    """
    alphas = check_alpha(alpha_prune)
    setting = RidgeSetting(
        loss=loss,
        selection=selection,
        probe_angle=probe_angle,
        probe=probe,
        label_noise=label_noise,
        sample_weight=sample_weight,
    )
    points = np.atleast_1d(alphas)
    best = [best_student(alpha, setting) for alpha in points.tolist()]
    angles = shaped_like(alphas, np.array([solution.probe_angle for solution in best]))
    return OptimalRidge(
        alpha_prune=shaped_like(alphas, points),
        loss=loss,
        probe_angle=best[0].probe_angle if probe is None else angles,
        ridge=shaped_like(alphas, np.array([solution.ridge for solution in best])),
        generalization_error=shaped_like(alphas, np.array([solution.generalization_error for solution in best])),
        residual=shaped_like(alphas, np.array([solution.residual for solution in best])),
    )


def best_student(alpha: float, setting: RidgeSetting, target: np.ndarray | None = None) -> EmpiricalRiskSolution[float]:
    """The student of the best ridge: the least of those sampled, minimised between its neighbours, or a limit.

    Args:
        alpha: α_prune.
        setting: What else there is.
        target: Direction against which it is tested, by default the teacher's (see `geometry`).
    """

    def tested(solution: EmpiricalRiskSolution[float]) -> float:
        return solution.generalization_error if target is None else float(angle_to(solution.direction, target))

    error = _error_of_log_ridge(alpha, setting, target)
    limits = [_at_limit(alpha, ridge, setting) for ridge in (0.0, math.inf)]
    errors = [error(log_ridge) for log_ridge in _LOG_RIDGES[::-1].tolist()][::-1]
    lowest = int(np.argmin(errors))
    lower, upper = _LOG_RIDGES[max(lowest - 1, 0)], _LOG_RIDGES[min(lowest + 1, _LOG_RIDGES.size - 1)]
    if lowest == 0 and not as_loss(check_loss(setting["loss"])).attains_infimum:
        lower, upper = _bracket_below(error, errors[0], upper)
    log_ridge = minimiser(error, lower, upper, xtol=_PRECISION)
    limit = min(limits, key=tested)
    if math.log(tested(limit)) <= error(log_ridge) + _SAME_ERROR:
        return limit
    return min(limit, _confirmed(alpha, log_ridge, setting), key=tested)


def _confirmed(alpha: float, log_ridge: float, setting: RidgeSetting) -> EmpiricalRiskSolution[float]:
    """The student at this ridge; below those sampled, at the next decade at which a second evaluation confirms it."""
    try:
        return empirical_risk(alpha, ridge=math.exp(log_ridge), **setting)
    except SaddlePointError:
        if log_ridge >= _LOG_RIDGES[0]:
            raise
        return _confirmed(alpha, log_ridge + _DECADE, setting)


def _error_of_log_ridge(alpha: float, setting: RidgeSetting, target: np.ndarray | None) -> Callable[[float], float]:
    """ln ε by ln λ, each student found from the last, without the check that the best alone gets."""
    students, near = _students(alpha, setting), None

    def log_error(log_ridge: float) -> float:
        nonlocal near
        near = students.under(setting["selection"], log_ridge, cast(Any, near))
        if target is None or not isinstance(near, RiskStudent):
            return near.log_error
        return math.log(angle_to(near.point.components, target))

    return log_error


def _students(alpha: float, setting: RidgeSetting) -> RiskStudents | StudentsOfTrainedProbe:
    """The students at this α at any ridge."""
    loss, selection = as_loss(check_loss(setting["loss"])), check_selection(setting["selection"])
    angle, noise = check_probe_angle(setting["probe_angle"]), check_label_noise(setting["label_noise"])
    weight, probe = setting["sample_weight"], check_probe(setting["probe"], angle)
    if probe is None:
        return RiskStudents(loss, math.nan, alpha, angle, noise, weight)
    pruning = Pruning.by(probe, selection, label_noise=noise, weight=weight)
    return StudentsOfTrainedProbe(loss, math.nan, pruning.of_kept(alpha, pruning.rough_fraction()).margins, weight)


def _bracket_below(error: Callable[[float], float], least: float, upper: float) -> tuple[float, float]:
    """ln λ on both sides of the first minimum below the sampled ridges, or a last decade where ε falls to the limit.

    Args:
        error: ε(ln λ).
        least: ε at the least ridge sampled.
        upper: The next sampled ln λ.
    """
    middle = float(_LOG_RIDGES[0])
    while (lower := middle - _DECADE) > _LEAST_LOG_RIDGE and (ahead := error(lower)) < least:
        middle, upper, least = lower, middle, ahead
    return lower, upper


def _at_limit(alpha: float, ridge: float, setting: RidgeSetting) -> EmpiricalRiskSolution[float]:
    """The student at λ = 0 or ∞; where a logistic loss has no minimiser at 0, its limit: the max-margin student.

    The direction of that student is the hinge loss's at ridge 0, whatever the sample weights.
    """
    try:
        return empirical_risk(alpha, ridge=ridge, **setting)
    except ValueError:
        if ridge == 0 and not as_loss(check_loss(setting["loss"])).attains_infimum:
            return empirical_risk(alpha, ridge=0.0, **{**setting, "loss": "hinge"})
        raise
