"""Where a batch of students begins: computed by JAX, in lock step, on all devices; the host finishes and verifies."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.students.arrays import Array
from perceptron_pruning.students.empirical_risk.hinge import Partition, partition
from perceptron_pruning.students.empirical_risk.hinge_interior_point import interior_point, start
from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss, newton
from perceptron_pruning.students.jax_arrays import JAX
from perceptron_pruning.students.max_margin.accelerator import on_devices

_HINGE_GAP = 1e-9  # relative duality gap at which the interior point stops


def weights_on_accelerator(
    rows: np.ndarray, importance: np.ndarray, ridge: float, loss: DifferentiableLoss
) -> list[np.ndarray]:
    """Unverified w (N,) of each of the problems (batch, P, N) with a differentiable loss and μ = ``ridge``."""
    with jax.enable_x64(True):
        weights = _newton(loss, *_padded(rows, importance), ridge)
        return list(np.array(weights)[: len(rows)])


def partitions_on_accelerator(rows: np.ndarray, importance: np.ndarray, ridge: float) -> list[Partition]:
    """Unverified partitions of each of the problems (batch, P, N) with the hinge loss."""
    with jax.enable_x64(True):
        parts = _hinge(*_padded(rows, importance), ridge)
        on, short = (np.array(part)[: len(rows), : rows.shape[1]] for part in parts)
    return [Partition(*pair) for pair in zip(on, short, strict=True)]


def _padded(rows: np.ndarray, importance: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """Rows and importance in buckets of batch and P; padding rows are zeros of importance 1."""
    problems = on_devices(rows)
    full = np.ones(problems.shape[:2])
    full[: len(rows), : rows.shape[1]] = importance
    return problems, jnp.asarray(full)


@partial(jax.jit, static_argnames="loss")
def _newton(loss: DifferentiableLoss, rows: jax.Array, importance: jax.Array, ridge: float) -> Array:
    def fit(rows, importance):
        return newton(JAX, loss, rows, importance, ridge, jnp.zeros(rows.shape[1])).weights

    return jax.vmap(fit)(rows, importance)


@jax.jit
def _hinge(rows: jax.Array, importance: jax.Array, ridge: float) -> Partition:
    def fit(rows, importance):
        beginning = start(JAX, rows, importance, ridge, rows.T @ rows)
        return partition(interior_point(JAX, rows, ridge, beginning, tolerance=_HINGE_GAP))

    return jax.vmap(fit)(rows, importance)
