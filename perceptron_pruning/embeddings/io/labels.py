"""Labels as classes 0..C−1, and identifiers; errors name the row."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike


def checked_classes(labels: ArrayLike, n_rows: int) -> np.ndarray:
    """Classes 0..C−1 of the rows, (n,), in the sorted order of the labels.

    Raises:
        ValueError: The length is wrong, or a label is missing.
    """
    return encoded(labels, n_rows)[0]


def encoded(labels: ArrayLike, n_rows: int, name: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """Classes 0..C−1 of the rows, (n,), and the labels they stand for, sorted, (C,).

    Raises:
        ValueError: The length is wrong, a label is missing, or they cannot be sorted; the message calls the argument
            ``name``.
    """
    values = np.asarray(labels)
    if values.shape != (n_rows,):
        raise ValueError(f"`{name}` must be one per row, shape ({n_rows},); got {values.shape}")
    missing = np.flatnonzero(_missing(values))
    if missing.size:
        raise ValueError(f"`{name}` must have no gaps; row {missing[0]} has none ({missing.size} such rows)")
    try:
        names, classes = np.unique(values, return_inverse=True)
    except TypeError:
        raise ValueError(f"`{name}` must be of one kind that can be sorted; got {_kinds(values)}") from None
    return classes, plain_text(names)


def check_pairs(classes: np.ndarray, names: np.ndarray, where: Callable[[int], str]) -> None:
    """Checks that every class has two examples, so that each can be compared with another of its class.

    Args:
        classes: (n,), 0..C−1.
        names: Labels of the classes, (C,).
        where: File and row of a row number, for the message.

    Raises:
        ValueError: A class has one example.
    """
    singletons = np.flatnonzero(np.bincount(classes) == 1)
    if singletons.size:
        row = int(np.flatnonzero(classes == singletons[0])[0])
        raise ValueError(
            "`labels` must have two examples of every class (but for the margins); "
            f"class {names[singletons[0]]} has one, {where(row)} "
            f"({singletons.size} such classes; `drop_rare` leaves them out, or merge them)"
        )


def common_rows(labels: ArrayLike, n_rows: int) -> np.ndarray:
    """Numbers of the rows whose class has another example, ascending.

    Raises:
        ValueError: The length is wrong, a label is missing, or no class has two examples.
    """
    classes = checked_classes(labels, n_rows)
    rows = np.flatnonzero(np.bincount(classes)[classes] > 1)
    if not rows.size:
        raise ValueError("`drop_rare` would leave no row: every class of `labels` has one example")
    return rows


def checked_ids(ids: ArrayLike, n_rows: int) -> np.ndarray:
    """Identifiers of the rows, (n,).

    Raises:
        ValueError: The length is wrong, two rows have the same identifier, or they cannot be sorted.
    """
    values = plain_text(np.asarray(ids))
    if values.shape != (n_rows,):
        raise ValueError(f"`ids` must be one per row, shape ({n_rows},); got {values.shape}")
    try:
        order = np.argsort(values, kind="stable")
    except TypeError:
        raise ValueError(f"`ids` must be of one kind that can be sorted; got {_kinds(values)}") from None
    repeats = np.flatnonzero(values[order][1:] == values[order][:-1])
    if repeats.size:
        first, second = order[repeats[0]], order[repeats[0] + 1]
        raise ValueError(
            f"`ids` must differ; rows {first} and {second} are both {values[first]} ({repeats.size} repeats)"
        )
    return values


def plain_text(values: np.ndarray) -> np.ndarray:
    """Python's strings as an array of text, which can be saved without pickling; other values as they are."""
    is_text = values.dtype == object and all(isinstance(value, str) for value in values.flat)
    return values.astype(str) if is_text else values


def _missing(values: np.ndarray) -> np.ndarray:
    """Whether each label is NaN, NaT, None, pandas' NA or empty, (n,)."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":
        return np.array([_is_missing(value) for value in values], dtype=bool)
    return values == np.zeros(1, values.dtype) if values.dtype.kind in "US" else np.zeros(values.shape, bool)


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ == "NAType":  # of pandas, which is not even unequal to itself
        return True
    return bool(value != value or value == "")


def _kinds(values: np.ndarray) -> str:
    return ", ".join(sorted({type(value).__name__ for value in values.tolist()}))
