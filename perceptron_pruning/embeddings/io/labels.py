"""Labels as classes, and identifiers, with every gap named."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


def checked_classes(labels: ArrayLike, n_rows: int) -> np.ndarray:
    """Labels as classes 0..C−1 in sorted order, or a `ValueError` for a wrong length or a missing label."""
    return encoded(labels, n_rows)[0]


def encoded(labels: ArrayLike, n_rows: int, name: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """Classes 0..C−1 of the rows, (n,), and the labels they stand for, sorted, (C,)."""
    values = np.asarray(labels)
    if values.shape != (n_rows,):
        raise ValueError(f"`{name}` must be one per row, shape ({n_rows},); got {values.shape}")
    missing = np.flatnonzero(_missing(values))
    if missing.size:
        raise ValueError(f"`{name}` must have no gaps; row {missing[0]} has none ({missing.size} such rows)")
    names, classes = np.unique(values, return_inverse=True)
    return classes, names


def check_pairs(classes: np.ndarray, names: np.ndarray, where: Callable[[int], str]) -> None:
    """A `ValueError` if a class has one example: nothing of its class is left to compare that one with."""
    lonely = np.flatnonzero(np.bincount(classes) == 1)
    if lonely.size:
        row = int(np.flatnonzero(classes == lonely[0])[0])
        raise ValueError(
            f"`labels` must have two examples of every class (but for the margins); class {names[lonely[0]]} has one, "
            f"{where(row)} ({lonely.size} such classes; drop them or merge them)"
        )


def checked_ids(ids: ArrayLike, n_rows: int) -> np.ndarray:
    """Identifiers of the rows, all different, or a `ValueError` that names two rows of one identifier."""
    values = np.asarray(ids)
    if values.shape != (n_rows,):
        raise ValueError(f"`ids` must be one per row, shape ({n_rows},); got {values.shape}")
    order = np.argsort(values, kind="stable")
    twice = np.flatnonzero(values[order][1:] == values[order][:-1])
    if twice.size:
        first, second = order[twice[0]], order[twice[0] + 1]
        raise ValueError(
            f"`ids` must differ; rows {first} and {second} are both {values[first]} ({twice.size} repeats)"
        )
    return values


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array([value is None or value != value for value in values], dtype=bool)
    return values == "" if values.dtype.kind in "US" else np.zeros(values.shape, bool)
