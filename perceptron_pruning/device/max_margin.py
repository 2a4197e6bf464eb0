"""Max-margin students under ``jit``: an interior point guesses the support, a dual active set settles it, (M3) checks.

Formulas are those of `perceptron_pruning.students.max_margin`; rows are scaled by 1/√N.
"""

import jax
import jax.numpy as jnp

from perceptron_pruning.device.dual_active_set import ActiveSet, settle
from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.outcome import Fitted
from perceptron_pruning.students.jax_arrays import JAX
from perceptron_pruning.students.max_margin.interior_point import interior_point, least_squares, restricted, start
from perceptron_pruning.students.max_margin.optimality import gap_and_mismatch

_COARSE = 0.5  # relative error of the interior point on all rows
_EXACT_ROWS = 2  # rows per feature with a D of their own in the normal equations, or P/20 if that is more
_LAST_ROWS = 2  # rows per feature for the last iterations


def fit(rows: jax.Array, kept: jax.Array, ridge: jax.Array, *, effort: Effort) -> Fitted:
    """The student of labelled rows (P, N) of which some are padding; there is no ridge."""
    del ridge
    length = jnp.sqrt(jnp.float64(rows.shape[1]))
    scaled, target = rows / length, jnp.where(kept, 1.0, -1.0)
    index, dual, steps = _support_guess(scaled, target, effort)
    settled = settle(
        scaled,
        target,
        index,
        dual,
        most=effort.most_exchanges(rows.shape[1]),
        double_factors=effort.double_factors,
    )
    return Fitted(
        weights=settled.weights / length,
        margins=scaled @ settled.weights,
        training_loss=jnp.zeros(()),
        residual=_residual(scaled, target, settled),
        interior_steps=jnp.int32(steps),
        exchange_steps=settled.steps,
    )


def _support_guess(rows: jax.Array, target: jax.Array, effort: Effort) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Rows that are likely the support (S,), −1 where fewer, their λ, and the steps of the interior point."""
    examples, features = rows.shape
    rows, target = rows.astype(effort.precision), target.astype(effort.precision)
    gram = rows.T @ rows
    point = start(JAX, rows, target, least_squares(JAX, gram, target @ rows))
    index = jnp.arange(examples, dtype=jnp.int32)
    if examples > _LAST_ROWS * features:
        exact_rows = max(_EXACT_ROWS * features, examples // 20)
        point = interior_point(JAX, rows, point, tolerance=_COARSE, gram=gram, exact_rows=exact_rows)
        index = JAX.largest(point.dual / point.slack, _LAST_ROWS * features)
        rows, point = rows[index], restricted(JAX, point, index)
    point = interior_point(JAX, rows, point, tolerance=effort.tolerance)
    ratio, place = jax.lax.top_k(point.dual / point.slack, min(examples, features))
    likely = (ratio > 1) & (target[index[place]] > 0)
    return jnp.where(likely, index[place], -1), point.dual[place].astype(jnp.float64), jnp.asarray(point.steps)


def _residual(rows: jax.Array, target: jax.Array, settled: ActiveSet) -> jax.Array:
    """Largest of the residuals of (M3) on all rows; λ < 0 counts as 0."""
    dual = jnp.maximum(settled.dual, 0.0)
    gap, mismatch = gap_and_mismatch(jnp, settled.weights, dual @ settled.rows, dual.sum())
    return jnp.stack([(target - rows @ settled.weights).max(), jnp.abs(gap), mismatch]).max()
