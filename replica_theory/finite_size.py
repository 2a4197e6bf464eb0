"""What N < ∞ adds to the theory: mean, median and scatter of students in N dimensions, to order 1/N.

Nothing here is fitted. The density of a student in N dimensions is known exactly, as an integral whose saddle is the
replica theory (`replica_theory._finite_size.density`); expanding about the saddle gives the mean of any function of the
student to order 1/N. Two effects of the pool come on top. A rule that ranks has thresholds that fluctuate from pool to
pool. And the number of the probe's mistakes among the kept is binomial: where few are expected and each matters, the
mean over it is not the expansion's.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from replica_theory._finite_size.density import StudentDensity
from replica_theory._finite_size.examples import COARSE, FINE, Resolution, seen_examples
from replica_theory._finite_size.expansion import Expansion, expand
from replica_theory._finite_size.mistakes import StudentsByMistakes, without_mistakes
from replica_theory._finite_size.observables import Observable, angle_to_probe, error_against, margin
from replica_theory._max_margin.continuation import solve_student
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import SaddlePointError, check_alpha, check_probe_angle
from replica_theory.geometry import in_plane, target_direction
from replica_theory.losses.base import Loss
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import check_loss
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.selection import Selection, check_selection
from replica_theory.selection.kept_distribution import KeptDistribution
from replica_theory.selection.label_noise import Noise, check_label_noise
from replica_theory.selection.pool_effect import PoolEffect, pool_effect

Quantity = Literal["error", "probe_angle", "margin"]

_COARSELY_NORMALISED, _NORMALISED = 1e-4, 1e-3  # largest |ln ∫ρ| at the coarse resolution and at the fine one
_ANY_RIDGE = 1.0  # λ of a constraint, whose student does not depend on it


@dataclass(frozen=True, kw_only=True)
class FiniteSize:
    """A quantity of students in N dimensions, to order 1/N.

    Attributes:
        alpha_prune: α = P/N, kept examples per dimension.
        n_features: N.
        value: The quantity in the limit N → ∞.
        density_shift: What the student's density in N dimensions adds to the mean, of order 1/N; where few mistakes of
            the probe are expected among the kept, at a given number of them.
        pool_shift: What the fluctuating thresholds of a finite pool add; 0 where draws are independent, and where
            ``pool_known`` is false.
        mistakes_shift: What the binomial number of those mistakes adds; 0 where the density's part has it already.
        squared_shift: Mean over that number of (density_shift + pool_shift)²: over the value, the size of the next
            order in 1/N.
        variance: Variance between trials, of order 1/N.
        third_cumulant: Third cumulant between trials, of order 1/N².
        pool_known: Whether the kept examples of the rule are independent draws between fluctuating thresholds, or
            independent. False for several windows, `Calibrated` and `Verified`.
        residual: Error of the normalisation, ln ∫ρ, of the density, which must vanish.

    Example:
        >>> from replica_theory import KeepHardest, finite_size
        >>> here = finite_size(2.0, n_features=100, selection=KeepHardest(0.5), probe_angle=0.2)
        >>> f"{here.value:.5f} + {here.mean_shift:.5f} ± {here.standard_deviation:.5f}"
        '0.15072 + -0.00039 ± 0.02447'
    """

    alpha_prune: float
    n_features: int
    value: float
    density_shift: float
    pool_shift: float
    mistakes_shift: float
    squared_shift: float
    variance: float
    third_cumulant: float
    pool_known: bool
    residual: float

    @property
    def mean_shift(self) -> float:
        """Mean over trials less the value of the limit."""
        return self.density_shift + self.pool_shift + self.mistakes_shift

    @property
    def median_shift(self) -> float:
        """Median over trials less the value of the limit: the mean's, less κ₃/(6 κ₂) (Cornish and Fisher)."""
        return self.mean_shift - self.third_cumulant / (6 * self.variance)

    @property
    def standard_deviation(self) -> float:
        """Standard deviation between trials."""
        return math.sqrt(self.variance)


def finite_size(
    alpha_prune: float,
    *,
    n_features: int,
    selection: Selection,
    probe_angle: float = 0.0,
    risk: EmpiricalRisk | None = None,
    label_noise: Noise = 0.0,
    quantity: Quantity = "error",
    teacher_overlap: float | None = None,
    probe_overlap: float | None = None,
) -> FiniteSize:
    """Students trained on P = αN examples kept of a pool of P/f, in N dimensions.

    The mean of a quantity f over trials is, to order 1/N::

        E f = f + D/N + pool + mistakes

    D/N is the expansion of the exact density about the replica theory (equations F1–F7). The pool's part is
    ½ Σ Cov(shares) ∂∂f and the drift, over the Dirichlet distributed shares of an infinite pool that lie between a
    rule's empirical thresholds. Where few of the kept contradict the probe, D is taken at a given number n of them, and
    the mistakes' part is E f(n) − f(E n), n binomial (F8).

    Args:
        alpha_prune: α = P/N, > 0.
        n_features: N, ≥ 3.
        selection: Which examples are kept.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        risk: What the student minimises; none for the max-margin student.
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.
        quantity: "error", ε; "probe_angle", angle between student and probe over π; "margin", κ of max-margin students.
        teacher_overlap: Cosine of the teacher and a third direction, against which the error is taken instead; with
            ``probe_overlap``.
        probe_overlap: Cosine of the probe and that direction.

    Returns:
        The quantity's limit, and what N dimensions make of it.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The theory has no verified student there, or the density's integral is not 1 to 1e-3.

    Example:
        >>> import math
        >>> from replica_theory import finite_size
        >>> from replica_theory import KeepEasiest
        >>> cell = finite_size(4.0, n_features=50, selection=KeepEasiest(0.4), probe_angle=math.radians(20))
        >>> round(cell.value, 4), round(cell.value + cell.mean_shift, 4)
        (0.1331, 0.1293)
    """
    angle, noise = check_probe_angle(probe_angle), check_label_noise(label_noise)
    alpha = _checked_size(alpha_prune, n_features)
    check_selection(selection)
    observable = _observable(quantity, angle, teacher_overlap, probe_overlap)
    setting = _Setting(alpha=alpha, probe_angle=angle, risk=risk, label_noise=noise)
    density = setting.density(selection)

    def value(rule: Selection) -> float:
        return float(observable(np.append(setting.student(rule), 0.0)))

    def expanded(rule: Selection) -> Expansion:
        return expand(setting.density(rule), observable)

    expansion = expand(density, observable)
    kept, n_kept = selection.kept_distribution(angle, noise), round(alpha * n_features)
    pool = pool_effect(selection, n_kept=n_kept, pool=max(n_kept, round(n_kept / kept.keep_fraction)), value=value)
    thresholds = pool or PoolEffect()
    given = StudentsByMistakes(
        selection=selection, kept=kept, n_features=n_features, n_kept=n_kept, value=value, expand=expanded
    ).moments() or without_mistakes(expansion, n_features)
    return FiniteSize(
        alpha_prune=alpha,
        n_features=n_features,
        value=expansion.value,
        density_shift=given.density_shift,
        pool_shift=thresholds.shift,
        mistakes_shift=given.number_shift,
        squared_shift=given.squared_shift + 2 * given.density_shift * thresholds.shift + thresholds.shift**2,
        variance=given.variance + thresholds.variance,
        third_cumulant=expansion.third_cumulant / n_features**2,
        pool_known=pool is not None,
        residual=density.normalisation,
    )


def _checked_size(alpha_prune: float, n_features: int) -> float:
    alpha = check_alpha(alpha_prune)
    if alpha.ndim:
        raise ValueError(f"`alpha_prune` must be a scalar; got shape {alpha.shape}")
    if n_features < 3:
        raise ValueError(f"`n_features` must be at least 3; got {n_features}")
    return float(alpha)


def _observable(
    quantity: Quantity, angle: float, teacher_overlap: float | None, probe_overlap: float | None
) -> Observable:
    if quantity == "probe_angle":
        return angle_to_probe
    if quantity == "margin":
        return margin
    if teacher_overlap is None and probe_overlap is None:
        return error_against(in_plane(angle))
    if teacher_overlap is None or probe_overlap is None:
        raise ValueError(
            "`teacher_overlap` and `probe_overlap` must be given together; "
            f"got teacher_overlap={teacher_overlap}, probe_overlap={probe_overlap}"
        )
    return error_against(target_direction(angle, teacher_overlap=teacher_overlap, probe_overlap=probe_overlap))


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """A student of the theory at given α, probe and labels, as a function of the rule.

    Attributes:
        alpha: α.
        probe_angle: θ, radians.
        risk: What the student minimises; None for the max-margin student.
        label_noise: η.
    """

    alpha: float
    probe_angle: float
    risk: EmpiricalRisk | None
    label_noise: Noise

    def student(self, selection: Selection) -> np.ndarray:
        """(a₁, a₂, r) by the theory: along the probe, across it towards the teacher, outside their plane."""
        return self._student_and_scale(selection)[0]

    def density(self, selection: Selection) -> StudentDensity:
        """The density of students in N dimensions around the theory's, resolved until its integral is 1.

        Raises:
            SaddlePointError: It is not, to 1e-3; carries ln of the integral.
        """
        student, scale = self._student_and_scale(selection)
        density = self._resolved(selection, student, scale, COARSE)
        if not abs(density.normalisation) <= _COARSELY_NORMALISED:
            density = self._resolved(selection, student, scale, FINE)
        if not abs(density.normalisation) <= _NORMALISED:
            raise SaddlePointError(
                f"the density of students does not integrate to 1 at alpha_prune = {self.alpha}",
                residual=density.normalisation,
            )
        return density

    def _resolved(
        self, selection: Selection, student: np.ndarray, scale: float, resolution: Resolution
    ) -> StudentDensity:
        loss, ridge = self._loss_and_ridge(scale)
        kept = selection.kept_distribution(self.probe_angle, self.label_noise)
        weight = self.risk.sample_weight if self.risk else None
        constrained = math.isinf(scale)
        examples = seen_examples(
            kept, student, loss, 1.0 if constrained else scale, weight=weight, resolution=resolution
        )
        if constrained:  # the field is that of any V, and α(1 − E σ) = 1 − λV gives V
            scale = (1 - self.alpha * float(examples.share @ (1 - examples.slope))) / ridge
            examples = replace(examples, dual=examples.dual / scale)
        return StudentDensity(alpha=self.alpha, ridge=ridge, scale=scale, student=student, examples=examples)

    def _student_and_scale(self, selection: Selection) -> tuple[np.ndarray, float]:
        """The student and V, which is infinite where the loss has become a constraint."""
        if self.risk is None:
            kept = selection.kept_distribution(self.probe_angle)
            limit = self._max_margin(kept)
            k, length, turn = float(limit.k), float(limit.length), self.probe_angle - float(limit.angle)
            return np.array([length * math.cos(turn), length * math.sin(turn), 1.0]) / k, math.inf
        solution = empirical_risk(
            self.alpha,
            loss=self.risk.loss,
            ridge=self.risk.ridge,
            selection=selection,
            probe_angle=self.probe_angle,
            label_noise=self.label_noise,
            sample_weight=self.risk.sample_weight,
        )
        return solution.direction * solution.norm, float(solution.scale)

    def _max_margin(self, kept: KeptDistribution) -> OrderParameters:
        """The max-margin student, sought near the one of the rule before: their rules are neighbours."""
        near = self._found[-1] if self._found else None
        student = solve_student(kept, self.alpha, near=near).students
        self._found[:] = [student]
        return student

    @cached_property
    def _found(self) -> list[OrderParameters]:
        """The max-margin student found last, if any."""
        return []

    def _loss_and_ridge(self, scale: float) -> tuple[Loss, float]:
        if self.risk is None:
            return HardMargin(), _ANY_RIDGE
        loss = as_loss(check_loss(self.risk.loss))
        if math.isinf(scale) and loss.ridgeless_limit is not None:
            return loss.ridgeless_limit, _ANY_RIDGE
        return loss, self.risk.ridge
