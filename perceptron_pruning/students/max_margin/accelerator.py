"""Duals of a batch of max-margin students at once: compiled by JAX, in lock step, on all devices."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from perceptron_pruning.students.jax_arrays import JAX
from perceptron_pruning.students.max_margin.crossover import crossover
from perceptron_pruning.students.max_margin.interior_point import interior_point, least_squares, start

_TOLERANCE = 1e-6  # relative error at which the interior point stops


def candidates_on_accelerator(rows: np.ndarray) -> np.ndarray:
    """Unverified duals λ ≥ 0, (batch, P), of scaled problems (batch, P, N), in double precision."""
    batch, examples, _ = rows.shape
    with jax.enable_x64(True):
        problems = on_devices(rows)
        target = np.where(np.arange(problems.shape[1]) < examples, 1.0, -1.0)
        dual = _compiled(problems, jnp.asarray(target))
        return np.array(dual)[:batch, :examples]


@jax.jit
def _compiled(rows: jax.Array, target: jax.Array) -> jax.Array:
    return jax.vmap(lambda problem: _duals(problem, target))(rows)


def _duals(rows: jax.Array, target: jax.Array) -> jax.Array:
    direction = least_squares(JAX, rows.T @ rows, target @ rows)
    point = interior_point(JAX, rows, start(JAX, rows, target, direction), tolerance=_TOLERANCE)
    return crossover(JAX, rows, target, point)


def on_devices(rows: np.ndarray) -> jax.Array:
    """Problems (batch, P, N), split over all devices; batch and P are padded into buckets, so that few are compiled."""
    batch, examples, _ = rows.shape
    devices = jax.devices()
    more = -(-bucket(batch) // len(devices)) * len(devices) - batch, bucket(examples) - examples
    split = NamedSharding(Mesh(np.array(devices), "batch"), PartitionSpec("batch"))
    return jax.device_put(np.pad(rows, ((0, more[0]), (0, more[1]), (0, 0))), split)


def bucket(size: int) -> int:
    """The next of 8, 10, 12, 14, 16, 20, 24, …: at most a quarter more."""
    step = max(1, 2 ** (size.bit_length() - 3))
    return max(8, -(-size // step) * step)
