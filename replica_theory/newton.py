"""Newton's method on the three stationarity equations of the max-margin student."""

import math
from dataclasses import replace

import numpy as np

from replica_theory.convex_descent import descend, feasible_start, student_shortfall
from replica_theory.errors import SaddlePointError
from replica_theory.kept_law import KeptLaw
from replica_theory.shortfall import Shortfall
from replica_theory.student import Student

_TOLERANCE = 1e-13
_PATIENCE = 8  # iterations after which a residual that is still above 1 will not fall
_ROUNDING = 1e-10  # below it, a residual that stops falling has met the rounding of its terms


def solve_student(law: KeptLaw, alpha: float, *, neighbour: Student | None = None) -> Student:
    """The student at α, by Newton from a neighbour, from a guess, or from a convex descent."""
    if neighbour is not None:
        student, residual = _newton(law, replace(neighbour, alpha=alpha))
        if student is not None:
            return student
    start, shortfall = feasible_start(law, _unpruned_guess(alpha))
    for decrement in (1e-3, 1e-13):
        start, shortfall = descend(law, start, shortfall, decrement=decrement)
        student, residual = _newton(law, start)
        if student is not None:
            return student
    raise SaddlePointError(f"no student found at alpha_prune = {alpha}", residual=residual)


def _unpruned_guess(alpha: float) -> Student:
    """Joins the limits of random data: p → √(2α/π) as α → 0, p → 2α/π as α → ∞."""
    length = math.sqrt(2 * alpha / math.pi) + 2 * alpha / math.pi
    return Student(alpha=alpha, k=0.64 + alpha**-0.5, length=length, angle=0.0)


def _newton(law: KeptLaw, student: Student) -> tuple[Student | None, float]:
    """The student and its residual; no student when the iteration leaves its basin."""
    size = math.inf
    for iteration in range(30):
        shortfall = student_shortfall(law, student)
        if not shortfall.value > 1e-280:
            return None, math.nan
        residual, jacobian = _stationarity(student, shortfall)
        previous, size = size, float(np.max(np.abs(residual)))
        if size < _TOLERANCE or (size < _ROUNDING and size > 0.1 * previous):
            return student, size
        if not size < (1e3 if iteration < _PATIENCE else 1.0):
            return None, size
        try:
            step = np.linalg.solve(jacobian, -residual)
        except np.linalg.LinAlgError:
            return None, size
        student = student.stepped(*(step * min(1.0, 0.5 / float(np.max(np.abs(step))))))
    return None, size


def _stationarity(student: Student, shortfall: Shortfall) -> tuple[np.ndarray, np.ndarray]:
    """Residual and Jacobian, in ln k and in the in-plane part as a multiple of its length.

    The equations are ln αM = 0 and the two components of k p ∂M/∂k + (1 + p²) ∂M/∂p = 0, which
    are divided by k p ∂M/∂k: a residual is relative to the size of its own terms.
    """
    k, p, squared_norm = student.k, student.length, student.squared_norm
    (m_k, m_t, m_x), hessian = shortfall.gradient, shortfall.hessian
    size = k * p * m_k
    plane = np.array([size + squared_norm * m_t, squared_norm * m_x])
    rows = squared_norm * hessian[1:]
    rows[0] += k * p * hessian[0] + [p * m_k, k * m_k + 2 * p * m_t, 0.0]
    rows[1] += [0.0, 2 * p * m_x, k * m_k]
    jacobian = np.vstack([shortfall.gradient / shortfall.value, rows / size]) * [k, p, p]
    return np.array([math.log(student.alpha * shortfall.value), *(plane / size)]), jacobian
