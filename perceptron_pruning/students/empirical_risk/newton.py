"""Newton's method for a risk with a differentiable loss, in N × N normal equations.

    F(w) = Σ v ℓ(m) + (μ/2) ‖w‖²,   m = A w                                                (N1)
    ∇F = Aᵀ(v ℓ'(m)) + μ w,     ∇²F = Aᵀ diag(v ℓ''(m)) A + μ I                             (N2)

An iteration factors H = ∇²F(w), takes a damped Newton step and then chord steps, by the same H::

    w ← w − t H⁻¹ ∇F(w),    t = 1, ½, ¼, … until F falls by 10⁻⁴ t ∇Fᵀ H⁻¹ ∇F (Armijo)        (N3)
    w ← w − H⁻¹ ∇F(w)       while each is shorter than a quarter of the one before          (N4)

A chord step costs two passes over the rows, where a new H costs N of them, or half of that in single precision, whose
rounding leaves chord steps nearly as short. Near the minimum the length of the next step *is* the distance to it:
quadratically so for a smooth loss, and exactly for a piecewise quadratic one, which therefore ends after finitely many
with H in double precision. A padding row of zeros moves nothing and needs no mask.

References:
    Nocedal & Wright 2006, ch. 3; Kelley 1995, ch. 5 (chord method); Mangasarian 2002 (finite Newton).
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from perceptron_pruning.students.arrays import Array, Arrays
from perceptron_pruning.students.normal_equations import weighted_gram

TARGET = 1e-11  # ‖next step‖/‖w‖ at which it stops; what is above 1e-9 does not pass
MAX_HESSIANS = 80  # factored at most
_SUFFICIENT = 1e-4  # Armijo's share of the decrease that ∇F promises
_ROUNDING = 1e-13  # rise of F, relative to its terms, that counts as none
_SHORTEST = 1e-10  # damping t at least
_CONTRACTION = 0.25  # ‖chord step‖/‖step before‖ up to which H serves for another
_SHIFT = 1e-14  # added to H in units of its mean eigenvalue, so that directions without curvature have a step


class DifferentiableLoss(Protocol):
    """A loss with ℓ(m), ℓ'(m) and ℓ''(m), vectorised, for arrays of either library."""

    def value(self, field) -> Array: ...
    def derivative(self, field) -> Array: ...
    def second_derivative(self, field) -> Array: ...


class Iterate(NamedTuple):
    """A point, its error ‖next step‖/‖w‖, and how many Hessians were factored."""

    weights: Array  # w (N,)
    margins: Array  # m = A w (P,)
    error: Array
    steps: Array | int


@dataclass(frozen=True)
class _Risk:
    """F of (N1) with its derivatives (N2), in one array library."""

    arrays: Arrays
    loss: DifferentiableLoss
    rows: Array
    importance: Array
    ridge: Array | float
    curved: Array  # rows / unit, in the precision in which H is made
    unit: Array | float

    def gradient(self, weights: Array, margins: Array) -> Array:
        return self.ridge * weights + (self.importance * self.loss.derivative(margins)) @ self.rows

    def hessian(self, margins: Array) -> Array:
        xp = self.arrays.xp
        curvature = self.importance * self.loss.second_derivative(margins)
        gram = weighted_gram(self.arrays, self.curved, curvature.astype(self.curved.dtype))
        hessian = self.unit**2 * gram.astype(self.rows.dtype)
        return self.arrays.plus_diagonal(hessian, self.ridge + _SHIFT * xp.trace(hessian) / len(hessian))


class _Chord(NamedTuple):
    """A point, the next step −H⁻¹ ∇F there, its length relative to w, and relative to the step before."""

    weights: Array
    margins: Array
    step: Array
    error: Array
    contraction: Array


def newton(
    arrays: Arrays,
    loss: DifferentiableLoss,
    rows: Array,
    importance: Array,
    ridge: Array | float,
    start: Array,
    *,
    most: int = MAX_HESSIANS,
    single: bool = False,
) -> Iterate:
    """Iterates until the next step would be shorter than 1e-11 of w, or so many Hessians are factored.

    Args:
        arrays: NumPy, or JAX under ``jit``.
        loss: ℓ, with ℓ' and ℓ''.
        rows: A, labelled inputs y x, (P, N).
        importance: v > 0, (P,).
        ridge: μ ≥ 0.
        start: w to begin with, (N,).
        most: Hessians to factor at most.
        single: Whether Hessians are made in single precision, of rows over their root mean square: half the time.
    """
    curved, unit = rows, 1.0
    if single:
        unit = arrays.xp.sqrt((rows**2).mean())
        curved = (rows / unit).astype(arrays.xp.float32)
    risk = _Risk(arrays, loss, rows, importance, ridge, curved, unit)
    return arrays.while_loop(
        lambda point: (point.error > TARGET) & (point.steps < most),
        partial(_iteration, risk),
        Iterate(start, rows @ start, arrays.xp.array(arrays.xp.inf), 0),
    )


def _iteration(risk: _Risk, point: Iterate) -> Iterate:
    """One factorisation: the damped step (N3), and the chord steps (N4)."""
    gradient = risk.gradient(point.weights, point.margins)
    factor = risk.arrays.cho_factor(risk.hessian(point.margins))
    direction = -risk.arrays.cho_solve(factor, gradient)
    step = _damping(risk, point, direction, gradient @ direction) * direction
    reached = _chord_steps(risk, factor, point.weights + step, step)
    return Iterate(reached.weights, reached.margins, reached.error, point.steps + 1)


def _damping(risk: _Risk, point: Iterate, direction: Array, slope: Array) -> Array:
    """t of (N3), given the direction d and dF/dt = ∇F·d < 0 at t = 0."""
    xp, importance, ridge = risk.arrays.xp, risk.importance, risk.ridge
    margins_change, losses = risk.rows @ direction, risk.loss.value(point.margins)
    linear, quadratic = ridge * (point.weights @ direction), 0.5 * ridge * (direction @ direction)
    rounding = _ROUNDING * (xp.abs(importance * losses).sum() + 0.5 * ridge * (point.weights @ point.weights))

    def insufficient(length: Array) -> Array:
        risen = risk.loss.value(point.margins + length * margins_change) - losses
        change = importance @ risen + length * linear + length**2 * quadratic
        return (change > _SUFFICIENT * length * slope + rounding) & (length > _SHORTEST)

    return risk.arrays.while_loop(insufficient, lambda length: 0.5 * length, xp.array(1.0))


def _chord_steps(risk: _Risk, factor: Array, weights: Array, step: Array) -> _Chord:
    """(N4) from the point that a step led to; a chord step that leads to a longer one is taken back."""
    xp = risk.arrays.xp

    def at(weights: Array, taken: Array) -> _Chord:
        margins = risk.rows @ weights
        ahead = -risk.arrays.cho_solve(factor, risk.gradient(weights, margins))
        length = xp.sqrt(ahead @ ahead)
        return _Chord(weights, margins, ahead, length / xp.sqrt(weights @ weights), length / taken)

    def further(here: _Chord) -> _Chord:
        there = at(here.weights + here.step, xp.sqrt(here.step @ here.step))
        shorter = there.contraction < 1
        weights, margins, step = (xp.where(shorter, *both) for both in zip(there[:3], here[:3], strict=True))
        return _Chord(weights, margins, step, there.error, there.contraction)

    return risk.arrays.while_loop(
        lambda here: (here.error > TARGET) & (here.contraction < _CONTRACTION),
        further,
        at(weights, xp.sqrt(step @ step)),
    )
