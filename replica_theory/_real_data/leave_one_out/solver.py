"""Solution of the leave-one-out equations: an accelerated iteration, continuation in the ridge, a finer check."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from replica_theory._real_data.leave_one_out.acceleration import Anderson
from replica_theory._real_data.leave_one_out.cavity import Cavity, Equations, Step
from replica_theory._real_data.leave_one_out.components import Components
from replica_theory._real_data.leave_one_out.first_guess import first_guess
from replica_theory._real_data.leave_one_out.products import Products
from replica_theory._real_data.leave_one_out.rows import Rows
from replica_theory._real_data.leave_one_out.uncorrelated import Uncorrelated
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments import LEVELS, Moments, costly, force_moments, in_closed_form
from replica_theory.losses.named import LOSSES

TOLERANCE = 1e-6  # largest change, relative, in one more step on a finer quadrature
_SOLVED = TOLERANCE  # the same where all before was in single precision
_CLOSE = 3e-6  # change down to which products with the rows are in single precision
_SURE = 0.3  # change, relative to that allowed, after which a solution surely stands the check
_STARTED = 0.2  # change down to which components are taken to be uncorrelated, and moments are rough
_FIRST_LEVEL = 1  # of the quadrature
_ROUNDING = 1e-3  # change below which it may be rounding in single precision
_MOST_FIRST_STEPS = 10  # with components that are taken to be uncorrelated
_MOST_STEPS = 100
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
    """The iteration did not converge.

    Attributes:
        residual: The least change that it reached.
        last: The unknowns at which it ended.
    """

    residual: float
    last: Cavity


@dataclass(frozen=True, eq=False)
class _Problem:
    """Rows, their components, and a loss."""

    rows: Rows
    components: Components
    loss: Loss

    @cached_property
    def rough_moments(self) -> Moments:
        """Those of the loss on the coarsest quadrature, in single precision."""
        return force_moments(self.loss, _FIRST_LEVEL - 1, np.float32)


def solve(rows: Rows, loss: Loss, penalty: np.ndarray) -> Solved:
    """Solution at the penalty: directly, else from the students of the square loss, else from larger ridges.

    Raises:
        SaddlePointError: No solution to a residual of 1e-6.
    """
    problem = _Problem(rows, Components.of(rows), loss)
    try:
        return _solve_at(problem, penalty, _of_uncorrelated(problem, penalty))
    except _Stalled:
        pass
    try:
        guess = _solve_at(replace(problem, loss=LOSSES["square"]), penalty, first_guess(rows, penalty)).step.cavity
        return _solve_at(problem, penalty, guess)
    except _Stalled:
        return _continued(problem, penalty)


def _continued(problem: _Problem, penalty: np.ndarray) -> Solved:
    ridge = penalty.max()
    ladder = [ridge]
    while ladder[-1] < min(1.0, _LARGEST_START * ridge) or len(ladder) < 5:
        ladder.append(ladder[-1] * _RIDGE_RATIO)
    at, unit = ladder[-1], penalty / ridge
    try:
        solved = _solve_at(problem, at * unit, first_guess(problem.rows, at * unit))
        for last, at in pairwise(ladder[::-1]):
            solved = _lowered(problem, unit, solved, last, at)
    except _Stalled as stalled:
        raise SaddlePointError(
            f"the leave-one-out equations have no solution at ridge {at:g}; try a larger `ridge`", stalled.residual
        ) from None
    return solved


def _lowered(problem: _Problem, unit: np.ndarray, solved: Solved, last: float, ridge: float) -> Solved:
    """The solution at a ridge from that at a larger one, by way of their geometric mean if need be."""
    try:
        return _solve_at(problem, ridge * unit, solved.step.cavity)
    except _Stalled:
        middle = _solve_at(problem, (last * ridge) ** 0.5 * unit, solved.step.cavity)
        return _solve_at(problem, ridge * unit, middle.step.cavity)


def _of_uncorrelated(problem: _Problem, penalty: np.ndarray) -> Cavity:
    """A guess: the solution if components stayed uncorrelated, however forces weight the rows, where steps near it."""
    components, guess, moments = problem.components, first_guess(problem.rows, penalty), problem.rough_moments
    if costly(moments):
        return guess
    equations = Uncorrelated.of_components(components, penalty)
    try:
        start = _iterated(equations, moments, guess, _STARTED, Anderson(), most=_MOST_FIRST_STEPS)
    except _Stalled as stalled:
        if stalled.residual > _NEAR:
            return guess
        start = stalled.last
    return replace(start, direction=components.basis @ start.direction)


def _solve_at(problem: _Problem, penalty: np.ndarray, guess: Cavity) -> Solved:
    """Solution from a guess, on a quadrature of which the next finer one finds nothing wrong."""
    rows, loss, residual = problem.rows, problem.loss, np.inf
    exact = Equations.of(rows, penalty)
    for level in range(_FIRST_LEVEL, _FIRST_LEVEL + 1 if in_closed_form(loss) else LEVELS):
        guess = _in_single_precision(problem, penalty, guess, level)
        near = replace(exact, products=Products.near(rows, problem.components))
        moments, finer = force_moments(loss, level), force_moments(loss, min(level + 1, LEVELS - 1))
        for equations, enough in ((near, _SOLVED), (exact, TOLERANCE)):  # the first products of both are exact
            step = equations.step(finer, guess)
            residual = _change(step.cavity, guess)
            if residual < enough:
                return Solved(step, residual)
            guess = step.cavity
            if equations is near:
                guess = _iterated(near, moments, guess, _SURE * _SOLVED, Anderson())
    raise _Stalled(residual, guess)


def _in_single_precision(problem: _Problem, penalty: np.ndarray, guess: Cavity, level: int) -> Cavity:
    """The solution as far as single precision has it."""
    components, anderson = problem.components, Anderson()
    equations = Equations(components, components.penalty(penalty), Products.of(components))
    guess = replace(guess, direction=guess.direction @ components.basis)
    moments = force_moments(problem.loss, level, np.float32)
    guess = _iterated(equations, problem.rough_moments, guess, _STARTED, anderson, rounding=_ROUNDING)
    guess = _iterated(equations, moments, guess, _CLOSE, anderson, rounding=_ROUNDING)
    return replace(guess, direction=components.basis @ guess.direction)


def _change(new: Cavity, old: Cavity) -> float:
    """Largest change: of fields relative to their size, of V relative to itself."""
    n = len(new.mean)
    mean, deviation, leverage = np.abs(new.vector[-3 * n :] - old.vector[-3 * n :]).reshape(3, n).max(axis=1)
    size = np.abs(new.mean).sum() / n + np.sqrt(new.deviation @ new.deviation / n)  # E |m| + √E c² over rows
    return float(np.max([mean / size, deviation / size, leverage]))


def _iterated(
    equations: Equations,
    moments: Moments,
    cavity: Cavity,
    to: float,
    anderson: Anderson,
    *,
    rounding: float = 0.0,
    most: int | None = None,
) -> Cavity:
    """Unknowns that a step changes by less than this, or no less than before if that may be rounding."""
    d, best, idle = len(cavity.direction), np.inf, 0
    for _ in range(_MOST_STEPS if most is None else most):
        try:
            step = equations.step(moments, cavity)
        except np.linalg.LinAlgError:
            raise _Stalled(best, cavity) from None
        change = _change(step.cavity, cavity)
        if not np.isfinite(change):
            raise _Stalled(best, cavity)
        if change > _NEAR or change > _WORSE * best:
            anderson.forget()
        point, image = cavity.vector, step.cavity.vector
        following = anderson.following(point, image)
        cavity = Cavity.of_vector(following if change < max(best, _NEAR) else 0.5 * (point + image), d)
        idle = 0 if change < best else idle + 1
        best = min(best, change)
        if best < to or (best < rounding and idle > 1):
            return cavity
    raise _Stalled(best, cavity)
