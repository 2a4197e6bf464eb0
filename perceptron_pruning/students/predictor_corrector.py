"""Mehrotra's predictor–corrector for convex quadratic programmes with complementary pairs s λ = 0.

An interior point has s > 0 and λ > 0 in every pair of a slack and its dual. A step solves Newton's equations of the
optimality conditions twice, with one factorisation, for two targets τ of the products s λ::

    predictor:   s λ → τ = 0                                   gives Δs°, Δλ°                (P1)
    centring:    σ = min(μ°/μ, 1)³,  μ = mean of s λ,  μ° = mean of (s + t Δs°)(λ + u Δλ°)   (P2)
    corrector:   s λ → τ = σ μ − Δs° Δλ°                       gives Δw, Δs, Δλ             (P3)
    step:        w + t Δw,   s + t Δs,   λ + u Δλ                                           (P4)

The primal step length t and the dual one u are in (P2) the longest, at most 1/0.995, that leave s ≥ 0 and λ ≥ 0; in
(P4) 0.995 of that.

References:
    Mehrotra 1992.
"""

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import NamedTuple, Protocol, Self, TypeVar

from perceptron_pruning.students.arrays import Array, Arrays

MAX_STEPS = 60  # predictor–corrector steps at most
_TO_BOUNDARY = 0.995  # share of the longest step that is taken


class Direction(NamedTuple):
    """Newton's direction: Δw (N,), Δs and Δλ of each pair (pairs,)."""

    weights: Array
    slack: Array
    dual: Array


class Step(NamedTuple):
    """Outcome of (P4): t Δw (N,), the moved s and λ (pairs,), and t."""

    weights_change: Array
    slack: Array
    dual: Array
    primal_length: Array


class _Iterate(Protocol):
    """A named tuple of arrays, with the error by which it is judged and the number of steps taken."""

    @property
    def error(self) -> Array: ...
    @property
    def steps(self) -> Array | int: ...
    @classmethod
    def _make(cls, iterable: Iterable) -> Self: ...
    def _replace(self, **changes) -> Self: ...
    def __iter__(self) -> Iterator[Array | int]: ...


Iterate = TypeVar("Iterate", bound=_Iterate)


def iterate(arrays: Arrays, step: Callable[[Iterate], Iterate], point: Iterate, *, tolerance: float) -> Iterate:
    """Steps until the error is at most a tolerance, or 60 steps were taken."""
    return arrays.while_loop(lambda point: (point.error > tolerance) & (point.steps < MAX_STEPS), step, point)


def predictor_corrector(
    xp: ModuleType, slack: Array, dual: Array, newton: Callable[[Array | float], Direction]
) -> Step:
    """One step, (P1) to (P4).

    Args:
        xp: `numpy` or `jax.numpy`.
        slack: s > 0 of each pair, (pairs,).
        dual: λ > 0 of each pair, (pairs,).
        newton: Newton's direction towards s λ = τ, given τ, 0 or (pairs,).
    """
    _, d_slack, d_dual = newton(0.0)
    primal_length, dual_length = _longest(xp, slack, d_slack), _longest(xp, dual, d_dual)
    mean = slack @ dual / len(slack)
    predicted = (slack + primal_length * d_slack) @ (dual + dual_length * d_dual) / len(slack)
    centre = xp.minimum(predicted / mean, 1.0) ** 3 * mean
    d_weights, d_slack, d_dual = newton(centre - d_slack * d_dual)
    primal_length = _TO_BOUNDARY * _longest(xp, slack, d_slack)
    dual_length = _TO_BOUNDARY * _longest(xp, dual, d_dual)
    return Step(
        weights_change=primal_length * d_weights,
        slack=slack + primal_length * d_slack,
        dual=dual + dual_length * d_dual,
        primal_length=primal_length,
    )


def unless_lost(arrays: Arrays, good: Array, moved: Iterate, last: Iterate) -> Iterate:
    """The moved point if it is good; else the last one, with its steps at the limit, which ends the iteration."""
    return arrays.choose(good, moved, last._replace(steps=last.steps + MAX_STEPS))


def _longest(xp: ModuleType, values: Array, changes: Array) -> Array:
    """Longest t ≤ 1/0.995 with values + t changes ≥ 0."""
    return 1 / xp.maximum(_TO_BOUNDARY, -(changes / values).min())
