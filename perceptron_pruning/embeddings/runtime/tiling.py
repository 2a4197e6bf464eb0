"""Sums over the rows of many processes that come out the same, to the last bit, however many share them.

Products of floating-point rows depend on how the rows are blocked, and sums on their order. Here the rows of all
processes are cut into the same tiles, none of which two processes share, and the tiles' sums are added exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.io.process_cuts import tile_rows
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup

UNITS = (2.0**20, 2.0**-20, 2.0**-60)  # of the integers that make up an exact sum
ADDED_IN_CACHE = 2**14  # numbers
LARGEST = 2.0**60  # number that is added; 2²³ of them at most


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Rows of a process group in tiles.

    Attributes:
        group: Process group.
        n_rows: Rows of all processes.
        first_row: Number of this process's first row among them.
    """

    group: ProcessGroup
    n_rows: int
    first_row: int

    @property
    def tile(self) -> int:
        """Rows of a tile."""
        return tile_rows(self.n_rows)

    def spans(self, start: int, stop: int) -> Iterator[slice]:
        """Rows start..stop−1 of this process, tile by tile."""
        size = self.tile
        while start < stop:
            end = min(stop, start + size - (self.first_row + start) % size)
            yield slice(start, end)
            start = end


def tiling_of(rows: Rows, n_rows: int, group: ProcessGroup) -> Tiling:
    """The tiling of n rows of a process group, of which these are this process's."""
    return Tiling(group=group, n_rows=n_rows, first_row=rows.start if group.size > 1 else 0)


class ExactSum:
    """A sum of arrays that does not depend on the order of its terms.

    Each number is rounded to a multiple of 2⁻⁶⁰ and added as three integers.

    Args:
        shape: Of the arrays.
    """

    def __init__(self, shape: tuple[int, ...]):
        self.parts = np.zeros((len(UNITS), *shape), np.int64)
        self.n_lost = 0

    def add(self, terms: np.ndarray) -> None:
        """Adds arrays, (terms, …), of finite numbers below 2⁶⁰; others make the total NaN."""
        if not max(terms.max(initial=0.0), -terms.min(initial=0.0)) < LARGEST:
            self.n_lost += 1
            return
        numbers, parts = terms.reshape(len(terms), -1), self.parts.reshape(len(UNITS), -1)
        columns = max(1, ADDED_IN_CACHE // len(terms))
        for start in range(0, numbers.shape[1], columns):
            span = slice(start, start + columns)
            _add_exactly(numbers[:, span], parts[:, span])

    def total(self, group: ProcessGroup) -> np.ndarray:
        """The sum over all processes, float64."""
        if int(group.all_sum(np.array(self.n_lost, np.int64))):
            return np.full(self.parts.shape[1:], np.nan)
        return np.tensordot(np.array(UNITS), group.all_sum(self.parts).astype(np.float64), axes=1)


def _add_exactly(terms: np.ndarray, parts: np.ndarray) -> None:
    """Adds rows of finite numbers, (terms, p), to the integers of their sum, (3, p)."""
    rest, whole = np.array(terms, np.float64), np.empty(terms.shape)
    for part, unit in zip(parts, UNITS, strict=True):
        np.multiply(rest, 1 / unit, out=whole)  # a power of two: exact
        np.rint(whole, out=whole)
        part += whole.astype(np.int64).sum(axis=0)
        whole *= unit
        rest -= whole
