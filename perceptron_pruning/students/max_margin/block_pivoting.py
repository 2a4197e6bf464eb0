"""A guess of the support by exchanging blocks of rows, on the Gram matrix of all rows: for P ≤ N.

All rows of negative λ leave the support and all violated rows enter, until they became no fewer three times in a row.
From the set of all rows it takes a handful of small factorisations of (M4), and mostly ends at the solution.

References:
    Júdice & Pires 1994, here without the single pivots that would follow; the dual active set is better at that.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.max_margin.dual_active_set import SETTLED

_PATIENCE = 2  # rounds in a row without fewer wrong rows
(_posv,) = get_lapack_funcs(("posv",), dtype=np.float64)


def block_pivoting(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are likely the support, and their λ > 0; none where the Gram matrix is singular."""
    gram = rows @ rows.T
    active, fewest, patience = np.ones(len(rows), dtype=bool), len(rows) + 1, _PATIENCE
    while True:
        index = active.nonzero()[0]
        dual, failed = _duals(gram, index)
        wrong = dual < 0  # none outside the support
        if index.size < len(gram):
            wrong |= ~active & (dual @ gram < 1 - SETTLED)
        count = np.count_nonzero(wrong)
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        if failed or count == 0 or patience < 0:
            index = (dual > 0).nonzero()[0]
            return index, dual[index]
        active ^= wrong


def _duals(gram: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, bool]:
    """λ (P,) of (M4) with J = ``index``, 0 elsewhere; zeros and True where J's Gram matrix is singular."""
    dual = np.zeros(len(gram))
    whole = index.size == len(gram)
    part = gram if whole else gram.take(index, 0).take(index, 1)
    _, solved, failed = _posv(part.T, np.ones(index.size), lower=True, overwrite_a=not whole, overwrite_b=True)
    if not failed:
        dual[index] = solved
    return dual, bool(failed)
