"""The best fraction to keep, at each number of kept examples."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from replica_theory._max_margin.continuation import solve_students
from replica_theory._max_margin.newton import newton
from replica_theory.errors import check_alpha, check_keep_fraction, check_probe_angle
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_SCAN = 13


@dataclass(frozen=True, kw_only=True)
class ParetoFrontier:
    """Least error of keep-hardest pruning at each α_prune, with the fraction that attains it.

    Attributes:
        alpha_prune: α, kept examples per dimension.
        probe_angle: θ, radians.
        min_keep_fraction: Least fraction allowed: the pool holds at most α / min_keep_fraction.
        keep_fraction: Best f, in [min_keep_fraction, 1].
        generalization_error: ε there.
    """

    alpha_prune: Any
    probe_angle: float
    min_keep_fraction: float
    keep_fraction: Any
    generalization_error: Any


def pareto_frontier(alpha_prune: ArrayLike, *, probe_angle: float = 0.0, min_keep_fraction: float) -> ParetoFrontier:
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
    scan = np.linspace(math.log(least), 0.0, _SCAN)
    scanned = np.stack([_log_error(np.atleast_1d(alphas), log_fraction, angle) for log_fraction in scan])
    columns = zip(np.atleast_1d(alphas), scanned.T, strict=True)
    best = np.array([_refined(float(alpha), angle, scan, column) for alpha, column in columns])
    fraction, error = best.T if alphas.ndim else best[0]
    return ParetoFrontier(
        alpha_prune=alphas if alphas.ndim else float(alphas),
        probe_angle=angle,
        min_keep_fraction=least,
        keep_fraction=fraction,
        generalization_error=error,
    )


def _log_error(alpha: ArrayLike, log_fraction: float, angle: float) -> np.ndarray:
    return np.log(max_margin(alpha, selection=_rule(log_fraction), probe_angle=angle).generalization_error)


def _rule(log_fraction: float) -> KeepHardest:
    return KeepHardest(min(1.0, math.exp(log_fraction)))


def _refined(alpha: float, angle: float, scan: np.ndarray, scanned: np.ndarray) -> tuple[float, float]:
    """Best fraction and its error, by Brent's method between the neighbours of the scan's lowest point.

    Each student is found from the one before it; the last is solved for afresh, and verified.
    """
    lowest = int(np.argmin(scanned))
    near = solve_students(_rule(scan[lowest]).kept_distribution(angle), np.array([alpha])).students

    def log_error(log_fraction: float) -> float:
        nonlocal near
        law = _rule(log_fraction).kept_distribution(angle)
        moved = newton(law, near)
        near = moved.students if moved.found[0] else solve_students(law, np.array([alpha])).students
        return float(np.log(near.generalization_error[0]))

    refined: Any = minimize_scalar(
        log_error,
        bounds=(scan[max(lowest - 1, 0)], scan[min(lowest + 1, _SCAN - 1)]),
        method="bounded",
        options={"xatol": 1e-5},  # ε is flat there: it is good to 1e-10
    )
    verified = float(_log_error(alpha, refined.x, angle))
    if verified < scanned[lowest]:
        return min(1.0, math.exp(refined.x)), math.exp(verified)
    return math.exp(scan[lowest]), math.exp(scanned[lowest])
