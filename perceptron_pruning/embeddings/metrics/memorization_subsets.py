"""Memorization as it was first measured: heads trained with and without an example, on random 70 % subsets.

A round splits the examples at random into ten folds and trains ten heads, each on seven folds in a row. The second
moments of a subset are sums of those of its folds, so that ten heads cost one pass.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from perceptron_pruning.embeddings.metrics.memorization import DeviceScaling
from perceptron_pruning.embeddings.runtime.blocks import Block, block_rows, blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, on_local_devices
from perceptron_pruning.embeddings.runtime.settings import DENSE_CLASSES


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
    in_training = training_folds(ridge.folds, ridge.folds_kept)
    heads = _fold_heads(context, number, in_training)
    weights = np.where(in_training, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept))
    scores, scaling = np.empty(len(context.rows)), DeviceScaling.of(context)
    label = f"subset heads {number + 1}/{ridge.rounds}"
    for block in blocks(context.rows, progress=context.progress, label=label, widest=_widest(context)):
        classes = context.required_classes[block.span]
        folds = fold_of_rows(block, context, number)
        own = np.asarray(_own_scores(on_local_devices(block.values), classes, scaling, heads))
        scores[block.span] = np.sum(own * weights.T[folds], axis=1)
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


def _fold_heads(context: ScoringContext, number: int, in_training: np.ndarray) -> jax.Array:
    """Weights of every head of a round, (C, heads, d + 1)."""
    grams, class_sums = _fold_moments(context, number)
    solutions = [
        _solution(grams[folds].sum(axis=0), class_sums[folds].sum(axis=0), context.settings.ridge.ridge).astype(
            context.rows.dtype
        )
        for folds in in_training
    ]
    return jnp.asarray(np.stack(solutions, axis=1))


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
    ridge, n_classes, width = context.settings.ridge, context.n_classes, context.rows.n_features + 1
    grams = jnp.zeros((ridge.folds, width, width), jnp.float64)
    class_sums = jnp.zeros((ridge.folds * n_classes, width), jnp.float64)
    scaling = DeviceScaling.of(context)
    label = f"fold moments {number + 1}/{ridge.rounds}"
    for block in blocks(context.rows, progress=context.progress, label=label, widest=_widest(context)):
        folds = fold_of_rows(block, context, number)
        order, valid = _padded_order(folds, ridge.folds)
        segments = folds[order] * n_classes + context.required_classes[block.span][order]
        values = on_local_devices(block.values[order])
        grams, class_sums = _add_fold_moments((grams, class_sums), values, segments, valid, scaling)
        jax.block_until_ready((grams, class_sums))  # otherwise the blocks of many steps wait in memory
    grams, class_sums = (context.group.all_sum(np.asarray(part)) for part in (grams, class_sums))
    return grams, class_sums.reshape(ridge.folds, n_classes, width)


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
def _own_scores(values: jax.Array, classes: jax.Array, scaling: DeviceScaling, heads: jax.Array) -> jax.Array:
    """Score of the own class under every head, (B, H); heads (C, H, d + 1)."""
    inputs = with_intercept(scaling.apply(values))
    n_classes, n_heads, width = heads.shape
    if n_classes > DENSE_CLASSES:
        return jnp.einsum("bd,bhd->bh", inputs, heads[classes])
    scores = (inputs @ heads.reshape(-1, width).T).reshape(-1, n_classes, n_heads)
    return jnp.take_along_axis(scores, classes[:, None, None], axis=1)[:, 0]
