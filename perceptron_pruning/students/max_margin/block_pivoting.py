"""The support by exchanges of blocks of examples, on the Gram matrix K = X Xᵀ of all inputs.

With the dual λ in signs of labels, β = y λ, the student is w = Xᵀβ and (M4) is K_JJ β_J = y_J. All of λ < 0 leave the
support J and all violated examples enter, until they became no fewer three times in a row. That takes a handful of
small factorisations, and mostly ends at the solution.

References:
    Júdice & Pires 1994, here without the single pivots that would follow; the dual active set is better at that.
    Barzilai & Borwein 1988.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import get_lapack_funcs

_PATIENCE = 2  # rounds in a row without fewer wrong examples
_SETTLED = {"d": 1e-11, "f": 1e-5}  # 1 − y w·x up to which it counts as not violated, in double and single precision
_STEPS, _STEPS_PER_EXAMPLE = 11, 0.02  # of the projected gradient to an approximate dual
_POSV = {kind: get_lapack_funcs(("posv",), dtype=np.dtype(kind))[0] for kind in _SETTLED}


class Exchanged(NamedTuple):
    """J and β_J; the lower factor of K_JJ if they are the solution in K's precision, else None."""

    support: np.ndarray
    signed_dual: np.ndarray
    factor: np.ndarray | None


def from_all_examples(gram: np.ndarray, labels: np.ndarray) -> Exchanged:
    """Exchanges that begin with all examples, or where K is singular as `from_approximate_dual`.

    Args:
        gram: K, (P, P).
        labels: y, (P,), in the same precision.
    """
    factor, signed_dual, failed = _POSV[gram.dtype.char](gram.T, labels, lower=True)
    if failed:
        return from_approximate_dual(gram, labels)
    if np.count_nonzero(labels * signed_dual < 0) == 0:
        return Exchanged(np.arange(len(gram)), signed_dual, factor)
    return _exchanged(gram, labels, signed_dual)


def from_approximate_dual(gram: np.ndarray, labels: np.ndarray) -> Exchanged:
    """Exchanges that begin with the examples of λ > 0 near the maximum of (M2), fewer of which are wrong.

    Projected gradients with steps of Barzilai and Borwein. Arguments as for `from_all_examples`.
    """
    dual, ascent = np.zeros(len(gram), gram.dtype), np.ones(len(gram), gram.dtype)
    length = len(gram) / (gram.trace() or 1.0)
    for _ in range(_STEPS + round(_STEPS_PER_EXAMPLE * len(gram))):
        moved = dual + length * ascent
        np.maximum(moved, 0, out=moved)
        step = moved - dual
        curved = labels * ((labels * step) @ gram)
        curvature = step @ curved
        if not curvature > 0:
            break
        dual, length = moved, (step @ step) / curvature
        ascent -= curved
    return _exchanged(gram, labels, labels * (dual + length * ascent))


def _exchanged(gram: np.ndarray, labels: np.ndarray, signed_dual: np.ndarray) -> Exchanged:
    """Exchanges that begin with the examples of λ > 0; if they come to no end, or a singular set, those at the last."""
    posv, unviolated = _POSV[gram.dtype.char], 1 - _SETTLED[gram.dtype.char]
    active, fewest, patience = labels * signed_dual > 0, len(gram) + 1, _PATIENCE
    if np.count_nonzero(active) == 0:
        active[:] = True
    while patience >= 0:
        support = active.nonzero()[0]
        part, right = gram.take(support, 0).take(support, 1), labels[support]
        factor, solution, failed = posv(part.T, right, lower=True, overwrite_a=True)
        if failed:
            break
        signed_dual = np.zeros(len(gram), gram.dtype)
        signed_dual[support] = solution
        wrong = labels * (signed_dual @ gram) < unviolated
        wrong[support] = right * solution < 0
        count = np.count_nonzero(wrong)
        if count == 0:
            return Exchanged(support, solution, factor)
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        active ^= wrong
    support = (labels * signed_dual > 0).nonzero()[0]
    return Exchanged(support, signed_dual[support], None)
