"""Students of the hinge loss under ``jit``: an interior point shows the partition of the examples, (H3) does the rest.

Formulas are those of `perceptron_pruning.students.empirical_risk.hinge`. J has a slot for each row that can be
independent of the others.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.inverse import inverse
from perceptron_pruning.device.outcome import Fitted
from perceptron_pruning.students.empirical_risk.hinge import partition
from perceptron_pruning.students.empirical_risk.hinge_interior_point import interior_point, start
from perceptron_pruning.students.jax_arrays import JAX

_QUICK_GAP, _PATIENT_GAP = 1e-8, 1e-13  # relative duality gaps at which the interior point ends
_EXCHANGES = 12  # rounds of exchanges at most
_SETTLED = 1e-11  # violation of a margin's side of 1, or of β's interval, that counts as none
_REFINEMENTS = 3  # of A_J A_Jᵀ c = b


class _Partition(NamedTuple):
    """Which examples have margin 1 and which are short of it (P,), w and β of (H3) on it, and the exchanges so far."""

    on: jax.Array
    short: jax.Array
    weights: jax.Array
    dual: jax.Array
    rounds: jax.Array
    done: jax.Array


def fit(rows: jax.Array, kept: jax.Array, ridge: jax.Array, *, effort: Effort) -> Fitted:
    """The student of labelled rows (P, N), some of them padding; μ = ``ridge`` > 0, N times λ."""
    importance = jnp.ones(len(rows))  # of padding too, which moves nothing
    gap = _QUICK_GAP if effort.precision == "float32" else _PATIENT_GAP
    beginning = start(JAX, rows, importance, ridge, rows.T @ rows)
    point = interior_point(JAX, rows, ridge, beginning, tolerance=gap)
    guess = partition(point)
    state = _Partition(
        on=jnp.asarray(guess.on) & kept,
        short=jnp.asarray(guess.short) & kept,
        weights=jnp.zeros(rows.shape[1]),
        dual=jnp.zeros(len(rows)),
        rounds=jnp.int32(0),
        done=jnp.zeros((), bool),
    )
    settled = jax.lax.while_loop(
        lambda s: ~s.done & (s.rounds < _EXCHANGES), lambda s: _exchange(rows, kept, ridge, s, effort), state
    )
    return _checked(rows, kept, ridge, settled, jnp.int32(point.steps))


def _exchange(rows: jax.Array, kept: jax.Array, ridge: jax.Array, s: _Partition, effort: Effort) -> _Partition:
    """Solves (H3), and moves the examples that are in the wrong part."""
    weights, dual = _solved(rows, ridge, s, effort)
    excess = rows @ weights - 1
    below, above = dual < -_SETTLED, dual > 1 + _SETTLED
    entering = kept & ~s.on & jnp.where(s.short, excess > _SETTLED, excess < -_SETTLED)
    return _Partition(
        on=s.on & ~below & ~above | entering,
        short=s.short & ~entering | above,
        weights=weights,
        dual=jnp.clip(dual, 0.0, 1.0),
        rounds=s.rounds + 1,
        done=~(below | above | entering).any() | ~jnp.isfinite(weights).all(),
    )


def _solved(rows: jax.Array, ridge: jax.Array, s: _Partition, effort: Effort) -> tuple[jax.Array, jax.Array]:
    """w (N,) and β (P,) of (H3), β_J of any size; NaN where J has more rows than slots."""
    on, index = jax.lax.top_k(s.on.astype(jnp.int32), min(rows.shape))
    taken = on > 0
    active = jnp.where(taken[:, None], rows[index], 0.0)
    gram = active @ active.T + jnp.diag(jnp.where(taken, 0.0, 1.0))
    gram_inverse = inverse(gram, double_factors=effort.double_factors)
    dual = jnp.where(s.short, 1.0, 0.0)
    weights, on_dual = dual @ rows / ridge, jnp.zeros(len(index))
    for _ in range(_REFINEMENTS):
        correction = gram_inverse @ jnp.where(taken, 1 - active @ weights, 0.0)
        weights, on_dual = weights + correction @ active, on_dual + ridge * correction
    fits = s.on.sum() <= len(index)
    return jnp.where(fits, weights, jnp.nan), dual.at[index].add(jnp.where(taken, on_dual, 0.0))


def _checked(rows: jax.Array, kept: jax.Array, ridge: jax.Array, s: _Partition, steps: jax.Array) -> Fitted:
    """The largest of β (m − 1)₊ + (1 − β)(1 − m)₊, ‖μ w − Aᵀβ‖ relative to its terms, and the relative gap."""
    margins = rows @ s.weights
    excess = margins - 1
    products = jnp.where(kept, jnp.where(excess > 0, s.dual, 1 - s.dual) * jnp.abs(excess), 0.0)
    force = ridge * s.weights - s.dual @ rows
    terms = jnp.sqrt(s.dual**2 @ (rows**2).sum(1))
    losses = jnp.where(kept, jnp.maximum(-excess, 0.0), 0.0).sum()
    gap = (products.sum() + force @ force / (2 * ridge)) / (losses + 0.5 * ridge * (s.weights @ s.weights))
    return Fitted(
        weights=s.weights,
        margins=margins,
        training_loss=losses / kept.sum(),
        residual=jnp.stack([products.max(), jnp.linalg.norm(force) / terms, jnp.abs(gap)]).max(),
        interior_steps=steps,
        exchange_steps=s.rounds,
    )
