"""Solution of the equations: Anderson's acceleration, continuation in the ridge, a check on finer quadratures."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from replica_theory._numerics.continuation import lowered
from replica_theory._real_data.structured.saddle_point import Equations, OrderParameters
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments import LEVELS, Moments, force_moments
from replica_theory.losses.named import LOSSES

TOLERANCE = 1e-6  # largest change, relative, in one more step on a finer quadrature
_SERVES = 1e-9  # change on a finer quadrature at which none finer is tried
_SOLVED = 1e-11  # change at which the iteration ends
_ROUNDING = 1e-7  # change that may be rounding, where no step makes it less
_DEPTH = 8  # steps that Anderson's acceleration remembers
_MOST_STEPS = 120
_NEAR = 0.5  # change below which steps are accelerated
_WORSE = 3.0  # change, relative to the least so far, at which the acceleration begins anew
_LARGEST_MOVE = 2.0  # of ln b and ln V in a step, from afar
_RIDGE_RATIO = 10.0**0.5  # between ridges of a continuation
_MOST_RIDGES = 16

EquationsAt = Callable[[int], Equations]
"""The equations on the quadrature over the law of a level in [0, LEVELS)."""


@dataclass(frozen=True, eq=False)
class Solved:
    """Attributes: equations and moments of the finest quadrature used, the solution, and its residual there."""

    equations: Equations
    moments: Moments
    solution: OrderParameters
    residual: float


@dataclass
class _Stalled(Exception):
    """The iteration did not converge; the least change that it reached."""

    residual: float


def solve(equations_at: EquationsAt, loss: Loss, guess: OrderParameters | None) -> Solved:
    """Solution on coarse quadratures of which the next finer ones, over the law and over ξ, find nothing wrong.

    Raises:
        SaddlePointError: No solution to a residual of 1e-6.
    """
    in_law, in_field = 0, 0
    while True:
        solution = guess = _solved(equations_at(in_law), loss, in_field, guess)
        moments, equations = force_moments(loss, in_field + 1), equations_at(in_law + 1)
        residual = _change(equations, equations.step(moments, solution), solution)
        if residual < _SERVES:
            return Solved(equations, moments, solution, residual)
        by_field, by_law = (
            _change(at, at.step(force_moments(loss, level), solution), solution)
            for at, level in ((equations_at(in_law), in_field + 1), (equations, in_field))
        )
        finer_field = by_field > _SERVES / 2 and in_field < LEVELS - 2
        finer_law = by_law > _SERVES / 2 and in_law < LEVELS - 2
        if not (finer_field or finer_law):
            if residual < TOLERANCE:
                return Solved(equations, moments, solution, residual)
            raise SaddlePointError("the saddle point changes on a finer quadrature", residual)
        in_field, in_law = in_field + finer_field, in_law + finer_law


def _solved(equations: Equations, loss: Loss, level: int, guess: OrderParameters | None) -> OrderParameters:
    """Solution on one quadrature: from the guess, from afar, else from larger ridges."""
    moments = force_moments(loss, level)
    if guess is not None:
        with suppress(_Stalled):
            return _anderson(equations, moments, guess)
    with suppress(_Stalled):
        return _from_afar(equations, moments)
    return _continued(equations, moments)


def _from_afar(equations: Equations, moments: Moments) -> OrderParameters:
    """Solution from no field, else from students of the square loss."""
    with suppress(_Stalled):
        return _anderson(equations, moments, equations.first_guess())
    square = force_moments(LOSSES["square"], 0)
    return _anderson(equations, moments, _anderson(equations, square, equations.first_guess()))


def _continued(equations: Equations, moments: Moments) -> OrderParameters:
    ladder = [equations.ridge]
    while ladder[-1] < 10.0 * equations.bulk.variances.max() and len(ladder) < _MOST_RIDGES:
        ladder.append(ladder[-1] * _RIDGE_RATIO)
    ridge = ladder[-1]

    def solve_from(ridge: float, guess: OrderParameters) -> OrderParameters:
        return _anderson(replace(equations, ridge=ridge), moments, guess)

    try:
        guess = _from_afar(replace(equations, ridge=ridge), moments)
        for last, ridge in pairwise(ladder[::-1]):
            guess = lowered(solve_from, guess, last, ridge, failure=_Stalled)
    except _Stalled as stalled:
        way = "" if ridge == equations.ridge else f" on the way to {equations.ridge:g}"
        raise SaddlePointError(
            f"no saddle point at ridge {ridge:g}{way}; try a larger `ridge`", stalled.residual
        ) from None
    return guess


def _change(equations: Equations, new: OrderParameters, old: OrderParameters) -> float:
    """Largest change: of fields relative to their size, of b and V relative to themselves."""
    examples = equations.examples
    share, before = examples.share, equations.fields(old)
    size = share @ (np.abs(before.mean) + before.deviation)
    changes = [
        np.sqrt(share @ (examples.coordinates @ (new.plane - old.plane)) ** 2) / size,
        np.abs(np.log(new.deviation / old.deviation)).max(),
        np.abs(np.log(new.scale / old.scale)).max(),
    ]
    if equations.finite:
        moved = share @ np.abs(examples.quadratic(new.plane_covariance - old.plane_covariance))
        stiffer = np.abs(examples.quadratic(new.plane_leverage - old.plane_leverage)) * examples.weight
        changes += [moved / (share @ before.deviation**2), share @ (stiffer / before.scale)]
    return float(np.max(changes))


def _anderson(equations: Equations, moments: Moments, guess: OrderParameters) -> OrderParameters:
    """Fixed point of a step: plain steps from afar, then Anderson's acceleration."""
    k, groups = len(guess.plane), len(guess.scale)
    points: list[np.ndarray] = []
    images: list[np.ndarray] = []
    at, best, nearest = guess, np.inf, guess
    for _ in range(_MOST_STEPS):
        try:
            with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # far away; then the change tells
                new = equations.step(moments, at)
                change = _change(equations, new, at)
        except np.linalg.LinAlgError:
            raise _Stalled(best) from None
        if not np.isfinite(change):
            raise _Stalled(best)
        if change < min(best, _ROUNDING):
            nearest = new
        if change < _SOLVED:
            return new
        if change > _NEAR or change > _WORSE * best:
            points, images = [], []
        point, image = at.vector(), new.vector()
        image[k : k + 2 * groups] = point[k : k + 2 * groups] + np.clip(
            image[k : k + 2 * groups] - point[k : k + 2 * groups], -_LARGEST_MOVE, _LARGEST_MOVE
        )
        points, images = [*points, point][-_DEPTH:], [*images, image][-_DEPTH:]
        following = _mixed(points, images) if change < best or change < _NEAR else 0.5 * (point + image)
        best, at = min(best, change), OrderParameters.of_vector(following, k, groups)
    if best < _ROUNDING:
        return nearest
    raise _Stalled(best)


def _mixed(points: list[np.ndarray], images: list[np.ndarray]) -> np.ndarray:
    """The combination of the last images whose changes cancel best."""
    if len(points) < 2:
        return images[-1]
    changes = [image - point for image, point in zip(images, points, strict=True)]
    past = np.array([changes[-1] - change for change in changes[:-1]])
    shares = np.linalg.lstsq(past.T, changes[-1], rcond=1e-12)[0]
    return images[-1] - sum(share * (images[-1] - image) for share, image in zip(shares, images[:-1], strict=True))
