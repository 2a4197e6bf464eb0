"""What every training example does to the test set, exactly, from one ridge fit.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.memorization import fit_ridge, scaling, standardised
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.devices import placed

TEST_TILE = 8192


def influence(pool: Pool) -> dict[str, np.ndarray]:
    """Change of a test point's own score when i joins the training set: its maximum and the sum of its sizes over j.

    By the rank-one update of the ridge fit, with centred rows x, test rows z, residuals r_i = y_i − f_i and
    leverage h_i::

        influence_ij = (1/n + z_jᵀG⁻¹x_i) r_i[y_j] / (1 − h_i)

    Max may be negative for an example that helps no test point.
    """
    test_rows, test_classes = pool.tested
    head = fit_ridge(pool)
    largest = np.full(len(pool.rows), -np.inf)
    sizes = np.zeros(len(pool.rows))
    dtype = pool.rows.dtype
    with jax.enable_x64(True):
        mean, scale = scaling(pool)
        weights, bias, whitener = (
            jnp.asarray(part.astype(dtype)) for part in (head.weights, head.bias, head.whitener.T)
        )
        for start in range(0, len(test_rows), TEST_TILE):
            tests = jnp.asarray(test_rows.read(start, min(start + TEST_TILE, len(test_rows))))
            whitened_tests = (standardised(tests, mean, scale) @ whitener).T
            columns = jnp.asarray(test_classes[start : start + TEST_TILE])
            width = max(whitened_tests.shape[1], pool.n_classes)
            for block in blocks(pool.rows, progress=pool.progress, label="influence", widest=width):
                top, total = _influences(
                    placed(block.values), pool.labelled[block.span], mean, scale, weights, bias, whitener,
                    whitened_tests, columns, 1 / head.n_rows,
                )  # fmt: skip
                largest[block.span] = np.maximum(largest[block.span], top)
                sizes[block.span] += np.asarray(total)
    return {"influence_max": largest, "influence_sum_abs": sizes}


@jax.jit
def _influences(values, classes, mean, scale, weights, bias, whitener, whitened_tests, columns, floor):
    """Maximum and sum of absolute values over a tile of test points, each (B,)."""
    inputs = standardised(values, mean, scale)
    whitened = inputs @ whitener
    floor = jnp.asarray(floor, values.dtype)
    leverages = floor + jnp.sum(whitened**2, axis=1, keepdims=True)
    residuals = (jnp.arange(len(bias)) == classes[:, None]) - bias - inputs @ weights
    changes = (floor + whitened @ whitened_tests) * (residuals / (1 - leverages))[:, columns]
    return jnp.max(changes, axis=1), jnp.sum(jnp.abs(changes), axis=1)
