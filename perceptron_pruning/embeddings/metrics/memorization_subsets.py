"""Memorization as it was first measured: heads trained with and without an example, on random 70 % subsets.

A round splits the examples at random into ten folds and trains ten heads, each on seven folds in a row. The second
moments of a subset are sums of those of its folds, so that ten heads cost one pass.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from perceptron_pruning.embeddings.metrics.host_subsets import (
    FoldRows,
    HostFoldMoments,
    multiplied_together,
    own_scores_on_host,
)
from perceptron_pruning.embeddings.metrics.memorization import DeviceScaling
from perceptron_pruning.embeddings.runtime.blocks import Block, block_rows, blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, is_host, on_local_devices
from perceptron_pruning.embeddings.runtime.settings import DENSE_CLASSES

FoldSums = tuple[np.ndarray, np.ndarray]
"""XᵀX of each fold, (S, d, d), and YᵀX with a column of ones, (S, C, d + 1)."""


@dataclass(frozen=True, kw_only=True)
class _TrainedRound:
    """The heads of a round.

    Attributes:
        number: Of the round.
        weights: Mean of the heads trained with a fold, less that of the heads without, (S, C, d + 1).
    """

    number: int
    weights: np.ndarray


def memorization_subsets(context: ScoringContext) -> dict[str, np.ndarray]:
    """Mean score of the own class under heads trained with the example, less that under heads trained without.

    The mean over R rounds of partitions into S folds, with T_h the folds of head h and S' their number::

        memorization_i = (1/R) Σ_rounds Σ_h f_h(x_i)[y_i] · (1/S' if i ∈ T_h else −1/(S − S'))

    A pass over the rows sums the moments of a round, and scores by the heads of the round before.
    """
    rounds = context.settings.ridge.rounds
    done, stored = load_step_everywhere(context.checkpoint, "subsets", context.group)
    total = stored["total"] if done else np.zeros(len(context.rows))
    trained: _TrainedRound | None = None
    with full_precision():
        for number in range(done, rounds + 1 if done < rounds else done):
            passing = _Pass(context, number, trained)
            moments = _fold_moments(passing, context) if number < rounds else passing.exhaust()
            if trained is not None:
                total = total + passing.scores
                save_step(context.checkpoint, "subsets", number, context.group, total=total)
            trained = None if moments is None else _trained_round(moments, context, number)
    return {"memorization_subsets": total / rounds}


class _Pass:
    """One pass over the rows, in blocks with their folds of a round, which are scored by the heads of the round before.

    Args:
        context: Rows, classes and settings.
        number: Of the round.
        trained: Heads of the round before, or None.

    Attributes:
        scores: Mean score with minus mean score without the row, over the heads of the round before, (n,).
    """

    def __init__(self, context: ScoringContext, number: int, trained: _TrainedRound | None):
        self.context, self.number, self.trained = context, number, trained
        self.scores = np.zeros(len(context.rows))

    def __iter__(self) -> Iterator[FoldRows]:
        context = self.context
        label = f"subset heads {self.number}/{context.settings.ridge.rounds}"
        for block in blocks(context.rows, progress=context.progress, label=label, widest=_widest(context)):
            if self.trained is not None:
                rows = _with_folds(block, context, self.trained.number)
                self.scores[block.span] = _own_scores(rows, self.trained.weights, context)
            yield _with_folds(block, context, self.number)

    def exhaust(self) -> None:
        """Scores all rows."""
        for _ in self:
            pass


def _with_folds(block: Block, context: ScoringContext, number: int) -> FoldRows:
    return FoldRows(
        first=context.first_row + block.start,
        values=block.values,
        folds=fold_of_rows(block, context, number),
        classes=context.required_classes[block.span],
    )


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


def _trained_round(moments: FoldSums, context: ScoringContext, number: int) -> _TrainedRound:
    """The heads of a round, from the moments of its folds.

    Scores are linear in the weights, so that one product of a row takes the place of one for each head.
    """
    ridge = context.settings.ridge
    in_training = training_folds(ridge.folds, ridge.folds_kept)
    weights = np.where(in_training, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept))
    differences = np.zeros((ridge.folds, context.n_classes, context.rows.n_features + 1))
    grams, class_sums = moments
    gram, sums = grams.sum(axis=0), class_sums.sum(axis=0)
    for folds, weight_of_fold in zip(in_training, weights, strict=True):
        weights_of_head = _solution(
            gram - grams[~folds].sum(axis=0), sums - class_sums[~folds].sum(axis=0), ridge.ridge
        )
        differences += weight_of_fold[:, None, None] * weights_of_head
    return _TrainedRound(number=number, weights=differences.astype(context.rows.dtype))


def _solution(gram: np.ndarray, class_sums: np.ndarray, ridge: float) -> np.ndarray:
    """Weights W = (XᵀX + λ n diag(1, …, 1, 0))⁻¹XᵀY of a head, (C, d + 1); the intercept bears no ridge.

    Args:
        gram: XᵀX without the column of ones, (d, d).
        class_sums: YᵀX with it, (C, d + 1): its sum over classes is the last row of XᵀX.
        ridge: λ.
    """
    sums = class_sums.sum(axis=0)
    whole = np.empty((sums.size, sums.size), order="F")
    whole[:-1, :-1], whole[-1], whole[:-1, -1] = gram, sums, sums[:-1]
    whole[np.diag_indices(len(gram))] += ridge * sums[-1]
    factor = cho_factor(whole, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, class_sums.T, check_finite=False).T


def _fold_moments(passing: Iterable[FoldRows], context: ScoringContext) -> FoldSums:
    """Sums of `FoldSums` over the rows of all processes."""
    grams, class_sums = (_moments_on_host if is_host() else _moments_on_device)(passing, context)
    return context.group.all_sum(grams), context.group.all_sum(class_sums)


def _moments_on_host(passing: Iterable[FoldRows], context: ScoringContext) -> FoldSums:
    moments = HostFoldMoments(context.settings.ridge.folds, context)
    for rows in multiplied_together(iter(passing), context.rows.n_features):
        moments.add(rows)
    return moments.grams, moments.class_sums


def _moments_on_device(passing: Iterable[FoldRows], context: ScoringContext) -> FoldSums:
    folds, n_classes, width = context.settings.ridge.folds, context.n_classes, context.rows.n_features + 1
    grams = jnp.zeros((folds, width - 1, width - 1), jnp.float64)
    class_sums = jnp.zeros((folds * n_classes, width), jnp.float64)
    scaling = DeviceScaling.of(context)
    for rows in passing:
        order, valid = _padded_order(rows.folds, folds)
        segments = rows.folds[order] * n_classes + rows.classes[order]
        values = on_local_devices(rows.values[order])
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
    weights = valid[:, None].astype(values.dtype)
    inputs = scaling.apply(values) * weights
    for s, part in enumerate(inputs.reshape(len(grams), -1, inputs.shape[1])):
        grams = grams.at[s].add(part.T @ part)
    with_ones = jnp.concatenate([inputs, weights], axis=1)
    return grams, class_sums + jax.ops.segment_sum(with_ones, segments, len(class_sums))


def _own_scores(rows: FoldRows, weights: np.ndarray, context: ScoringContext) -> np.ndarray:
    """Score of the own class by the weights of the own fold, (B,); weights (S, C, d + 1)."""
    if is_host():
        return own_scores_on_host(rows, weights, context.standardisation)
    scaling = DeviceScaling.of(context)
    return np.asarray(_own_scores_jit(on_local_devices(rows.values), rows.classes, rows.folds, scaling, weights))


@jax.jit
def _own_scores_jit(
    values: jax.Array, classes: jax.Array, folds: jax.Array, scaling: DeviceScaling, weights: jax.Array
) -> jax.Array:
    own = weights[folds, classes]
    return jnp.sum(scaling.apply(values) * own[:, :-1], axis=1) + own[:, -1]
