"""The support J of a dual active set, and (A_J A_Jᵀ)⁻¹ while rows enter and leave it.

A row a that enters has coefficients u of its projection on the rows of J, and the rest a⊥::

    u = (A_J A_Jᵀ)⁻¹ A_J a,     a⊥ = a − A_Jᵀu,     ‖a⊥‖² = a·a⊥                             (S1)

and borders the inverse G⁻¹ (`gram_inverse`); the row in slot k leaves it by the column g of that slot::

    G⁻¹ ← [ G⁻¹ 0 ] + (u, −1)(u, −1)ᵀ/‖a⊥‖²,          G⁻¹ ← G⁻¹ − g gᵀ/g_k                   (S2)
          [  0  0 ]
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.max_margin.gram_inverse import GramInverse

DEPENDENT = 1e-13  # ‖a⊥‖²/‖a‖² below which a row depends on those of J
_REFINEMENTS = 4  # refinements of the solution of (M4) at most
_REFINED = 1e-12  # |1 − A_J w| at which refinement ends
_potrf, _pstrf = get_lapack_funcs(("potrf", "pstrf"), dtype=np.float64)


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
        index, dual, active, factor = _independent(rows, index, dual)
        slots, taken = min(rows.shape) + 1, index.size
        self.index, self.dual, self.rows = np.full(slots, -1), np.zeros(slots), np.empty((slots, rows.shape[1]))
        self.index[:taken], self.dual[:taken], self.rows[:taken], self.rows[taken:] = index, dual, active, 0
        self.inverse = GramInverse(factor, slots)

    @property
    def taken(self) -> np.ndarray:
        """Which slots have a row."""
        return self.index >= 0

    def solution(self) -> tuple[np.ndarray, np.ndarray]:
        """λ by slot and w = A_Jᵀλ of (M4), both refined by w's margins; in A_Jᵀλ alone they would cancel."""
        taken = self.taken
        dual = self.inverse.times(taken.astype(float))
        weights = dual @ self.rows
        for _ in range(_REFINEMENTS):
            residual = np.where(taken, 1 - self.rows @ weights, 0.0)
            if np.abs(residual).max() < _REFINED:
                break
            correction = self.inverse.times(residual)
            dual += correction
            weights += correction @ self.rows
        return dual, weights

    def project(self, row: np.ndarray) -> Projection:
        """(S1) of a row a."""
        coefficients = self.inverse.times(self.rows @ row)
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
        self.inverse.enter(slot, border, projection.squared_distance)
        self.index[slot], self.dual[slot], self.rows[slot] = index, dual, row

    def remove(self, slot: int) -> np.ndarray:
        """Frees a slot k, and returns g/g_k, by slot: λ of (M4) without that row is λ − λ_k g/g_k."""
        column = self.inverse.leave(slot)
        self.rows[slot] = self.dual[slot] = 0
        self.index[slot] = -1
        return column


def _independent(
    rows: np.ndarray, index: np.ndarray, dual: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The indices of independent rows, their duals, these rows A_J, and the lower factor of their Gram matrix."""
    active = rows[index]
    gram = active @ active.T
    if not index.size:
        return index, dual, active, gram
    largest = gram.diagonal().max()
    factor, failed = _potrf(gram.T, lower=True, clean=False)
    if failed or factor.diagonal().min() ** 2 < DEPENDENT * largest:
        _, pivots, rank, _ = _pstrf(gram, lower=True, tol=DEPENDENT * largest)
        kept = pivots[:rank] - 1
        index, dual, active, gram = index[kept], dual[kept], active[kept], gram[kept][:, kept]
        factor, _ = _potrf(gram, lower=True, clean=False)
    return index, dual, active, factor
