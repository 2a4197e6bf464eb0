"""Max-margin students of P ≤ N examples, by block pivoting on their Gram matrix.

Labelled inputs in units of their root-mean-square length s are the rows A = diag(f) X with f = y/s. They are not made::

    A Aᵀ = X Xᵀ ∘ f fᵀ,     Aᵀλ = Xᵀ(f λ),     A w = f (X w)                                 (B1)

From a hundred examples on, the Gram matrix is in single precision, and its last factor refines λ to double precision.
"""

import numpy as np
from scipy.linalg import get_lapack_funcs

from perceptron_pruning.students.examples import checked_scale, norm
from perceptron_pruning.students.max_margin.block_pivoting import Exchanged, from_all_rows, from_approximate_dual
from perceptron_pruning.students.max_margin.optimality import Candidate

_MANY = 110  # examples from which single precision and an approximate dual are quicker
_SMALL, _LARGE = 1e-5, 1e5  # of s, between which the squares of inputs are well within single precision's range
_REFINEMENTS = 4  # at most
_REFINED = 1e-8  # ‖1 − A_J w‖ whose correction leaves rounding alone
(_potrs,) = get_lapack_funcs(("potrs",), dtype=np.float32)


def few_examples(x: np.ndarray, y: np.ndarray) -> tuple[Candidate, float]:
    """A student in units of s, and s; mostly verified, else with a guess of the support.

    Args:
        x: Inputs, (P, N), P ≤ N.
        y: Labels ±1, (P,).

    Raises:
        ValueError: An input is not finite, or all are too large or small.
    """
    if len(x) < _MANY:
        gram = x @ x.T
        scale = checked_scale(x, float(np.sqrt(gram.trace())))
        factors = y / scale
        support, dual, _ = from_all_rows(_labelled(gram, factors))
    else:
        scale = checked_scale(x, norm(x))
        factors = y / scale
        support, dual = _refined(x, factors, from_approximate_dual(_in_single(x, y, scale)))
    return _candidate(x, factors, support, dual), scale


def _in_single(x: np.ndarray, y: np.ndarray, scale: float) -> np.ndarray:
    """A Aᵀ in single precision."""
    if not _SMALL < scale < _LARGE:
        x, scale = x / scale, 1.0
    single = x.astype(np.float32)
    return _labelled(single @ single.T, (y / scale).astype(np.float32))


def _labelled(gram: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """G ∘ f fᵀ, in place."""
    gram *= factors
    gram *= factors[:, None]
    return gram


def _refined(x: np.ndarray, factors: np.ndarray, exchanged: Exchanged) -> tuple[np.ndarray, np.ndarray]:
    """J and λ_J ≥ 0 in double precision, by the residuals 1 − A_J w and the factor of A_J A_Jᵀ, if there is one."""
    support, dual = exchanged.support, exchanged.dual.astype(np.float64)
    spread = np.zeros(len(x))
    for _ in range(0 if exchanged.factor is None else _REFINEMENTS):
        spread[support] = dual
        margins = factors * (x @ ((factors * spread) @ x))
        residual = 1 - margins[support]
        dual += _potrs(exchanged.factor, residual.astype(np.float32), lower=True)[0]
        if residual @ residual < _REFINED**2:
            break
    return support, np.maximum(dual, 0)


def _candidate(x: np.ndarray, factors: np.ndarray, support: np.ndarray, dual: np.ndarray) -> Candidate:
    """The student Aᵀλ with its residuals; ‖w‖² − Σ λ is half the gap."""
    spread = np.zeros(len(x))
    spread[support] = dual
    weights = (factors * spread) @ x
    return Candidate(
        weights=weights,
        support=support,
        dual=dual,
        violation=1 - float((factors * (x @ weights)).min()),
        gap=float(2 - 2 * dual.sum() / (weights @ weights)),
        mismatch=0.0,
    )
