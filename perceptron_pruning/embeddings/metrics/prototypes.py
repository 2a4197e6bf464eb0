"""Distance to a prototype: to the nearest centroid of k-means, or to the mean of the own class.

References:
    Sorscher et al. 2022, arXiv:2206.14486.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.kmeans.lloyd import fit_kmeans, prototype_distances, unit_rows
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.devices import placed


def self_supervised_prototypes(pool: Pool) -> dict[str, np.ndarray]:
    """min_k ‖x_i − c_k‖ over the centroids of k-means."""
    settings = replace(pool.settings.kmeans, n_clusters=pool.n_clusters)
    fitted = fit_kmeans(
        pool.rows,
        settings,
        seed=pool.settings.seed,
        world=pool.world,
        progress=pool.progress,
        checkpoint=pool.checkpoint,
    )
    distances = prototype_distances(
        pool.rows, fitted.centroids, spherical=settings.spherical, progress=pool.progress, label="nearest centroid"
    )
    return {"self_supervised_prototypes": distances}


def supervised_prototypes(pool: Pool) -> dict[str, np.ndarray]:
    """‖x_i − mean of the class of i‖."""
    spherical = pool.settings.kmeans.spherical
    with jax.enable_x64(True):
        means = _class_means(pool, spherical)
        scores = np.empty(len(pool.rows))
        for block in blocks(pool.rows, progress=pool.progress, label="class prototypes"):
            values = unit_rows(block.values) if spherical else block.values
            scores[block.span] = _own_distances(placed(values), means, pool.labelled[block.span])
    return {"supervised_prototypes": scores}


def _class_means(pool: Pool, spherical: bool) -> jax.Array:
    sums = jnp.zeros((pool.n_classes, pool.rows.n_features), jnp.float64)
    for block in blocks(pool.rows, progress=pool.progress, label="class means"):
        values = unit_rows(block.values) if spherical else block.values
        sums = _add_by_class(sums, placed(values), pool.labelled[block.span]).block_until_ready()
    means = pool.world.sum(np.asarray(sums)) / pool.counts[:, None]
    return jnp.asarray((unit_rows(means) if spherical else means).astype(pool.rows.dtype))


@partial(jax.jit, donate_argnums=0)
def _add_by_class(sums, values, classes):
    return sums + jax.ops.segment_sum(values, classes, len(sums))


@jax.jit
def _own_distances(values, means, classes):
    return jnp.sqrt(jnp.sum((values - means[classes]) ** 2, axis=1))
