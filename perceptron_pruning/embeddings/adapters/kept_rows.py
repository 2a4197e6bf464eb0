"""Row numbers of a dataset, as `keep`, `select` and a recommendation give them."""

import numpy as np


def checked_rows(kept: np.ndarray, n_rows: int) -> np.ndarray:
    """The numbers (m,) of the kept rows among ``n_rows``.

    Raises:
        ValueError: They are no row numbers, one is beyond the dataset, or one occurs twice.
    """
    rows = np.asarray(kept)
    if rows.dtype == bool:
        raise ValueError(
            "`kept` must be row numbers; got whether each row is kept (np.flatnonzero makes numbers of it)"
        )
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ValueError(f"`kept` must be row numbers, (m,); got {rows.dtype} of shape {rows.shape}")
    if rows.size and not 0 <= rows.min() <= rows.max() < n_rows:
        raise ValueError(f"`kept` must be in 0..{n_rows - 1}; got {rows.min()}..{rows.max()}")
    if len(np.unique(rows)) != rows.size:
        raise ValueError(f"`kept` must name each row once; got {rows.size - len(np.unique(rows))} repeats")
    return rows.astype(int)
