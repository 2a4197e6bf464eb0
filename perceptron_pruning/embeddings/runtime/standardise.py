"""Mean and scale of embeddings, and the first look at every row."""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.io.rows import HALF, Rows
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.process_group import World
from perceptron_pruning.embeddings.runtime.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Of the rows of all processes.

    Attributes:
        n_rows: n.
        mean: (d,) float64.
        scale: Root mean square of all centred coordinates: one number, which keeps the network's geometry.
        constant_features: Coordinates that are the same in all rows.
    """

    n_rows: int
    mean: np.ndarray
    scale: float
    constant_features: tuple[int, ...]

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """(x − mean)/scale, in the precision of x."""
        return (values - self.mean.astype(values.dtype)) / values.dtype.type(self.scale)


def statistics_of(rows: Rows, *, world: World, progress: Progress, label: str = "reading") -> Statistics:
    """One pass; a `ValueError` names file and row of the first number that is not finite.

    Each block's mean and squared deviations are merged by Chan's formula: no cancellation where the mean is large.
    """
    moments = (0, np.zeros(rows.n_features), np.zeros(rows.n_features))
    for block in blocks(rows, progress=progress, label=label):
        moments = _merged(moments, _moments(block.values, block.start, rows))
    counts, means, squares = (world.gather(np.asarray(part)[None]) for part in moments)
    total = (0, np.zeros(rows.n_features), np.zeros(rows.n_features))
    for part in zip(counts, means, squares, strict=True):
        total = _merged(total, part)
    n_rows, mean, squared = total
    return Statistics(
        n_rows=int(n_rows),
        mean=mean,
        scale=float(np.sqrt(squared.mean() / n_rows)),
        constant_features=tuple(int(i) for i in np.flatnonzero(squared == 0)),
    )


def check_varied(statistics: Statistics) -> None:
    """A `ValueError` if all rows are equal."""
    if not statistics.scale > 0:
        raise ValueError("`embeddings` must not be equal in all rows; got zero variance in every feature")


def _moments(values: np.ndarray, start: int, rows: Rows) -> tuple[int, np.ndarray, np.ndarray]:
    """Count, mean and sum of squared deviations of a block."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        _refuse(values, start, rows)
    centred = values - mean.astype(values.dtype)
    offset = centred.mean(axis=0, dtype=np.float64)  # what the rounding of the mean left over
    squares = np.einsum("ij,ij->j", centred, centred, dtype=np.float64, casting="same_kind") - len(values) * offset**2
    constant = (values == values[0]).all(axis=0) if np.any(squares <= 0) else False
    return len(values), mean, np.where(constant, 0.0, np.maximum(squares, 0.0))


def _refuse(values: np.ndarray, start: int, rows: Rows) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    row = int(bad[0])
    number = values[row][~np.isfinite(values[row])][0]
    overflow = np.isinf(number) and any(shard.dtype in HALF for shard in rows.own_shards())
    remedy = "; half precision overflows at 65504: store as float32 or bfloat16" if overflow else ""
    raise ValueError(
        f"`embeddings` must be finite; {rows.where(start + row)} has {number} "
        f"({bad.size} such rows in its block){remedy}"
    )


def _merged(first: tuple, second: tuple) -> tuple:
    (n, mean, squares), (m, other_mean, other_squares) = first, second
    total = n + m
    apart = other_mean - mean
    return total, mean + apart * (m / total), squares + other_squares + apart**2 * (n * m / total)
