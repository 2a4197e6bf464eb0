"""Where the rows of all shards are cut among processes: between whole tiles, which no two of them share."""

import numpy as np


def tile_rows(n_rows: int) -> int:
    """Rows of a tile, the unit in which processes share n rows: a power of two from 256 to 2048, near n/8."""
    return 1 << max(8, min(11, (n_rows // 8).bit_length() - 1))


def process_cuts(shard_ends: np.ndarray, size: int) -> list[int]:
    """Row numbers 0, ..., n at which the rows are cut, ascending, (size + 1,): each process has a row.

    Whole tiles, near the ends of shards where there are enough of these; fewer rows than that are whole shards, or as
    many for each process.

    Args:
        shard_ends: Number of rows up to the end of each shard; the last is n ≥ size.
        size: Number of processes.
    """
    n_rows = int(shard_ends[-1])
    tile, boundaries = tile_rows(n_rows), np.concatenate([[0], shard_ends])
    even = [round(n_rows * k / size) for k in range(1, size)]
    near = [_nearest(boundaries, cut) for cut in even] if len(shard_ends) >= size else even
    choices = [[round(cut / tile) * tile for cut in near], [round(cut / tile) * tile for cut in even], near, even]
    return next(cuts for inner in choices if np.all(np.diff(cuts := [0, *inner, n_rows]) > 0))


def _nearest(boundaries: np.ndarray, cut: int) -> int:
    """The boundary nearest to a row number."""
    return int(boundaries[np.abs(boundaries - cut).argmin()])
