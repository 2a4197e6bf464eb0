"""Subset heads on a host's cores: symmetric products, which rounds share, and scores of the own class.

With P_ab = Σ x xᵀ over the rows of fold a of one round and fold b of the next, the moments of both are sums of them::

    G_a = Σ_b P_ab,    G'_b = Σ_a P_ab

so that two rounds take the products of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.metrics.host_ridge import sums_by_class
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles
from perceptron_pruning.embeddings.runtime.settings import BLOCK_ROWS, MULTIPLIED_BYTES, MULTIPLIED_ROWS
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores


@dataclass(frozen=True, kw_only=True)
class FoldRows:
    """Rows with their folds in one round or in two.

    Attributes:
        first: Number of the first row among those of all processes.
        values: Embeddings, as narrow as they are stored, (B, d).
        folds: Fold of each in each round, (R, B).
        classes: Class of each, (B,).
    """

    first: int
    values: np.ndarray
    folds: np.ndarray
    classes: np.ndarray


class HostFoldMoments:
    """Sums over the rows of each fold, as they come, in double precision.

    Args:
        rounds: R, 1 or 2.
        context: Standardisation, folds, classes and width of the rows.

    Attributes:
        grams: XᵀX of standardised rows, (R, S, d, d).
        class_sums: YᵀX of them with a one at the end, (R, S, C, d + 1).
    """

    def __init__(self, rounds: int, context: ScoringContext):
        width, self.folds = context.rows.n_features, context.settings.ridge.folds
        self.standardisation, self.dtype = context.standardisation, context.rows.dtype
        self.grams = np.zeros((rounds, self.folds, width, width))
        self.class_sums = np.zeros((rounds, self.folds, context.n_classes, width + 1))

    def add(self, rows: FoldRows) -> None:
        """Adds rows, side by side on the cores those that no two share a fold of any round."""
        with one_blas_thread():
            for step in range(self.folds ** (len(self.grams) - 1)):
                together = [self._cell(fold, step) for fold in range(self.folds)]
                on_all_cores(lambda cell: self._add(cell, rows), together, threads=True)

    def _cell(self, fold: int, step: int) -> np.ndarray:
        """Folds of a cell, one of each round, (R, 1): in a step, all folds of all rounds come once."""
        return np.array([[fold], [(fold + step) % self.folds]])[: len(self.grams)]

    def _add(self, cell: np.ndarray, rows: FoldRows) -> None:
        """The rows of one fold of each round."""
        places = np.flatnonzero((rows.folds == cell).all(axis=0))
        inputs = self.standardisation.apply(np.take(rows.values, places, axis=0), self.dtype)
        classes = rows.classes[places]
        gram = inputs.T @ inputs  # once, for the sums of all rounds
        sums = sums_by_class(inputs, classes, self.class_sums.shape[2])
        counts = np.bincount(classes, minlength=len(sums))
        for number, fold in enumerate(cell[:, 0]):
            self.grams[number, fold] += gram
            self.class_sums[number, fold, :, :-1] += sums
            self.class_sums[number, fold, :, -1] += counts


def multiplied_together(blocks: Iterator[FoldRows], rows: Rows, *, shared: bool) -> Iterator[FoldRows]:
    """Blocks up to the same row numbers, however many processes there are, joined; each is valid until the next.

    Two rounds that share their products split the rows into more cells, and take more of them together.
    """
    n_rows = max(1, MULTIPLIED_BYTES // (rows.n_features * rows.narrowest.itemsize))
    n_rows = n_rows if shared else min(n_rows, MULTIPLIED_ROWS)
    room = np.empty((min(len(rows), n_rows + BLOCK_ROWS), rows.n_features), rows.narrowest)
    held, stop = list[FoldRows](), 0
    for block in blocks:
        if held and held[0].first // n_rows != block.first // n_rows:
            yield _joined(held, room[:stop])
            held, stop = [], 0
        room[stop : stop + len(block.values)] = block.values
        stop += len(block.values)
        held.append(replace(block, values=room[:0]))  # the values are in the room
    if held:
        yield _joined(held, room[:stop])


def _joined(blocks: Sequence[FoldRows], values: np.ndarray) -> FoldRows:
    """Neighbouring blocks, whose values are given, as one."""
    return FoldRows(
        first=blocks[0].first,
        values=values,
        folds=np.concatenate([block.folds for block in blocks], axis=1),
        classes=np.concatenate([block.classes for block in blocks]),
    )


def own_scores_on_host(rows: FoldRows, weights: Sequence[np.ndarray], context: ScoringContext) -> np.ndarray:
    """Score of the own class by the weights of the own fold, summed over rounds, (B,); weights (S, C, d + 1) each."""
    values, dtype = rows.values, context.rows.dtype

    def scores(span: slice) -> np.ndarray:
        inputs, classes = context.standardisation.apply(values[span], dtype), rows.classes[span]
        total = np.zeros(len(inputs))
        for weights_of_fold, folds in zip(weights, rows.folds, strict=True):
            own = weights_of_fold[folds[span], classes]
            total += np.einsum("ij,ij->i", inputs, own[:, :-1]) + own[:, -1]
        return total

    return np.concatenate([part for _, part in on_tiles(scores, len(values))])
