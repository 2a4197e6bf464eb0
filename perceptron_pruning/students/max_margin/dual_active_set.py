"""The exact solution from a guess of its support: a dual active set that checks all rows.

On a support J of independent rows the least w with A_J w = 1 is w = A_Jᵀλ with A_J A_Jᵀ λ = 1. While
λ ≥ 0, ½‖w‖² bounds the optimum from below, and every exchange of rows raises it, so no support
comes twice. The bound grows beyond limits exactly when no student exists.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.max_margin.exchange import DEPENDENT, Exchange

_potrf, _potri, _pstrf = get_lapack_funcs(("potrf", "potri", "pstrf"), dtype=np.float64)


def settle(
    rows: np.ndarray, guess: np.ndarray, guessed_dual: np.ndarray, *, limit: float, entries: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The support, its duals λ and the weights of min ½‖w‖² subject to rows @ w ≥ 1; the caller verifies them.

    Args:
        rows: A, (P, N).
        guess: Indices of rows of the support; the better, the sooner done. May be empty.
        guessed_dual: λ > 0 on them, roughly.
        limit: Of ‖w‖, beyond which no student is believed to exist.
        entries: How many rows may enter, after which the last support is returned, settled or not.

    Raises:
        NoStudentError: The limit is passed, or a combination of rows vanishes.
    """
    exchange = _start(rows, guess, guessed_dual, limit)
    violated = exchange.violated()
    while violated.size and entries > 0:
        while violated.size and entries > 0:
            violated = exchange.enter_worst_of(violated)
            entries -= 1
        exchange.relax()
        violated = exchange.violated()
    taken = exchange.index >= 0
    return exchange.index[taken], exchange.dual[taken], exchange.weights


def _start(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, limit: float) -> Exchange:
    """The exchange on those rows of the guess that are independent."""
    active = rows[index]
    gram = active @ active.T
    factor, failed = _potrf(gram.T, lower=True, clean=False) if index.size else (gram, 0)
    if failed or factor.diagonal().min(initial=np.inf) ** 2 < DEPENDENT * gram.max(initial=0):
        _, pivots, rank, _ = _pstrf(gram, lower=True, tol=DEPENDENT * gram.max())
        kept = pivots[:rank] - 1
        index, dual, gram = index[kept], dual[kept], gram[kept][:, kept]
        factor, _ = _potrf(gram, lower=True, clean=False)
    return Exchange(rows, index, dual, _inverse(factor), limit)


def _inverse(factor: np.ndarray) -> np.ndarray:
    """Of L Lᵀ, from the lower triangle L."""
    if not factor.size:
        return factor
    inverse, _ = _potri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse)
    return lower + np.tril(lower, -1).T
