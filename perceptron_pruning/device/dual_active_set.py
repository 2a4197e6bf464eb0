"""The dual active set in lock step: one compiled loop, in which every problem of a batch is at its own exchange.

The method is that of `perceptron_pruning.students.max_margin.dual_active_set`. On a support J, the least w with
A_J w = 1 is w = A_Jᵀλ, A_J A_Jᵀ λ = 1. A step of the loop is one of two moves, which share their algebra: solve
A_J A_Jᵀ u = b, and go along −f until a λ vanishes or the move is complete::

    relax  (no row enters)   b = 1       f = λ − u    complete (t = 1): λ = u, w = A_Jᵀu
    enter  (row a enters)    b = A_J a   f = u        complete: a·w = 1, by t = (1 − a·w)/‖a⊥‖², a⊥ = a − A_Jᵀu     (L1)

An incomplete move ends with the row of the vanished λ leaving J. The inverse of A_J A_Jᵀ follows by (S2) of `support`.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from perceptron_pruning.device.inverse import inverse
from perceptron_pruning.students.max_margin.dual_active_set import SETTLED
from perceptron_pruning.students.max_margin.support import DEPENDENT

_REFINEMENTS = 2  # of A_J A_Jᵀ u = b


class ActiveSet(NamedTuple):
    """The support J in slots, of which free ones have index −1 and zeros elsewhere.

    Attributes:
        members: Row in each slot, (S,).
        dual: λ, (S,).
        rows: A_J, (S, N).
        inverse: (A_J A_Jᵀ)⁻¹, (S, S).
        weights: w, (N,).
        entering: Row that enters; −1 where none does.
        entering_dual: Its λ so far.
        steps: Moves so far.
        done: Settled, or stuck without a student.
    """

    members: jax.Array
    dual: jax.Array
    rows: jax.Array
    inverse: jax.Array
    weights: jax.Array
    entering: jax.Array
    entering_dual: jax.Array
    steps: jax.Array
    done: jax.Array


class _Move(NamedTuple):
    """(L1): u and f by slot, A_Jᵀu and a⊥ (N,), ‖a⊥‖², and the length t at which the move is complete."""

    falling: jax.Array
    combined: jax.Array
    across: jax.Array
    square: jax.Array
    full: jax.Array


def settle(
    rows: jax.Array, target: jax.Array, index: jax.Array, dual: jax.Array, *, most: int, double_factors: bool = True
) -> ActiveSet:
    """The active set when it has settled, or after so many steps.

    Args:
        rows: A, (P, N).
        target: 1, or −1 for padding rows of zeros, (P,).
        index: Rows that are likely the support, (S,), −1 where fewer.
        dual: Their λ > 0, roughly.
        most: Steps at most.
        double_factors: Whether the first Gram matrix is factored in double precision.
    """
    start = _start(rows, index, dual, double_factors)
    return jax.lax.while_loop(lambda s: ~s.done & (s.steps < most), lambda s: _step(rows, target, s), start)


def _start(rows: jax.Array, index: jax.Array, dual: jax.Array, double_factors: bool) -> ActiveSet:
    """The guess; an empty set where its rows depend on each other."""
    taken = index >= 0
    active = jnp.where(taken[:, None], rows[index], 0.0)
    gram = active @ active.T + jnp.diag(jnp.where(taken, 0.0, 1.0))
    gram_inverse = jnp.where(taken[:, None] & taken, inverse(gram, double_factors=double_factors), 0.0)
    taken &= jnp.isfinite(gram_inverse).all()
    zero = jnp.zeros((), rows.dtype)
    return ActiveSet(
        members=jnp.where(taken, index, -1),
        dual=jnp.where(taken, dual, 0.0),
        rows=jnp.where(taken[:, None], active, 0.0),
        inverse=jnp.where(taken[:, None] & taken, gram_inverse, 0.0),
        weights=jnp.zeros(rows.shape[1], rows.dtype),
        entering=jnp.full((), -1, index.dtype),
        entering_dual=zero,
        steps=jnp.zeros((), jnp.int32),
        done=jnp.zeros((), bool),
    )


def _step(rows: jax.Array, target: jax.Array, s: ActiveSet) -> ActiveSet:
    move, enters = _move(rows, s), s.entering >= 0
    ratios = jnp.where(move.falling > 0, s.dual / jnp.where(move.falling > 0, move.falling, 1.0), jnp.inf)
    ratios = jnp.where(s.members >= 0, ratios, jnp.inf)
    leaving = jnp.argmin(ratios)
    blocked = move.full > ratios[leaving]
    length = jnp.minimum(move.full, ratios[leaving])
    relaxed = jnp.where(blocked, s.weights, move.combined)
    moved = s._replace(
        dual=s.dual - length * move.falling,
        weights=jnp.where(enters, s.weights + length * move.across, relaxed),
        entering_dual=jnp.where(enters, s.entering_dual + length, 0.0),
        steps=s.steps + 1,
    )
    exchanged = _exchanged(rows, moved, move, leaving=leaving, blocked=blocked)
    return _aimed(rows, target, exchanged, blocked=blocked, stuck=~jnp.isfinite(length))


def _move(rows: jax.Array, s: ActiveSet) -> _Move:
    """(L1) of the row that enters, or of none."""
    enters, taken, row = s.entering >= 0, s.members >= 0, rows[s.entering]
    right = jnp.where(enters, s.rows @ row, jnp.where(taken, 1.0, 0.0))  # b
    solution = s.inverse @ right
    combined = solution @ s.rows
    for _ in range(_REFINEMENTS):
        correction = s.inverse @ jnp.where(taken, right - s.rows @ combined, 0.0)
        solution, combined = solution + correction, combined + correction @ s.rows
    across = row - combined
    square = across @ row
    independent = (square > DEPENDENT * (row @ row)) & (taken.sum() < rows.shape[1])
    entry = jnp.where(independent, (1 - row @ s.weights) / square, jnp.inf)
    return _Move(
        falling=jnp.where(enters, solution, s.dual - solution),
        combined=combined,
        across=across,
        square=square,
        full=jnp.where(enters, entry, 1.0),
    )


def _exchanged(rows: jax.Array, s: ActiveSet, move: _Move, *, leaving: jax.Array, blocked: jax.Array) -> ActiveSet:
    """The set without the row that blocked, or with the one that entered: one rank-one update of the inverse, (S2)."""
    joins = (s.entering >= 0) & ~blocked
    slot = jnp.where(blocked, leaving, jnp.argmin(s.members))
    here = jnp.arange(len(s.members)) == slot
    border = jnp.where(blocked, s.inverse[leaving], jnp.where(here, -1.0, move.falling))
    factor = jnp.where(blocked, -1 / s.inverse[leaving, leaving], jnp.where(joins, 1 / move.square, 0.0))
    updated = s.inverse + factor * border[:, None] * border
    changed = here & (blocked | joins)
    return s._replace(
        members=jnp.where(changed, jnp.where(blocked, -1, s.entering), s.members),
        dual=jnp.where(changed, jnp.where(blocked, 0.0, s.entering_dual), s.dual),
        rows=jnp.where(changed[:, None], jnp.where(blocked, 0.0, rows[s.entering]), s.rows),
        inverse=jnp.where(blocked & (here[:, None] | here), 0.0, updated),
    )


def _aimed(rows: jax.Array, target: jax.Array, s: ActiveSet, *, blocked: jax.Array, stuck: jax.Array) -> ActiveSet:
    """With what comes next: the same row after an incomplete move, else the most violated one, else the relaxation."""
    shortfall = target - rows @ s.weights
    worst = jnp.argmax(shortfall)
    violated = shortfall[worst] > SETTLED
    settled = ~blocked & (s.entering < 0) & ~violated
    return s._replace(
        entering=jnp.where(blocked, s.entering, jnp.where(violated, worst.astype(s.entering.dtype), -1)),
        entering_dual=jnp.where(blocked, s.entering_dual, 0.0),
        done=stuck | settled,
    )
