"""A guess of the support: by blocks of rows for P ≤ N, else by an interior point in single precision.

Once the gap is moderate, the support is among the few N rows of largest λ/s; the last iterations
run on those alone. What that misses, the dual active set finds when it checks all rows. Where thousands of rows
nearly touch, or their lengths differ by orders of magnitude, it would take too long about it: such problems get a
second guess, on all rows and in double precision.
"""

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.max_margin.block_pivoting import block_pivoting
from perceptron_pruning.students.max_margin.interior_point import Iterate, interior_point, restricted, start

_SINGLE = np.float32
_COARSE, _FINE, _FINEST = 0.5, 1e-3, 1e-12  # tolerances
_EXACT_ROWS, _LAST_ROWS, _SAMPLE_ROWS = 2, 2, 5  # rows per feature
_DESCENTS, _DESCENDED = 4, 1e-4


def support_guess(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are likely the support, and their λ > 0."""
    with np.errstate(all="ignore"):  # what overflows is a bad guess
        return block_pivoting(rows) if len(rows) <= rows.shape[1] else _interior_point(rows)


def _interior_point(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with λ > s at the end of the interior point, at most N, and their λ."""
    features = rows.shape[1]
    single = rows.astype(_SINGLE)
    sample = single[:: max(1, len(rows) // (_SAMPLE_ROWS * features))]
    gram = (sample.T @ sample) * _SINGLE(len(rows) / len(sample))
    kept = np.arange(len(rows))
    point = start(NUMPY, single, np.ones(len(rows), _SINGLE), _least_squares(single, gram))
    if len(rows) > _LAST_ROWS * features:
        exact = max(_EXACT_ROWS * features, len(rows) // 20)
        point = interior_point(NUMPY, single, point, tolerance=_COARSE, gram=gram, exact_rows=exact)
        kept = NUMPY.largest(point.dual / point.slack, _LAST_ROWS * features)
        single = single[kept]
        point = restricted(NUMPY, single, point, kept)
    point = interior_point(NUMPY, single, point, tolerance=_FINE)
    return _support(point, kept, features)


def precise_guess(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `support_guess`, from an interior point that takes its time."""
    point = start(NUMPY, rows, np.ones(len(rows)), _least_squares(rows, rows.T @ rows))
    return _support(interior_point(NUMPY, rows, point, tolerance=_FINEST), np.arange(len(rows)), rows.shape[1])


def _support(point: Iterate, kept: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    active = np.flatnonzero(point.dual > point.slack)
    if active.size > features:
        active = NUMPY.largest(point.dual / point.slack, features)
    return kept[active], point.dual[active].astype(np.float64)


def _least_squares(rows: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Ridge least squares of targets 1 by conjugate gradients, preconditioned by a sample's Gram matrix."""
    features = len(gram)
    ridge = 1e-3 * np.trace(gram) / features
    factor = NUMPY.cho_factor(gram + ridge * np.eye(features, dtype=gram.dtype))
    weights, residual = np.zeros(features, gram.dtype), rows.sum(0)
    search = NUMPY.cho_solve(factor, residual)
    power = first = residual @ search
    for _ in range(_DESCENTS):
        curved = (rows @ search) @ rows + ridge * search
        length = power / (search @ curved)
        weights, residual = weights + length * search, residual - length * curved
        step = NUMPY.cho_solve(factor, residual)
        power, previous = residual @ step, power
        if power < _DESCENDED * first:
            break
        search = step + power / previous * search
    return weights
