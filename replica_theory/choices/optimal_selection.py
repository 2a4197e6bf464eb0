"""The best rule for a given pool and a given fraction to keep.

The influence of an example on the error is a function of its margin alone, so the best rule keeps
the margins where the influence is lowest: a union of intervals.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np

from replica_theory._empirical_risk.ruled_students import RuledStudents as RiskStudents
from replica_theory._max_margin.ruled_students import RuledStudents as MaxMarginStudents
from replica_theory._numerics.one_variable import minimiser
from replica_theory._selection_descent.descent import Descended, best_rule, descended
from replica_theory._selection_descent.margins import IndependentAxis
from replica_theory._selection_descent.problem import Candidate, Problem
from replica_theory._trained_probe.margin_axis import TrainedAxis
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.probe import train_probe
from replica_theory._trained_probe.ruled_students import RuledStudents as StudentsOfTrainedProbe
from replica_theory.choices.student import RidgeLike, StudentErrors, StudentLoss, StudentSetting
from replica_theory.errors import SaddlePointError, check_keep_fraction, check_one_alpha
from replica_theory.losses.base import Loss
from replica_theory.losses.named import LOSSES, Hinge
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection import KeepWindows, TrainedProbe
from replica_theory.selection.label_noise import Noise, check_flip_rate, check_label_noise

_STATIONARY = 1e-5  # largest decrease of ln ε that an exchange of examples may promise at the end
_BETTER = 1e-10  # decrease of ln ε for which the search goes on from another ridge
_RIDGES_TRIED = 6  # turns between the rule and the ridge at most
# ln λ of probes among which the best is looked for, and the error of it
_LOG_PROBE_RIDGES = np.log(10.0) * np.array([-4.0, -3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
_LOG_PROBE_RIDGE_TOLERANCE = 1e-4
_NO_RIDGE = 1.0  # λ at which a constraint is solved: any gives the same student


@dataclass(frozen=True, kw_only=True)
class OptimalSelection:
    """The best rule at fixed (α_total, f, θ), or with a trained probe at fixed (α_total, f).

    Attributes:
        alpha_total: Pool size, examples per dimension.
        keep_fraction: f.
        probe_angle: θ, radians; of a trained probe the one that training reaches.
        label_aware: Whether the rule may use labels.
        loss: Of the student, as it was given.
        ridge: λ of the student: as given, or the best one, 0 and ∞ among them.
        label_noise: η.
        probe: The probe, if it was trained on the pool; with its best ridge if that was asked for.
        selection: The best rule, a union of windows of the margin.
        generalization_error: ε with it.
        residual: Largest relative residual of the student's equations there.
        first_order_gain: Decrease of ln ε that the best exchange of examples would bring, to first order, ≥ 0: the
            first variation vanishes where it does.

    Example:
        >>> from replica_theory import optimal_selection
        >>> best = optimal_selection(8.0, keep_fraction=0.3)
        >>> f"{best.generalization_error:.4f}", best.influence([0.1, 2.0]).shape, best.first_order_gain < 1e-6
        ('0.0648', (2,), True)
    """

    alpha_total: float
    keep_fraction: float
    probe_angle: float
    label_aware: bool
    loss: StudentLoss
    ridge: float
    label_noise: Noise
    probe: TrainedProbe | None
    selection: KeepWindows
    generalization_error: float
    residual: float
    first_order_gain: float
    _problem: Problem = field(repr=False, compare=False)
    _candidate: Candidate = field(repr=False, compare=False)

    def influence(self, margin: np.ndarray) -> np.ndarray:
        """Influence of keeping an example at this margin: δ ln ε = (1/f) E[δq · influence].

        Args:
            margin: y z when the rule is label-aware, else |z|; z is the field of the unit-norm probe, of a trained one
                as training has left it.

        Returns:
            The influence, shaped like ``margin``: kept margins have less of it than the others.

        Example:
            >>> from replica_theory import optimal_selection
            >>> hard, easy = optimal_selection(20.0, keep_fraction=0.3).influence([0.1, 2.0])
            >>> bool(hard < easy)
            True
        """
        margin = np.asarray(margin, dtype=float)
        as_ranked = self._problem.axis.of_unit_probe(margin.ravel())
        return self._problem.influence(self._candidate.student, as_ranked).reshape(margin.shape)


def optimal_selection(
    alpha_total: float,
    *,
    keep_fraction: float,
    probe_angle: float = 0.0,
    label_aware: bool = True,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
    probe_ridge: Literal["optimal"] | None = None,
) -> OptimalSelection:
    """The rule that gives the least test error at fixed pool, fraction and probe, and the best ridge with it.

    Minimises ε over all q(m) in [0, 1] with E q = f, m = y z (or |z| where labels may not be used),
    by its first variation: at the optimum the kept margins are those of lowest influence. The descent
    starts from the best single windows, so that none of them, nor the hardest or the easiest, is better. With
    ``ridge="optimal"`` rule and ridge are the best together, and the ridge's two limits are among those tried.

    Args:
        alpha_total: Pool size, examples per dimension, > 0.
        keep_fraction: f in (0, 1].
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_aware: Whether the rule may use labels; at θ = 0 and without label noise it makes no difference.
        loss: Of the student: "max_margin", or as in `empirical_risk`.
        ridge: λ of the student in [0, ∞], or "optimal"; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`; 0 for "max_margin".
        probe: A probe that is trained on the pool, instead of ``probe_angle``.
        probe_ridge: "optimal" for the best ridge of the probe too, in [1e-4, 1e3] or ∞, in place of its own; one that
            would rather have less, as a logistic probe of clean labels, gets 1e-4.

    Returns:
        The rule, its error and its influence function.

    Raises:
        ValueError: A parameter is out of range, or there is no such student.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        First variation of Sorscher et al. 2022, arXiv:2206.14486, App. A.2.

    Example:
        What to keep of noisy labels, and the ridge to train with:

        >>> from replica_theory import optimal_selection
        >>> best = optimal_selection(
        ...     5.0, keep_fraction=0.5, probe_angle=0.3, loss="logistic", ridge="optimal", label_noise=0.1
        ... )
        >>> f"{best.generalization_error:.5f} at ridge {best.ridge:.5f}"
        '0.11806 at ridge 0.00126'
        >>> [[round(rank, 4) for rank in window] for window in best.selection.windows]
        [[0.1713, 0.6713]]
    """
    alpha = check_one_alpha(alpha_total, "alpha_total")
    fraction = check_keep_fraction(keep_fraction)
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise, probe_angle=probe_angle, probe=probe)
    if probe_ridge is None:
        search = _Search.on_pool(student, alpha, fraction, label_aware)
        end = search.best()
    else:
        search, end = _with_best_probe(student, alpha, fraction, label_aware, probe_ridge)
    if not end.gain <= _STATIONARY:
        raise SaddlePointError("no rule found at which the first variation of the error vanishes", residual=end.gain)
    verified = search.verified(end)
    return OptimalSelection(
        alpha_total=alpha,
        keep_fraction=fraction,
        probe_angle=float(verified.probe_angle[0]),
        label_aware=label_aware,
        loss=loss,
        ridge=float(verified.ridge[0]),
        label_noise=check_label_noise(label_noise),
        probe=search.student.probe,
        selection=KeepWindows(end.candidate.windows, label_aware),
        generalization_error=float(verified.generalization_error[0]),
        residual=float(verified.residual[0]),
        first_order_gain=end.gain,
        _problem=end.problem,
        _candidate=end.candidate,
    )


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The search on one pool.

    Attributes:
        student: What the student is.
        problem: The descent's, at the student's ridge, or at any.
        alpha_prune: α, kept examples per dimension.
    """

    student: StudentSetting
    problem: Problem
    alpha_prune: float

    @classmethod
    def on_pool(cls, student: StudentSetting, alpha_total: float, keep_fraction: float, label_aware: bool):
        """The search among rules that keep this fraction of a pool of α_total examples per dimension."""
        alpha_prune = keep_fraction * alpha_total
        if student.probe is None:
            axis = IndependentAxis(student.probe_angle, student.label_noise, label_aware)
            students = _students_of_independent_probe(student, alpha_prune)
        else:
            margins = _trained_margins(student.probe, alpha_total, student.label_noise)
            axis, students = TrainedAxis(margins, label_aware), _students_of_trained_probe(student, margins)
        problem = Problem(cast(Any, students), axis, keep_fraction, label_aware)
        return cls(student=student, problem=problem, alpha_prune=alpha_prune)

    def best(self) -> Descended:
        """The best rule, with the best ridge if it is free."""
        end = best_rule(self.problem, free_ridge=self.student.ridge_is_free)
        if not self.student.ridge_is_free:
            return end
        for _ in range(_RIDGES_TRIED):
            student = self.verified(end)
            (error,), (ridge,) = student.generalization_error, student.ridge
            if not math.log(error) < end.candidate.log_error - _BETTER:
                break
            end = self._from_ridge(end, float(ridge))
        return end

    def near(self, end: Descended) -> Descended:
        """The end of the descent from another's rule and ridge, on this pool."""
        if (end.candidate.log_ridge is None) == self.student.ridge_is_free:
            return self.best()
        return descended(self.problem, self.problem.candidate(end.candidate.windows, end.candidate.log_ridge))

    def _from_ridge(self, end: Descended, ridge: float) -> Descended:
        """The descent from the same rule at another ridge, which stays what it is at 0 and ∞."""
        if 0 < ridge < math.inf:
            return descended(self.problem, self.problem.candidate(end.candidate.windows, math.log(ridge)))
        students = replace(cast(Any, self.problem.students), ridge=ridge, loss=self._loss_at(ridge))
        problem = replace(self.problem, students=students)
        return descended(problem, problem.candidate(end.candidate.windows, None))

    def _loss_at(self, ridge: float) -> Loss:
        """ℓ; at ridge 0 the hinge loss in place of one without a minimum, whose limit is the max-margin student too."""
        loss = self.student.convex_loss
        return Hinge() if ridge == 0 and not loss.attains_infimum else loss

    def verified(self, end: Descended) -> StudentErrors:
        """The student at the end, by the public theory."""
        rule = KeepWindows(end.candidate.windows, self.problem.label_aware)
        return self.student.at(np.array([self.alpha_prune]), rule)


def _with_best_probe(
    student: StudentSetting, alpha_total: float, keep_fraction: float, label_aware: bool, probe_ridge: str
) -> tuple[_Search, Descended]:
    """The search and its end with the best of all ridges of the probe."""
    probe = student.probe
    if probe is None or probe_ridge != "optimal":
        raise ValueError(f'`probe_ridge` must be "optimal", with a trained `probe`; got {probe_ridge!r}, {probe!r}')

    def search(ridge: float) -> _Search:
        probed = replace(student, probe=replace(probe, ridge=ridge))
        return _Search.on_pool(probed, alpha_total, keep_fraction, label_aware)

    def log_error(log_ridge: float) -> float:
        return search(math.exp(log_ridge)).near(ends[lowest]).candidate.log_error

    ends = [search(ridge).best() for ridge in [*np.exp(_LOG_PROBE_RIDGES).tolist(), math.inf]]
    lowest = int(np.argmin([end.candidate.log_error for end in ends]))
    if lowest == len(ends) - 1:
        return search(math.inf), ends[-1]
    lower, upper = _LOG_PROBE_RIDGES[max(lowest - 1, 0)], _LOG_PROBE_RIDGES[min(lowest + 1, _LOG_PROBE_RIDGES.size - 1)]
    refined = search(math.exp(minimiser(log_error, lower, upper, xtol=_LOG_PROBE_RIDGE_TOLERANCE)))
    sampled = search(math.exp(_LOG_PROBE_RIDGES[lowest])), ends[lowest]
    return min((refined, refined.best()), sampled, key=lambda pair: pair[1].candidate.log_error)


def _students_of_independent_probe(student: StudentSetting, alpha_prune: float) -> MaxMarginStudents | RiskStudents:
    if student.is_max_margin:
        return MaxMarginStudents(alpha_prune, student.probe_angle)
    return RiskStudents(
        loss=student.convex_loss,
        ridge=math.nan if student.ridge_is_free else float(student.ridge),
        alpha_prune=alpha_prune,
        probe_angle=student.probe_angle,
        label_noise=student.label_noise,
    )


def _trained_margins(probe: TrainedProbe, alpha_total: float, label_noise: Noise) -> TrainedMargins:
    noise = check_flip_rate(label_noise)
    trained = train_probe(
        LOSSES[probe.loss], alpha=alpha_total, ridge=probe.ridge, share=probe.share, label_noise=noise
    )
    return TrainedMargins(trained, probe.ties)


def _students_of_trained_probe(student: StudentSetting, margins: TrainedMargins) -> StudentsOfTrainedProbe:
    if student.is_max_margin:
        return StudentsOfTrainedProbe(HardMargin(), _NO_RIDGE, margins)
    ridge = math.nan if student.ridge_is_free else float(student.ridge)
    return StudentsOfTrainedProbe(student.convex_loss, ridge, margins)
