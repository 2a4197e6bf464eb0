"""One block against all centroids: who is nearest, and what the centroids gain from it."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Gains(NamedTuple):
    """Sums over the rows seen so far, in double precision.

    Attributes:
        sums: Σ x of each cluster, (k, d).
        counts: Rows of each cluster, (k,).
        objective: Σ ‖x − c‖².
    """

    sums: jax.Array
    counts: jax.Array
    objective: jax.Array


def no_gains(n_clusters: int, n_features: int) -> Gains:
    return Gains(
        jnp.zeros((n_clusters, n_features), jnp.float64),
        jnp.zeros(n_clusters, jnp.float64),
        jnp.zeros((), jnp.float64),
    )


def nearest_centroid(rows, centroids):
    """Index of the nearest centroid and x·c − ‖c‖²/2 there, each (n,): one matrix product.

    The largest entry and then its first place are two plain reductions: on a CPU together
    faster than one `argmax`.
    """
    closeness = rows @ centroids.T - 0.5 * jnp.sum(centroids**2, axis=1)
    largest = jnp.max(closeness, axis=1)
    places = jnp.arange(len(centroids), dtype=jnp.int32)
    return jnp.min(jnp.where(closeness >= largest[:, None], places, len(centroids) - 1), axis=1), largest


@partial(jax.jit, donate_argnums=2)
def assign_jax(rows, centroids, gains: Gains):
    """Assigns a block and adds it to the gains; returns also each row's squared distance, (n,)."""
    nearest, closeness = nearest_centroid(rows, centroids)
    return _add(rows, nearest, jnp.sum(rows**2, axis=1) - 2 * closeness, gains)


def assign_faiss(rows, centroids, gains: Gains):
    """As `assign_jax`, with the assignment by faiss."""
    try:
        import faiss
    except ImportError as missing:
        raise ValueError('`engine` = "faiss" needs its package: pip install "perceptron-pruning[faiss]"') from missing
    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(np.ascontiguousarray(centroids, np.float32))
    squared, nearest = index.search(np.ascontiguousarray(rows, np.float32), 1)
    return add_jit(jnp.asarray(rows), jnp.asarray(nearest[:, 0]), jnp.asarray(squared[:, 0]), gains)


def _add(rows, nearest, squared, gains: Gains):
    squared = jnp.maximum(squared, 0)
    k = len(gains.counts)
    sums = jax.ops.segment_sum(rows, nearest, k)
    counts = jax.ops.segment_sum(jnp.ones(len(rows)), nearest, k)
    total = Gains(gains.sums + sums, gains.counts + counts, gains.objective + jnp.sum(squared, dtype=jnp.float64))
    return total, squared


add_jit = jax.jit(_add, donate_argnums=3)

ENGINES = {"jax": assign_jax, "faiss": assign_faiss}


@jax.jit
def distances(rows, centroids):
    """‖x − c‖ to the nearest centroid, from the difference itself: exact zeros stay zero, (n,)."""
    nearest, _ = nearest_centroid(rows, centroids)
    return jnp.sqrt(jnp.sum((rows - centroids[nearest]) ** 2, axis=1))
