"""Fixed points Q̂ = F(Q̂) of a map of positive 2 × 2 matrices: by iteration from ignorance, and Newton's method."""

from collections.abc import Callable
from functools import partial

import numpy as np

from replica_theory.errors import SaddlePointError

Map = Callable[[np.ndarray], np.ndarray]

_IGNORANCE = 1e-9  # Q̂ at the start, times the unit matrix
_MOST_ITERATIONS = 3000
_RETURN_ITERATIONS = 8  # iterations between two looks at the distance from a fixed point
_MOST_REFINEMENTS = 8  # Newton steps with one Jacobian at most
_CLOSER = 3.0  # factor by which the change of an iteration must fall before Newton's method is tried again
# Relative to the trace of Q̂:
_CLOSE = 0.01  # change of an iteration at which Newton's method is tried first
_SOLVED = 1e-7  # tolerance of Newton's method on the coarse map, whose own error is larger
_FARTHEST = 0.5  # largest distance of its fixed point from the iterate
_PUSH = 1e-3  # distance from a fixed point at which the iteration shows whether it attracts
_RETURNED = 0.01  # share of that distance below which it has come back, as far as the fixed point is known
_DIFFERENCE = 1e-6  # step of finite differences
_SETTLED = 1e-12  # last Newton step of a refinement
# Entries 11, 12, 22 of the positive matrices e₁e₁ᵀ, e₂e₂ᵀ and (e₁+e₂)(e₁+e₂)ᵀ, along which a positive Q̂ stays positive:
_POSITIVE_DIRECTIONS = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])


def first_stable_fixed_point(mapped: Map) -> np.ndarray:
    """The first attracting fixed point that iteration from ignorance meets, as message passing does.

    Raises:
        SaddlePointError: The iteration does not settle; carries its last relative change.
    """
    information, close, change = mapped(_IGNORANCE * np.eye(2)), _CLOSE, np.inf
    for _ in range(_MOST_ITERATIONS):
        information, change = _iterated(mapped, information)
        if change > close:
            continue
        fixed_point = _polished(mapped, information)
        if fixed_point is not None and _attracts(mapped, fixed_point):
            return fixed_point
        close /= _CLOSER
    raise SaddlePointError("the posterior's overlap does not settle", residual=change)


def refined(coarse: Map, fine: Map, information: np.ndarray) -> np.ndarray:
    """The fixed point of the fine map next to that of the coarse one.

    Newton's method with the Jacobian of the coarse map, which is cheap; with that of the fine one where it does not
    settle.
    """
    size = float(np.trace(information))
    start = entries = _entries(information) / size
    for differentiated in (coarse, fine):
        entries = start
        slopes = _slopes(differentiated, size, entries)
        for _ in range(_MOST_REFINEMENTS):
            step = _POSITIVE_DIRECTIONS.T @ np.linalg.solve(slopes, _excess(fine, size, entries))
            entries = entries - step
            if np.max(np.abs(step)) < _SETTLED:
                return _positive(size * entries)
    return _positive(size * entries)


def _iterated(mapped: Map, information: np.ndarray) -> tuple[np.ndarray, float]:
    """F(Q̂), and its largest difference from Q̂ relative to its trace."""
    ahead = mapped(information)
    return ahead, float(np.max(np.abs(ahead - information)) / np.trace(ahead))


def _polished(mapped: Map, information: np.ndarray) -> np.ndarray | None:
    """The fixed point near an iterate, by Powell's hybrid of Newton's method; None if there is none near."""
    from scipy.optimize import root  # slow to import

    size = float(np.trace(information))
    solution = root(partial(_excess, mapped, size), _entries(information) / size, method="hybr", tol=_SOLVED)
    fixed_point = _positive(size * solution.x)
    solved = np.max(np.abs(solution.fun)) < 10 * _SOLVED
    near = np.max(np.abs(fixed_point - information)) < _FARTHEST * size
    return fixed_point if solved and near else None


def _attracts(mapped: Map, fixed_point: np.ndarray) -> bool:
    """Whether the iteration, pushed off a fixed point, is on its way back once what decays fast has decayed."""
    push = _PUSH * np.trace(fixed_point)
    away, distances = fixed_point + push * np.eye(2), []
    for _ in range(2):
        for _ in range(_RETURN_ITERATIONS):
            away = mapped(away)
        distances.append(np.linalg.norm(away - fixed_point))
    return bool(distances[1] < max(distances[0], _RETURNED * push))


def _slopes(mapped: Map, size: float, entries: np.ndarray) -> np.ndarray:
    """Derivatives of `_excess` along the positive directions, one a column."""
    here = _excess(mapped, size, entries)
    ahead = [_excess(mapped, size, entries + _DIFFERENCE * step) for step in _POSITIVE_DIRECTIONS]
    return (np.stack(ahead, axis=1) - here[:, None]) / _DIFFERENCE


def _excess(mapped: Map, size: float, entries: np.ndarray) -> np.ndarray:
    """Entries of F(Q̂) − Q̂, at Q̂ of these entries, both in units of ``size``."""
    here = _positive(size * entries)
    return _entries(mapped(here) - here) / size


def _entries(matrix: np.ndarray) -> np.ndarray:
    """Entries 11, 12 and 22."""
    return np.array([matrix[0, 0], matrix[0, 1], matrix[1, 1]])


def _positive(entries: np.ndarray) -> np.ndarray:
    """The symmetric matrix of these entries, with 0 for the eigenvalues that a trial step has made negative."""
    values, vectors = np.linalg.eigh(entries[[[0, 1], [1, 2]]])
    return (vectors * np.maximum(values, 0.0)) @ vectors.T
