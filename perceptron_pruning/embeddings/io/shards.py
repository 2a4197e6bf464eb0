"""Shards: one array or file of embeddings each, read a few rows at a time, as stored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import ml_dtypes
import numpy as np
from scipy.sparse import csr_array

from perceptron_pruning.embeddings.io.precision import in_precision

HALF_PRECISION = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
STORED_DTYPES = (*HALF_PRECISION, np.dtype(np.float32), np.dtype(np.float64))


class Shard(Protocol):
    """One file, or one array, of embeddings."""

    @property
    def name(self) -> str:
        """Name in error messages."""
        ...

    @property
    def path(self) -> Path | None:
        """The file whose bytes the manifest hashes; None for an array."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, features)."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Precision as stored."""
        ...

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop−1 as stored, (stop − start, features)."""
        ...


@runtime_checkable
class TakingShard(Protocol):
    """A shard that reads scattered rows at once, faster than run by run."""

    def take_into(self, out: np.ndarray, rows: np.ndarray) -> None:
        """Puts rows of ascending numbers, as stored, into an array, (len(rows), features)."""
        ...


@dataclass(frozen=True)
class ArrayShard:
    """Rows in memory (or memory-mapped by the caller).

    Attributes:
        array: (rows, features).
        name: Name in error messages.
        path: File that the array was read from, if any.
    """

    array: np.ndarray
    name: str = "`embeddings`"
    path: Path | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape  # pyright: ignore[reportReturnType]

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.array[start:stop]

    def take_into(self, out: np.ndarray, rows: np.ndarray) -> None:
        if self.array.flags.c_contiguous:
            np.take(self.array, rows, axis=0, out=out, mode="clip")  # the mode that needs no copy of them
        else:
            out[:] = self.array[rows]  # of one by columns, `take` would copy all


@dataclass(frozen=True)
class SparseShard:
    """A sparse matrix of SciPy's, of which a block of rows at a time is made dense.

    Attributes:
        matrix: (rows, features), by rows.
        name: Name in error messages.
        path: File that it was read from, if any.
    """

    matrix: csr_array
    name: str = "`embeddings`"
    path: Path | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape  # pyright: ignore[reportReturnType]

    @property
    def dtype(self) -> np.dtype:
        return self.matrix.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.matrix[start:stop].toarray()


@dataclass(frozen=True)
class FileShard:
    """Rows in a file of plain binary numbers, read by position.

    The file is read, not mapped: memory holds the rows asked for and nothing else, and a file
    that is cut off while it is read raises instead of ending the process.

    Attributes:
        path: The file.
        shape: (rows, features).
        dtype: Precision as stored.
        offset: Bytes before the first row.
    """

    path: Path
    shape: tuple[int, int]
    dtype: np.dtype
    offset: int = 0

    @property
    def name(self) -> str:
        return str(self.path)

    def __post_init__(self):
        needed = self.offset + self.shape[0] * self.row_bytes
        size = self.path.stat().st_size
        if size < needed:
            complete_rows = max(0, (size - self.offset) // self.row_bytes)
            raise ValueError(
                f"`{self.path}` is truncated: {self.shape[0]} rows need {needed} bytes, it has {size}; "
                f"row {complete_rows} is the first that is incomplete"
            )

    @property
    def row_bytes(self) -> int:
        """Bytes of one row as stored."""
        return self.shape[1] * self.dtype.itemsize

    def read(self, start: int, stop: int) -> np.ndarray:
        count = (stop - start) * self.shape[1]
        values = np.fromfile(self.path, self.dtype, count, offset=self.offset + start * self.row_bytes)
        if values.size != count:
            raise self._cut_off(start, stop)
        return values.reshape(-1, self.shape[1])

    def take_into(self, out: np.ndarray, rows: np.ndarray) -> None:
        places, bytes_of_rows = 0, out.view(np.uint8)
        with self.path.open("rb", buffering=0) as file:
            for first, stop in runs_of(rows):
                file.seek(self.offset + first * self.row_bytes)
                into = bytes_of_rows[places : places + stop - first]
                if file.readinto(into.reshape(-1).data) != into.size:
                    raise self._cut_off(first, stop)
                places += stop - first

    def _cut_off(self, start: int, stop: int) -> ValueError:
        return ValueError(f"`{self.path}` was cut off while it was read, between rows {start} and {stop}")


def runs_of(rows: np.ndarray) -> list[tuple[int, int]]:
    """First and end row of each run of neighbours among ascending numbers."""
    breaks = np.flatnonzero(np.diff(rows) != 1)
    firsts, lasts = rows[np.append(0, breaks + 1)], rows[np.append(breaks, len(rows) - 1)]
    return list(zip(firsts.tolist(), (lasts + 1).tolist(), strict=True))


def take_into(out: np.ndarray, shard: Shard, rows: np.ndarray) -> None:
    """Puts rows of a shard, by ascending numbers, at least one, into an array of any precision."""
    if not isinstance(shard, TakingShard):
        out[:] = np.concatenate([in_precision(shard.read(first, stop), out.dtype) for first, stop in runs_of(rows)])
    elif shard.dtype == out.dtype:
        shard.take_into(out, rows)
    else:
        stored = np.empty(out.shape, shard.dtype)
        shard.take_into(stored, rows)
        out[:] = in_precision(stored, out.dtype)


def sparse_shard(matrix: Any, name: str, path: Path | None = None) -> SparseShard:
    """A sparse matrix in memory as a shard; integers become doubles.

    Raises:
        ValueError: It is not two-dimensional, or holds no numbers.
    """
    by_rows: Any = csr_array(matrix)
    if by_rows.ndim != 2:
        raise ValueError(f"{name} must have shape (n, d); got {by_rows.shape}")
    if by_rows.dtype not in STORED_DTYPES:
        if by_rows.dtype.kind not in "iu":
            raise ValueError(f"{name} must hold numbers; got {by_rows.dtype}")
        by_rows = by_rows.astype(np.float64)
    return SparseShard(by_rows, name, path)
