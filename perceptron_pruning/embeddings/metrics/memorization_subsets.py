"""Memorization as it was first measured: heads trained with and without an example, on random 70 % subsets.

A round splits the examples at random into ten folds and trains ten heads, each on seven folds in a row. The second
moments of a subset are sums of those of its folds, so that ten heads cost one pass.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from perceptron_pruning.embeddings.metrics.host_fold_moments import HostFoldMoments, gathered_blocks
from perceptron_pruning.embeddings.metrics.memorization import DeviceScaling
from perceptron_pruning.embeddings.runtime.blocks import Block, block_rows, blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, is_host, on_local_devices
from perceptron_pruning.embeddings.runtime.settings import DENSE_CLASSES

FoldSums = tuple[np.ndarray, np.ndarray]
"""XᵀX of each fold, (S, d + 1, d + 1), and YᵀX, (S, C, d + 1)."""


def memorization_subsets(context: ScoringContext) -> dict[str, np.ndarray]:
    """Mean score of the own class under heads trained with the example, less that under heads trained without.

    The mean over R rounds of partitions into S folds, with T_h the folds of head h and S' their number::

        memorization_i = (1/R) Σ_rounds Σ_h f_h(x_i)[y_i] · (1/S' if i ∈ T_h else −1/(S − S'))
    """
    rounds = context.settings.ridge.rounds
    done, stored = load_step_everywhere(context.checkpoint, "subsets", context.group)
    total = stored["total"] if done else np.zeros(len(context.rows))
    with full_precision():
        for number in range(done, rounds):
            total = total + _round_scores(context, number)
            save_step(context.checkpoint, "subsets", number + 1, context.group, total=total)
    return {"memorization_subsets": total / rounds}


def _round_scores(context: ScoringContext, number: int) -> np.ndarray:
    """Mean score with minus mean score without, over the heads of one partition, (n,)."""
    ridge = context.settings.ridge
    differences, scaling = _fold_differences(context, number), DeviceScaling.of(context)
    scores = np.empty(len(context.rows))
    label = f"subset heads {number + 1}/{ridge.rounds}"
    for block in blocks(context.rows, progress=context.progress, label=label, widest=_widest(context)):
        classes = context.required_classes[block.span]
        folds = fold_of_rows(block, context, number)
        scores[block.span] = _own_scores(on_local_devices(block.values), classes, folds, scaling, differences)
    return scores


def training_folds(folds: int, kept: int) -> np.ndarray:
    """Whether head h is trained on fold s, (heads, folds): `kept` folds in a row, in a ring."""
    return (np.arange(folds) - np.arange(folds)[:, None]) % folds < kept


def fold_of_rows(block: Block, context: ScoringContext, number: int) -> np.ndarray:
    """Random fold of every row of a block in a round, (B,); the folds' sizes differ by at most one.

    The whole block is drawn where processes share it.
    """
    size, n_rows = block_rows(max(_widest(context), context.rows.n_features)), context.standardisation.n_rows
    first = context.first_row + block.start
    start = first // size * size
    rng = np.random.default_rng([context.settings.seed, 2, number, start])
    drawn = rng.permutation(np.arange(min(size, n_rows - start)) % context.settings.ridge.folds)
    return drawn[first - start : first - start + block.stop - block.start]


def _widest(context: ScoringContext) -> int:
    """Columns of the widest intermediate: scores of all classes under all heads, or weights of the own class."""
    heads, d = context.settings.ridge.folds, context.rows.n_features
    return max(heads * (context.n_classes if context.n_classes <= DENSE_CLASSES else d), d)


def _fold_differences(context: ScoringContext, number: int) -> jax.Array:
    """Mean weights of the heads of a round trained with a fold, less those of the heads without, (S, C, d + 1).

    Scores are linear in the weights, so that one product of a row takes the place of one for each head.
    """
    ridge = context.settings.ridge
    in_training = training_folds(ridge.folds, ridge.folds_kept)
    weights = np.where(in_training, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept))
    differences = np.zeros((ridge.folds, context.n_classes, context.rows.n_features + 1))
    grams, class_sums = _fold_moments(context, number)
    whole = grams.sum(axis=0), class_sums.sum(axis=0)
    for folds, weight_of_fold in zip(in_training, weights, strict=True):
        moments = (total - part[~folds].sum(axis=0) for total, part in zip(whole, (grams, class_sums), strict=True))
        differences += weight_of_fold[:, None, None] * _solution(*moments, ridge.ridge)
    return jnp.asarray(differences.astype(context.rows.dtype))


def _solution(gram: np.ndarray, class_sums: np.ndarray, ridge: float) -> np.ndarray:
    """Weights W = (XᵀX + λ n diag(1, …, 1, 0))⁻¹XᵀY of a head, (C, d + 1); the intercept bears no ridge.

    Args:
        gram: XᵀX, (d + 1, d + 1), its last entry n.
        class_sums: YᵀX, (C, d + 1).
        ridge: λ.
    """
    penalty = np.full(len(gram), ridge * gram[-1, -1])
    penalty[-1] = 0.0
    factor = cho_factor(gram + np.diag(penalty), lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, class_sums.T).T


def _fold_moments(context: ScoringContext, number: int) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX of each fold, (S, d + 1, d + 1), and YᵀX, (S, C, d + 1), with a column of ones for the intercept; sums over
    the rows of all processes."""
    label = f"fold moments {number + 1}/{context.settings.ridge.rounds}"
    read = blocks(context.rows, progress=context.progress, label=label, widest=_widest(context))
    passing = ((block, fold_of_rows(block, context, number)) for block in read)
    grams, class_sums = (_moments_on_host if is_host() else _moments_on_device)(passing, context)
    return context.group.all_sum(grams), context.group.all_sum(class_sums)


def _moments_on_host(passing: Iterator[tuple[Block, np.ndarray]], context: ScoringContext) -> FoldSums:
    moments = HostFoldMoments(context.settings.ridge.folds, context)
    for rows in gathered_blocks(passing, context):
        moments.add(rows)
    return moments.grams, moments.class_sums


def _moments_on_device(passing: Iterator[tuple[Block, np.ndarray]], context: ScoringContext) -> FoldSums:
    folds, n_classes, width = context.settings.ridge.folds, context.n_classes, context.rows.n_features + 1
    grams = jnp.zeros((folds, width, width), jnp.float64)
    class_sums = jnp.zeros((folds * n_classes, width), jnp.float64)
    scaling = DeviceScaling.of(context)
    for block, fold_of_row in passing:
        order, valid = _padded_order(fold_of_row, folds)
        segments = fold_of_row[order] * n_classes + context.required_classes[block.span][order]
        values = on_local_devices(block.values[order])
        grams, class_sums = _add_fold_moments((grams, class_sums), values, segments, valid, scaling)
        jax.block_until_ready((grams, class_sums))  # otherwise the blocks of many steps wait in memory
    return np.asarray(grams), np.asarray(class_sums).reshape(folds, n_classes, width)


def _padded_order(fold_of_row: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows fold after fold, all folds of equal length, and the weight of each: 0 for padding."""
    longest = int(np.bincount(fold_of_row).max())  # B/S, but for a block that processes share
    order, valid = np.zeros((folds, longest), int), np.zeros((folds, longest))
    for s in range(folds):
        places = np.flatnonzero(fold_of_row == s)
        order[s, : places.size], valid[s, : places.size] = places, 1.0
    return order.ravel(), valid.ravel()


@partial(jax.jit, donate_argnums=0)
def _add_fold_moments(
    moments: tuple[jax.Array, jax.Array],
    values: jax.Array,
    segments: jax.Array,
    valid: jax.Array,
    scaling: DeviceScaling,
) -> tuple[jax.Array, jax.Array]:
    """Adds a block, its rows in padded order; a segment is a fold and a class."""
    grams, class_sums = moments
    inputs = with_intercept(scaling.apply(values)) * valid[:, None].astype(values.dtype)
    for s, part in enumerate(inputs.reshape(len(grams), -1, inputs.shape[1])):
        grams = grams.at[s].add(part.T @ part)
    return grams, class_sums + jax.ops.segment_sum(inputs, segments, len(class_sums))


def with_intercept(inputs: jax.Array) -> jax.Array:
    """The inputs and a column of ones, (B, d + 1)."""
    return jnp.concatenate([inputs, jnp.ones((len(inputs), 1), inputs.dtype)], axis=1)


@jax.jit
def _own_scores(
    values: jax.Array, classes: jax.Array, folds: jax.Array, scaling: DeviceScaling, weights: jax.Array
) -> jax.Array:
    """Score of the own class by the weights of the own fold, (B,); weights (S, C, d + 1)."""
    own = weights[folds, classes]
    return jnp.sum(scaling.apply(values) * own[:, :-1], axis=1) + own[:, -1]
