"""Curated training data in which generator, oracle and truth are three directions.

Labels come from a generator w_g, a pool of them is filtered by an oracle w_o, and the student is tested
on the truth w_*. Generator and oracle play teacher and probe; the truth only adds a vector to test on.

References:
    Dohmatob, Pezeshki & Askari-Hemmat 2025, arXiv:2511.03492; Feng et al. 2024, arXiv:2406.07515.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from replica_theory.choices.optimal_ridge import RidgeSetting, best_student
from replica_theory.choices.student import RidgeLike, StudentLoss, StudentSetting
from replica_theory.empirical_risk import EmpiricalRiskSolution, empirical_risk
from replica_theory.errors import ArrayFields, FloatOrArray, Values, check_alpha, check_probe_angle, shaped_like
from replica_theory.geometry import target_direction
from replica_theory.losses.base import LossLike
from replica_theory.selection import KeepEasiest, KeepHardest, Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_ROUNDING = 1e-9  # radians by which a triangle of directions may fail to close
_RULES: dict[Literal["hard", "easy"], Callable[[float], Selection]] = {"hard": KeepHardest, "easy": KeepEasiest}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CuratedSolution(ArrayFields, Generic[Values]):
    """Students of curated data, shaped like ``alpha_total``.

    Attributes:
        alpha_total: Pool size, examples per dimension.
        generator_angle: Angle generator–truth, radians.
        oracle_angle: Angle oracle–truth, radians.
        mutual_angle: Angle generator–oracle, radians.
        generalization_error: Test error on the truth.
        student: The student, with the generator for a teacher and the oracle for a probe.

    Example:
        >>> from replica_theory import KeepHardest, curated_risk
        >>> angles = dict(generator_angle=0.5, oracle_angle=0.1)
        >>> students = curated_risk(5.0, loss="square", ridge=0.1, selection=KeepHardest(0.5), **angles)
        >>> f"{students.generalization_error:.5f}, {students.mutual_angle:.5f}, {students.student.probe_angle:.5f}"
        '0.22670, 0.50907, 0.50907'
    """

    alpha_total: Values
    generator_angle: float
    oracle_angle: float
    mutual_angle: float
    generalization_error: Values
    student: EmpiricalRiskSolution[Values]


@overload
def curated_risk(
    alpha_total: float,
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    mutual_angle: float | None = None,
    label_noise: Noise = 0.0,
) -> CuratedSolution[float]: ...
@overload
def curated_risk(
    alpha_total: np.ndarray | Sequence[float],
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    mutual_angle: float | None = None,
    label_noise: Noise = 0.0,
) -> CuratedSolution[np.ndarray]: ...
def curated_risk(
    alpha_total: ArrayLike,
    *,
    loss: LossLike,
    ridge: float,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    mutual_angle: float | None = None,
    label_noise: Noise = 0.0,
) -> CuratedSolution[FloatOrArray]:
    """Student trained on a generator's labels that an oracle selected, tested on the truth.

    The student w is that of `empirical_risk` with the generator for a teacher and the oracle for a probe, and errs on
    the truth by ε = arccos(R_*)/π, R_* = w·w_*/‖w‖.

    Args:
        alpha_total: Pool size before selection, examples per dimension, > 0; scalar or 1-D.
        loss: As in `empirical_risk`.
        ridge: λ in [0, ∞].
        selection: Which examples are kept, as a function of the oracle's field and the generator's label.
        generator_angle: Between generator and truth, radians, in [0, π/2].
        oracle_angle: Between oracle and truth, radians, in [0, π/2].
        mutual_angle: Between generator and oracle; by default that of two whose errors are independent,
            cos(mutual) = cos(generator) cos(oracle).
        label_noise: Chance that a generator's label is flipped, in [0, 1/2].

    Returns:
        The students and their errors on the truth, shaped like ``alpha_total``.

    Raises:
        ValueError: A parameter is out of range, or three directions with these angles do not exist.
        SaddlePointError: No solution to the requested residual.

    References:
        Dohmatob et al. 2025, arXiv:2511.03492.

    Example:
        An oracle helps against a bad generator:

        >>> from replica_theory import KeepRandom, Verified, curated_risk
        >>> rules = KeepRandom(1.0), Verified(KeepRandom(1.0), 1.0, 0.0)
        >>> setting = dict(loss="square", ridge=0.1, generator_angle=0.8, oracle_angle=0.2)
        >>> [f"{curated_risk(5.0, selection=rule, **setting).generalization_error:.5f}" for rule in rules]
        ['0.27385', '0.17739']
    """
    alphas = check_alpha(alpha_total, "alpha_total")
    mutual, truth = _triangle(generator_angle, oracle_angle, mutual_angle)
    keep_fraction = check_selection(selection).kept_distribution(mutual, label_noise).keep_fraction
    student = empirical_risk(
        keep_fraction * alphas, loss=loss, ridge=ridge, selection=selection, probe_angle=mutual, label_noise=label_noise
    )
    return CuratedSolution(
        alpha_total=shaped_like(alphas, np.atleast_1d(alphas)),
        generator_angle=float(generator_angle),
        oracle_angle=float(oracle_angle),
        mutual_angle=mutual,
        generalization_error=student.error_against(teacher_overlap=truth[0], probe_overlap=truth[1]),
        student=student,
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CurationDiagram(ArrayFields):
    """The best curation for each generator (rows) and pool (columns).

    Attributes:
        generator_angles: (generators,), radians.
        alpha_totals: (pools,), examples per dimension.
        keep_fractions: (fractions,), those tried; 1 is no selection.
        errors: (2, fractions, generators, pools), test errors of keeping hard and keeping easy.
        ridges: λ of each student, shaped like ``errors``: as given, or the best against the truth.
        oracle_angle: Between oracle and truth, radians.
        loss: Of the students, as it was given.
        label_noise: Chance that a generator's label is flipped.

    Example:
        >>> from replica_theory import curation_diagram
        >>> setting = dict(loss="square", ridge=0.1, oracle_angle=0.1)
        >>> best = curation_diagram([0.1, 0.8], [1.0, 30.0], keep_fractions=[0.3], **setting)
        >>> best.rule.tolist()
        [['easy', 'hard'], ['easy', 'easy']]
        >>> best.generalization_error.round(5).tolist()
        [[0.26418, 0.03854], [0.31706, 0.18317]]
    """

    generator_angles: np.ndarray
    alpha_totals: np.ndarray
    keep_fractions: np.ndarray
    errors: np.ndarray
    ridges: np.ndarray
    oracle_angle: float
    loss: StudentLoss
    label_noise: Noise

    @property
    def rule(self) -> np.ndarray:
        """ "hard", "easy" or "all", (generators, pools); "all" where nothing beats keeping everything."""
        names = np.array(list(_RULES))[self._best // self.keep_fractions.size]
        return np.where(self.keep_fraction == 1, "all", names)

    @property
    def keep_fraction(self) -> np.ndarray:
        """The best fraction, (generators, pools)."""
        return self.keep_fractions[self._best % self.keep_fractions.size]

    @property
    def generalization_error(self) -> np.ndarray:
        """The least error, (generators, pools)."""
        return self.errors.min((0, 1))

    @property
    def ridge(self) -> np.ndarray:
        """λ of the best student, (generators, pools)."""
        ridges = self.ridges.reshape(-1, *self.ridges.shape[2:])
        return np.take_along_axis(ridges, self._best[None], axis=0)[0]

    @property
    def _best(self) -> np.ndarray:
        return self.errors.reshape(-1, *self.errors.shape[2:]).argmin(0)


def curation_diagram(
    generator_angles: Sequence[float] | np.ndarray,
    alpha_totals: Sequence[float] | np.ndarray,
    *,
    loss: StudentLoss,
    ridge: RidgeLike,
    oracle_angle: float,
    keep_fractions: Sequence[float] | np.ndarray = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    mutual_angle: Callable[[float], float] | None = None,
    verify: Callable[[Selection], Selection] | None = None,
    label_noise: Noise = 0.0,
) -> CurationDiagram:
    """Keep hard or easy, and how much, for each generator's quality and pool size.

    Args:
        generator_angles: Between generator and truth, radians: small is good.
        alpha_totals: Pool sizes, examples per dimension.
        loss: "max_margin", or as in `empirical_risk`.
        ridge: λ in [0, ∞], or "optimal": of each student the one that errs least on the truth; 0 for "max_margin".
        oracle_angle: Between oracle and truth, radians.
        keep_fractions: Fractions of the pool to try, by the oracle's margin; 1 is always tried.
        mutual_angle: Angle generator–oracle as a function of the generator's; independent errors by default.
        verify: Filter to apply after a rule, such as ``lambda rule: Verified(rule, 1.0, 0.0)``; with 1 as
            the fraction, the filter alone is applied.
        label_noise: Chance that a generator's label is flipped, in [0, 1/2]; 0 for "max_margin".

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: No solution to the requested residual.

    Example:
        A good and a bad generator, a small and a large pool:

        >>> from replica_theory import curation_diagram
        >>> setting = dict(loss="square", ridge=0.1, oracle_angle=0.1)
        >>> best = curation_diagram([0.1, 0.8], [1.0, 30.0], keep_fractions=[0.1, 0.5], **setting)
        >>> best.keep_fraction.tolist()
        [[0.5, 0.5], [0.1, 0.1]]
    """
    fractions = np.unique([*keep_fractions, 1.0])
    alphas = np.atleast_1d(check_alpha(alpha_totals, "alpha_totals"))
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise)

    def curated(make: Callable[[float], Selection], fraction: float, generator_angle: float) -> np.ndarray:
        """Errors and ridges, (2, pools)."""
        rule = make(fraction)
        return _tested_on_truth(
            student,
            alphas,
            selection=verify(rule) if verify else rule,
            generator_angle=generator_angle,
            oracle_angle=oracle_angle,
            mutual_angle=mutual_angle(generator_angle) if mutual_angle else None,
        )

    table = [[[curated(make, f, angle) for angle in generator_angles] for f in fractions] for make in _RULES.values()]
    errors, ridges = np.moveaxis(np.array(table), 3, 0)
    return CurationDiagram(
        generator_angles=np.array(generator_angles, dtype=float),
        alpha_totals=alphas.copy(),
        keep_fractions=fractions,
        errors=errors,
        ridges=ridges,
        oracle_angle=float(oracle_angle),
        loss=loss,
        label_noise=check_label_noise(label_noise),
    )


def _tested_on_truth(
    student: StudentSetting,
    alphas: np.ndarray,
    *,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    mutual_angle: float | None,
) -> np.ndarray:
    """Errors on the truth, and ridges, (2, pools)."""
    noise = student.label_noise
    if not student.ridge_is_free:
        loss, ridge = ("hinge", 0.0) if student.is_max_margin else (student.risk_loss, float(student.ridge))
        solution = curated_risk(
            alphas,
            loss=loss,
            ridge=ridge,
            selection=selection,
            generator_angle=generator_angle,
            oracle_angle=oracle_angle,
            mutual_angle=mutual_angle,
            label_noise=noise,
        )
        return np.stack([solution.generalization_error, np.full(alphas.size, ridge)])
    mutual, truth = _triangle(generator_angle, oracle_angle, mutual_angle)
    fraction = selection.kept_distribution(mutual, noise).keep_fraction
    setting = RidgeSetting(
        loss=student.risk_loss,
        selection=selection,
        probe_angle=mutual,
        probe=None,
        label_noise=noise,
        sample_weight=None,
    )
    target = target_direction(mutual, teacher_overlap=truth[0], probe_overlap=truth[1])
    best = [best_student(alpha, setting, target) for alpha in (fraction * alphas).tolist()]
    errors = [one.error_against(teacher_overlap=truth[0], probe_overlap=truth[1]) for one in best]
    return np.array([errors, [one.ridge for one in best]])


def _triangle(
    generator_angle: float, oracle_angle: float, mutual_angle: float | None
) -> tuple[float, tuple[float, float]]:
    """Angle generator–oracle, and the cosines of both to the truth.

    Raises:
        ValueError: An angle is out of range, or three directions with these angles do not exist.
    """
    truth = math.cos(_checked("generator_angle", generator_angle)), math.cos(_checked("oracle_angle", oracle_angle))
    mutual = math.acos(truth[0] * truth[1]) if mutual_angle is None else _checked("mutual_angle", mutual_angle)
    _reject_impossible(float(generator_angle), float(oracle_angle), mutual)
    return mutual, truth


def _reject_impossible(generator: float, oracle: float, mutual: float) -> None:
    least, most = abs(generator - oracle), generator + oracle
    if not least - _ROUNDING <= mutual <= most + _ROUNDING:
        raise ValueError(
            f"`mutual_angle` must be in [{least:.6g}, {most:.6g}], between the difference and the sum of the angles "
            f"to the truth; got {mutual}"
        )


def _checked(name: str, angle: float) -> float:
    try:
        return check_probe_angle(angle)
    except ValueError as refused:
        raise ValueError(str(refused).replace("`probe_angle`", f"`{name}`")) from None
