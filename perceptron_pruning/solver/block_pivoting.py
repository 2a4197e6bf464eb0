"""A guess of the support by exchanging blocks of rows, on the Gram matrix of all rows: for P ≤ N.

All rows of negative λ leave and all violated rows enter, as long as that raises ½‖w‖² = ½ Σ λ, the
bound of the dual active set. From all rows it takes a handful of small factorisations.

References:
    Júdice & Pires 1994; here safeguarded by the bound instead of by single pivots.
"""

import numpy as np
from scipy.linalg import lapack


def block_pivoting(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the support, as far as blocks show it, and λ > 0 on them; empty where Gram matrices are singular."""
    gram = rows @ rows.T
    index, dual = _of_positive_dual(gram, np.arange(len(rows)))
    while index.size:
        margins = dual @ gram[index]
        margins[index] = 1
        violated = np.flatnonzero(margins < 1)
        larger, larger_dual = _of_positive_dual(gram, np.append(index, violated))
        if larger_dual.sum() <= dual.sum():
            break
        index, dual = larger, larger_dual
    return index, dual


def _of_positive_dual(gram: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solves G_JJ λ = 1, without the rows of negative λ until there are none."""
    while index.size:
        factor, failed = lapack.dpotrf(gram[index].T[index].T, lower=True, overwrite_a=True, clean=False)
        if failed:
            break
        dual, _ = lapack.dpotrs(factor, np.ones(index.size), lower=True, overwrite_b=True)
        if dual.min() > 0:
            return index, dual
        index = index[dual > 0]
    return index[:0], np.zeros(0)
