"""Students trained on what a rule keeps of a law, along a curve in α."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory._real_data.structured.bulk import Bulk
from replica_theory._real_data.structured.examples import Examples, Law, Student, together
from replica_theory._real_data.structured.gaussian_law import GaussianLaw
from replica_theory._real_data.structured.saddle_point import Equations, OrderParameters
from replica_theory._real_data.structured.solver import Solved, solve
from replica_theory._real_data.structured.sources import LawSource, joint_bulk, on_one_plane
from replica_theory.losses.base import Loss, checked_weights
from replica_theory.selection import KeepWithProbability, Selection
from replica_theory.selection.base import pieces_kept_by
from replica_theory.selection.kept_distribution import Piece, edges_of

_FIELDS = np.linspace(-6.0, 6.0, 241)  # probe fields at which a rule by probability is examined


@dataclass(frozen=True, eq=False)
class TrainedStudent:
    """Students at one α, and what they do.

    Attributes:
        student: Fields of the students.
        generalization_error: Against clean labels where a teacher labels.
        noisy_test_error: Against the labels as they are.
        norm: Root mean square of ‖w‖.
        training_error: Share of the kept examples whose label is missed after training.
        scale: V_g, (groups,).
        residual: Largest relative change in one more step on a finer quadrature.
    """

    student: Student
    generalization_error: float
    noisy_test_error: float
    norm: float
    training_error: float
    scale: np.ndarray
    residual: float


@dataclass(eq=False)
class StudentCurve:
    """Students at any α; each solution is the guess of the next.

    Attributes:
        sources: What the training set is made of, each with its own law, rule and share.
        tested: The law on which errors are measured.
        bulk: Outside the plane of all laws.
        loss: The loss.
        ridge: λ > 0.
        finite: Whether terms of order 1/N are kept.
    """

    sources: Sequence[LawSource]
    tested: Law
    bulk: Bulk
    loss: Loss
    ridge: float
    finite: bool

    def __post_init__(self) -> None:
        for source in self.sources:
            if not source.law.symmetric:
                _check_by_margin(source.selection)
        self._pieces = [pieces_kept_by(source.selection, source.law.margins())[0] for source in self.sources]
        self._kept: dict[int, Examples] = {}

    @classmethod
    def of_one(cls, source: LawSource, *, loss: Loss, ridge: float, finite: bool) -> "StudentCurve":
        """Students of one source, tested on its own law."""
        return cls([source], source.law, source.law.bulk(finite=finite), loss, ridge, finite)

    @classmethod
    def of_several(
        cls, sources: Sequence[LawSource], tested: GaussianLaw, *, loss: Loss, ridge: float, finite: bool
    ) -> "StudentCurve":
        """Students of sources whose laws are Gaussian, tested on another of the kind, or on one of theirs."""
        given = [*dict.fromkeys([*(cast(GaussianLaw, source.law) for source in sources), tested])]
        laws = on_one_plane(given)
        on_plane = dict(zip(given, laws, strict=True))
        placed = [replace(source, law=on_plane[cast(GaussianLaw, source.law)]) for source in sources]
        return cls(placed, on_plane[tested], joint_bulk(laws, finite=finite), loss, ridge, finite)

    def at(self, alphas: np.ndarray) -> Iterator[TrainedStudent]:
        """Students, one an α.

        Raises:
            SaddlePointError: No solution to a residual of 1e-6.
        """
        guess: OrderParameters | None = None
        for alpha in alphas.tolist():
            with one_blas_thread():
                solved = solve(lambda level, alpha=alpha: self._equations(alpha, level), self.loss, guess)
                student = self._student(solved)
            guess = solved.solution
            yield student

    def kept(self, level: int) -> Examples:
        """What the rule keeps, on the quadrature of a level."""
        if level not in self._kept:
            parts = [self._kept_of(*pair, level) for pair in zip(self.sources, self._pieces, strict=True)]
            kept = self._kept[level] = together(parts, [source.share for source in self.sources])
            if self.tested.intercept and np.ptp(kept.coordinates[:, -1]) == 0:
                raise ValueError(
                    "`selection` must keep examples of both labels where students have an intercept, which alone fits "
                    f"those of one; it keeps {kept.coordinates[0, -1]:+.0f} alone (leave out `intercept`)"
                )
        return self._kept[level]

    @staticmethod
    def _kept_of(source: LawSource, pieces: Sequence[Piece], level: int) -> Examples:
        pool = source.law.examples(edges_of(pieces), level)
        chance = source.law.keep_probability(pieces, pool)
        if not chance.any():
            raise ValueError(
                f"`selection` must keep a row at least; {source.selection!r} keeps none of {len(chance)} (keep more)"
            )
        kept = pool.kept(chance)
        if kept.zero.all():
            raise ValueError(
                f"`selection` must keep an example with an input that is not 0; {source.selection!r} keeps none"
            )
        weight = kept.weight if source.weight is None else checked_weights(source.weight, kept.margin)
        return replace(kept, weight=source.strength * weight)

    def _equations(self, alpha: float, level: int) -> Equations:
        return Equations(
            examples=self.kept(level),
            bulk=self.bulk,
            alpha=alpha,
            ridge=self.ridge,
            normalisation=self.tested.normalisation,
            finite=self.finite,
            intercept=self.tested.intercept,
        )

    def _student(self, solved: Solved) -> TrainedStudent:
        at, equations = solved.solution, solved.equations
        student = at.student
        if self.finite:
            student = replace(student, variance_spread=equations.variance_spread(solved.moments, at))
        return TrainedStudent(
            student=student,
            generalization_error=self.tested.error(student, clean=True),
            noisy_test_error=self.tested.error(student, clean=False),
            norm=_root(equations.square_norm(solved.moments, at)),
            training_error=self._training_error(equations, at),
            scale=at.scale,
            residual=solved.residual,
        )

    def _training_error(self, equations: Equations, at: OrderParameters) -> float:
        """P(p < 0): the trained field p grows with ω and is 0 at ω = S ℓ'(0); half of the examples of zeros."""
        examples, fields, breakpoints = equations.examples, equations.fields(at), self.loss.breakpoints
        slope = breakpoints.slopes[np.argmin(np.abs(breakpoints.fields))]
        chance = ndtr((fields.scale * slope - fields.mean) / fields.deviation)
        return float(examples.share @ np.where(examples.zero, 0.5, chance))


def _root(square: float) -> float:
    """√x; NaN where rounding has left nothing of it, as in units in which the ridge is 1e-12."""
    return math.sqrt(square) if square >= 0 else math.nan


def _check_by_margin(selection: Selection) -> None:
    """Raises unless a rule by probability is one of the signed margin alone."""
    rule: object = selection
    while not isinstance(rule, KeepWithProbability):
        if (rule := getattr(rule, "selection", None)) is None:
            return
    fields, positive = _FIELDS, np.ones_like(_FIELDS)
    if not np.allclose(rule.probability(fields, positive), rule.probability(-fields, -positive), rtol=0, atol=1e-9):
        raise ValueError(
            "`selection` must keep (z, y) and (-z, -y) alike where the inputs are not symmetric; "
            "give `risk_on_data` the keep_probability of each row instead"
        )
