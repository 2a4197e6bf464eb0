"""Ridge heads in closed form: memorization of every example, exactly, from one fit.

References:
    Feldman & Zhang 2020, arXiv:2008.03703 (memorization, influence).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_everywhere
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.devices import placed


@dataclass(frozen=True, kw_only=True)
class RidgeHead:
    """One-hot regression with intercept, minimising Σ ‖y_i − b − Wᵀx_i‖² + λ n ‖W‖² on standardised rows.

    With G = XᵀX + λ n I = L Lᵀ of the centred rows, W = G⁻¹XᵀY, and the leverage of a row is h = 1/n + ‖L⁻¹x‖².

    Attributes:
        weights: W, (d, C).
        bias: b = class shares, (C,).
        whitener: L⁻¹, (d, d).
        n_rows: n.
    """

    weights: np.ndarray
    bias: np.ndarray
    whitener: np.ndarray
    n_rows: int


def memorization(pool: Pool) -> dict[str, np.ndarray]:
    """f_i − f₋ᵢ at the own class: the score of i with it in training minus without, for all i from one fit.

    Leave-one-out in closed form: f₋ᵢ = f_i − h r/(1 − h) with residual r = 1 − f_i at the own class, so that::

        memorization_i = h_i r_i / (1 − h_i)
    """
    head = fit_ridge(pool)
    scores = np.empty(len(pool.rows))
    with jax.enable_x64(True):
        there = _on_device(head, pool)
        for block in blocks(pool.rows, progress=pool.progress, label="leave-one-out"):
            scores[block.span] = _own_change(placed(block.values), pool.labelled[block.span], *there)
    return {"memorization": scores}


def leverage(pool: Pool) -> np.ndarray:
    """h of every row, (n,) in (0, 1): how much of its own fit it decides."""
    head = fit_ridge(pool)
    result = np.empty(len(pool.rows))
    with jax.enable_x64(True):
        there = _on_device(head, pool)
        for block in blocks(pool.rows, progress=pool.progress, label="leverage"):
            result[block.span] = _leverages(standardised(placed(block.values), *there[:2]), there[4], there[5])
    return result


def fit_ridge(pool: Pool) -> RidgeHead:
    """The head fitted to the whole pool: one pass for the second moments, one Cholesky factor.

    Single-precision rows are multiplied in single precision and their blocks added in double; the rest is in double.
    """
    gram, class_sums = _second_moments(pool)
    n_rows = pool.statistics.n_rows
    factor = np.linalg.cholesky(gram + pool.settings.ridge.ridge * n_rows * np.eye(len(gram)))
    return RidgeHead(
        weights=cho_solve((factor, True), class_sums.T),
        bias=pool.counts / n_rows,
        whitener=solve_triangular(factor, np.eye(len(gram)), lower=True),
        n_rows=n_rows,
    )


def _second_moments(pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX, (d, d), and YᵀX, (C, d), of the standardised rows of all processes."""
    stored = load_everywhere(pool.checkpoint, "second_moments", pool.world)
    if stored:
        return stored["gram"], stored["class_sums"]
    width = pool.rows.n_features
    with jax.enable_x64(True):
        moments = jnp.zeros((width, width), jnp.float64), jnp.zeros((pool.n_classes, width), jnp.float64)
        mean, scale = scaling(pool)
        for block in blocks(pool.rows, progress=pool.progress, label="second moments"):
            moments = _add_moments(moments, placed(block.values), pool.labelled[block.span], mean, scale)
            jax.block_until_ready(moments)  # or the blocks of many steps would wait in memory
        gram, class_sums = (pool.world.sum(np.asarray(part)) for part in moments)
    pool.checkpoint.save("second_moments", gram=gram, class_sums=class_sums)
    return gram, class_sums


def scaling(pool: Pool) -> tuple[jax.Array, jax.Array]:
    """Mean and scale of the pool on the device, in the precision of the arithmetic."""
    dtype = pool.rows.dtype
    return jnp.asarray(pool.statistics.mean.astype(dtype)), jnp.asarray(dtype.type(pool.statistics.scale))


def _on_device(head: RidgeHead, pool: Pool) -> tuple[jax.Array, ...]:
    arrays = (head.weights.T, head.bias, head.whitener.T, np.array(1 / head.n_rows))
    return (*scaling(pool), *(jnp.asarray(array.astype(pool.rows.dtype)) for array in arrays))


def standardised(values, mean, scale):
    return (values - mean) / scale


@partial(jax.jit, donate_argnums=0)
def _add_moments(moments, values, classes, mean, scale):
    gram, class_sums = moments
    inputs = standardised(values, mean, scale)
    return gram + inputs.T @ inputs, class_sums + jax.ops.segment_sum(inputs, classes, len(class_sums))


def _leverages(inputs, whitener, floor):
    return floor + jnp.sum((inputs @ whitener) ** 2, axis=1)


@jax.jit
def _own_change(values, classes, mean, scale, weights, bias, whitener, floor):
    """h r/(1 − h) of every row at its own class."""
    inputs = standardised(values, mean, scale)
    leverages = _leverages(inputs, whitener, floor)
    residual = 1 - bias[classes] - jnp.sum(inputs * weights[classes], axis=1)
    return leverages * residual / (1 - leverages)
