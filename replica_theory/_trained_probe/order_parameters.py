"""Order parameters of a learner among the teacher and earlier learners."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Learners:
    """What training has left of J learners: their overlaps, and those of their forces.

    Attributes:
        gram: (1 + J, 1 + J), of (T, p_1, …, p_J), unit vectors.
        force_overlaps: (J, J), E[G_i G_j] over the pool, unit diagonal.
    """

    gram: np.ndarray
    force_overlaps: np.ndarray

    @classmethod
    def none(cls) -> "Learners":
        """The teacher alone."""
        return cls(gram=np.ones((1, 1)), force_overlaps=np.empty((0, 0)))


@dataclass(frozen=True, kw_only=True)
class OrderParameters:
    """A learner w = A T + Σ_j r_j p_j + w_⊥, with w_⊥ outside the span of T and the p_j.

    The p_j are unit vectors, and the forces G_j of unit second moment over the pool.

    Attributes:
        along: (A, r_1, …, r_J).
        reaction: (c_1, …, c_J), multipliers of the constraints Σ_i G_ji w_⊥·a_i = 0.
        outside: b = ‖w_⊥‖.
        scale: V, by which an example's own force moves its field.
        residual: Largest residual of the solver's equations.
    """

    along: np.ndarray
    reaction: np.ndarray
    outside: float
    scale: float
    residual: float = np.inf

    @classmethod
    def combined(cls, weights: Sequence[float], students: Sequence["OrderParameters"]) -> "OrderParameters":
        """Σ weight · student in (A, r), c, ln b and ln V, of weights that add up to 1."""

        def total(values: Iterable[np.ndarray]) -> np.ndarray:
            return sum((w * value for w, value in zip(weights, values, strict=True)), start=np.zeros(()))

        return cls(
            along=total(student.along for student in students),
            reaction=total(student.reaction for student in students),
            outside=float(np.exp(total(np.log(student.outside) for student in students))),
            scale=float(np.exp(total(np.log(student.scale) for student in students))),
        )

    @classmethod
    def outside_all(cls, learners: Learners) -> "OrderParameters":
        """A unit vector orthogonal to the teacher and all learners."""
        return cls(
            along=np.zeros(len(learners.gram)), reaction=np.zeros(len(learners.force_overlaps)), outside=1.0, scale=1.0
        )
