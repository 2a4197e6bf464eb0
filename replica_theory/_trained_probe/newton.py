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
from replica_theory._trained_probe.student_field import COARSE, StudentField, student_field
from replica_theory.losses.base import Loss

_ITERATIONS = 60  # Newton steps at most
_LONGEST = 1.5  # largest change of ln V, and fall of ln b², in one step
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

    def field(self, student: OrderParameters, order: int, *, every_breakpoint: bool = False) -> StudentField:
        """The kept examples at this student's field, with Gauss–Legendre panels of this order."""
        fields = self.pool.fields(student, self.loss, order)
        return student_field(
            fields,
            student,
            self.loss,
            label_noise=self.label_noise,
            order=order,
            coarse=math.inf if every_breakpoint else COARSE,
        )

    def equations(self, student: OrderParameters, order: int) -> Equations:
        """(S1)–(S5) at these order parameters."""
        field = self.field(student, order)
        return equations(field, student, self.learners, loss=self.loss, alpha=self.alpha, ridge=self.ridge)


def newton(training: Training, student: OrderParameters, *, order: int, tolerance: float) -> OrderParameters:
    """Steps until the residual is below the tolerance, or no step lessens it."""
    here = training.equations(student, order)
    for _ in range(_ITERATIONS):
        if here.residual < tolerance or not np.isfinite(here.jacobian).all():
            break
        trial = _searched(training, student, here, order)
        if trial is None:
            break
        student, here = trial
    return replace(student, residual=here.residual)


def _searched(
    training: Training, student: OrderParameters, here: Equations, order: int
) -> tuple[OrderParameters, Equations] | None:
    """The longest share of Newton's step that lessens the equations; none if there is none."""
    try:
        step = np.linalg.solve(here.jacobian, -here.difference)
    except np.linalg.LinAlgError:
        return None
    step *= min(1.0, _LONGEST / max(abs(step[-1]), -step[-2] / student.outside**2, 1e-3))
    before, share = np.linalg.norm(here.difference / here.size), 1.0
    while share > _SHORTEST:
        trial = _stepped(student, share * step)
        there = training.equations(trial, order)
        if np.linalg.norm(there.difference / here.size) < (1 - 0.1 * share) * before:
            return trial, there
        share /= 3
    return None


def _stepped(student: OrderParameters, step: np.ndarray) -> OrderParameters:
    """Adds to (A, r, c) and ln V; b² is added to where it grows and multiplied where it falls: it stays positive."""
    count, square = len(student.along), student.outside**2
    grown = square + step[-2] if step[-2] > 0 else square * math.exp(step[-2] / square)
    return replace(
        student,
        along=student.along + step[:count],
        reaction=student.reaction + step[count:-2],
        outside=math.sqrt(grown),
        scale=student.scale * math.exp(step[-1]),
    )
