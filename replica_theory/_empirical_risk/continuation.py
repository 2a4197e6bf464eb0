"""Saddle points along a path: of growing α, each the start of the next, or of falling ridges to a difficult one."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from replica_theory._empirical_risk.newton import CONVERGED, newton
from replica_theory._empirical_risk.order_parameters import OrderParameters, extrapolated
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory.errors import SaddlePointError

_ACCEPTED = 1e-9  # largest relative residual of a saddle point, where rounding ends the iteration
_ROUGH = 1e-2  # largest relative residual of a point on the way to another
_NEAR = 2.0  # largest ratio of α to that of the path's last point from which Newton's method starts
_FARTHEST = 2.0  # longest extrapolation of a path, in units of its last step
_FIRST_RATIO = 0.04  # ratio of neighbouring ridges with which the path begins
_LAST_RATIO = 0.95  # ratio at which it is given up
_LEAST_RIDGE = 1e-9  # least λ of the path to λ = 0 before its last step


@dataclass
class AlphaPath:
    """Saddle points found at growing α, λ fixed."""

    points: list[OrderParameters] = field(default_factory=list)

    def start(self, alpha: float) -> OrderParameters | None:
        """The path extrapolated to α in ln α; None if its last point is far."""
        if not self.points or alpha > _NEAR * self.points[-1].alpha:
            return None
        before, last = self.points[max(len(self.points) - 2, 0)], self.points[-1]
        share = _share(before.alpha, last.alpha, alpha)
        return replace(_predicted(before, last, share), alpha=alpha)


@one_blas_thread()
def solve(risk: RegularisedRisk, start: OrderParameters) -> OrderParameters:
    """The saddle point at the α and ridge of the start, or failing that by way of larger ridges."""
    point, residual = newton(risk, start)
    return point if residual < _ACCEPTED else _by_falling_ridges(risk, start)


def _by_falling_ridges(risk: RegularisedRisk, target: OrderParameters) -> OrderParameters:
    """From a large ridge, where w is small and b = √α/λ, V = 1/λ, with factors of λ that adapt to their success."""
    ridge = 10 * (1 + target.alpha + target.ridge)
    components = np.append(np.zeros(target.components.size - 1), math.sqrt(target.alpha) / ridge)
    start = replace(target, ridge=ridge, components=components, scale=1 / ridge)
    point, residual = newton(risk, start, tolerance=_ROUGH)
    before, ratio = point, _FIRST_RATIO
    while residual < _ROUGH and point.ridge > target.ridge and ratio < _LAST_RATIO:
        ridge = max(target.ridge, ratio * point.ridge)
        is_last = ridge <= max(target.ridge, _LEAST_RIDGE)
        guess = _predicted(before, point, _share(before.ridge, point.ridge, ridge))
        guess = replace(guess, ridge=target.ridge if is_last else ridge)
        ahead, size = newton(risk, guess, tolerance=CONVERGED if is_last else _ROUGH)
        if size < (_ACCEPTED if is_last else _ROUGH):
            before, point, residual, ratio = point, ahead, size, max(_FIRST_RATIO, ratio**1.5)
        else:
            ratio = math.sqrt(ratio)
    if point.ridge > target.ridge:
        raise SaddlePointError(
            f"no student found at alpha_prune = {target.alpha}, ridge < {point.ridge}", residual=residual
        )
    return point


def _share(before: float, last: float, target: float) -> float:
    """ln(target/last) / ln(last/before): how far to extrapolate a path in α or λ; 0 where it has one point."""
    covered = math.log(last / before)
    return math.log(target / last) / covered if covered and target else 0.0


def _predicted(before: OrderParameters, last: OrderParameters, share: float) -> OrderParameters:
    """The path of two points extrapolated by this share of their distance; its last point where that is too far."""
    if not 0 < share <= _FARTHEST:
        return last
    components, scale = extrapolated(before, last, share)
    return replace(last, components=components, scale=scale)
