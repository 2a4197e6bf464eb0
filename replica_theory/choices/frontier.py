"""The best fraction to keep, at each number of kept examples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._max_margin.ruled_students import RuledStudents
from replica_theory._numerics.one_variable import minimiser
from replica_theory.choices.student import RidgeLike, StudentErrors, StudentLoss, StudentSetting
from replica_theory.choices.trained_students import TrainedStudents, is_found_nearby
from replica_theory.errors import ArrayFields, FloatOrArray, Values, check_alpha, check_keep_fraction, shaped_like
from replica_theory.selection import KeepHardest, Selection, TrainedProbe
from replica_theory.selection.label_noise import Noise, check_label_noise

_SCANNED = 13  # fractions f of the scan, equally spaced in ln f
_LOG_FRACTION_TOLERANCE = 1e-5  # of the best ln f; ε is flat there, and good to 1e-10

RuleOfFraction = Callable[[float], Selection]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ParetoFrontier(ArrayFields, Generic[Values]):
    """Least error of a family of rules at each α_prune, with the fraction that attains it.

    Attributes:
        alpha_prune: α, kept examples per dimension: a float, or an array (points,).
        probe_angle: θ, radians, a float; of a trained probe the one that training reaches, shaped like ``alpha_prune``.
        min_keep_fraction: Least fraction allowed: the pool holds at most α / min_keep_fraction.
        rule: The family, a function of the fraction.
        loss: Of the student, as it was given.
        label_noise: η.
        probe: The probe, if it was trained on the pool.
        keep_fraction: Best f, in [min_keep_fraction, 1], shaped like ``alpha_prune``.
        ridge: λ there, as given or the best, shaped like ``alpha_prune``.
        generalization_error: ε there.
        residual: Largest relative residual of the student's equations there.

    Example:
        >>> from replica_theory import pareto_frontier
        >>> best = pareto_frontier([1.0, 4.0], min_keep_fraction=0.05)
        >>> best.keep_fraction.round(3), best.generalization_error.round(5)
        (array([0.95, 0.05]), array([0.26413, 0.00629]))
    """

    alpha_prune: Values
    probe_angle: FloatOrArray
    min_keep_fraction: float
    rule: RuleOfFraction
    loss: StudentLoss
    label_noise: Noise
    probe: TrainedProbe | None
    keep_fraction: Values
    ridge: Values
    generalization_error: Values
    residual: Values


@overload
def pareto_frontier(
    alpha_prune: float,
    *,
    probe_angle: float = 0.0,
    min_keep_fraction: float,
    rule: RuleOfFraction = KeepHardest,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> ParetoFrontier[float]: ...
@overload
def pareto_frontier(
    alpha_prune: np.ndarray | Sequence[float],
    *,
    probe_angle: float = 0.0,
    min_keep_fraction: float,
    rule: RuleOfFraction = KeepHardest,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> ParetoFrontier[np.ndarray]: ...
def pareto_frontier(
    alpha_prune: ArrayLike,
    *,
    probe_angle: float = 0.0,
    min_keep_fraction: float,
    rule: RuleOfFraction = KeepHardest,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> ParetoFrontier[FloatOrArray]:
    """Best fraction to keep at each α_prune, for a pool bounded by ``min_keep_fraction``; keep-hardest by default.

    Minimises ε(α, f) over ln f: a scan of the interval brackets the least minimum, Brent's method
    refines it.

    Args:
        alpha_prune: α, kept examples per dimension, > 0; scalar or 1-D.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        min_keep_fraction: Least f considered, in (0, 1].
        rule: The rule as a function of f, such as `KeepEasiest`, or ``lambda f: KeepHardest(f, label_aware=True)``.
        loss: Of the student: "max_margin", or as in `empirical_risk`.
        ridge: λ of the student in [0, ∞], or "optimal", the best at each fraction; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`; 0 for "max_margin".
        probe: A probe that is trained on the pool of α/f, instead of ``probe_angle``.

    Returns:
        The frontier, shaped like ``alpha_prune``.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified solution at a fraction that was tried.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, section 2.

    Example:
        How many suspected mistakes to remove:

        >>> from replica_theory import KeepEasiest, pareto_frontier
        >>> noisy = pareto_frontier(
        ...     5.0,
        ...     probe_angle=0.3,
        ...     min_keep_fraction=0.1,
        ...     rule=lambda f: KeepEasiest(f, label_aware=True),
        ...     loss="logistic",
        ...     ridge=0.1,
        ...     label_noise=0.1,
        ... )
        >>> f"{noisy.keep_fraction:.3f} of the pool, error {noisy.generalization_error:.4f}"
        '0.872 of the pool, error 0.1039'
    """
    alphas = check_alpha(alpha_prune)
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise, probe_angle=probe_angle, probe=probe)
    least = check_keep_fraction(min_keep_fraction, "min_keep_fraction")
    if not callable(rule):
        raise ValueError(f"`rule` must make a rule of a fraction, as KeepHardest or a function of f; got {rule!r}")
    points, log_fractions = np.atleast_1d(alphas), np.linspace(math.log(least), 0.0, _SCANNED)
    if is_found_nearby(student):
        best = [_TrainedSearch(student, rule, alpha).best(log_fractions) for alpha in points.tolist()]
    else:
        search = _FractionSearch(student, rule)
        log_errors = np.stack([np.log(search.at(points, f).generalization_error) for f in log_fractions.tolist()])
        best = [search.refined(alpha, log_fractions, log_errors[:, i]) for i, alpha in enumerate(points.tolist())]

    def shaped(name: str) -> FloatOrArray:
        return shaped_like(alphas, np.concatenate([getattr(solution, name) for _, solution in best]))

    angles = shaped("probe_angle")
    return ParetoFrontier(
        alpha_prune=shaped_like(alphas, points),
        probe_angle=angles if probe is not None else float(best[0][1].probe_angle[0]),
        min_keep_fraction=least,
        rule=rule,
        loss=loss,
        label_noise=check_label_noise(label_noise),
        probe=probe,
        keep_fraction=shaped_like(alphas, np.array([fraction for fraction, _ in best])),
        ridge=shaped("ridge"),
        generalization_error=shaped("generalization_error"),
        residual=shaped("residual"),
    )


@dataclass(frozen=True)
class _FractionSearch:
    """ε of one family of rules as a function of ln f."""

    student: StudentSetting
    rule: RuleOfFraction

    def selection(self, log_fraction: float) -> Selection:
        """The rule of this fraction."""
        return self.rule(min(1.0, math.exp(log_fraction)))

    def at(self, alphas: np.ndarray, log_fraction: float) -> StudentErrors:
        """Verified students, (points,)."""
        return self.student.at(alphas, self.selection(log_fraction))

    def refined(self, alpha: float, log_fractions: np.ndarray, log_errors: np.ndarray) -> tuple[float, StudentErrors]:
        """Best fraction and its student, by Brent's method between the neighbours of the scan's lowest point."""
        lowest, alphas = int(np.argmin(log_errors)), np.array([alpha])
        error = self._log_error(alpha, float(log_fractions[lowest]))
        found = _minimum(error, log_fractions, lowest)
        best = self.at(alphas, found)
        if best.generalization_error[0] > math.exp(log_errors[lowest]):
            found = float(log_fractions[lowest])  # no better than the scan, as at an end of the interval
            best = self.at(alphas, found)
        return min(1.0, math.exp(found)), best

    def _log_error(self, alpha: float, start: float) -> Callable[[float], float]:
        """ln ε by ln f. A max-margin student is found from the one before it, without the check that the best gets."""
        if not (self.student.is_max_margin and self.student.probe is None):
            return lambda log_fraction: float(np.log(self.at(np.array([alpha]), log_fraction).generalization_error[0]))
        students = RuledStudents(alpha, self.student.probe_angle)
        near = students.under(self.selection(start), None, None)

        def log_error(log_fraction: float) -> float:
            nonlocal near
            near = students.under(self.selection(log_fraction), None, near)
            return near.log_error

        return log_error


class _TrainedSearch:
    """The same with a trained probe, at one α: students and their pools' probes are found from those near in f."""

    def __init__(self, student: StudentSetting, rule: RuleOfFraction, alpha: float):
        self._students, self._rule, self._alpha = TrainedStudents(student), rule, alpha

    def best(self, log_fractions: np.ndarray) -> tuple[float, StudentErrors]:
        """Best fraction and its student."""
        scanned = [self._at(log_fraction) for log_fraction in log_fractions.tolist()]
        lowest = int(np.argmin([student.generalization_error[0] for student in scanned]))
        found = _minimum(self._log_error, log_fractions, lowest)
        best = self._at(found)
        if best.generalization_error[0] > scanned[lowest].generalization_error[0]:
            found, best = float(log_fractions[lowest]), scanned[lowest]
        return min(1.0, math.exp(found)), best

    def _at(self, log_fraction: float) -> StudentErrors:
        return self._students.at(self._alpha, self._rule(min(1.0, math.exp(log_fraction))))

    def _log_error(self, log_fraction: float) -> float:
        return math.log(self._at(log_fraction).generalization_error[0])


def _minimum(log_error: Callable[[float], float], log_fractions: np.ndarray, lowest: int) -> float:
    """The best ln f between the neighbours of the scan's lowest point."""
    left, right = log_fractions[max(lowest - 1, 0)], log_fractions[min(lowest + 1, log_fractions.size - 1)]
    return float(minimiser(log_error, left, right, xtol=_LOG_FRACTION_TOLERANCE))
