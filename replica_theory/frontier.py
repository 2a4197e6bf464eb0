"""The best fraction to keep, at each number of kept examples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._max_margin.continuation import solve_students
from replica_theory._max_margin.newton import newton
from replica_theory._numerics.one_variable import minimiser
from replica_theory.errors import FloatOrArray, Values, check_alpha, check_keep_fraction, check_probe_angle, shaped_like
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_SCANNED = 13  # fractions f of the scan, equally spaced in ln f
_LOG_FRACTION_TOLERANCE = 1e-5  # of the best ln f; ε is flat there, and good to 1e-10


@dataclass(frozen=True, kw_only=True)
class ParetoFrontier(Generic[Values]):
    """Least error of keep-hardest pruning at each α_prune, with the fraction that attains it.

    Attributes:
        alpha_prune: α, kept examples per dimension: a float, or an array (points,).
        probe_angle: θ, radians.
        min_keep_fraction: Least fraction allowed: the pool holds at most α / min_keep_fraction.
        keep_fraction: Best f, in [min_keep_fraction, 1], shaped like ``alpha_prune``.
        generalization_error: ε there.
    """

    alpha_prune: Values
    probe_angle: float
    min_keep_fraction: float
    keep_fraction: Values
    generalization_error: Values


@overload
def pareto_frontier(
    alpha_prune: float, *, probe_angle: float = 0.0, min_keep_fraction: float
) -> ParetoFrontier[float]: ...
@overload
def pareto_frontier(
    alpha_prune: np.ndarray | Sequence[float], *, probe_angle: float = 0.0, min_keep_fraction: float
) -> ParetoFrontier[np.ndarray]: ...
def pareto_frontier(
    alpha_prune: ArrayLike, *, probe_angle: float = 0.0, min_keep_fraction: float
) -> ParetoFrontier[FloatOrArray]:
    """Best keep-hardest fraction at each α_prune, for a pool bounded by ``min_keep_fraction``.

    Minimises ε(α, f) over ln f: a scan of the interval brackets the least minimum, Brent's method
    refines it.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        min_keep_fraction: Least f considered, in (0, 1].

    Returns:
        The frontier, shaped like ``alpha_prune``.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution at a fraction that was tried.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, section 2.
    """
    alphas, angle = check_alpha(alpha_prune), check_probe_angle(probe_angle)
    least = check_keep_fraction(min_keep_fraction, "min_keep_fraction")
    points = np.atleast_1d(alphas)
    log_fractions = np.linspace(math.log(least), 0.0, _SCANNED)
    log_errors = np.stack([_log_error(points, log_fraction, angle) for log_fraction in log_fractions])
    best = [_refined(float(alpha), angle, log_fractions, log_errors[:, i]) for i, alpha in enumerate(points)]
    fractions, errors = np.array(best).T
    return ParetoFrontier(
        alpha_prune=shaped_like(alphas, points),
        probe_angle=angle,
        min_keep_fraction=least,
        keep_fraction=shaped_like(alphas, fractions),
        generalization_error=shaped_like(alphas, errors),
    )


def _log_error(alphas: np.ndarray, log_fraction: float, angle: float) -> np.ndarray:
    """ln ε, (points,), each student verified."""
    return np.log(max_margin(alphas, selection=_rule(log_fraction), probe_angle=angle).generalization_error)


def _rule(log_fraction: float) -> KeepHardest:
    return KeepHardest(min(1.0, math.exp(log_fraction)))


def _refined(alpha: float, angle: float, log_fractions: np.ndarray, log_errors: np.ndarray) -> tuple[float, float]:
    """Best fraction and its error, by Brent's method between the neighbours of the scan's lowest point.

    Newton's method finds each student from the one before it; the last is solved for afresh, and verified.
    """
    lowest, alphas = int(np.argmin(log_errors)), np.array([alpha])
    student = solve_students(_rule(log_fractions[lowest]).kept_distribution(angle), alphas).students

    def log_error(log_fraction: float) -> float:
        nonlocal student
        kept = _rule(log_fraction).kept_distribution(angle)
        result = newton(kept, student)
        student = result.students if result.converged[0] else solve_students(kept, alphas).students
        return float(np.log(student.generalization_error[0]))

    left, right = log_fractions[max(lowest - 1, 0)], log_fractions[min(lowest + 1, _SCANNED - 1)]
    refined = minimiser(log_error, left, right, xtol=_LOG_FRACTION_TOLERANCE)
    verified = float(_log_error(alphas, refined, angle)[0])
    if verified < log_errors[lowest]:
        return min(1.0, math.exp(refined)), math.exp(verified)
    return math.exp(log_fractions[lowest]), math.exp(log_errors[lowest])
