"""Newton's method on the equations of the max-margin student, for many students at once."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.saddle_point import Stationarity, stationarity
from replica_theory.selection.kept_distribution import KeptDistribution

TOLERANCE = 1e-13
_ROUNDING = 1e-9  # below it, a residual that stops falling has met the rounding of its terms
_LONGEST = 0.7  # step, in any coordinate
_HOPELESS = 1e3
_ITERATIONS = 12
_CHUNK = 16  # students whose nodes stay in the cache


@dataclass(frozen=True)
class Polished:
    """What Newton's method made of some students.

    Attributes:
        students: The students.
        residual: Largest residual of each.
        found: Whether it is as small as was asked, or as rounding allows.
        first_residual: That of the start.
        tangents: (students, 4), unit tangents of their curves towards larger α, in the coordinates of
            `OrderParameters.stepped`, slack in units of ``unit``.
        unit: The slack that doubles M or so.
    """

    students: OrderParameters
    residual: np.ndarray
    found: np.ndarray
    first_residual: np.ndarray
    tangents: np.ndarray
    unit: np.ndarray

    @property
    def scaling_exponent(self) -> np.ndarray:
        """d ln ε/d ln α, along the curve."""
        return (self.students.log_error_slopes() * self.tangents).sum(-1) / self.tangents[:, 0]


def newton(
    law: KeptDistribution,
    students: OrderParameters,
    *,
    direction: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
    here: Stationarity | None = None,
) -> Polished:
    """Solves for students from near-by ones, at fixed α or in the plane across ``direction``; ``here`` if known."""
    here = here or equations(law, students)
    steps, tangents = _steps(here, direction)
    first = size = np.abs(here.residual).max(-1)
    previous = np.full_like(size, math.inf)
    for iteration in range(_ITERATIONS):
        active = _unfinished(students, here, size, previous, tolerance) & ((size < 0.8 * previous) | (iteration < 2))
        if not active.any():
            break
        previous, size = size, size.copy()
        if active.all():
            students = _stepped(students, here.unit, steps)
            here = equations(law, students)
            steps, tangents = _steps(here, direction)
            size = np.abs(here.residual).max(-1)
            continue
        moved = _stepped(students[active], here.unit[active], steps[active])
        ahead = equations(law, moved)
        students, here = students.with_replaced(active, moved), here.with_replaced(active, ahead)
        steps[active], tangents[active] = _steps(ahead, None if direction is None else direction[active])
        size[active] = np.abs(ahead.residual).max(-1)
    found = size < max(tolerance, _ROUNDING)
    return Polished(students, size, found, first, tangents, here.unit)


def equations(law: KeptDistribution, students: OrderParameters) -> Stationarity:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where a student is lost
        step = max(1, _CHUNK // len(law.pieces))
        if students.k.size <= step:
            return stationarity(law, students)
        parts = [stationarity(law, students[i : i + step]) for i in range(0, students.k.size, step)]
    return Stationarity(*map(np.concatenate, zip(*(vars(p).values() for p in parts), strict=True)))


def _unfinished(
    students: OrderParameters, here: Stationarity, size: np.ndarray, previous: np.ndarray, tolerance: float
) -> np.ndarray:
    """Which students to step on: neither close enough, nor at the rounding of their terms, nor hopeless."""
    # where the margin is small, an anchor is rough only within its margin
    close = size < TOLERANCE
    if tolerance > TOLERANCE:
        close |= size < tolerance * np.minimum(1.0, students.k.astype(float) / here.unit)
    stalled = (size < _ROUNDING) & (size > 0.1 * previous)
    return ~close & ~stalled & (size < _HOPELESS)


def _stepped(students: OrderParameters, unit: np.ndarray, steps: np.ndarray) -> OrderParameters:
    """Newton's steps, no longer than allowed; k at most falls by a factor of a few."""
    slack = unit * steps[:, 1]
    longest = np.maximum(np.abs(steps).max(-1), -slack / students.k)
    share = np.minimum(1.0, _LONGEST / longest).astype(float)
    return students.stepped(steps[:, 0] * share, slack * share, steps[:, 2] * share, steps[:, 3] * share)


def _steps(here: Stationarity, direction: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Newton's steps at fixed α, or in the plane across ``direction``, and the unit tangents towards larger α."""
    count = len(here.residual)
    sides = np.empty((count, 3, 2))
    sides[..., 0], sides[..., 1] = here.residual, here.jacobian[..., 0]
    steps, tangents = np.zeros((count, 4)), np.ones((count, 4))
    solved = _solved(here.jacobian[..., 1:], sides)
    np.negative(solved[..., 0], out=steps[:, 1:])
    np.negative(solved[..., 1], out=tangents[:, 1:])
    if direction is not None:
        steps -= ((steps * direction).sum(-1) / (tangents * direction).sum(-1))[:, None] * tangents
    tangents /= np.sqrt((tangents * tangents).sum(-1))[:, None]
    return steps, tangents


def _solved(matrices: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Solutions of many small systems; NaN where one is singular or not finite, which leads nowhere."""
    try:
        return np.linalg.solve(matrices, sides)
    except np.linalg.LinAlgError:
        solutions = np.full(sides.shape, math.nan)
        usable = np.flatnonzero(np.isfinite(matrices).all((-2, -1)))
        usable = usable[np.linalg.det(matrices[usable]) != 0]
        solutions[usable] = np.linalg.solve(matrices[usable], sides[usable])
        return solutions
