"""The least α_prune at which no student classifies every kept label."""

import math
from functools import lru_cache

import numpy as np

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory.errors import SaddlePointError
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

RESIDUAL_TOLERANCE = 1e-10


_ITERATIONS = 100


@lru_cache(maxsize=1)  # a curve asks at every α
def threshold_of(law: KeptDistribution) -> float:
    """The same, of a law."""
    if _is_separable(law):
        return math.inf
    averages, direction = KeptAverages(law), np.zeros(2)
    shortfall, slope, curvature = _shortfall(averages, direction)
    for _ in range(_ITERATIONS):
        step, share = -np.linalg.solve(curvature, slope), 1.0
        if np.max(np.abs(step)) < 1e-11 * (1 + np.max(np.abs(direction))):
            break
        ahead = _shortfall(averages, direction + step)
        while not ahead[0] <= shortfall + 0.1 * share * slope @ step + 1e-15 and share > 1e-6:
            share /= 3
            ahead = _shortfall(averages, direction + share * step)
        direction, (shortfall, slope, curvature) = direction + share * step, ahead
    _check(averages, direction, shortfall)
    return 1 / shortfall


def _is_separable(law: KeptDistribution) -> bool:
    """Whether teacher or probe classify all kept labels, or all of them wrongly."""
    if law.label_noise == 0:
        return True
    return not all(any(_holds(piece, side) for piece in law.pieces) for side in (1.0, -1.0))


def _holds(piece: Piece, side: float) -> bool:
    """Whether a piece keeps any margin of this sign."""
    lower, upper = np.clip([piece.lower, piece.upper], -12.0, 12.0)
    margins = np.linspace(lower, upper, 101)[1:-1]
    return bool(np.any(piece(margins[margins * side > 0]) > 0))


def _shortfall(averages: KeptAverages, direction: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """E (−ω)₊² at x = (a, 1), with its gradient and Hessian in a."""
    cells = averages(_AtZero(), np.append(direction, 1.0), 1.0)
    short = np.maximum(-cells.field, 0.0)
    curvature = 2 * cells.second(1.0 * (cells.field < 0))[:2, :2]
    return cells.mean(short**2), -2 * cells.first(short)[:2], curvature


def _check(averages: KeptAverages, direction: np.ndarray, shortfall: float) -> None:
    """The minimum by the other quadrature."""
    cells = quadrature_nodes(averages.law, np.append(direction, 1.0), _AtZero(), 1.0, order=24)
    short = np.maximum(-cells.field, 0.0)
    slope = cells.first(short)[:2] / shortfall
    residual = float(np.max(np.abs([*slope, cells.mean(short**2) / shortfall - 1])))
    if not residual <= RESIDUAL_TOLERANCE:
        raise SaddlePointError("a second quadrature does not confirm the threshold", residual=residual)


class _AtZero(HardMargin):
    """A loss whose only mark is ω = 0."""

    @property
    def landmarks(self) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(1), np.zeros(1)
