"""Exchanges of single rows in a dual active set, on the inverse of the support's Gram matrix.

References:
    Goldfarb & Idnani 1983; Lawson & Hanson 1974, ch. 23, for the way to λ ≥ 0.
"""

import numpy as np
from scipy.linalg import get_blas_funcs

SETTLED = 1e-11  # a row is violated beyond this
DEPENDENT = 1e-13  # squared distance of a row from the span of the support, relative to its square
_REFINEMENTS = 4
(_ger,) = get_blas_funcs(("ger",), dtype=np.float64)


class NoStudentError(Exception):
    """The bound outgrew the limit: λ ≥ 0 (P,) with Aᵀλ ≈ 0 shows that no w has A w > 0."""

    def __init__(self, dual: np.ndarray):
        super().__init__(dual)
        self.dual = dual


class Exchange:
    """A support J whose duals λ ≥ 0 solve A_J A_Jᵀ λ = 1, while rows enter and leave.

    Each row of J has a slot; there is one slot more than rows can be independent. A free slot has
    index −1 and zeros elsewhere, so that it takes part in products without effect.

    Attributes:
        index: Row in each slot.
        dual: λ of each slot.
        active: A_J, by slot.
        inverse: (A_J A_Jᵀ)⁻¹, by slot.
        weights: w = A_Jᵀλ.
    """

    def __init__(self, rows: np.ndarray, index: np.ndarray, dual: np.ndarray, inverse: np.ndarray, limit: float):
        """From independent rows J, any λ > 0 on them, and (A_J A_Jᵀ)⁻¹; ``limit`` is of ‖w‖."""
        self._rows, self._limit = rows, limit
        slots, taken = min(rows.shape) + 1, index.size
        self.index, self.dual = np.full(slots, -1), np.zeros(slots)
        self.active, self.inverse = np.zeros((slots, rows.shape[1])), np.zeros((slots, slots), order="F")
        self.index[:taken], self.dual[:taken], self.active[:taken] = index, dual, rows[index]
        self.inverse[:taken, :taken] = inverse
        self.relax()

    def violated(self) -> np.ndarray:
        """Rows outside J that are violated, the worst of them if they are many."""
        shortfall = 1 - self._rows @ self.weights
        shortfall[self.index[self.index >= 0]] = 0
        violated = np.flatnonzero(shortfall > SETTLED)
        many = 2 * self.index.size
        return violated if violated.size <= many else violated[np.argpartition(-shortfall[violated], many)[:many]]

    def enter_worst_of(self, candidates: np.ndarray) -> np.ndarray:
        """Makes the most violated row a support vector; returns the candidates that remain violated."""
        shortfall = 1 - self._rows[candidates] @ self.weights
        worst = int(np.argmax(shortfall))
        if shortfall[worst] > SETTLED:
            self._enter(int(candidates[worst]), float(shortfall[worst]))
            shortfall[worst] = 0
        return candidates[shortfall > SETTLED]

    def relax(self) -> None:
        """Moves λ to the solution on J; rows whose λ would turn negative on the way leave."""
        while True:
            dual, weights = self._solution()
            blocked, leaving = _first_to_vanish(self.dual, self.dual - dual)
            if blocked >= 1:
                break
            self.dual += blocked * (dual - self.dual)
            self._remove(leaving)
        self.dual, self.weights = dual, weights

    def _solution(self) -> tuple[np.ndarray, np.ndarray]:
        """A_J A_Jᵀ λ = 1 and w = A_Jᵀλ, both refined by w's margins; in A_Jᵀλ alone they would cancel."""
        dual, taken = self.inverse.sum(1), self.index >= 0
        weights = dual @ self.active
        for _ in range(_REFINEMENTS):
            residual = np.where(taken, 1 - self.active @ weights, 0.0)
            if np.abs(residual).max() < 0.1 * SETTLED:
                break
            correction = self.inverse @ residual
            dual += correction
            weights += correction @ self.active
        return dual, weights

    def _enter(self, entering: int, shortfall: float) -> None:
        """Raises the entering row's λ until its margin is 1; rows whose λ falls to 0 leave."""
        row, entered = self._rows[entering], 0.0
        while True:
            falling = self.inverse @ (self.active @ row)
            across = row - falling @ self.active
            square = across @ row
            free = square > DEPENDENT * (row @ row) and np.count_nonzero(self.index >= 0) < row.size
            full = shortfall / square if free else np.inf
            blocked, leaving = _first_to_vanish(self.dual, falling)
            length = min(full, blocked)
            if np.isinf(length):
                raise NoStudentError(self._certificate(entering, 1.0, -falling))
            entered += length
            self.dual -= length * falling
            self.weights += length * across
            if self.weights @ self.weights > self._limit**2:
                raise NoStudentError(self._certificate(entering, entered, self.dual))
            if full <= blocked:
                return self._append(entering, entered, falling, square)
            shortfall -= length * square
            self._remove(leaving)

    def _certificate(self, entering: int, entered: float, dual: np.ndarray) -> np.ndarray:
        full, taken = np.zeros(len(self._rows)), self.index >= 0
        full[self.index[taken]] = np.maximum(dual[taken], 0)
        full[entering] = entered
        return full

    def _append(self, entering: int, entered: float, falling: np.ndarray, square: float) -> None:
        """Borders the inverse, in a free slot."""
        slot = int(np.argmin(self.index))
        falling[slot] = -1
        self.inverse = _ger(1 / square, falling, falling, a=self.inverse, overwrite_a=True)
        self.index[slot], self.dual[slot], self.active[slot] = entering, entered, self._rows[entering]

    def _remove(self, slot: int) -> None:
        """Reduces the inverse and frees the slot."""
        border = self.inverse[slot].copy()
        self.inverse = _ger(-1 / border[slot], border, border, a=self.inverse, overwrite_a=True)
        self.inverse[slot] = self.inverse[:, slot] = self.active[slot] = self.dual[slot] = 0
        self.index[slot] = -1


def _first_to_vanish(dual: np.ndarray, falling: np.ndarray) -> tuple[float, int]:
    """Longest step along −falling that keeps λ ≥ 0, and the slot that blocks it."""
    steps = np.divide(dual, falling, out=np.full(dual.size, np.inf), where=falling > 0)
    first = int(np.argmin(steps))
    return float(steps[first]), first
