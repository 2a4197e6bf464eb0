"""The inverse of the support's Gram matrix, by slot, while rows enter and leave.

A few exchanges, the rule, are rank-one terms beside the Cholesky factor L of the rows J₀ at the start::

    G⁻¹ = [ (L Lᵀ)⁻¹ 0 ] + V diag(c) Vᵀ                                                     (S3)
          [     0    0 ]

After many, the inverse is a matrix, which takes most of the time of all that and then has the quicker products.
"""

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

_MOST_TERMS = 24  # rank-one terms beside the factor
(_ger,) = get_blas_funcs(("ger",), dtype=np.float64)
_potrs, _potri = get_lapack_funcs(("potrs", "potri"), dtype=np.float64)


class GramInverse:
    """G⁻¹, (slots, slots), with zeros in the rows and columns of free slots."""

    def __init__(self, factor: np.ndarray, slots: int):
        """Of the first slots, from the lower triangle L in column-major order; the other slots are free."""
        self._factor, self._first = factor, len(factor)
        self._taken = np.zeros(slots)
        self._taken[: self._first] = 1
        self._terms, self._coefficients, self._n_terms = np.empty((_MOST_TERMS, slots)), np.empty(_MOST_TERMS), 0
        self._matrix: np.ndarray | None = None

    def times(self, vector: np.ndarray) -> np.ndarray:
        """G⁻¹ x for x by slot, 0 in free slots."""
        if self._matrix is not None:
            return self._matrix @ vector
        product = np.zeros(vector.size)
        if self._first:
            product[: self._first], _ = _potrs(self._factor, vector[: self._first], lower=True)
        if self._n_terms:
            terms = self._terms[: self._n_terms]
            product += (self._coefficients[: self._n_terms] * (terms @ vector)) @ terms
        return product * self._taken

    def enter(self, slot: int, border: np.ndarray, squared_distance: float) -> None:
        """(S2) for a row that takes a free slot, given (u, −1) with −1 in that slot, and ‖a⊥‖²."""
        self._add(border, 1 / squared_distance)
        self._taken[slot] = 1

    def leave(self, slot: int) -> np.ndarray:
        """(S2) for the row in a slot, whose column g/g_k of G⁻¹ it returns."""
        unit = np.zeros(self._taken.size)
        unit[slot] = 1
        column = self.times(unit)
        self._add(column, -1 / column[slot])
        self._taken[slot] = 0
        if self._matrix is not None:
            self._matrix[slot] = self._matrix[:, slot] = 0
        return column / column[slot]

    def _add(self, vector: np.ndarray, coefficient: float) -> None:
        """Adds c v vᵀ."""
        if self._n_terms == _MOST_TERMS and self._matrix is None:
            self._matrix = self._as_matrix()
        if self._matrix is not None:
            self._matrix = _ger(coefficient, vector, vector, a=self._matrix, overwrite_a=True)
            return
        self._terms[self._n_terms], self._coefficients[self._n_terms] = vector, coefficient
        self._n_terms += 1

    def _as_matrix(self) -> np.ndarray:
        terms = self._terms[: self._n_terms]
        matrix = (terms.T * self._coefficients[: self._n_terms]) @ terms
        if self._first:
            inverse, _ = _potri(self._factor, lower=True)
            matrix[: self._first, : self._first] += np.where(np.tri(self._first, dtype=bool), inverse, inverse.T)
        free = self._taken == 0
        matrix[free], matrix[:, free] = 0, 0
        return np.asfortranarray(matrix)
