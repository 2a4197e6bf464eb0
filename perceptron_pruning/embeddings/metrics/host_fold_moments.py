"""Second moments of folds on a host's cores: symmetric products, each of many rows of one fold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.runtime.blocks import Block
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

MULTIPLIED_ROWS = 2**13  # of all folds, whose products are added in the precision of the rows


@dataclass(frozen=True, kw_only=True)
class FoldRows:
    """Some rows with their folds.

    Attributes:
        values: Embeddings, (B, d).
        folds: Fold of each, (B,).
        classes: Class of each, (B,).
    """

    values: np.ndarray
    folds: np.ndarray
    classes: np.ndarray


class HostFoldMoments:
    """Sums over the rows of each fold, as they come, in double precision.

    Args:
        folds: S.
        context: Standardisation, classes and width of the rows.

    Attributes:
        grams: XᵀX of standardised rows with a one at the end, (S, d + 1, d + 1).
        class_sums: YᵀX, (S, C, d + 1).
    """

    def __init__(self, folds: int, context: ScoringContext):
        width = context.rows.n_features + 1
        self.standardisation = context.standardisation
        self.grams = np.zeros((folds, width, width))
        self.class_sums = np.zeros((folds, context.n_classes, width))

    def add(self, rows: FoldRows) -> None:
        """Adds rows, the folds side by side on the cores."""
        order = np.lexsort((rows.classes, rows.folds))
        cuts = np.searchsorted(rows.folds[order], np.arange(1, len(self.grams)))

        def add(fold: int, places: np.ndarray) -> None:
            if places.size:
                self._add(fold, self.standardisation.apply(rows.values[places]), rows.classes[places])

        with one_blas_thread():
            on_all_cores(add, range(len(self.grams)), np.split(order, cuts), threads=True)

    def _add(self, fold: int, inputs: np.ndarray, classes: np.ndarray) -> None:
        """Rows of one fold, (B, d), ordered by class."""
        gram, class_sums = self.grams[fold], self.class_sums[fold]
        gram[:-1, :-1] += inputs.T @ inputs
        firsts = np.flatnonzero(np.diff(classes, prepend=-1))
        present, sums = classes[firsts], np.add.reduceat(inputs, firsts, axis=0)
        class_sums[present, :-1] += sums
        class_sums[present, -1] += np.diff(firsts, append=len(classes))
        total = sums.sum(axis=0)
        gram[-1, :-1] += total
        gram[:-1, -1] += total
        gram[-1, -1] += len(inputs)


def gathered_blocks(blocks: Iterator[tuple[Block, np.ndarray]], context: ScoringContext) -> Iterator[FoldRows]:
    """Blocks and the folds of their rows, joined up to the same row numbers however many processes there are."""
    pending: list[tuple[Block, np.ndarray]] = []
    for block, folds in blocks:
        place = (context.first_row + block.start) // MULTIPLIED_ROWS
        if pending and (context.first_row + pending[0][0].start) // MULTIPLIED_ROWS != place:
            yield _joined(pending, context)
            pending = []
        pending.append((block, folds))
    if pending:
        yield _joined(pending, context)


def _joined(blocks: list[tuple[Block, np.ndarray]], context: ScoringContext) -> FoldRows:
    first, last = blocks[0][0].start, blocks[-1][0].stop
    return FoldRows(
        values=np.concatenate([block.values for block, _ in blocks]),
        folds=np.concatenate([folds for _, folds in blocks]),
        classes=context.required_classes[first:last],
    )
