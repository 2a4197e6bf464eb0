"""The rows that students are trained on, and products with them by blocks of rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np

_BLOCK = 1 << 18  # numbers in a block of rows, at least; sums over a block are added in double precision


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows z_i = y_i x_i that may be in the training set.

    Attributes:
        inputs: x, (n, d); a column of ones for an intercept is the last.
        labels: y = ±1, (n,).
        count: φ, mean number of times that a row is in the training set, (n,), > 0.
        finite: Whether rows are drawn without replacement from these; else each is a fresh draw of an infinite
            population, of which these are a sample.
        weight: v, weight of a row's loss, (n,).
        normalisation: N.
        idle: Σ φ (1 − φ) of rows left aside, all of whose inputs are 0: they move no student, but take places among a
            fixed number of rows.
    """

    inputs: np.ndarray
    labels: np.ndarray
    count: np.ndarray
    finite: bool
    weight: np.ndarray
    normalisation: float
    idle: float = field(default=0.0, kw_only=True)

    @cached_property
    def chance(self) -> np.ndarray:
        """Chance that the row's own force is in a training set: φ, or 0 in an infinite population."""
        return self.count if self.finite else np.zeros(len(self.count))

    @cached_property
    def drawn(self) -> np.ndarray:
        """Variance of how often a row is in a training set, φ (1 − φ), or φ in an infinite population, (n,)."""
        return self.count * (1 - self.chance)

    @cached_property
    def all_drawn(self) -> float:
        """The same of all rows together, were their number not fixed."""
        return float(self.drawn.sum()) + self.idle

    @cached_property
    def alike(self) -> bool:
        """Whether all losses have weight 1."""
        return bool((self.weight == 1.0).all())

    def in_single_precision(self) -> "Rows":
        """The same rows in single precision, whose products with matrices take half the time."""
        return replace(self, inputs=self.inputs.astype(np.float32))

    @cached_property
    def moving(self) -> np.ndarray:
        """Rows that can move a student: those with an input that is not 0, (n,)."""
        moving = self.inputs[:, 0] != 0
        moving[~moving] = self.inputs[~moving].any(axis=1)
        return moving

    def subset(self, chosen: np.ndarray) -> "Rows":
        """The rows of a mask, and those that can not move a student left aside."""
        names = ("inputs", "labels", "count", "weight")
        aside = float(self.drawn[~chosen & ~self.moving].sum())
        return replace(self, **{name: getattr(self, name)[chosen] for name in names}, idle=self.idle + aside)

    def fields(self, direction: np.ndarray) -> np.ndarray:
        """z_i·a, (n,)."""
        return self.labels * (self.inputs @ direction.astype(self.inputs.dtype))

    def pull(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ r_i z_i/N, (d,)."""
        signed, total = (self.labels * coefficients).astype(self.inputs.dtype), np.zeros(self.inputs.shape[1])
        for block in row_blocks(self.inputs):
            total += signed[block] @ self.inputs[block]
        return total / self.normalisation

    def gram(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ r_i z_i z_iᵀ/N, (d, d), of r ≥ 0."""
        roots = np.sqrt(coefficients / self.normalisation)
        total, roots = np.zeros((self.inputs.shape[1],) * 2), roots.astype(self.inputs.dtype)
        for block in row_blocks(self.inputs):
            scaled = self.inputs[block] * roots[block, None]
            total += scaled.T @ scaled
        return total

    def gram_of_any_sign(self, coefficients: np.ndarray) -> np.ndarray:
        """The same of r of either sign, which takes longer."""
        total, shares = np.zeros((self.inputs.shape[1],) * 2), (coefficients / self.normalisation)[:, None]
        shares = shares.astype(self.inputs.dtype)
        for block in row_blocks(self.inputs):
            total += self.inputs[block].T @ (self.inputs[block] * shares[block])
        return total

    def quadratic(self, matrix: np.ndarray) -> np.ndarray:
        """z_iᵀ T z_i, (n,)."""
        return quadratic_forms(self.inputs, matrix)


def row_blocks(inputs: np.ndarray) -> Iterator[slice]:
    """Slices of a quarter of a million numbers, or of d rows."""
    n, d = inputs.shape
    rows = max(_BLOCK // d, d)
    return (slice(start, start + rows) for start in range(0, n, rows))


@cache
def _triangular_product(dtype: np.dtype) -> Callable[..., np.ndarray]:
    """BLAS's product with a triangular matrix."""
    from scipy.linalg import get_blas_funcs  # a tenth of a second, which other questions need not wait for

    (product,) = get_blas_funcs(("trmm",), dtype=dtype)
    return product


def quadratic_forms(inputs: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """x_iᵀ T x_i of a symmetric T, (n,), by its upper triangle."""
    product, double = _triangular_product(inputs.dtype), np.multiply(matrix, 2, dtype=inputs.dtype, order="F")
    np.einsum("ii->i", double)[:] *= 0.5
    forms = np.empty(len(inputs))
    for block in row_blocks(inputs):
        turned = product(1.0, double, inputs[block].T).T
        forms[block] = np.einsum("ij,ij->i", turned, inputs[block])
    return forms
