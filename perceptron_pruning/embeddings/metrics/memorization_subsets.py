"""Memorization as it was first measured: heads trained with and without an example, on random 70 % subsets.

A round splits the examples at random into ten folds and trains ten heads, each on seven folds in a row. The second
moments of a subset are sums of those of its folds, so that ten heads cost one pass. Two rounds share a pass, and on a
host their products, unless there are many features.

References:
    Feldman & Zhang 2020, arXiv:2008.03703.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_factor, cho_solve

from perceptron_pruning.embeddings.io.precision import in_precision
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
from perceptron_pruning.embeddings.runtime.settings import DENSE_CLASSES, rounds_together

FoldSums = tuple[np.ndarray, np.ndarray]
"""XᵀX of each fold of a round, (S, d, d), and YᵀX with a column of ones, (S, C, d + 1)."""


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

    A pass over the rows sums the moments of two rounds (or one), and scores by the heads of those before.
    """
    rounds = context.settings.ridge.rounds
    together = rounds_together(context.settings.ridge, context.rows.n_features)
    passes = -(-rounds // together)
    done, stored = load_step_everywhere(context.checkpoint, "subset_passes", context.group)
    total = stored["total"] if done else np.zeros(len(context.rows))
    trained: list[_TrainedRound] = []
    with full_precision():
        for step in range(done, passes + 1 if done < passes else done):
            numbers = range(step * together, min((step + 1) * together, rounds))
            passing = _Pass(context, numbers, trained)
            newly_trained = _trained_rounds(passing, context) if step < passes else passing.exhaust()
            if trained:
                total = total + passing.scores
                save_step(context.checkpoint, "subset_passes", step, context.group, total=total)
            trained = newly_trained
    return {"memorization_subsets": total / rounds}


class _Pass:
    """One pass over the rows, in blocks with their folds of some rounds, which are scored by heads of rounds before.

    Args:
        context: Rows, classes and settings.
        numbers: Of the rounds.
        trained: Heads of the rounds before, if any.

    Attributes:
        scores: Mean score with minus mean score without the row, summed over the rounds before, (n,).
    """

    def __init__(self, context: ScoringContext, numbers: range, trained: Sequence[_TrainedRound]):
        self.context, self.numbers, self.trained = context, numbers, trained
        self.scores = np.zeros(len(context.rows))

    def __iter__(self) -> Iterator[FoldRows]:
        context = self.context
        label = f"subset heads {self.numbers.start}/{context.settings.ridge.rounds}"
        for block in blocks(context.rows, progress=context.progress, label=label, widest=_widest(context), narrow=True):
            if self.trained:
                rows = _with_folds(block, context, [trained.number for trained in self.trained])
                self.scores[block.span] = _own_scores(rows, [trained.weights for trained in self.trained], context)
            if self.numbers:
                yield _with_folds(block, context, self.numbers)

    def exhaust(self) -> list[_TrainedRound]:
        """Scores all rows; trains nothing."""
        for _ in self:
            pass
        return []


def _with_folds(block: Block, context: ScoringContext, numbers: Sequence[int]) -> FoldRows:
    return FoldRows(
        first=context.first_row + block.start,
        values=block.values,
        folds=np.stack([fold_of_rows(block, context, number) for number in numbers]),
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


def _trained_rounds(passing: _Pass, context: ScoringContext) -> list[_TrainedRound]:
    """The heads of the rounds of a pass; what their moments take is free for those of the next."""
    moments = _fold_moments(passing, context)
    return [_trained_round(sums, context, number) for number, sums in zip(passing.numbers, moments, strict=True)]


def _trained_round(moments: FoldSums, context: ScoringContext, number: int) -> _TrainedRound:
    """The heads of a round, from the moments of its folds.

    Scores are linear in the weights, so that one product of a row takes the place of one for each head.
    """
    ridge = context.settings.ridge
    in_training = training_folds(ridge.folds, ridge.folds_kept)
    weights = np.where(in_training, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept))
    totals = [of_folds.sum(axis=0) for of_folds in moments]
    heads = []
    for folds in in_training:
        gram, sums = (_without(total, of_folds, ~folds) for total, of_folds in zip(totals, moments, strict=True))
        heads.append(_solution(gram, sums, ridge.ridge))
    differences = np.tensordot(weights.T, heads, axes=1)
    return _TrainedRound(number=number, weights=differences.astype(context.rows.dtype))


def _without(total: np.ndarray, of_folds: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """A sum over all folds without those of some, whether each is left out, (S,)."""
    kept = total.copy()
    for fold in np.flatnonzero(folds):
        kept -= of_folds[fold]
    return kept


def _solution(gram: np.ndarray, class_sums: np.ndarray, ridge: float) -> np.ndarray:
    """Weights W = (XᵀX + λ n diag(1, …, 1, 0))⁻¹XᵀY of a head, (C, d + 1); the intercept bears no ridge.

    Args:
        gram: XᵀX without the column of ones, (d, d).
        class_sums: YᵀX with it, (C, d + 1): its sum over classes is the last row of XᵀX.
        ridge: λ.
    """
    sums = class_sums.sum(axis=0)
    whole = np.empty((sums.size, sums.size), order="F")
    whole[:-1, :-1], whole[-1], whole[:-1, -1] = gram.T, sums, sums[:-1]  # gram.T: in its order
    whole[np.diag_indices(len(gram))] += ridge * sums[-1]
    factor = cho_factor(whole, lower=True, overwrite_a=True, check_finite=False)
    return cho_solve(factor, class_sums.T, check_finite=False).T


def _fold_moments(passing: _Pass, context: ScoringContext) -> list[FoldSums]:
    """Sums of `FoldSums` over the rows of all processes, of each round."""
    moments = (_moments_on_host if is_host() else _moments_on_device)(passing, context)
    return [(context.group.all_sum(grams), context.group.all_sum(class_sums)) for grams, class_sums in moments]


def _moments_on_host(passing: _Pass, context: ScoringContext) -> list[FoldSums]:
    moments = HostFoldMoments(len(passing.numbers), context)
    for rows in multiplied_together(iter(passing), context.rows, shared=len(passing.numbers) > 1):
        moments.add(rows)
    return list(zip(moments.grams, moments.class_sums, strict=True))


def _moments_on_device(passing: _Pass, context: ScoringContext) -> list[FoldSums]:
    folds, n_classes, width = context.settings.ridge.folds, context.n_classes, context.rows.n_features + 1
    moments = [
        (
            jnp.zeros((folds, width - 1, width - 1), jnp.float64),
            jnp.zeros((folds * n_classes, width), jnp.float64),
        )
        for _ in passing.numbers
    ]
    scaling = DeviceScaling.of(context)
    for rows in passing:
        for number, fold_of_row in enumerate(rows.folds):
            order, valid = _padded_order(fold_of_row, folds)
            segments = fold_of_row[order] * n_classes + rows.classes[order]
            values = on_local_devices(in_precision(rows.values[order], context.rows.dtype))
            moments[number] = _add_fold_moments(moments[number], values, segments, valid, scaling)
        jax.block_until_ready(moments)  # otherwise the blocks of many steps wait in memory
    return [(np.asarray(grams), np.asarray(sums).reshape(folds, n_classes, width)) for grams, sums in moments]


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


def _own_scores(rows: FoldRows, weights: Sequence[np.ndarray], context: ScoringContext) -> np.ndarray:
    """Score of the own class by the weights of the own fold, summed over rounds, (B,); weights (S, C, d + 1) each."""
    if is_host():
        return own_scores_on_host(rows, weights, context)
    scaling, values = DeviceScaling.of(context), on_local_devices(in_precision(rows.values, context.rows.dtype))
    total = np.zeros(len(rows.values))
    for weights_of_fold, folds in zip(weights, rows.folds, strict=True):
        total += np.asarray(_own_scores_jit(values, rows.classes, folds, scaling, weights_of_fold))
    return total


@jax.jit
def _own_scores_jit(
    values: jax.Array, classes: jax.Array, folds: jax.Array, scaling: DeviceScaling, weights: jax.Array
) -> jax.Array:
    own = weights[folds, classes]
    return jnp.sum(scaling.apply(values) * own[:, :-1], axis=1) + own[:, -1]
