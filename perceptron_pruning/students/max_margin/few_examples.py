"""Max-margin students of P ≤ N examples, by block pivoting on the Gram matrix of their inputs.

From a hundred examples on, that is in single precision, and its last factor refines the dual to double precision.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.examples import checked_scale, norm
from perceptron_pruning.students.max_margin.block_pivoting import Exchanged, from_all_examples, from_approximate_dual
from perceptron_pruning.students.max_margin.optimality import Candidate

_MANY = 110  # examples from which single precision and an approximate dual are quicker
_SMALL, _LARGE = 1e-5, 1e5  # root-mean-square lengths of inputs of which single precision holds squares and sums
_REFINEMENTS = 4  # at most
_REFINED = 1e-8  # ‖1 − y w·x‖ on the support whose correction leaves rounding alone
(_potrs,) = get_lapack_funcs(("potrs",), dtype=np.float32)


def few_examples(x: np.ndarray, y: np.ndarray) -> tuple[Candidate, float]:
    """A student of X/u and the unit u, 1 unless inputs are very small or large; mostly verified, else a guess.

    Args:
        x: Inputs X, (P, N), P ≤ N.
        y: Labels ±1, (P,).

    Raises:
        ValueError: An input is not finite, or all are too large or small.
    """
    in_double = len(x) < _MANY
    gram = x @ x.T if in_double else None
    scale = checked_scale(x, norm(x) if gram is None else float(np.sqrt(gram.trace())))
    if not _SMALL < scale < _LARGE:
        solution, unit = few_examples(x / scale, y)
        return solution, scale * unit
    if gram is not None:
        exchanged = from_all_examples(gram, y)
        return _candidate(x, y, exchanged.support, exchanged.signed_dual), 1.0
    single = x.astype(np.float32)
    exchanged = from_approximate_dual(single @ single.T, y.astype(np.float32))
    return _candidate(x, y, exchanged.support, _refined(x, y, exchanged)), 1.0


def _refined(x: np.ndarray, y: np.ndarray, exchanged: Exchanged) -> np.ndarray:
    """β_J in double precision, by the residuals y_J − X_J w and the factor of K_JJ, if there is one."""
    support, signed_dual = exchanged.support, exchanged.signed_dual.astype(np.float64)
    spread, right = np.zeros(len(x)), y[support]
    for _ in range(0 if exchanged.factor is None else _REFINEMENTS):
        spread[support] = signed_dual
        residual = right - (x @ (spread @ x))[support]
        signed_dual += _potrs(exchanged.factor, residual.astype(np.float32), lower=True)[0]
        if residual @ residual < _REFINED**2:
            break
    return signed_dual


def _candidate(x: np.ndarray, y: np.ndarray, support: np.ndarray, signed_dual: np.ndarray) -> Candidate:
    """The student w = Xᵀβ with its residuals; λ = y β is clipped at 0, and ½‖w‖² is its gap's unit."""
    dual = np.maximum(y[support] * signed_dual, 0)
    spread = np.zeros(len(x))
    spread[support] = dual
    spread *= y
    weights = spread @ x
    return Candidate(
        weights=weights,
        support=support,
        dual=dual,
        violation=1 - float((y * (x @ weights)).min()),
        gap=float(2 - 2 * (spread @ y) / (weights @ weights)),
        mismatch=0.0,
    )
