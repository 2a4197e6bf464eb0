"""Checks of labelled inputs, the same for every student."""

import math

import numpy as np
from numpy.typing import ArrayLike

_LEAST, _MOST = 1e-100, 1e100  # largest |input| at least and at most: its square and the reciprocal are finite


def checked_examples(inputs: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (P, N) or (batch, P, N) and labels in double precision, or a `ValueError` that names what is wrong."""
    x, y = shaped_examples(inputs, labels)
    with np.errstate(over="ignore", invalid="ignore"):
        check_sizes(x, norm(x))
    return x, y


def shaped_examples(inputs: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """As `checked_examples`, without a look at the inputs' entries."""
    if np.iscomplexobj(inputs) or np.iscomplexobj(labels):
        raise ValueError("`inputs` and `labels` must be real; give real and imaginary parts as columns of their own")
    x, y = np.asarray(inputs, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise ValueError(f"`inputs` must be (P, N) or (batch, P, N) and not empty; got shape {x.shape}")
    if y.shape != x.shape[:-1]:
        raise ValueError(f"`labels` must have shape {x.shape[:-1]}, one per input; got {y.shape}")
    if np.count_nonzero(np.abs(y) == 1) < y.size:
        raise ValueError(f"`labels` must be -1 or +1; got {y[np.abs(y) != 1].flat[0]}")
    return x, y


def norm(x: np.ndarray) -> float:
    """√ of the sum of all squares; as `numpy.linalg.norm`, which takes twice as long for a hundred inputs."""
    entries = x.ravel(order="K")
    return math.sqrt(entries @ entries)


def checked_scale(x: np.ndarray, length: float) -> float:
    """Root-mean-square length of inputs (P, N), given their `norm`; 1 if all are 0. Raises as `check_sizes`."""
    check_sizes(x, length)
    return length / math.sqrt(len(x)) or 1.0


def check_sizes(x: np.ndarray, length: float) -> None:
    """Raises a `ValueError` unless inputs are finite and 0, or reach 1e-100 to 1e100; given their `norm`.

    Their largest entry is at least norm/√size.
    """
    if _LEAST * x.size**0.5 <= length <= _MOST:
        return
    largest = max(x.max(), -x.min())
    if not np.isfinite(largest):
        raise ValueError(
            f"`inputs` must be finite; first bad entry at {tuple(np.argwhere(~np.isfinite(x))[0].tolist())}"
        )
    if largest and not _LEAST <= largest <= _MOST:
        raise ValueError(
            f"`inputs` must reach {_LEAST:g} to {_MOST:g} in size; got {largest:g}, give them in other units"
        )
