"""From an interior point to the exact solution under ``jit``: guess the support, solve (M4) on it, exchange, repeat.

An interior point shows the support J as the rows with λ > s; rows with λ < 0 in (M4) leave, violated rows enter.
"""

from perceptron_pruning.students.arrays import Arrays
from perceptron_pruning.students.max_margin.interior_point import Iterate

_ROUNDS = 12  # solves of (M4) at most
_VIOLATION = 1e-11  # 1 − a·w up to which a row counts as not violated


def crossover(arrays: Arrays, rows, target, point: Iterate):
    """Duals (P,) on the support that the exchange settles on; the caller verifies them."""
    xp = arrays.xp

    def exchange(state):
        merit, _, _, rounds, _ = state
        weights, duals = _solve_on(arrays, rows, target, merit)
        violated = target - rows @ weights
        settled = (violated.max() < _VIOLATION) & (duals.min() >= 0)
        entering = xp.where(violated > _VIOLATION, 1.0 + violated, -1.0)
        merit = xp.where(duals != 0, duals / (1e-30 + xp.abs(duals).max()), entering)
        return merit, weights, duals, rounds + 1, settled

    merit = xp.log(point.dual / point.slack)
    start = (merit, xp.zeros(rows.shape[1]), xp.zeros(rows.shape[0]), 0, xp.array(False))
    _, _, duals, _, _ = arrays.while_loop(lambda state: (state[3] < _ROUNDS) & ~state[4], exchange, start)
    return duals


def _solve_on(arrays: Arrays, rows, target, merit):
    """w and λ (P,) of (M4) on the rows of positive merit, at most min(P, N) of them, those of largest merit."""
    xp = arrays.xp
    chosen = xp.argsort(-merit)[: min(rows.shape)]
    active = (merit[chosen] > 0) & (target[chosen] > 0)
    right = xp.where(active, 1.0, 0.0)
    support = rows[chosen] * right[:, None]
    factor = arrays.cho_factor(support @ support.T + xp.diag(1.0 - right))
    duals = arrays.cho_solve(factor, right)
    for _ in range(2):  # iterative refinement: the support's Gram matrix is ill-conditioned
        duals = duals + arrays.cho_solve(factor, right * (1.0 - support @ (support.T @ duals)))
    duals = duals * right
    return support.T @ duals, arrays.scatter(rows.shape[0], chosen, duals)
