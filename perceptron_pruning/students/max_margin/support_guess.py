"""A guess of the support for P > N, by an interior point in single precision.

Once the gap is moderate, the support is among the few N rows of largest λ/s; the last iterations
run on those alone. What that misses, the dual active set adds when it checks all rows. Where thousands of rows
nearly touch, or their lengths differ by orders of magnitude, it would take too long about it: such problems get a
second guess, on all rows and in double precision.
"""

import numpy as np

from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.max_margin.interior_point import (
    Iterate,
    interior_point,
    least_squares,
    restricted,
    start,
)

_SINGLE = np.float32
_COARSE = 0.5  # relative error of the interior point on all rows
_FINE = 3e-3  # relative error on the rows of largest λ/s, at most
_FINE_TIMES_FEATURES = 0.6  # and times N, so that few rows are wrong in large problems too
_FINEST = 1e-12  # relative error of the precise guess
_EXACT_ROWS = 2  # rows per feature with a D of their own in the normal equations, or P/20 if that is more
_LAST_ROWS = 2  # rows per feature for the last iterations
_EXACT_OF_FEW = 1.25  # rows per feature with a D of their own where no more than the last ones are there
_SAMPLE_ROWS = 5  # rows per feature, at least, from which the Gram matrix is estimated
_OF_THE_SUPPORT = 0.5  # λ/s from which a row is guessed to be of the support
_RIDGE = 1e-3  # ridge of the least squares, relative to the mean eigenvalue of AᵀA
_DESCENTS = 4  # conjugate-gradient steps at most
_DESCENDED = 1e-4  # preconditioned squared residual, relative to the first, at which they end


def support_guess(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are likely the support, at most N, and their λ > 0."""
    with np.errstate(all="ignore"):  # what overflows is a bad guess
        return _interior_point(rows)


def precise_guess(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `support_guess`, from an interior point on all rows, in double precision, to an error of 1e-12."""
    point = start(NUMPY, rows, np.ones(len(rows)), _least_squares(rows, rows.T @ rows))
    return _support(interior_point(NUMPY, rows, point, tolerance=_FINEST), np.arange(len(rows)), rows.shape[1])


def _interior_point(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = rows.shape[1]
    fine = min(_FINE, _FINE_TIMES_FEATURES / features)
    single = rows.astype(_SINGLE)
    if len(rows) <= _LAST_ROWS * features:
        gram, exact_rows = single.T @ single, round(_EXACT_OF_FEW * features)
        point = start(NUMPY, single, np.ones(len(rows), _SINGLE), least_squares(NUMPY, gram, single.sum(0)))
        point = interior_point(NUMPY, single, point, tolerance=fine, gram=gram, exact_rows=exact_rows)
        return _support(point, np.arange(len(rows)), features)
    sample = single[:: max(1, len(rows) // (_SAMPLE_ROWS * features))]
    gram = (sample.T @ sample) * _SINGLE(len(rows) / len(sample))
    point = start(NUMPY, single, np.ones(len(rows), _SINGLE), _least_squares(single, gram))
    exact_rows = max(_EXACT_ROWS * features, len(rows) // 20)
    point = interior_point(NUMPY, single, point, tolerance=_COARSE, gram=gram, exact_rows=exact_rows)
    kept = NUMPY.largest(point.dual / point.slack, _LAST_ROWS * features)
    point = interior_point(NUMPY, single[kept], restricted(NUMPY, point, kept), tolerance=fine)
    return _support(point, kept, features)


def _support(point: Iterate, kept: np.ndarray, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of the rows ``kept`` whose λ exceeds half of s, in units of ‖w‖²/N and of the margin 1; at most N; and λ.

    ‖w‖²/N = Σ λ/N is the λ of a row at the solution where N rows share it.
    """
    unit = point.weights @ point.weights / features
    active = np.flatnonzero(point.dual > _OF_THE_SUPPORT * unit * point.slack)
    if active.size > features:
        active = NUMPY.largest(point.dual / point.slack, features)
    return kept[active], np.asarray(point.dual[active], dtype=np.float64)


def _least_squares(rows: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """(AᵀA + ridge)⁻¹ Aᵀ1 by conjugate gradients, preconditioned by an estimate ``gram`` of AᵀA."""
    features = len(gram)
    ridge = _RIDGE * np.trace(gram) / features
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
