"""The least α_prune at which no student classifies every kept label.

At a student x = (a, 1), of unit norm outside the plane, the mean square shortfall of the kept examples is::

    M(a) = E (−ω)₊²,   ω = a·s + h,      1/α* = min over a of M(a)
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory.errors import SaddlePointError
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

RESIDUAL_TOLERANCE = 1e-10
_MOST_STEPS = 100  # Newton steps at most
_CONVERGED = 1e-11  # largest entry of the last Newton step, relative to 1 + |a|
_DESCENT = 0.1  # least descent of M, relative to that of its slope
_BACKTRACKING = 3.0  # factor by which a step without that descent is shortened
_SHORTEST_SHARE = 1e-6  # least share of a Newton step that is tried
_ROUNDING = 1e-15  # rise of M that rounding excuses
_ORDER_OF_CHECK = 24  # Gauss–Legendre nodes a panel of the second quadrature
_MARGINS_PER_PIECE = 99  # margins of one sign at which a piece is asked whether it keeps anything
_LARGEST_MARGIN = 12.0  # the largest of them, in standard deviations
_BOUNDARY = Breakpoints(fields=np.zeros(1), slopes=np.zeros(1))  # (−ω)₊² has its corner at ω = 0


@dataclass(frozen=True)
class Threshold:
    """The least α at which no student classifies every kept label.

    Attributes:
        alpha: α*, infinite where teacher or probe classify all.
        components: (a₁, a₂) of the last student that does, whose part outside the plane is of length 1; of the teacher
            or the probe, where there is no last one, not a number.
        residual: Of the minimum, by a second quadrature.
    """

    alpha: float
    components: np.ndarray
    residual: float


def threshold(kept: KeptDistribution) -> float:
    """α*, infinite where teacher or probe classify all kept labels; see `solved_threshold`."""
    return solved_threshold(kept).alpha


@lru_cache(maxsize=1)  # a curve asks at every α
def solved_threshold(kept: KeptDistribution) -> Threshold:
    """α* and the student there.

    Raises:
        SaddlePointError: The minimum is not confirmed by a second quadrature to 1e-10.
    """
    if _is_separable(kept):
        return Threshold(math.inf, np.full(2, math.nan), 0.0)
    averages, a = KeptAverages(kept), np.zeros(2)
    shortfall, slope, curvature = _shortfall(averages, a)
    for _ in range(_MOST_STEPS):
        step, share = -np.linalg.solve(curvature, slope), 1.0
        if np.max(np.abs(step)) < _CONVERGED * (1 + np.max(np.abs(a))):
            break
        ahead = _shortfall(averages, a + step)
        while not ahead[0] <= shortfall + _DESCENT * share * slope @ step + _ROUNDING and share > _SHORTEST_SHARE:
            share /= _BACKTRACKING
            ahead = _shortfall(averages, a + share * step)
        a, (shortfall, slope, curvature) = a + share * step, ahead
    return Threshold(1 / shortfall, a, _checked_residual(kept, a, shortfall))


def _is_separable(kept: KeptDistribution) -> bool:
    """Whether teacher or probe classify all kept labels, or all of them wrongly."""
    if kept.label_noise == 0:
        return True
    return not all(any(_keeps(piece, side) for piece in kept.pieces) for side in (1.0, -1.0))


def _keeps(piece: Piece, side: float) -> bool:
    """Whether a piece keeps any margin of this sign."""
    far = side * _LARGEST_MARGIN
    lower, upper = np.clip([piece.lower, piece.upper], min(far, 0.0), max(far, 0.0))
    return lower < upper and bool(np.any(piece(np.linspace(lower, upper, _MARGINS_PER_PIECE + 2)[1:-1]) > 0))


def _shortfall(averages: KeptAverages, a: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """M(a) = E (−ω)₊², its gradient −2 E[(−ω)₊ s] and Hessian 2 E[1(ω < 0) s sᵀ]."""
    nodes = averages(_BOUNDARY, np.append(a, 1.0), 1.0)
    curvature = 2 * nodes.second(1.0 * (nodes.field < 0))[:2, :2]
    return *_shortfall_and_slope(nodes), curvature


def _shortfall_and_slope(nodes: FieldNodes) -> tuple[float, np.ndarray]:
    short = np.maximum(-nodes.field, 0.0)
    return nodes.mean(short**2), -2 * nodes.first(short)[:2]


def _checked_residual(kept: KeptDistribution, a: np.ndarray, shortfall: float) -> float:
    """M(a) and ∂M/∂a = 0 by the other quadrature, relative to M."""
    nodes = quadrature_nodes(kept, np.append(a, 1.0), _BOUNDARY, 1.0, order=_ORDER_OF_CHECK)
    again, slope = _shortfall_and_slope(nodes)
    residual = float(np.max(np.abs([*(slope / 2 / shortfall), again / shortfall - 1])))
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError("a second quadrature does not confirm the threshold", residual=residual)
    return residual
