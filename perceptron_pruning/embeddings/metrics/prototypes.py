"""Distance to a prototype: to the nearest centroid of k-means, or to the mean of the own class.

References:
    Sorscher et al. 2022, arXiv:2206.14486.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.host_prototypes import class_sums_on_host, own_distances_on_host
from perceptron_pruning.embeddings.metrics.kmeans.lloyd import fit_kmeans, prototype_distances, unit_rows
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, is_host, on_local_devices


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
            if is_host():
                scores[block.span] = own_distances_on_host(values, means, classes)
            else:
                scores[block.span] = _own_distances(on_local_devices(values), means, classes)
    return {"supervised_prototypes": scores}


def _class_means(context: ScoringContext, spherical: bool) -> np.ndarray:
    """Mean of every class over all processes, (C, d); of unit length if spherical."""
    shape = context.n_classes, context.rows.n_features
    sums, on_device = np.zeros(shape), None if is_host() else jnp.zeros(shape, jnp.float64)
    for block in blocks(context.rows, progress=context.progress, label="class means"):
        values = unit_rows(block.values) if spherical else block.values
        classes = context.required_classes[block.span]
        if on_device is None:
            sums += class_sums_on_host(values, classes, context.n_classes)
        else:
            on_device = _add_by_class(on_device, on_local_devices(values), classes).block_until_ready()
    total = context.group.all_sum(sums if on_device is None else np.asarray(on_device))
    means = total / context.required_class_sizes[:, None]
    return (unit_rows(means) if spherical else means).astype(context.rows.dtype)


@partial(jax.jit, donate_argnums=0)
def _add_by_class(sums: jax.Array, values: jax.Array, classes: jax.Array) -> jax.Array:
    return sums + jax.ops.segment_sum(values, classes, len(sums))


@jax.jit
def _own_distances(values: jax.Array, means: jax.Array, classes: jax.Array) -> jax.Array:
    """‖x − mean of its class‖, (B,)."""
    return jnp.sqrt(jnp.sum((values - means[classes]) ** 2, axis=1))
