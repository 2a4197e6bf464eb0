"""Assignment of a block of rows to the nearest centroids, and the sums that move the centroids."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class ClusterSums(NamedTuple):
    """Sums over the rows assigned so far, in double precision.

    Attributes:
        sums: Σ x of each cluster, (k, d).
        counts: Rows of each cluster, (k,).
        objective: Σ ‖x − c‖².
    """

    sums: jax.Array
    counts: jax.Array
    objective: jax.Array


def zero_sums(n_clusters: int, n_features: int) -> ClusterSums:
    """The sums before the first block, on the device of all later ones, so that these compile nothing anew."""
    zeros = ClusterSums(
        jnp.zeros((n_clusters, n_features), jnp.float64),
        jnp.zeros(n_clusters, jnp.float64),
        jnp.zeros((), jnp.float64),
    )
    devices = jax.local_devices()
    return jax.device_put(zeros, devices[0]) if len(devices) == 1 else zeros


def nearest_centroid(rows: jax.Array, centroids: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Index of the nearest centroid and x·c − ‖c‖²/2 there, each (n,): one matrix product.

    The largest entry and then its first place are two plain reductions: on a CPU together
    faster than one `argmax`.
    """
    closeness = rows @ centroids.T - 0.5 * jnp.sum(centroids**2, axis=1)
    largest = jnp.max(closeness, axis=1)
    places = jnp.arange(len(centroids), dtype=jnp.int32)
    return jnp.min(jnp.where(closeness >= largest[:, None], places, len(centroids) - 1), axis=1), largest


@partial(jax.jit, donate_argnums=2)
def assign_jax(rows: jax.Array, centroids: jax.Array, total: ClusterSums) -> tuple[ClusterSums, jax.Array]:
    """The sums with a block added, and each row's squared distance ‖x‖² − 2 (x·c − ‖c‖²/2), (n,)."""
    nearest, closeness = nearest_centroid(rows, centroids)
    return _add(rows, nearest, jnp.sum(rows**2, axis=1) - 2 * closeness, total)


def assign_faiss(rows: jax.Array, centroids: jax.Array, total: ClusterSums) -> tuple[ClusterSums, jax.Array]:
    """As `assign_jax`, with the nearest centroids by faiss."""
    try:
        import faiss
    except ImportError as missing:
        raise ValueError('`engine` = "faiss" needs its package: pip install "perceptron-pruning[faiss]"') from missing
    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(np.ascontiguousarray(centroids, np.float32))
    squared, nearest = index.search(np.ascontiguousarray(rows, np.float32), 1)
    return add_jit(jnp.asarray(rows), jnp.asarray(nearest[:, 0]), jnp.asarray(squared[:, 0]), total)


def _add(rows: jax.Array, nearest: jax.Array, squared: jax.Array, total: ClusterSums) -> tuple[ClusterSums, jax.Array]:
    squared = jnp.maximum(squared, 0)  # rounding must not make a square negative
    k = len(total.counts)
    sums = jax.ops.segment_sum(rows, nearest, k)
    counts = jax.ops.segment_sum(jnp.ones(len(rows)), nearest, k)
    objective = jnp.sum(squared, dtype=jnp.float64)
    return ClusterSums(total.sums + sums, total.counts + counts, total.objective + objective), squared


add_jit = jax.jit(_add, donate_argnums=3)

ENGINES = {"jax": assign_jax, "faiss": assign_faiss}


@jax.jit
def nearest_distances(rows: jax.Array, centroids: jax.Array) -> jax.Array:
    """‖x − c‖ to the nearest centroid, (n,), from the difference itself: exact zeros stay zero."""
    nearest, _ = nearest_centroid(rows, centroids)
    return jnp.sqrt(jnp.sum((rows - centroids[nearest]) ** 2, axis=1))
