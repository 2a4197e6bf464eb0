"""A guess of the support by exchanging blocks of rows, on the Gram matrix G of all rows: for P ≤ N.

All rows of negative λ leave the support and all violated rows enter, until they became no fewer three times in a row.
That takes a handful of small factorisations of (M4), and mostly ends at the solution. Few rows begin as all of them.
Many begin with the support of an approximate dual, after which fewer are wrong, and are factored in single precision;
the last factor then refines its λ to double precision.

References:
    Júdice & Pires 1994, here without the single pivots that would follow; the dual active set is better at that.
    Barzilai & Borwein 1988.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.max_margin.dual_active_set import SETTLED

_PATIENCE = 2  # rounds in a row without fewer wrong rows
_MANY = 110  # rows from which an approximate dual and single precision are quicker
_STEPS, _STEPS_PER_ROW = 11, 0.02  # of the projected gradient to an approximate dual
_SETTLED_SINGLE = 1e-5  # 1 − a·w up to which a row counts as not violated, in single precision
_REFINEMENTS = 4  # at most
_REFINED = 1e-8  # ‖1 − A_J w‖ whose correction leaves rounding alone
_POSV = {kind: get_lapack_funcs(("posv",), dtype=np.dtype(kind))[0] for kind in ("f", "d")}
(_single_potrs,) = get_lapack_funcs(("potrs",), dtype=np.float32)


def block_pivoting(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are likely the support, and their λ ≥ 0."""
    return _few(rows) if len(rows) < _MANY else _many(rows)


def _few(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gram = rows @ rows.T
    _, dual, failed = _POSV["d"](gram.T, np.ones(len(rows)), lower=True, overwrite_b=True)
    if failed:
        dual = _approximate_dual(gram)
    elif np.count_nonzero(dual < 0) == 0:
        return np.arange(len(rows)), dual
    return _exchanged(gram, dual, SETTLED)[:2]


def _many(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    single = rows.astype(np.float32)
    gram = single @ single.T
    index, dual, factor = _exchanged(gram, _approximate_dual(gram), _SETTLED_SINGLE)
    dual = dual.astype(np.float64)
    return index, dual if factor is None else _refined(rows, index, dual, factor)


def _exchanged(gram: np.ndarray, dual: np.ndarray, settled: float) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """J, its λ, and the lower factor of its Gram matrix, where exchanges end that begin with the rows of λ > 0.

    If they come to a set that is singular, or run out of patience: the rows of λ > 0 before, and no factor.
    """
    posv, ones = _POSV[gram.dtype.char], np.ones(len(gram), gram.dtype)
    active, fewest, patience = dual > 0, len(gram) + 1, _PATIENCE
    if np.count_nonzero(active) == 0:
        active[:] = True
    while patience >= 0:
        index = active.nonzero()[0]
        part, right = gram.take(index, 0).take(index, 1), ones[: index.size]
        factor, solution, failed = posv(part.T, right, lower=True, overwrite_a=True)
        if failed:
            break
        dual = np.zeros(len(gram), gram.dtype)
        dual[index] = solution
        wrong = dual @ gram < 1 - settled
        wrong[index] = solution < 0
        count = np.count_nonzero(wrong)
        if count == 0:
            return index, solution, factor
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        active ^= wrong
    index = (dual > 0).nonzero()[0]
    return index, dual[index], None


def _approximate_dual(gram: np.ndarray) -> np.ndarray:
    """λ (P,) near the maximum of (M2), by projected gradients with steps of Barzilai and Borwein."""
    dual, ascent, length = np.zeros(len(gram), gram.dtype), np.ones(len(gram), gram.dtype), len(gram) / gram.trace()
    for _ in range(_STEPS + round(_STEPS_PER_ROW * len(gram))):
        moved = dual + length * ascent
        np.maximum(moved, 0, out=moved)
        step = moved - dual
        curved = step @ gram
        curvature = step @ curved
        if not curvature > 0:
            break
        dual, length = moved, (step @ step) / curvature
        ascent -= curved
    return dual + length * ascent


def _refined(rows: np.ndarray, index: np.ndarray, dual: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """λ_J ≥ 0 in double precision, by the factor of G_JJ in single and the residuals 1 − A_J w."""
    spread = np.zeros(len(rows))
    for _ in range(_REFINEMENTS):
        spread[index] = dual
        residual = 1 - (rows @ (spread @ rows))[index]
        dual = dual + _single_potrs(factor, residual.astype(np.float32), lower=True)[0]
        if residual @ residual < _REFINED**2:
            break
    return np.maximum(dual, 0)
