"""Subset heads on a host's cores: symmetric products, each of many rows of one fold, and scores of the own class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.metrics.host_ridge import sums_by_class
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles
from perceptron_pruning.embeddings.runtime.settings import BLOCK_NUMBERS
from perceptron_pruning.embeddings.runtime.standardise import Standardisation
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

MULTIPLIED_ROWS = 2**13  # of all folds at most, whose products are added in the precision of the rows


@dataclass(frozen=True, kw_only=True)
class FoldRows:
    """A block of rows with their folds.

    Attributes:
        first: Number of the first row among those of all processes.
        values: Embeddings, (B, d).
        folds: Fold of each, (B,).
        classes: Class of each, (B,).
    """

    first: int
    values: np.ndarray
    folds: np.ndarray
    classes: np.ndarray


class HostFoldMoments:
    """Sums over the rows of each fold, as they come, in double precision.

    Args:
        folds: S.
        context: Standardisation, classes and width of the rows.

    Attributes:
        grams: XᵀX of standardised rows, (S, d, d).
        class_sums: YᵀX of them with a one at the end, (S, C, d + 1).
    """

    def __init__(self, folds: int, context: ScoringContext):
        width = context.rows.n_features
        self.standardisation = context.standardisation
        self.grams = np.zeros((folds, width, width))
        self.class_sums = np.zeros((folds, context.n_classes, width + 1))

    def add(self, blocks: Sequence[FoldRows]) -> None:
        """Adds blocks of rows, the folds side by side on the cores."""
        with one_blas_thread():
            on_all_cores(lambda fold: self._add(fold, blocks), range(len(self.grams)), threads=True)

    def _add(self, fold: int, blocks: Sequence[FoldRows]) -> None:
        """The rows of one fold."""
        inputs, classes = _rows_of(fold, blocks)
        gram, class_sums = self.grams[fold], self.class_sums[fold]
        _standardise(inputs, self.standardisation)
        gram += inputs.T @ inputs
        class_sums[:, :-1] += sums_by_class(inputs, classes, len(class_sums))
        class_sums[:, -1] += np.bincount(classes, minlength=len(class_sums))


def multiplied_together(blocks: Iterator[FoldRows], n_features: int) -> Iterator[list[FoldRows]]:
    """Blocks up to the same row numbers, however many processes there are; no more numbers than a block may have."""
    n_rows, together = min(MULTIPLIED_ROWS, max(1, BLOCK_NUMBERS // n_features)), list[FoldRows]()
    for block in blocks:
        if together and together[0].first // n_rows != block.first // n_rows:
            yield together
            together = []
        together.append(block)
    if together:
        yield together


def own_scores_on_host(rows: FoldRows, weights: np.ndarray, standardisation: Standardisation) -> np.ndarray:
    """Score of the own class by the weights of the own fold, (B,); weights (S, C, d + 1)."""

    def scores(span: slice) -> np.ndarray:
        inputs = rows.values[span].copy()
        _standardise(inputs, standardisation)
        own = weights[rows.folds[span], rows.classes[span]]
        return np.einsum("ij,ij->i", inputs, own[:, :-1]) + own[:, -1]

    return np.concatenate([part for _, part in on_tiles(scores, len(rows.values))])


def _rows_of(fold: int, blocks: Sequence[FoldRows]) -> tuple[np.ndarray, np.ndarray]:
    """A copy of the rows of one fold, (B, d), and their classes."""
    places = [np.flatnonzero(block.folds == fold) for block in blocks]
    values = np.empty((sum(map(len, places)), blocks[0].values.shape[1]), blocks[0].values.dtype)
    start = 0
    for block, rows in zip(blocks, places, strict=True):
        np.take(block.values, rows, axis=0, out=values[start : start + rows.size], mode="clip")
        start += rows.size
    return values, np.concatenate([block.classes[rows] for block, rows in zip(blocks, places, strict=True)])


def _standardise(values: np.ndarray, standardisation: Standardisation) -> None:
    """x ← (x − m)/s, in place."""
    values -= standardisation.mean.astype(values.dtype)
    values /= values.dtype.type(standardisation.scale)
