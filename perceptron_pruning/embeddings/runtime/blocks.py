"""Passes over rows in fixed blocks; the next block is read while the caller works on this one.

A block is the unit of the arithmetic. Its size depends on the shape of the work alone, never on the memory
budget, so that every sum is added in the same order whatever the budget is: the result is the same to the last bit.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.progress import Progress
from perceptron_pruning.embeddings.runtime.settings import BLOCK_NUMBERS, BLOCK_ROWS


@dataclass(frozen=True)
class Block:
    """Rows start..stop−1 and their values, (stop − start, d)."""

    start: int
    stop: int
    values: np.ndarray

    @property
    def span(self) -> slice:
        """The rows as a slice."""
        return slice(self.start, self.stop)


def block_rows(widest: int) -> int:
    """Rows of a block whose widest intermediate has so many columns: a multiple of 16, between 16 and 2048."""
    return int(np.clip(BLOCK_NUMBERS // widest // 16 * 16, 16, BLOCK_ROWS))


def blocks(rows: Rows, *, progress: Progress, label: str, widest: int = 0, narrow: bool = False) -> Iterator[Block]:
    """All rows in order, in blocks: those of the rows of all processes, as far as they are this one's.

    Args:
        rows: What to read.
        progress: Told of every finished block.
        label: Name of the pass.
        widest: Columns of the widest intermediate that the caller makes of a block.
        narrow: Whether values stay in the narrowest precision that holds all rows.
    """
    size = block_rows(max(widest, rows.n_features))
    starts = [0, *range(size - rows.start % size, len(rows), size)]
    read = _read_directly if rows.in_memory or len(starts) == 1 else _read_ahead
    with progress.task(label, total=len(rows), unit="row") as advance:
        for block in read(partial(_block, rows, narrow), [*starts, len(rows)]):
            yield block
            advance(block.stop - block.start)


def _block(rows: Rows, narrow: bool, start: int, stop: int) -> Block:
    return Block(start, stop, rows.read_narrow(start, stop) if narrow else rows.read(start, stop))


def _read_directly(read: Callable[[int, int], Block], cuts: Sequence[int]) -> Iterator[Block]:
    for start, stop in pairwise(cuts):
        yield read(start, stop)


def _read_ahead(read: Callable[[int, int], Block], cuts: Sequence[int]) -> Iterator[Block]:
    """The blocks, each read in a thread while the one before is in use."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as reader:
        pending = reader.submit(read, cuts[0], cuts[1])
        for start, stop in pairwise(cuts[1:]):
            block, pending = pending.result(), reader.submit(read, start, stop)
            yield block
        yield pending.result()
