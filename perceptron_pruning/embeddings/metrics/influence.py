"""Influence of every training example on the test set, exactly, from one ridge fit.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.memorization import DeviceRidgeHead, fit_ridge
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, on_local_devices
from perceptron_pruning.embeddings.runtime.settings import TEST_ROWS_AT_ONCE


def influence(context: ScoringContext) -> dict[str, np.ndarray]:
    """Change of a test point's own score when i joins the training set: its maximum and Σ of sizes over the test set.

    By the rank-one update of the ridge fit, with centred rows x, test rows z, residuals r_i = y_i − f_i and
    leverage h_i::

        influence_ij = (1/n + z_jᵀG⁻¹x_i) r_i[y_j] / (1 − h_i)

    The maximum may be negative, for an example that helps no test point.
    """
    fitted = fit_ridge(context)
    maximum = np.full(len(context.rows), -np.inf)
    total = np.zeros(len(context.rows))
    with full_precision():
        head = DeviceRidgeHead.of(fitted, context)
        for whitened_tests, test_classes in _whitened_tests(head, context):
            width = max(whitened_tests.shape[1], context.n_classes)
            for block in blocks(context.rows, progress=context.progress, label="influence", widest=width):
                classes = context.required_classes[block.span]
                largest, sizes = _influences(
                    head, on_local_devices(block.values), classes, whitened_tests, test_classes
                )
                maximum[block.span] = np.maximum(maximum[block.span], largest)
                total[block.span] += np.asarray(sizes)
    return {"influence_max": maximum, "influence_sum_abs": total}


def _whitened_tests(head: DeviceRidgeHead, context: ScoringContext) -> Iterator[tuple[jax.Array, jax.Array]]:
    """L⁻¹z of some test rows at a time, (d, T), and their classes, (T,)."""
    rows, classes = context.required_test_set
    for start in range(0, len(rows), TEST_ROWS_AT_ONCE):
        values = jnp.asarray(rows.read(start, min(start + TEST_ROWS_AT_ONCE, len(rows))))
        yield (head.inputs(values) @ head.whitener).T, jnp.asarray(classes[start : start + TEST_ROWS_AT_ONCE])


@jax.jit
def _influences(
    head: DeviceRidgeHead,
    values: jax.Array,
    classes: jax.Array,
    whitened_tests: jax.Array,
    test_classes: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Maximum and sum of absolute values over some test points, each (B,)."""
    inputs = head.inputs(values)
    whitened = inputs @ head.whitener
    leverages = head.mean_leverage + jnp.sum(whitened**2, axis=1, keepdims=True)
    residuals = (jnp.arange(len(head.bias)) == classes[:, None]) - head.bias - inputs @ head.weights
    changes = (head.mean_leverage + whitened @ whitened_tests) * (residuals / (1 - leverages))[:, test_classes]
    return jnp.max(changes, axis=1), jnp.sum(jnp.abs(changes), axis=1)
