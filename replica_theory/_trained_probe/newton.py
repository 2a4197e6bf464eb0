"""Damped Newton's method on the saddle point.

(∂Ψ/∂(A, r, b), −∂Ψ/∂(b/V, c/V)) is a monotone map with one root, so that its Jacobian is regular and Newton's step
lessens any fixed norm of the equations.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from replica_theory._trained_probe.kept_fields import Pool
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory._trained_probe.saddle_point import Equations, equations
from replica_theory._trained_probe.student_field import StudentField, student_field
from replica_theory.losses.base import Loss

_EVALUATIONS = 60  # of the equations at most
_LONGEST = 1.5  # largest change of ln V, and fall of ln b², in one step
_LEAST = 1e-100  # b²: one that falls so far is lost
_SHORTEST = 1e-4  # share of Newton's step below which the search along it gives up


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a student is trained with and on.

    Attributes:
        loss: ℓ.
        alpha: α of the pool, examples per dimension.
        ridge: λ.
        label_noise: η.
        learners: What earlier learners have left.
        pool: What they have kept.
    """

    loss: Loss
    alpha: float
    ridge: float
    label_noise: float
    learners: Learners
    pool: Pool

    def field(self, student: OrderParameters, order: int, *, with_errors: bool = False) -> StudentField:
        """The kept examples at this student's field, in panels of this order; one ends where errors begin if asked."""
        fields = self.pool.fields(student, self.loss, order)
        return student_field(
            fields, student, self.loss, label_noise=self.label_noise, order=order, with_errors=with_errors
        )

    def equations(self, student: OrderParameters, order: int) -> Equations:
        """(S1)–(S5) at these order parameters."""
        field = self.field(student, order)
        return equations(field, student, self.learners, alpha=self.alpha, ridge=self.ridge)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # far from a solution; the residual tells
def newton(
    training: Training,
    student: OrderParameters,
    *,
    order: int,
    tolerance: float,
    most: int = _EVALUATIONS,
    last_step: bool = False,
) -> OrderParameters:
    """Steps until the residual is below the tolerance, no step lessens it, or ``most`` evaluations are done.

    Args:
        training: The setting.
        student: Where to start.
        order: Gauss–Legendre nodes in a panel.
        tolerance: Residual at which the method ends.
        most: Evaluations of the equations at most.
        last_step: Whether to take, where the residual is below the tolerance, the one more step that squares it and not
            to evaluate the equations again; for a student that is confirmed by other means.
    """
    here, left = training.equations(student, order), most - 1
    while here.residual >= tolerance and left > 0 and np.isfinite(here.jacobian).all():
        trial, there, evaluations = _searched(training, student, here, order)
        if trial is None:
            break
        student, here, left = trial, there, left - evaluations
    if last_step and here.residual < tolerance:
        return replace(_stepped(student, _step(student, here)), residual=here.residual**2)
    return replace(student, residual=here.residual)


def _step(student: OrderParameters, here: Equations) -> np.ndarray:
    """Newton's step, no longer than allowed."""
    step = np.linalg.solve(here.jacobian, -here.difference)
    return step * min(1.0, _LONGEST / max(abs(step[-1]), -step[-2] / student.outside**2, 1e-3))


def _searched(
    training: Training, student: OrderParameters, here: Equations, order: int
) -> tuple[OrderParameters | None, Equations, int]:
    """The longest share of Newton's step that comes nearer, none if there is none; and the evaluations it took.

    It does if the equations are smaller, each by its size, or if the next step by the same Jacobian is shorter. The
    second test does not depend on how the equations are combined (Deuflhard 1974), so that a valley of nearly equal
    ones, in which b and V move together, does not shorten the steps.
    """
    try:
        step = _step(student, here)
    except np.linalg.LinAlgError:
        return None, here, 0
    unit, share, evaluations = _units(student), 1.0, 0
    size, length = np.linalg.norm(here.difference / here.size), np.linalg.norm(step / unit)
    while share > _SHORTEST:
        trial = _stepped(student, share * step)
        there, evaluations = training.equations(trial, order), evaluations + 1
        smaller = np.linalg.norm(there.difference / here.size) < (1 - 0.1 * share) * size
        ahead = np.linalg.solve(here.jacobian, -there.difference)
        if smaller or np.linalg.norm(ahead / unit) < (1 - 0.25 * share) * length:
            return trial, there, evaluations
        share /= 3
    return None, here, evaluations


def _units(student: OrderParameters) -> np.ndarray:
    """Sizes of (A, r, c, b², ln V), by which steps are measured."""
    square = student.outside**2
    size = math.sqrt(square + float(student.along @ student.along))
    reaction = math.sqrt(square + float(student.reaction @ student.reaction))
    return np.array([*(size for _ in student.along), *(reaction for _ in student.reaction), square, 1.0])


def _stepped(student: OrderParameters, step: np.ndarray) -> OrderParameters:
    """Adds to (A, r, c) and ln V; b² is added to where it grows and multiplied where it falls: it stays positive."""
    count, square = len(student.along), student.outside**2
    grown = square + step[-2] if step[-2] > 0 else square * math.exp(step[-2] / square)
    return replace(
        student,
        along=student.along + step[:count],
        reaction=student.reaction + step[count:-2],
        outside=math.sqrt(max(grown, _LEAST)),
        scale=student.scale * math.exp(step[-1]),
    )
