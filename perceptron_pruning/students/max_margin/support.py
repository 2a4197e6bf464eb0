"""The support J of a dual active set, and (A_J A_Jᵀ)⁻¹ while rows enter and leave it.

A row a that enters has coefficients u of its projection on the rows of J, and the rest a⊥::

    u = (A_J A_Jᵀ)⁻¹ A_J a,     a⊥ = a − A_Jᵀu,     ‖a⊥‖² = a·a⊥                             (S1)

and borders the inverse G⁻¹; the row in slot k leaves it by the column g of that slot::

    G⁻¹ ← [ G⁻¹ 0 ] + (u, −1)(u, −1)ᵀ/‖a⊥‖²,          G⁻¹ ← G⁻¹ − g gᵀ/g_k                   (S2)
          [  0  0 ]
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

DEPENDENT = 1e-13  # ‖a⊥‖²/‖a‖² below which a row depends on those of J
_REFINEMENTS = 4  # refinements of the solution of (M4) at most
_REFINED = 1e-12  # |1 − A_J w| at which refinement ends
(_ger,) = get_blas_funcs(("ger",), dtype=np.float64)
_potrf, _potri, _pstrf = get_lapack_funcs(("potrf", "potri", "pstrf"), dtype=np.float64)


class Projection(NamedTuple):
    """(S1): u by slot, a⊥ (N,), and ‖a⊥‖²."""

    coefficients: np.ndarray
    orthogonal: np.ndarray
    squared_distance: float


class Support:
    """Independent rows J with a dual λ each.

    Each row has a slot; there is one slot more than rows can be independent. A free slot has
    index −1 and zeros elsewhere, so that it takes part in products without effect.

    Attributes:
        index: Row in each slot.
        dual: λ of each slot.
        rows: A_J, by slot, (slots, N).
        inverse: (A_J A_Jᵀ)⁻¹, by slot.
    """

    def __init__(self, rows: np.ndarray, index: np.ndarray, dual: np.ndarray):
        """Those of the rows ``index`` that are independent, with their duals."""
        index, dual, inverse = _independent(rows, index, dual)
        slots, taken = min(rows.shape) + 1, index.size
        self.index, self.dual = np.full(slots, -1), np.zeros(slots)
        self.rows, self.inverse = np.zeros((slots, rows.shape[1])), np.zeros((slots, slots), order="F")
        self.index[:taken], self.dual[:taken], self.rows[:taken] = index, dual, rows[index]
        self.inverse[:taken, :taken] = inverse

    @property
    def taken(self) -> np.ndarray:
        """Which slots have a row."""
        return self.index >= 0

    def solution(self) -> tuple[np.ndarray, np.ndarray]:
        """λ by slot and w = A_Jᵀλ of (M4), both refined by w's margins; in A_Jᵀλ alone they would cancel."""
        dual, taken = self.inverse.sum(1), self.taken
        weights = dual @ self.rows
        for _ in range(_REFINEMENTS):
            residual = np.where(taken, 1 - self.rows @ weights, 0.0)
            if np.abs(residual).max() < _REFINED:
                break
            correction = self.inverse @ residual
            dual += correction
            weights += correction @ self.rows
        return dual, weights

    def project(self, row: np.ndarray) -> Projection:
        """(S1) of a row a."""
        coefficients = self.inverse @ (self.rows @ row)
        orthogonal = row - coefficients @ self.rows
        return Projection(coefficients, orthogonal, float(orthogonal @ row))

    def is_independent(self, row: np.ndarray, projection: Projection) -> bool:
        """Whether a row can join J."""
        outside = projection.squared_distance > DEPENDENT * float(row @ row)
        return outside and bool(np.count_nonzero(self.taken) < row.size)

    def append(self, index: int, row: np.ndarray, dual: float, projection: Projection) -> None:
        """Takes a row into a free slot."""
        slot, border = int(np.argmin(self.index)), projection.coefficients
        border[slot] = -1
        self.inverse = _ger(1 / projection.squared_distance, border, border, a=self.inverse, overwrite_a=True)
        self.index[slot], self.dual[slot], self.rows[slot] = index, dual, row

    def remove(self, slot: int) -> None:
        """Frees a slot."""
        column = self.inverse[slot].copy()
        self.inverse = _ger(-1 / column[slot], column, column, a=self.inverse, overwrite_a=True)
        self.inverse[slot] = self.inverse[:, slot] = self.rows[slot] = self.dual[slot] = 0
        self.index[slot] = -1


def _independent(rows: np.ndarray, index: np.ndarray, dual: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The indices of independent rows, their duals, and the inverse of their Gram matrix."""
    active = rows[index]
    gram = active @ active.T
    factor, failed = _potrf(gram.T, lower=True, clean=False) if index.size else (gram, 0)
    if failed or factor.diagonal().min(initial=np.inf) ** 2 < DEPENDENT * gram.max(initial=0):
        _, pivots, rank, _ = _pstrf(gram, lower=True, tol=DEPENDENT * gram.max())
        kept = pivots[:rank] - 1
        index, dual, gram = index[kept], dual[kept], gram[kept][:, kept]
        factor, _ = _potrf(gram, lower=True, clean=False)
    return index, dual, _inverse(factor)


def _inverse(factor: np.ndarray) -> np.ndarray:
    """(L Lᵀ)⁻¹ from the lower triangle L."""
    if not factor.size:
        return factor
    inverse, _ = _potri(factor, lower=True, overwrite_c=True)
    return np.where(np.tri(len(inverse), dtype=bool), inverse, inverse.T)
