"""Labelled inputs, as every student takes them."""

import numpy as np
from numpy.typing import ArrayLike


def checked_examples(inputs: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (P, N) or (batch, P, N) and labels in double precision, or a `ValueError` that names what is wrong."""
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise ValueError(f"`inputs` must be (P, N) or (batch, P, N) and not empty; got shape {x.shape}")
    if y.shape != x.shape[:-1]:
        raise ValueError(f"`labels` must have shape {x.shape[:-1]}, one per input; got {y.shape}")
    if not np.isfinite(x.max() - x.min()):
        raise ValueError(f"`inputs` must be finite; first bad entry at {tuple(np.argwhere(~np.isfinite(x))[0])}")
    if not np.all(np.abs(y) == 1):
        raise ValueError(f"`labels` must be -1 or +1; got {y[np.abs(y) != 1].flat[0]}")
    return x, y
