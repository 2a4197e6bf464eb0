"""The sure way to a max-margin student, from any start: uphill on the affordable margin.

Every in-plane part p affords one margin κ(p), where α M(p, κ √(1 + p²)) = 1. At fixed κ the
shortfall is a smooth convex function of p, so Newton's direction on it is always a direction in
which κ(p) grows, and it vanishes only at the optimum.
"""

import math
from dataclasses import replace

import numpy as np

from replica_theory.errors import SaddlePointError
from replica_theory.kept_law import KeptLaw
from replica_theory.shortfall import Shortfall, expected_shortfall
from replica_theory.student import Student

_EXCESS = 1e-4  # of ln αM, to which a margin counts as affordable


def student_shortfall(law: KeptLaw, student: Student) -> Shortfall:
    """M with its derivatives at this student."""
    return expected_shortfall(law, k=student.k, length=student.length, angle=student.angle)


def feasible_start(law: KeptLaw, student: Student) -> tuple[Student, Shortfall]:
    """Lengthens a student that points along its teacher until it affords a positive margin."""
    while (affordable := with_affordable_margin(law, student)) is None:
        student = replace(student, length=2 * student.length)
        if student.length > 1e30:
            raise SaddlePointError(f"no margin is affordable at alpha_prune = {student.alpha}", residual=math.nan)
    return affordable


def with_affordable_margin(law: KeptLaw, student: Student) -> tuple[Student, Shortfall] | None:
    """Moves k to where ln αM = 0, by Newton on an increasing concave function; None if k would be ≤ 0."""
    below, above, start, excess = -math.inf, math.inf, math.log(student.k), math.nan
    for _ in range(200):
        shortfall = student_shortfall(law, student)
        excess = math.log(student.alpha * max(shortfall.value, 1e-300))
        if abs(excess) < _EXCESS:
            return student, shortfall
        log_k = math.log(student.k)
        below, above = (below, log_k) if excess > 0 else (log_k, above)
        if above < start - 2 and below == -math.inf and not _affords_positive(law, student):
            return None
        student = student.stepped(_log_k_step(student, shortfall, excess, below - log_k, above - log_k), 0.0, 0.0)
    raise SaddlePointError(f"no margin found at alpha_prune = {student.alpha}", residual=abs(excess))


def _affords_positive(law: KeptLaw, student: Student) -> bool:
    return student.alpha * student_shortfall(law, replace(student, k=0.0)).value < 1


def _log_k_step(student: Student, shortfall: Shortfall, excess: float, below: float, above: float) -> float:
    """Newton's step in ln k inside its bracket; where M underflows and Newton is blind, halves the bracket."""
    slope = student.k * shortfall.gradient[0] / max(shortfall.value, 1e-300)
    step = -excess / slope if slope > 0 else math.inf
    if abs(step) < 1 and below < step < above:
        return step
    return (below + above) / 2 if math.isfinite(above - below) else -math.copysign(1.0, excess)


def descend(law: KeptLaw, student: Student, shortfall: Shortfall, *, decrement: float) -> tuple[Student, Shortfall]:
    """A student whose shortfall Newton's step would lower by less than ``decrement``, relative to it."""
    for _ in range(200):
        gradient, hessian = _at_fixed_margin(student, shortfall)
        try:
            step = -np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:  # M is flat to rounding: whether this is the optimum, Newton will tell
            break
        better = None
        if -float(gradient @ step) > decrement * shortfall.value:
            better = _line_search(law, student, step / student.length)
        if better is None:
            break
        student, shortfall = better
    return student, shortfall


def _line_search(law: KeptLaw, student: Student, step: np.ndarray) -> tuple[Student, Shortfall] | None:
    """The first of the halved steps that raises the affordable margin."""
    for halvings in range(30):
        trial = with_affordable_margin(law, student.stepped(0.0, *(step / 2**halvings)))
        if trial is not None and trial[0].margin > student.margin:
            return trial
    return None


def _at_fixed_margin(student: Student, shortfall: Shortfall) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of p ↦ M(p, κ √(1 + p²)), along and across p."""
    margin, m_k, hessian = student.margin, shortfall.gradient[0], shortfall.hessian
    slope = np.array([student.k * student.length / student.squared_norm, 0.0])
    curvature = margin / student.norm * np.diag([1 / student.squared_norm, 1.0])
    mixed = np.outer(slope, hessian[0, 1:])
    gradient = shortfall.gradient[1:] + slope * m_k
    return gradient, hessian[1:, 1:] + mixed + mixed.T + np.outer(slope, slope) * hessian[0, 0] + curvature * m_k
