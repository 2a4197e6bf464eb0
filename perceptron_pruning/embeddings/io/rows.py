"""Embeddings as rows that are read a few at a time, from arrays or files."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from perceptron_pruning.embeddings.io.precision import in_precision
from perceptron_pruning.embeddings.io.process_cuts import process_cuts
from perceptron_pruning.embeddings.io.shards import (
    HALF_PRECISION,
    STORED_DTYPES,
    ArrayShard,
    Shard,
    sparse_shard,
    take_into,
)

EXACT_IN_SINGLE = 2  # bytes of the widest integers that single precision holds exactly


@dataclass(frozen=True)
class ChosenShard:
    """Some rows of others, in ascending order.

    Attributes:
        rows: The others.
        chosen: Row numbers, ascending.
    """

    rows: "Rows"
    chosen: np.ndarray
    path: Path | None = None

    @property
    def name(self) -> str:
        return f"the chosen rows of {self.rows.shards[0].name}"

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.chosen), self.rows.n_features

    @property
    def dtype(self) -> np.dtype:
        return self.rows.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.rows.take(self.chosen[start:stop])


@dataclass(frozen=True)
class Rows:
    """Embeddings of n examples, in shards of equal width: rows start..stop−1 of all shards.

    Attributes:
        shards: In order; row numbers run through them.
        start, stop: First row and end row; all rows by default.
    """

    shards: tuple[Shard, ...]
    start: int = 0
    stop: int = -1

    def __post_init__(self):
        first = self.shards[0]
        for shard in self.shards:
            if len(shard.shape) != 2 or 0 in shard.shape:
                raise ValueError(f"{shard.name} must have shape (n, d), neither of them 0; got {shard.shape}")
            if not is_read(shard.dtype):
                raise ValueError(
                    f"{shard.name} must hold integers, float16, bfloat16, float32 or float64; got {shard.dtype}"
                )
            if shard.shape[1] != first.shape[1]:
                raise ValueError(
                    f"all files must be of one width; got {first.shape[1]} in {first.name}, "
                    f"{shard.shape[1]} in {shard.name}"
                )
        if self.stop < 0:
            object.__setattr__(self, "stop", int(self.ends[-1]))

    @cached_property
    def ends(self) -> np.ndarray:
        """Rows up to and including each shard, (shards,)."""
        return np.cumsum([shard.shape[0] for shard in self.shards])

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def n_features(self) -> int:
        """d."""
        return self.shards[0].shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Precision of the arithmetic: double where all shards hold doubles or wide integers, else single."""
        double = all(_needs_double(shard.dtype) for shard in self.shards)
        return np.dtype(np.float64 if double else np.float32)

    @property
    def narrowest(self) -> np.dtype:
        """Precision that holds all rows as they are read: half where all shards are stored in one kind of it."""
        stored = {shard.dtype.newbyteorder("=") for shard in self.shards}
        only = stored.pop()
        return only if not stored and only in HALF_PRECISION else self.dtype

    @property
    def stored_bytes(self) -> int:
        """Bytes read by one pass over the rows."""
        return len(self) * self.n_features * max(shard.dtype.itemsize for shard in self.shards)

    @property
    def in_memory(self) -> bool:
        """Whether reading copies nothing: one array in the precision of the arithmetic."""
        shard = self.shards[0]
        return len(self.shards) == 1 and isinstance(shard, ArrayShard) and shard.dtype == self.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop−1 in the precision of the arithmetic, (stop − start, d)."""
        return self._read(start, stop, self.dtype)

    def read_narrow(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop−1 in the narrowest precision that holds all, (stop − start, d)."""
        return self._read(start, stop, self.narrowest)

    def _read(self, start: int, stop: int, dtype: np.dtype) -> np.ndarray:
        pieces = [
            in_precision(shard.read(*span), dtype)
            for shard, *span in self._spans(self.start + start, self.start + stop)
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def take(self, indices: np.ndarray) -> np.ndarray:
        """The rows of ascending indices in the precision of the arithmetic, (len(indices), d)."""
        return in_precision(self.take_narrow(indices), self.dtype)

    def take_narrow(self, indices: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """The rows of ascending indices in the narrowest precision that holds all, (len(indices), d); in ``out``, if
        given."""
        rows, values = indices + self.start, self.room(len(indices)) if out is None else out
        cuts = np.searchsorted(rows, self.ends)
        for shard, end, first, stop in zip(self.shards, self.ends, [0, *cuts[:-1]], cuts, strict=True):
            if stop > first:
                take_into(values[first:stop], shard, rows[first:stop] - (int(end) - shard.shape[0]))
        return values

    def room(self, n_rows: int) -> np.ndarray:
        """An array for so many rows in their narrowest precision."""
        return np.empty((n_rows, self.n_features), self.narrowest)

    def where(self, row: int) -> str:
        """File and row in it, for error messages."""
        shard, first, _ = next(self._spans(self.start + row, self.start + row + 1))
        return f"row {first} of {shard.name}"

    def part(self, rank: int, size: int) -> "Rows":
        """The rows of process ``rank`` of ``size``: whole tiles, near the ends of shards where there are enough.

        Fewer rows than that are whole shards, or as many for each process.
        """
        if size == 1:
            return self
        if len(self) < size:
            raise ValueError(f"`embeddings` must have a row for each of {size} processes; got {len(self)}")
        cuts = process_cuts(self.ends, size)
        return Rows(self.shards, start=cuts[rank], stop=cuts[rank + 1])

    def own_shards(self) -> tuple[Shard, ...]:
        """The shards that hold rows start..stop−1."""
        return tuple(shard for shard, *_ in self._spans(self.start, self.stop))

    def _spans(self, start: int, stop: int) -> Iterator[tuple[Shard, int, int]]:
        """Each shard that holds some of rows start..stop−1, with the first and the end row in it."""
        number = bisect_right(self.ends, start)
        while start < stop:
            shard = self.shards[number]
            first = int(self.ends[number]) - shard.shape[0]
            end = min(stop, int(self.ends[number]))
            yield shard, start - first, end - first
            start, number = end, number + 1


def is_read(dtype: np.dtype) -> bool:
    """Whether embeddings may be stored so: floats of up to 64 bits and integers, in either order of bytes."""
    return dtype.newbyteorder("=") in STORED_DTYPES or dtype.kind in "iu"


def _needs_double(dtype: np.dtype) -> bool:
    return dtype.newbyteorder("=") == np.float64 or (dtype.kind in "iu" and dtype.itemsize > EXACT_IN_SINGLE)


def array_rows(embeddings: ArrayLike, name: str = "embeddings") -> Rows:
    """An array in memory, dense or sparse, as rows; integers become doubles."""
    if issparse(embeddings):
        return Rows((sparse_shard(embeddings, f"`{name}`"),))
    array = np.asarray(embeddings)
    if array.dtype not in STORED_DTYPES:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"`{name}` must hold numbers; got {array.dtype}") from error
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"`{name}` must have shape (n, d), neither of them 0; got {array.shape}")
    return Rows((ArrayShard(array, f"`{name}`"),))


def chosen_rows(rows: Rows, chosen: np.ndarray) -> Rows:
    """Some of the rows, given by ascending numbers."""
    return rows if len(chosen) == len(rows) else Rows((ChosenShard(rows, chosen),))
