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

from perceptron_pruning.embeddings.metrics.memorization import scaling, standardised
from perceptron_pruning.embeddings.runtime.blocks import Block, blocks
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.devices import placed

DENSE_CLASSES = 64


def memorization_subsets(pool: Pool) -> dict[str, np.ndarray]:
    """Mean score of the own class under heads that saw the example, less that under heads that did not."""
    rounds = pool.settings.ridge.rounds
    stored = pool.checkpoint.load("subsets")
    total, done = (stored["total"], int(stored["done"])) if stored else (np.zeros(len(pool.rows)), 0)
    with jax.enable_x64(True):
        for number in range(done, rounds):
            total = total + _round(pool, number)
            pool.checkpoint.save("subsets", total=total, done=number + 1)
    return {"memorization_subsets": total / rounds}


def _round(pool: Pool, number: int) -> np.ndarray:
    """With minus without, over the heads of one partition, (n,)."""
    ridge = pool.settings.ridge
    grams, class_sums = _fold_moments(pool, number)
    inside = members(ridge.folds, ridge.folds_kept)
    heads = np.stack([_solved(grams, class_sums, part, pool) for part in inside], axis=1)
    means = np.where(inside, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept))
    difference = np.empty(len(pool.rows))
    mean, scale = scaling(pool)
    there = jnp.asarray(heads)
    label = f"subset heads {number + 1}/{ridge.rounds}"
    for block in blocks(pool.rows, progress=pool.progress, label=label, widest=_width(pool)):
        classes, folds = pool.labelled[block.span], fold_of(block, ridge.folds, number, pool.settings.seed)
        own = _own_scores(placed(block.values), classes, mean, scale, there)
        difference[block.span] = np.sum(np.asarray(own) * means.T[folds], axis=1)
    return difference


def members(folds: int, kept: int) -> np.ndarray:
    """Whether head h is trained on fold s, (heads, folds): `kept` folds in a row, in a ring."""
    return (np.arange(folds) - np.arange(folds)[:, None]) % folds < kept


def fold_of(block: Block, folds: int, number: int, seed: int) -> np.ndarray:
    """Fold of every row of a block, equally many of each up to one, (B,)."""
    rng = np.random.default_rng([seed, 2, number, block.start])
    return rng.permutation(np.arange(block.stop - block.start) % folds)


def _width(pool: Pool) -> int:
    """Columns of the widest intermediate: all heads' scores, or all heads' weights of the own class."""
    heads = pool.settings.ridge.folds
    return max(
        heads * (pool.n_classes if pool.n_classes <= DENSE_CLASSES else pool.rows.n_features), pool.rows.n_features
    )


def _fold_moments(pool: Pool, number: int) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX of each fold, (S, d + 1, d + 1), and YᵀX, (S, C, d + 1), with a column of ones for the intercept."""
    folds, width = pool.settings.ridge.folds, pool.rows.n_features + 1
    moments = jnp.zeros((folds, width, width), jnp.float64), jnp.zeros((folds * pool.n_classes, width), jnp.float64)
    mean, scale = scaling(pool)
    label = f"fold moments {number + 1}/{pool.settings.ridge.rounds}"
    for block in blocks(pool.rows, progress=pool.progress, label=label, widest=_width(pool)):
        fold = fold_of(block, folds, number, pool.settings.seed)
        order, valid = _padded_order(fold, folds)
        classes = fold[order] * pool.n_classes + pool.labelled[block.span][order]
        moments = _add_fold_moments(moments, placed(block.values[order]), classes, valid, mean, scale)
        jax.block_until_ready(moments)  # or the blocks of many steps would wait in memory
    grams, class_sums = (np.asarray(part) for part in moments)
    return grams, class_sums.reshape(folds, pool.n_classes, width)


def _padded_order(fold: np.ndarray, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows fold after fold, each filled up to equal length by rows that do not count."""
    longest = -(-len(fold) // folds)
    order, valid = np.zeros((folds, longest), int), np.zeros((folds, longest))
    for s in range(folds):
        places = np.flatnonzero(fold == s)
        order[s, : places.size], valid[s, : places.size] = places, 1.0
    return order.ravel(), valid.ravel()


@partial(jax.jit, donate_argnums=0)
def _add_fold_moments(moments, values, classes, valid, mean, scale):
    grams, class_sums = moments
    inputs = with_ones(standardised(values, mean, scale)) * valid[:, None].astype(values.dtype)
    for s, part in enumerate(inputs.reshape(len(grams), -1, inputs.shape[1])):
        grams = grams.at[s].add(part.T @ part)
    return grams, class_sums + jax.ops.segment_sum(inputs, classes, len(class_sums))


def with_ones(inputs):
    return jnp.concatenate([inputs, jnp.ones((len(inputs), 1), inputs.dtype)], axis=1)


def _solved(grams: np.ndarray, class_sums: np.ndarray, inside: np.ndarray, pool: Pool) -> np.ndarray:
    """Weights (C, d + 1) of the head that is trained on these folds; the intercept bears no ridge."""
    gram = grams[inside].sum(axis=0)
    penalty = np.full(len(gram), pool.settings.ridge.ridge * gram[-1, -1])
    penalty[-1] = 0.0
    factor = cho_factor(gram + np.diag(penalty), lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, class_sums[inside].sum(axis=0).T).T.astype(pool.rows.dtype)


@jax.jit
def _own_scores(values, classes, mean, scale, heads):
    """Score of the own class under every head, (B, H); heads (C, H, d + 1)."""
    inputs = with_ones(standardised(values, mean, scale))
    n_classes, n_heads, width = heads.shape
    if n_classes > DENSE_CLASSES:
        return jnp.einsum("bd,bhd->bh", inputs, heads[classes])
    every = (inputs @ heads.reshape(-1, width).T).reshape(-1, n_classes, n_heads)
    return jnp.take_along_axis(every, classes[:, None, None], axis=1)[:, 0]
