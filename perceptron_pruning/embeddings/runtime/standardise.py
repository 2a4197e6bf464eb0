"""Standardisation of embeddings, and the check that every number is finite.

Embeddings are centred and divided by one number, so that the geometry the network gave them stays::

    x → (x − m)/s,   m = mean over rows,   s² = mean over rows and coordinates of (x − m)²
"""

from dataclasses import dataclass, replace

import numpy as np

from perceptron_pruning.embeddings.io.precision import WIDENED_TOGETHER, in_precision
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.io.shards import HALF_PRECISION
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress

MAGNITUDES = {4: (1e-14, 1e14), 8: (1e-140, 1e140)}  # bytes of a number → root mean squares that are computed with
Moments = tuple[int, np.ndarray, np.ndarray]
"""Count, mean (d,) and sum of squared deviations (d,) of some rows, in double precision."""


@dataclass(frozen=True, kw_only=True)
class Standardisation:
    """Mean and scale of the rows of all processes.

    Attributes:
        n_rows: n.
        mean: m, (d,) float64.
        scale: s, the root mean square of all centred coordinates.
        constant_features: Coordinates that are equal in all rows.
    """

    n_rows: int
    mean: np.ndarray
    scale: float
    constant_features: tuple[int, ...]

    def apply(self, values: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
        """(x − m)/s of values as they are stored, (B, d), in a precision, else in theirs."""
        return self._scaled(values, np.empty(values.shape, dtype or values.dtype))

    def with_ones(self, values: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
        """The same and a column of ones, (B, d + 1)."""
        inputs = np.empty((len(values), values.shape[1] + 1), dtype or values.dtype)
        self._scaled(values, inputs[:, :-1])
        inputs[:, -1] = 1
        return inputs

    def _scaled(self, values: np.ndarray, out: np.ndarray) -> np.ndarray:
        return scaled(values, self.mean.astype(out.dtype), out.dtype.type(1 / self.scale), out)


def scaled(values: np.ndarray, mean: np.ndarray, unit: np.ndarray | np.floating, out: np.ndarray) -> np.ndarray:
    """(x − m) u of values as they are stored, (B, d), in the precision of ``out``, by pieces that stay in the cache.

    Args:
        values: x.
        mean: m, (d,), in that precision.
        unit: u, likewise.
        out: Room for the result, (B, d).
    """
    n_rows = max(1, WIDENED_TOGETHER // values.shape[1])
    for start in range(0, len(values), n_rows):
        piece = slice(start, start + n_rows)
        np.multiply(in_precision(values[piece], out.dtype) - mean, unit, out=out[piece])
    return out


def measure_standardisation(
    rows: Rows, *, group: ProcessGroup, progress: Progress, label: str = "reading"
) -> Standardisation:
    """Mean and scale by one pass over the rows.

    Moments of blocks are merged by Chan's formula, without cancellation where the mean is large.

    Raises:
        ValueError: A number is not finite; file and row are named.
    """
    moments = _no_moments(rows.n_features)
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks(rows, progress=progress, label=label):
            moments = _merged(moments, _block_moments(block.values, block.start, rows))
        counts, means, squares = (group.all_gather(np.asarray(part)[None]) for part in moments)
        total = _no_moments(rows.n_features)
        for part in zip(counts, means, squares, strict=True):
            total = _merged(total, part)
    n_rows, mean, squared_deviations = total
    if not np.isfinite(squared_deviations).all():
        raise ValueError(
            f"`embeddings` must be below {MAGNITUDES[8][1]:g}, whose squares double precision holds; they are larger "
            f"in {rows.where(_largest_row(rows))}; divide all by a power of ten"
        )
    return Standardisation(
        n_rows=int(n_rows),
        mean=mean,
        scale=float(np.sqrt(squared_deviations.mean() / n_rows)),
        constant_features=tuple(int(i) for i in np.flatnonzero(squared_deviations == 0)),
    )


def coarse(standardisation: Standardisation) -> Standardisation:
    """Scale to 24 bits, and mean to 2⁻²⁰ of it: coarser than what the order of sums, over processes say, changes."""
    if not standardisation.scale > 0:
        return standardisation
    mantissa, exponent = np.frexp(standardisation.scale)
    scale = float(np.ldexp(np.rint(mantissa * 2**24), exponent - 24))
    step = np.ldexp(1.0, exponent - 20)
    return replace(standardisation, mean=np.rint(standardisation.mean / step) * step, scale=scale)


def check_varied(standardisation: Standardisation) -> None:
    """Raises a `ValueError` if all rows are equal."""
    if not standardisation.scale > 0:
        raise ValueError("`embeddings` must not be equal in all rows; got zero variance in every feature")


def check_magnitude(standardisation: Standardisation, rows: Rows) -> None:
    """Checks that squares and products of rows neither overflow nor vanish in the precision of the arithmetic.

    Raises:
        ValueError: They do; the root mean square, the row of the largest number and a remedy are named.
    """
    size = float(np.hypot(standardisation.scale, np.sqrt(np.mean(standardisation.mean**2))))
    least, most = MAGNITUDES[rows.dtype.itemsize]
    if size == 0 or least <= size <= most:
        return
    remedy = "divide them by it" + (", or store them as float64" if rows.dtype == np.float32 else "")
    where = f", largest in {rows.where(_largest_row(rows))}" if size > most else ""
    raise ValueError(
        f"`embeddings` must have a root mean square between {least:g} and {most:g} in {rows.dtype} arithmetic; "
        f"got {size:.3g}{where}; {remedy}"
    )


def _largest_row(rows: Rows) -> int:
    """Number of the row with the largest |number|."""
    largest = [
        (np.abs(block.values).max(axis=1), block.start) for block in blocks(rows, progress=NoProgress(), label="")
    ]
    sizes, start = max(largest, key=lambda part: part[0].max())
    return start + int(sizes.argmax())


def _no_moments(n_features: int) -> Moments:
    return 0, np.zeros(n_features), np.zeros(n_features)


def _block_moments(values: np.ndarray, start: int, rows: Rows) -> Moments:
    """Moments of a block, Σ (x − m)² = Σ (x − c)² − B (m − c)² with c the mean rounded to the precision of x."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise _not_finite(values, start, rows)
    centred = values - mean.astype(values.dtype)
    rounding = centred.mean(axis=0, dtype=np.float64)
    squares = np.einsum("ij,ij->j", centred, centred, dtype=np.float64, casting="same_kind") - len(values) * rounding**2
    constant = (values == values[0]).all(axis=0) if np.any(squares <= 0) else False
    return len(values), mean, np.where(constant, 0.0, np.maximum(squares, 0.0))


def _not_finite(values: np.ndarray, start: int, rows: Rows) -> ValueError:
    """The error that names the first row of a block with a number that is not finite."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    row = int(bad[0])
    number = values[row][~np.isfinite(values[row])][0]
    overflow = np.isinf(number) and any(shard.dtype in HALF_PRECISION for shard in rows.own_shards())
    remedy = "; half precision overflows at 65504: store as float32 or bfloat16" if overflow else ""
    return ValueError(
        f"`embeddings` must be finite; {rows.where(start + row)} has {number} "
        f"({bad.size} such rows in its block){remedy}"
    )


def _merged(first: Moments, second: Moments) -> Moments:
    """Moments of both sets of rows: Chan, Golub & LeVeque 1983."""
    (n, mean, squares), (m, other_mean, other_squares) = first, second
    total = n + m
    shift = other_mean - mean
    return total, mean + shift * (m / total), squares + other_squares + shift**2 * (n * m / total)
