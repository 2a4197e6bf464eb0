"""Solution of the leave-one-out equations: Anderson's acceleration, continuation in the ridge, a finer check."""

from dataclasses import dataclass

import numpy as np

from replica_theory._real_data.leave_one_out.cavity import Cavity, Equations, Step
from replica_theory._real_data.leave_one_out.products import Products
from replica_theory._real_data.leave_one_out.rows import Rows
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments import LEVELS, force_moments, in_closed_form
from replica_theory.losses.named import LOSSES

TOLERANCE = 1e-6  # largest change, relative, in one more step on a finer quadrature
_SOLVED = 1e-7  # largest change of the last step of the iteration
_ROUGHLY = 1e-2  # that down to which products with the rows are in single precision
_FIRST_LEVEL = 1  # of the quadrature
_DEPTH = 6  # steps that Anderson's acceleration remembers
_MOST_STEPS = 60
_NEAR = 0.5  # change below which steps are accelerated
_WORSE = 3.0  # change, relative to the least so far, at which the acceleration begins anew
_RIDGE_RATIO = 10.0**0.5  # between ridges of a continuation
_LARGEST_START = 1e3  # ridge at which a continuation begins at most


@dataclass(frozen=True, eq=False)
class Solved:
    """Attributes: the last step from the solution, on the finest quadrature, and its largest relative change."""

    step: Step
    residual: float


@dataclass
class _Stalled(Exception):
    """The iteration did not converge; the least change that it reached."""

    residual: float


def solve(rows: Rows, loss: Loss, penalty: np.ndarray) -> Solved:
    """Solution at the penalty: directly, else from the students of the square loss, else from larger ridges.

    Raises:
        SaddlePointError: No solution to a residual of 1e-6.
    """
    try:
        return _solve_at(rows, loss, penalty, _first_guess(rows, penalty))
    except _Stalled:
        pass
    try:
        guess = _solve_at(rows, LOSSES["square"], penalty, _first_guess(rows, penalty)).step.cavity
        return _solve_at(rows, loss, penalty, guess)
    except _Stalled:
        return _continued(rows, loss, penalty)


def _continued(rows: Rows, loss: Loss, penalty: np.ndarray) -> Solved:
    ridge = penalty.max()
    ladder = [ridge]
    while ladder[-1] < min(1.0, _LARGEST_START * ridge) or len(ladder) < 5:
        ladder.append(ladder[-1] * _RIDGE_RATIO)
    guess, at = _first_guess(rows, penalty * (ladder[-1] / ridge)), ladder[-1]
    try:
        for at in ladder[:0:-1]:
            guess = _solve_at(rows, loss, penalty * (at / ridge), guess).step.cavity
        at = ridge
        return _solve_at(rows, loss, penalty, guess)
    except _Stalled as stalled:
        raise SaddlePointError(
            f"the leave-one-out equations have no solution at ridge {at:g}; try a larger `ridge`", stalled.residual
        ) from None


def _first_guess(rows: Rows, penalty: np.ndarray) -> Cavity:
    n, d = rows.inputs.shape
    spread = np.einsum("ij,ij->i", rows.inputs, rows.inputs) / rows.normalisation
    leverage = spread / (
        penalty.max() + 0.2 * rows.count.sum() / rows.normalisation * spread.mean() * rows.normalisation / d
    )
    return Cavity(np.zeros(d), np.zeros(n), np.ones(n), np.maximum(0.25 * leverage, 1e-12))


def _solve_at(rows: Rows, loss: Loss, penalty: np.ndarray, guess: Cavity) -> Solved:
    """Solution from a guess, on a quadrature of which the next finer one finds nothing wrong."""
    exact, single, residual, level = Equations.of(rows, penalty), rows.in_single_precision(), np.inf, _FIRST_LEVEL
    while level < LEVELS:
        guess = _anderson(rows, single, penalty, loss, level, guess)
        finer = force_moments(loss, min(level + 1, LEVELS - 1))
        step = exact.step(finer, guess)
        residual = _change(step.cavity, guess)
        if residual < TOLERANCE:
            return Solved(step, residual)
        guess, level = step.cavity, LEVELS if in_closed_form(loss) else level + 1
    raise _Stalled(residual)


def _change(new: Cavity, old: Cavity) -> float:
    """Largest change: of fields relative to their size, of V relative to itself."""
    size = _size(new)
    return float(
        max(
            np.abs(new.mean - old.mean).max() / size,
            np.abs(new.deviation - old.deviation).max() / size,
            np.abs(np.log(new.leverage / old.leverage)).max(),
        )
    )


def _size(cavity: Cavity) -> float:
    return float(np.abs(cavity.mean).mean() + np.sqrt(np.mean(cavity.deviation**2)))


def _anderson(rows: Rows, single: Rows, penalty: np.ndarray, loss: Loss, level: int, guess: Cavity) -> Cavity:
    """Fixed point of a step: plain steps from afar, which contract, then Anderson's acceleration.

    Far from it, all is in single precision and the quadrature one level coarser; near it, see `Products.near`.
    """
    d, roughly, near = len(guess.direction), Equations.of(single, penalty), None
    rough_moments, moments = force_moments(loss, level - 1, np.float32), force_moments(loss, level)
    points: list[np.ndarray] = []
    images: list[np.ndarray] = []
    cavity, best = guess, np.inf
    for _ in range(_MOST_STEPS):
        if near is None and best <= _ROUGHLY:
            near = Equations(rows, penalty, Products.near(rows, single))
        try:
            new = (near.step(moments, cavity) if near else roughly.step(rough_moments, cavity)).cavity
        except np.linalg.LinAlgError:
            raise _Stalled(best) from None
        change = _change(new, cavity)
        if not np.isfinite(change):
            raise _Stalled(best)
        if near and change < _SOLVED:
            return new
        if change > _NEAR or change > _WORSE * best:
            points, images, near = [], [], None
        points, images = [*points, cavity.vector()][-_DEPTH:], [*images, new.vector()][-_DEPTH:]
        following = _mixed(points, images) if change < best or change < _NEAR else 0.5 * (points[-1] + images[-1])
        best, cavity = min(best, change), Cavity.of_vector(following, d)
    raise _Stalled(best)


def _mixed(points: list[np.ndarray], images: list[np.ndarray]) -> np.ndarray:
    """The combination of the last images whose changes cancel best."""
    if len(points) < 2:
        return images[-1]
    changes = [image - point for image, point in zip(images, points, strict=True)]
    past = np.array([changes[-1] - change for change in changes[:-1]])
    normal = past @ past.T
    normal[np.diag_indices_from(normal)] *= 1 + 1e-11
    shares = np.linalg.solve(normal, past @ changes[-1])
    return images[-1] - sum(share * (images[-1] - image) for share, image in zip(shares, images[:-1], strict=True))
