"""The best fraction to keep, at each number of kept examples."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

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


def pareto_frontier(
    alpha_prune: ArrayLike, *, probe_angle: float = 0.0, min_keep_fraction: float
) -> ParetoFrontier:
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
    best = np.array([_best_fraction(float(alpha), angle, least) for alpha in np.atleast_1d(alphas)])
    fraction, error = best.T if alphas.ndim else best[0]
    return ParetoFrontier(
        alpha_prune=alphas if alphas.ndim else float(alphas),
        probe_angle=angle,
        min_keep_fraction=least,
        keep_fraction=fraction,
        generalization_error=error,
    )


def _best_fraction(alpha: float, angle: float, least: float) -> tuple[float, float]:
    def log_error(log_fraction: float) -> float:
        rule = KeepHardest(min(1.0, math.exp(log_fraction)))
        return math.log(max_margin(alpha, selection=rule, probe_angle=angle).generalization_error)

    scan = np.linspace(math.log(least), 0.0, _SCAN)
    values = [log_error(point) for point in scan]
    lowest = int(np.argmin(values))
    inside = (scan[max(lowest - 1, 0)], scan[min(lowest + 1, _SCAN - 1)])
    refined = minimize_scalar(log_error, bounds=inside, method="bounded", options={"xatol": 1e-6})
    if refined.fun < values[lowest]:
        return min(1.0, math.exp(refined.x)), math.exp(refined.fun)
    return math.exp(scan[lowest]), math.exp(values[lowest])
