"""Solution of the leave-one-out equations: an accelerated iteration, continuation in the ridge, a finer check."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from replica_theory._numerics.continuation import lowered
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
_LONGEST = 1.0  # step in ln V that is accelerated
_RIDGE_RATIO = 10.0**0.5  # between ridges of a continuation
_LEAST_START, _LARGEST_START = 1e2, 1e3  # ridge at which a continuation begins, relative, if not at 1
_MORE, _MOST_STARTS = 30.0, 5  # ratio of the ridges that it tries to begin at, and their number
_SAME = 1.01  # ratio of ridges that are one


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
    """The solution by way of larger ridges, from one at which steps converge from afar."""
    ridge = penalty.max()
    unit, at = penalty / ridge, ridge

    def solve_from(at: float, solved: Solved) -> Solved:
        return _solve_at(problem, at * unit, solved.step.cavity)

    try:
        at, solved = _at_a_larger_ridge(problem, unit, ridge)
        while at > ridge:
            last, at = at, at / _RIDGE_RATIO if at > _SAME * _RIDGE_RATIO * ridge else ridge
            solved = lowered(solve_from, solved, last, at, failure=_Stalled)
    except _Stalled as stalled:
        way = "" if at == ridge else f" on the way to {ridge:g}"
        raise SaddlePointError(
            f"the leave-one-out equations have no solution at ridge {at:g}{way}; try a larger `ridge`",
            stalled.residual,
        ) from None
    return solved


def _at_a_larger_ridge(problem: _Problem, unit: np.ndarray, ridge: float) -> tuple[float, Solved]:
    """A ridge, larger still if need be, and the solution there."""

    def solved(at: float) -> tuple[float, Solved]:
        return at, _solve_at(problem, at * unit, first_guess(problem.rows, at * unit))

    least = ridge * max(min(1 / ridge, _LARGEST_START), _LEAST_START)
    *starts, last = (least * _MORE**place for place in range(_MOST_STARTS))
    for at in starts:
        with suppress(_Stalled):
            return solved(at)
    return solved(last)


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
            try:
                step, residual = _stepped(equations, finer, guess)
            except np.linalg.LinAlgError:
                raise _Stalled(residual, guess) from None
            if residual < enough:
                return Solved(step, residual)
            guess = step.cavity
            if equations is near:
                guess = _as_near_as_it_gets(near, moments, guess)
    raise _Stalled(residual, guess)


def _as_near_as_it_gets(equations: Equations, moments: Moments, guess: Cavity) -> Cavity:
    """Unknowns that surely stand the check, or such as may."""
    try:
        return _iterated(equations, moments, guess, _SURE * _SOLVED, Anderson())
    except _Stalled as stalled:
        if stalled.residual < _SOLVED:
            return stalled.last
        raise


def _in_single_precision(problem: _Problem, penalty: np.ndarray, guess: Cavity, level: int) -> Cavity:
    """The solution as far as single precision has it."""
    components, anderson = problem.components, Anderson()
    equations = Equations(components, components.penalty(penalty), Products.of(components))
    guess = replace(guess, direction=guess.direction @ components.basis)
    moments = force_moments(problem.loss, level, np.float32)
    guess = _iterated(equations, problem.rough_moments, guess, _STARTED, anderson, rounding=_ROUNDING)
    guess = _iterated(equations, moments, guess, _CLOSE, anderson, rounding=_ROUNDING)
    return replace(guess, direction=components.basis @ guess.direction)


def _stepped(equations: Equations, moments: Moments, cavity: Cavity) -> tuple[Step, float]:
    """A step and its change, which tells where numbers were too large or none."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        step = equations.step(moments, cavity)
        return step, _change(step.cavity, cavity)


def _change(new: Cavity, old: Cavity) -> float:
    """Largest change: of fields relative to their size, of V relative to itself."""
    n = len(new.mean)
    largest = np.abs(new.vector[-3 * n :] - old.vector[-3 * n :]).reshape(3, n).max(axis=1)
    size = np.abs(new.mean).sum() / n + np.sqrt(new.deviation @ new.deviation / n)  # E |m| + √E c² over rows
    return float((largest / np.array([size, size, 1.0])).max())


def _leap(point: np.ndarray, following: np.ndarray, d: int) -> float:
    """Largest step in ln V between unknowns with d components of a."""
    n = (len(point) - d) // 3
    return float(np.abs(following[-n:] - point[-n:]).max())


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
            step, change = _stepped(equations, moments, cavity)
        except np.linalg.LinAlgError:
            raise _Stalled(best, cavity) from None
        if not np.isfinite(change):
            raise _Stalled(best, cavity)
        if change > _NEAR or change > _WORSE * best:
            anderson.forget()
        point, image = cavity.vector, step.cavity.vector
        following = anderson.following(point, image)
        if not change < max(best, _NEAR):
            following = 0.5 * (point + image)
        elif _leap(point, following, d) > _LONGEST:
            following = image
        cavity = Cavity.of_vector(following, d)
        idle = 0 if change < best else idle + 1
        best = min(best, change)
        if best < to or (best < rounding and idle > 1):
            return cavity
    raise _Stalled(best, cavity)
