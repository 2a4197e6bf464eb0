"""The exact solution of (M3) from a guess of its support: a dual active set that checks all rows.

On a support J of independent rows (M4) gives the least w with A_J w = 1. While λ ≥ 0, ½‖w‖² bounds the optimum from
below. A violated row a enters: its dual t rises, and with u and a⊥ of (S1)::

    λ_J → λ_J − t u,     w → w + t a⊥,     a·w → a·w + t ‖a⊥‖²                               (D1)

until a·w = 1 (a full step), or until the first λ of J vanishes (a partial step), whose row leaves. Every exchange
raises the bound, so no support comes twice. It is unbounded exactly when no student exists; that shows at once if
a⊥ = 0 and u ≤ 0, since then a − A_Jᵀu = 0 is a vanishing combination of labelled inputs.

References:
    Goldfarb & Idnani 1983; Lawson & Hanson 1974, ch. 23, for the way to λ ≥ 0.
"""

import numpy as np

from perceptron_pruning.students.max_margin.support import Support

SETTLED = 1e-11  # 1 − a·w up to which a row counts as not violated


class NoStudentError(Exception):
    """No w has A w > 0, since ``dual``, λ ≥ 0 (P,), has Aᵀλ ≈ 0: the bound outgrew the limit."""

    def __init__(self, dual: np.ndarray):
        super().__init__("a combination of labelled inputs with coefficients >= 0 vanishes")
        self.dual = dual


def settle(
    rows: np.ndarray, guess: np.ndarray, guessed_dual: np.ndarray, *, limit: float, entries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The support, its duals λ and the weights w of (M3); the caller verifies them.

    Args:
        rows: A, (P, N).
        guess: Indices of rows of the support; the better, the sooner done. May be empty.
        guessed_dual: λ > 0 on them, roughly.
        limit: ‖w‖ above which no student is believed to exist.
        entries: How many rows may enter, after which the last support is returned, settled or not.

    Raises:
        NoStudentError: The limit is passed, or a combination of rows vanishes.
    """
    active = _ActiveSet(rows, Support(rows, guess, guessed_dual), limit)
    violated = active.violated()
    while violated.size and entries > 0:
        while violated.size and entries > 0:
            violated = active.enter_worst_of(violated)
            entries -= 1
        active.relax()
        violated = active.violated()
    support = active.support
    return support.index[support.taken], support.dual[support.taken], active.weights


class _ActiveSet:
    """A support with duals λ ≥ 0 that solve (M4), its weights, and the exchanges (D1)."""

    def __init__(self, rows: np.ndarray, support: Support, limit: float):
        self._rows, self._limit, self.support = rows, limit, support
        self.relax()

    def violated(self) -> np.ndarray:
        """Rows outside J that are violated; of more than two a slot, the worst."""
        index = self.support.index
        shortfall = 1 - self._rows @ self.weights
        shortfall[index[self.support.taken]] = 0
        violated = np.flatnonzero(shortfall > SETTLED)
        many = 2 * index.size
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
        """Moves λ to the solution of (M4); rows whose λ would turn negative on the way leave."""
        dual, weights = self.support.solution()
        while self._walk_towards(dual):
            dual, weights = self.support.solution()
        self.support.dual, self.weights = dual, weights

    def _walk_towards(self, target: np.ndarray) -> bool:
        """Moves λ towards the solution of (M4), which changes as rows leave on the way; whether any did."""
        support, any_left = self.support, False
        while True:
            length, leaving = _first_to_vanish(support.dual, support.dual - target)
            if length >= 1:
                return any_left
            support.dual += length * (target - support.dual)
            target = target - target[leaving] * support.remove(leaving)
            any_left = True

    def _enter(self, entering: int, shortfall: float) -> None:
        """(D1): partial steps, each of which a row leaves, and a full one."""
        support, row, raised = self.support, self._rows[entering], 0.0
        while True:
            projection = support.project(row)
            independent = support.is_independent(row, projection)
            full = shortfall / projection.squared_distance if independent else np.inf
            partial, leaving = _first_to_vanish(support.dual, projection.coefficients)
            length = min(full, partial)
            if np.isinf(length):
                raise NoStudentError(self._certificate(entering, 1.0, -projection.coefficients))
            raised += length
            support.dual -= length * projection.coefficients
            self.weights += length * projection.orthogonal
            if self.weights @ self.weights > self._limit**2:
                raise NoStudentError(self._certificate(entering, raised, support.dual))
            if full <= partial:
                return support.append(entering, row, raised, projection)
            shortfall -= length * projection.squared_distance
            support.remove(leaving)

    def _certificate(self, entering: int, entering_dual: float, dual: np.ndarray) -> np.ndarray:
        """λ (P,) of the rows of J and of the one that enters, 0 elsewhere."""
        certificate, taken = np.zeros(len(self._rows)), self.support.taken
        certificate[self.support.index[taken]] = np.maximum(dual[taken], 0)
        certificate[entering] = entering_dual
        return certificate


def _first_to_vanish(dual: np.ndarray, decrease: np.ndarray) -> tuple[float, int]:
    """Longest t with λ − t ``decrease`` ≥ 0, and the slot whose λ vanishes there."""
    steps = np.divide(dual, decrease, out=np.full(dual.size, np.inf), where=decrease > 0)
    first = int(np.argmin(steps))
    return float(steps[first]), first
