"""The support by exchanges of blocks of rows, on the Gram matrix G = A Aᵀ of all rows.

All rows of negative λ leave the support and all violated rows enter, until they became no fewer three times in a row.
That takes a handful of small factorisations of (M4), and mostly ends at the solution.

References:
    Júdice & Pires 1994, here without the single pivots that would follow; the dual active set is better at that.
    Barzilai & Borwein 1988.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_lapack_funcs

_PATIENCE = 2  # rounds in a row without fewer wrong rows
_SETTLED = {"d": 1e-11, "f": 1e-5}  # 1 − a·w up to which a row counts as not violated, in double and single precision
_STEPS, _STEPS_PER_ROW = 11, 0.02  # of the projected gradient to an approximate dual
_POSV = {kind: get_lapack_funcs(("posv",), dtype=np.dtype(kind))[0] for kind in _SETTLED}


class Exchanged(NamedTuple):
    """Rows J and their λ ≥ 0; the lower factor of G_JJ if they solve (M3) to G's precision, else None."""

    support: np.ndarray
    dual: np.ndarray
    factor: np.ndarray | None


def from_all_rows(gram: np.ndarray) -> Exchanged:
    """Exchanges that begin with all rows, or where G is singular as `from_approximate_dual`."""
    factor, dual, failed = _POSV[gram.dtype.char](gram.T, np.ones(len(gram), gram.dtype), lower=True, overwrite_b=True)
    if failed:
        return from_approximate_dual(gram)
    if np.count_nonzero(dual < 0) == 0:
        return Exchanged(np.arange(len(gram)), dual, factor)
    return _exchanged(gram, dual)


def from_approximate_dual(gram: np.ndarray) -> Exchanged:
    """Exchanges that begin with the rows of λ > 0 near the maximum of (M2), fewer of which are wrong.

    Projected gradients with steps of Barzilai and Borwein.
    """
    dual, ascent = np.zeros(len(gram), gram.dtype), np.ones(len(gram), gram.dtype)
    length = len(gram) / (gram.trace() or 1.0)
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
    return _exchanged(gram, dual + length * ascent)


def _exchanged(gram: np.ndarray, dual: np.ndarray) -> Exchanged:
    """Exchanges that begin with the rows of λ > 0; if they come to no end, or a singular set, the last such rows."""
    kind, ones = gram.dtype.char, np.ones(len(gram), gram.dtype)
    active, fewest, patience = dual > 0, len(gram) + 1, _PATIENCE
    if np.count_nonzero(active) == 0:
        active[:] = True
    while patience >= 0:
        index = active.nonzero()[0]
        part, right = gram.take(index, 0).take(index, 1), ones[: index.size]
        factor, solution, failed = _POSV[kind](part.T, right, lower=True, overwrite_a=True)
        if failed:
            break
        dual = np.zeros(len(gram), gram.dtype)
        dual[index] = solution
        wrong = dual @ gram < 1 - _SETTLED[kind]
        wrong[index] = solution < 0
        count = np.count_nonzero(wrong)
        if count == 0:
            return Exchanged(index, solution, factor)
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        active ^= wrong
    index = (dual > 0).nonzero()[0]
    return Exchanged(index, dual[index], None)
