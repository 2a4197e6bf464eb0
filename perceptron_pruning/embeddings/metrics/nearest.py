"""The nearest of all rows that pass by, a block at a time.

A list holds keys: the distance, as an integer that is ordered as distances are, above the number of the row. No two are
equal, so that the smallest keys are the same in whatever blocks the rows pass.
"""

import numpy as np

from perceptron_pruning.embeddings.runtime.settings import SEARCHING_THREADS
from perceptron_pruning.embeddings.runtime.tiling import Tiling
from perceptron_pruning.parallel.cores import on_all_cores

QUERY_ROWS = 1024  # rows whose distances to those that pass are held at a time
SIGN = np.uint32(1 << 31)
NO_KEY = np.uint64(2**64 - 1)


class NearestRows:
    """Lists of the nearest other rows of every row of this process.

    Distances are ‖x_j‖² − 2 x_i·x_j, in single precision, by products of whole tiles.

    Args:
        inputs: (n, d) float32, of this process.
        count: M, neighbours in a list; less than the rows of all processes, which are below 2³².
        tiling: Of the rows of all processes.

    Attributes:
        keys: (n, M) uint64, in no order.
    """

    def __init__(self, inputs: np.ndarray, count: int, tiling: Tiling):
        self.inputs, self.count, self.tiling = inputs, count, tiling
        self.keys = np.full((len(inputs), count), NO_KEY)

    def meet(self, passing: np.ndarray, first: int) -> None:
        """Enters rows that pass, (B, d), the number of the first of them among those of all processes, ascending."""
        squares = np.einsum("ij,ij->i", passing, passing)

        def meet(start: int) -> None:
            stop = min(start + QUERY_ROWS, len(self.inputs))
            distances = self._distances(start, stop, passing, squares, first)
            for left in range(0, len(passing), QUERY_ROWS):  # bounds from the first of them leave few of the others
                self._enter(start, distances[:, left : left + QUERY_ROWS], first + left)

        on_all_cores(meet, range(0, len(self.inputs), QUERY_ROWS), at_most=SEARCHING_THREADS, threads=True)

    def rows(self) -> np.ndarray:
        """Row numbers, nearest first, (n, M)."""
        return (np.sort(self.keys, axis=1) & np.uint64(2**32 - 1)).astype(np.int64)

    def _distances(self, start: int, stop: int, passing: np.ndarray, squares: np.ndarray, first: int) -> np.ndarray:
        """(stop − start, B); infinite from a row to itself."""
        distances = np.empty((stop - start, len(passing)), np.float32)
        shifted = Tiling(group=self.tiling.group, n_rows=self.tiling.n_rows, first_row=first)
        for own in self.tiling.spans(start, stop):
            for others in shifted.spans(0, len(passing)):
                part = distances[own.start - start : own.stop - start, others]
                np.matmul(self.inputs[own], passing[others].T, out=part)
                part *= -2
                part += squares[others]
        own_numbers = self.tiling.first_row + np.arange(start, stop) - first
        here = np.flatnonzero((own_numbers >= 0) & (own_numbers < len(passing)))
        distances[here, own_numbers[here]] = np.inf
        return distances

    def _enter(self, start: int, distances: np.ndarray, first: int) -> None:
        """Takes the nearest of these rows into the lists of rows start, start + 1, …"""
        lists = self.keys[start : start + len(distances)]
        bounds = _distances_of(lists.max(axis=1))
        row, column = np.nonzero(distances < bounds[:, None])
        if not row.size:
            return
        counts = np.bincount(row, minlength=len(lists))
        places = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
        wider = np.full((len(lists), self.count + counts.max()), NO_KEY)
        wider[:, : self.count] = lists
        wider[row, self.count + places] = _keys(distances[row, column], first + column)
        lists[:] = np.partition(wider, self.count - 1, axis=1)[:, : self.count]


def _keys(distances: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Keys of distances, float32, and row numbers."""
    bits = (distances + np.float32(0)).view(np.uint32)  # -0 becomes 0
    ordered = np.where(bits & SIGN, ~bits, bits | SIGN)
    return ordered.astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64)


def _distances_of(keys: np.ndarray) -> np.ndarray:
    """Distances of keys, float32; infinite where there is none."""
    ordered = (keys >> np.uint64(32)).astype(np.uint32)
    bits = np.where(ordered & SIGN, ordered & ~SIGN, ~ordered)
    return np.where(keys == NO_KEY, np.float32(np.inf), bits.view(np.float32))
