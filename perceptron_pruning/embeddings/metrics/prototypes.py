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
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, on_local_devices


def self_supervised_prototypes(context: ScoringContext) -> dict[str, np.ndarray]:
    """min_k ‖x_i − c_k‖ over the centroids of k-means."""
    settings = replace(context.settings.kmeans, n_clusters=context.n_clusters)
    fitted = fit_kmeans(
        context.rows,
        settings,
        seed=context.settings.seed,
        group=context.group,
        progress=context.progress,
        checkpoint=context.checkpoint,
    )
    distances = prototype_distances(
        context.rows,
        fitted.centroids,
        spherical=settings.spherical,
        progress=context.progress,
        label="nearest centroid",
    )
    return {"self_supervised_prototypes": distances}


def supervised_prototypes(context: ScoringContext) -> dict[str, np.ndarray]:
    """‖x_i − mean of the class of i‖."""
    spherical = context.settings.kmeans.spherical
    with full_precision():
        means = _class_means(context, spherical)
        scores = np.empty(len(context.rows))
        for block in blocks(context.rows, progress=context.progress, label="class prototypes"):
            values = unit_rows(block.values) if spherical else block.values
            classes = context.required_classes[block.span]
            scores[block.span] = _own_distances(on_local_devices(values), means, classes)
    return {"supervised_prototypes": scores}


def _class_means(context: ScoringContext, spherical: bool) -> jax.Array:
    """Mean of every class over all processes, (C, d); of unit length if spherical."""
    sums = jnp.zeros((context.n_classes, context.rows.n_features), jnp.float64)
    for block in blocks(context.rows, progress=context.progress, label="class means"):
        values = unit_rows(block.values) if spherical else block.values
        classes = context.required_classes[block.span]
        sums = _add_by_class(sums, on_local_devices(values), classes).block_until_ready()
    means = context.group.all_sum(np.asarray(sums)) / context.required_class_sizes[:, None]
    return jnp.asarray((unit_rows(means) if spherical else means).astype(context.rows.dtype))


@partial(jax.jit, donate_argnums=0)
def _add_by_class(sums: jax.Array, values: jax.Array, classes: jax.Array) -> jax.Array:
    return sums + jax.ops.segment_sum(values, classes, len(sums))


@jax.jit
def _own_distances(values: jax.Array, means: jax.Array, classes: jax.Array) -> jax.Array:
    """‖x − mean of its class‖, (B,)."""
    return jnp.sqrt(jnp.sum((values - means[classes]) ** 2, axis=1))
