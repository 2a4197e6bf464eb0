"""What a caller may give: each argument checked, with range, value and remedy."""

import numpy as np
from numpy.typing import ArrayLike

from replica_theory.errors import check_number

_ROUNDING = 1e-9  # of a chance that may be 1
_SYMMETRIC = 1e-9  # asymmetry of a covariance, relative to its largest entry, that rounding excuses


def check_rows(inputs: ArrayLike, name: str = "inputs") -> np.ndarray:
    """Rows (n, d) as floats, or raises unless they are finite."""
    try:
        rows = np.asarray(inputs, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be an array of numbers (n, d); got {type(inputs).__name__}") from None
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"`{name}` must have shape (n, d), n and d at least 1; got shape {rows.shape}")
    if not np.isfinite(rows.sum()) and not np.all(np.isfinite(rows)):
        row = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise ValueError(f"`{name}` must be finite; row {row} is not (drop such rows, and their labels)")
    return rows


def check_labels(labels: ArrayLike, n: int, name: str = "labels") -> np.ndarray:
    """Labels (n,) as floats, or raises unless each is −1 or +1."""
    values = np.asarray(labels)
    if values.shape != (n,):
        raise ValueError(f"`{name}` must have one label a row, shape {(n,)}; got shape {values.shape}")
    if values.dtype.kind not in "iuf" or not np.all((values == 1) | (values == -1)):
        raise ValueError(f"`{name}` must be -1 or +1; got {np.unique(values)[:5].tolist()} of type {values.dtype}")
    return values.astype(float)


def check_classes(labels: ArrayLike, n: int, name: str = "labels", *, number: int | None = None) -> np.ndarray:
    """Classes (n,), 0 … C − 1, or raises; ``number``: C, where it is known, else every class must occur."""
    values = np.asarray(labels)
    if values.shape != (n,) or values.dtype.kind not in "iu":
        raise ValueError(f"`{name}` must have one whole number a row, shape {(n,)}; got {values.dtype} {values.shape}")
    most = int(values.max()) + 1 if number is None else number
    if values.min() < 0 or values.max() >= most:
        raise ValueError(f"`{name}` must be classes from 0 to {most - 1}; got {values.min()} to {values.max()}")
    if number is None and (missing := np.flatnonzero(np.bincount(values, minlength=most) == 0)).size:
        raise ValueError(f"`{name}` must have all classes from 0 to {most - 1}; got none of class {missing[0]}")
    return values.astype(int)


def check_test_rows(inputs: ArrayLike, d: int, name: str = "test_inputs") -> np.ndarray:
    """Rows (t, d) as floats, or raises unless they have as many columns as the inputs."""
    rows = check_rows(inputs, name)
    if rows.shape[1] != d:
        raise ValueError(f"`{name}` must have {d} columns, like `inputs`; got {rows.shape[1]}")
    return rows


def check_keep_probability(keep_probability: ArrayLike, n: int) -> np.ndarray:
    """Chances (n,) in [0, 1], not all 0."""
    values = _numbers(keep_probability, n, "keep_probability")
    if not np.all((values >= 0) & (values <= 1)):
        wrong = values[~((values >= 0) & (values <= 1))][0]
        raise ValueError(f"`keep_probability` must be in [0, 1]; got {wrong}")
    if not values.any():
        raise ValueError("`keep_probability` must be > 0 for a row at least; got 0 for all")
    return values


def check_sample_weight(sample_weight: ArrayLike | None, n: int) -> np.ndarray:
    """Weights (n,) > 0; 1 where none are given."""
    if sample_weight is None:
        return np.ones(n)
    values = _numbers(sample_weight, n, "sample_weight")
    if not np.all((values > 0) & np.isfinite(values)):
        wrong = values[~((values > 0) & np.isfinite(values))][0]
        raise ValueError(f"`sample_weight` must be finite and > 0; got {wrong} (give such rows keep_probability 0)")
    return values


def check_positive(value: object, name: str) -> float:
    """A finite number > 0."""
    number = check_number(value, name)
    if not 0.0 < number < np.inf:
        raise ValueError(f"`{name}` must be finite and > 0; got {value}")
    return number


def mean_counts(keep_probability: np.ndarray, n_kept: float, *, finite: bool) -> np.ndarray:
    """φ_i = P q_i/Σ q, mean number of times that a row is in the training set."""
    count = n_kept * keep_probability / keep_probability.sum()
    if finite and count.max() > 1 + _ROUNDING:
        most = keep_probability.sum() / keep_probability.max()
        raise ValueError(
            f"`n_kept` must be at most sum(keep_probability)/max(keep_probability) = {most:g}, the rows there are; "
            f'got {n_kept:g} (draw them from an infinite population with pool="infinite")'
        )
    return np.minimum(count, 1.0) if finite else count


def _numbers(values: ArrayLike, n: int, name: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be an array of numbers, one a row; got {values!r}") from None
    if numbers.shape != (n,):
        raise ValueError(f"`{name}` must have one number a row, shape {(n,)}; got shape {numbers.shape}")
    return numbers


def check_covariance(values: object, name: str) -> np.ndarray:
    """Σ, (d, d), from a matrix or its diagonal, or raises unless it is one of d ≥ 3."""
    try:
        matrix = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be an array of numbers, (d, d) or (d,); got {values!r}") from None
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 3:
        raise ValueError(f"`{name}` must have shape (d, d) or (d,), d >= 3; got shape {matrix.shape}")
    if not np.all(np.isfinite(matrix)) or not np.allclose(matrix, matrix.T, rtol=0, atol=_SYMMETRIC * matrix.max()):
        raise ValueError(f"`{name}` must be finite and symmetric; got {values!r}")
    least = float(np.linalg.eigvalsh(matrix)[0])
    if least < -_SYMMETRIC * np.abs(matrix).max():
        raise ValueError(f"`{name}` must have no negative eigenvalue; got {least:.6g}")
    return 0.5 * (matrix + matrix.T)


def check_direction(values: ArrayLike, d: int, name: str) -> np.ndarray:
    """A direction (d,), or raises unless it is finite and not 0."""
    direction = _floats(values, name)
    if direction.shape != (d,) or not np.all(np.isfinite(direction)) or not direction.any():
        raise ValueError(f"`{name}` must be a finite direction of shape {(d,)}, not 0; got shape {direction.shape}")
    return direction


def check_clusters(means: object) -> list[np.ndarray]:
    """Means (d,) of one cluster or more, all of one length, or raises unless they are finite."""
    try:
        several = [np.asarray(mean, dtype=float) for mean in means]  # pyright: ignore[reportGeneralTypeIssues]
    except (TypeError, ValueError):
        raise ValueError(f"`means` must be arrays of numbers (d,), one a cluster; got {means!r}") from None
    shapes = {mean.shape for mean in several}
    if len(shapes) != 1:
        raise ValueError(f"`means` must be arrays (d,) of one length, one a cluster; got shapes {sorted(shapes)}")
    return list(check_rows(np.stack(several), "means"))


def check_mean(values: ArrayLike, d: int) -> np.ndarray:
    """A mean (d,), or raises unless it is finite."""
    mean = _floats(values, "mean")
    if mean.shape != (d,) or not np.all(np.isfinite(mean)):
        raise ValueError(f"`mean` must be finite numbers of shape {(d,)}; got shape {mean.shape}")
    return mean


def check_positives(values: ArrayLike, n: int | None, name: str) -> np.ndarray:
    """Numbers > 0, (n,), any number of them if n is None, or raises."""
    numbers = np.atleast_1d(_floats(values, name))
    if numbers.ndim != 1 or n not in (None, len(numbers)) or not numbers.size:
        raise ValueError(f"`{name}` must have shape {('any',) if n is None else (n,)}; got shape {numbers.shape}")
    if not np.all((numbers > 0) & np.isfinite(numbers)):
        raise ValueError(f"`{name}` must be finite and > 0; got {numbers[~((numbers > 0) & np.isfinite(numbers))][0]}")
    return numbers


def _floats(values: ArrayLike, name: str) -> np.ndarray:
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"`{name}` must be an array of numbers; got {values!r}") from None


def check_shares(values: ArrayLike | None, n: int, name: str) -> np.ndarray:
    """Shares (n,) that add up to 1, from numbers > 0; equal ones where none are given."""
    numbers = np.ones(n) if values is None else check_positives(values, n, name)
    return numbers / numbers.sum()
