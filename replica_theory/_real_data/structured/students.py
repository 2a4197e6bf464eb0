"""Students trained on what a rule keeps of a law, along a curve in α."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory._real_data.structured.bulk import Bulk
from replica_theory._real_data.structured.examples import Examples, Law, Student
from replica_theory._real_data.structured.saddle_point import Equations, OrderParameters
from replica_theory._real_data.structured.solver import Solved, solve
from replica_theory.losses.base import Loss, Weight, checked_weights
from replica_theory.selection import KeepWithProbability, Selection
from replica_theory.selection.base import pieces_kept_by
from replica_theory.selection.kept_distribution import edges_of, keep_probability

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
        law: The pool.
        selection: The rule.
        loss: The loss.
        ridge: λ > 0.
        weight: Weight of the loss by signed margin, if any.
        finite: Whether terms of order 1/N are kept.
    """

    law: Law
    selection: Selection
    loss: Loss
    ridge: float
    weight: Weight | None
    finite: bool

    def __post_init__(self) -> None:
        if not self.law.symmetric:
            _check_by_margin(self.selection)
        self._pieces, _ = pieces_kept_by(self.selection, self.law.margins())
        self._kept: dict[int, Examples] = {}

    @cached_property
    def _bulk(self) -> Bulk:
        return self.law.bulk(finite=self.finite)

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
            pool = self.law.examples(edges_of(self._pieces), level)
            kept = pool.kept(keep_probability(self._pieces, pool.margin))
            if self.weight is not None:
                kept = replace(kept, weight=checked_weights(self.weight, kept.margin))
            self._kept[level] = kept
        return self._kept[level]

    def _equations(self, alpha: float, level: int) -> Equations:
        return Equations(
            examples=self.kept(level),
            bulk=self._bulk,
            alpha=alpha,
            ridge=self.ridge,
            normalisation=self.law.normalisation,
            finite=self.finite,
            intercept=self.law.intercept,
        )

    def _student(self, solved: Solved) -> TrainedStudent:
        at, equations = solved.solution, solved.equations
        student = at.student
        if self.finite:
            student = replace(student, variance_spread=equations.variance_spread(solved.moments, at))
        return TrainedStudent(
            student=student,
            generalization_error=self.law.error(student, clean=True),
            noisy_test_error=self.law.error(student, clean=False),
            norm=float(np.sqrt(equations.square_norm(solved.moments, at))),
            training_error=self._training_error(equations, at),
            scale=at.scale,
            residual=solved.residual,
        )

    def _training_error(self, equations: Equations, at: OrderParameters) -> float:
        """P(p < 0): the trained field p grows with ω and is 0 at ω = S ℓ'(0)."""
        fields, breakpoints = equations.fields(at), self.loss.breakpoints
        slope = breakpoints.slopes[np.argmin(np.abs(breakpoints.fields))]
        return float(equations.examples.share @ ndtr((fields.scale * slope - fields.mean) / fields.deviation))


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
