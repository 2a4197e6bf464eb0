"""The pool size at which two rules do equally well."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory.choices.student import RidgeLike, StudentErrors, StudentLoss, StudentSetting
from replica_theory.choices.trained_students import TrainedStudents, is_found_nearby
from replica_theory.selection import Selection, TrainedProbe, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise

_EQUAL = 1e-9  # |ln ε₁/ε₂| up to which rules are equal, not crossing
_TOLERANCE = 1e-11  # relative, of α_prune
_ROUGH = 1e-7  # the same where each error is itself a minimum, over ridges
_AT_ONCE = 8  # α at which students are asked for together, until the rules have crossed
# α_prune at which crossings are looked for: of students at a given ridge, at their best one, and of trained probes
_ALPHAS = np.geomspace(0.05, 1e4, 80)
_FEWER_ALPHAS = np.geomspace(0.05, 1e4, 36)
_ALPHAS_OF_TRAINED_PROBES = np.geomspace(0.05, 100.0, 40)


class NoCrossingError(ValueError):
    """One of two rules is the better one at every size."""


@dataclass(frozen=True, kw_only=True)
class CrossoverSolution:
    """Where two rules do equally well.

    Attributes:
        first: One rule.
        second: The other.
        alpha_total: Pool size, examples per dimension.
        keep_fraction: f of both.
        probe_angle: θ, radians; of a trained probe the one that training reaches there.
        probe: The probe, if it was trained on the pool.
        loss: Of the students, as it was given.
        ridges: λ of the student under the first rule and under the second.
        label_noise: η.
        generalization_error: ε of both.
        log_ratio: ln(ε₁/ε₂) there, which is 0 to the tolerance of the root.
        first_is_better: Whether the first rule is the better one just beyond.
        residual: Largest relative residual of both students' equations.

    Example:
        >>> from replica_theory import KeepEasiest, KeepHardest, crossover_solution
        >>> at = crossover_solution(KeepHardest(0.2), KeepEasiest(0.2))
        >>> f"{at.alpha_total:.4f}, {at.alpha_prune:.4f}, {at.generalization_error:.5f}", at.first_is_better
        ('10.3408, 2.0682, 0.08188', True)
    """

    first: Selection
    second: Selection
    alpha_total: float
    keep_fraction: float
    probe_angle: float
    probe: TrainedProbe | None
    loss: StudentLoss
    ridges: tuple[float, float]
    label_noise: Noise
    generalization_error: float
    log_ratio: float
    first_is_better: bool
    residual: float

    @property
    def alpha_prune(self) -> float:
        """α, kept examples per dimension."""
        return self.keep_fraction * self.alpha_total


def crossover(
    first: Selection,
    second: Selection,
    *,
    probe_angle: float = 0.0,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> float:
    """α_total at which two rules that keep the same fraction have the same test error.

    The smallest root of ln ε₁(f α_total) = ln ε₂(f α_total), bracketed on a logarithmic grid of
    α_prune from 0.05 to 1e4 (to 100 with a trained probe) and refined by Brent's method. `crossover_solution` has more
    to say of it.

    Args:
        first: One rule.
        second: The other, with the same ``keep_fraction``.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        loss: Of the students: "max_margin", or as in `empirical_risk`.
        ridge: λ of the students in [0, ∞], or "optimal", the best under each rule at each α; 0 for "max_margin".
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`; 0 for "max_margin".
        probe: A probe that is trained on the pool, instead of ``probe_angle``.

    Returns:
        α_total = α_prune / f, to a relative 1e-10 (1e-6 with the best ridges).

    Raises:
        ValueError: A parameter is out of range, the fractions differ, or the rules never cross.
        SaddlePointError: The theory has no verified solution on the way.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, Figure 1B–C.

    Example:
        The flip from easy to hard, by a perfect probe and by one that was trained on the pool:

        >>> from replica_theory import KeepEasiest, KeepHardest, TrainedProbe, crossover
        >>> f"{crossover(KeepHardest(0.2), KeepEasiest(0.2)):.4f}"
        '10.3408'
        >>> f"{crossover(KeepHardest(0.2), KeepEasiest(0.2), probe=TrainedProbe('logistic', 0.01)):.4f}"
        '4.9279'
    """
    return crossover_solution(
        first, second, probe_angle=probe_angle, loss=loss, ridge=ridge, label_noise=label_noise, probe=probe
    ).alpha_total


def crossover_solution(
    first: Selection,
    second: Selection,
    *,
    probe_angle: float = 0.0,
    loss: StudentLoss = "max_margin",
    ridge: RidgeLike = 0.0,
    label_noise: Noise = 0.0,
    probe: TrainedProbe | None = None,
) -> CrossoverSolution:
    """`crossover` with its error, its ridges, and which rule is better beyond; same arguments and errors.

    Example:
        >>> from replica_theory import KeepHardest, KeepRandom, crossover_solution
        >>> at = crossover_solution(KeepHardest(0.3), KeepRandom(0.3), loss="square", ridge=0.1, label_noise=0.1)
        >>> f"{at.alpha_total:.4f}", at.first_is_better
        ('4.5028', True)
    """
    student = StudentSetting(loss=loss, ridge=ridge, label_noise=label_noise, probe_angle=probe_angle, probe=probe)
    fraction = _common_fraction(first, second, student)

    students = _students(student, first, second)

    def log_ratio(alpha_prune: float) -> float:
        return float(_log_ratio(students(np.array([alpha_prune])))[0])

    lower, upper, first_is_better = _bracket(lambda alphas: _log_ratio(students(alphas)), student, first, second)
    alpha = root(log_ratio, lower, upper, rtol=_ROUGH if student.ridge_is_free else _TOLERANCE)
    solutions = students(np.array([alpha]))
    return CrossoverSolution(
        first=first,
        second=second,
        alpha_total=alpha / fraction,
        keep_fraction=fraction,
        probe_angle=float(solutions[0].probe_angle[0]),
        probe=probe,
        loss=loss,
        ridges=(float(solutions[0].ridge[0]), float(solutions[1].ridge[0])),
        label_noise=check_label_noise(label_noise),
        generalization_error=float(solutions[0].generalization_error[0]),
        log_ratio=float(_log_ratio(solutions)[0]),
        first_is_better=first_is_better,
        residual=max(float(solution.residual[0]) for solution in solutions),
    )


def _students(
    student: StudentSetting, first: Selection, second: Selection
) -> Callable[[np.ndarray], list[StudentErrors]]:
    """Students under both rules, as a function of α_prune (points,)."""
    if not is_found_nearby(student):
        return lambda alphas: [student.at(alphas, rule) for rule in (first, second)]
    pairs = [(TrainedStudents(student), rule) for rule in (first, second)]
    return lambda alphas: [students.at(float(alphas[0]), rule) for students, rule in pairs]


def _common_fraction(first: Selection, second: Selection, student: StudentSetting) -> float:
    """f of both; of a rule that does not rank, f at the probe's angle, which that of a trained one does not have."""
    rules = [check_selection(rule) for rule in (first, second)]
    if student.probe is None:
        distributions = [rule.kept_distribution(student.probe_angle, student.label_noise) for rule in rules]
        fractions = [distribution.keep_fraction for distribution in distributions]
    else:
        fractions = [rule.keep_fraction for rule in rules]
    if not np.isclose(*fractions, rtol=1e-12, atol=0):
        raise ValueError(f"`first` and `second` must keep the same fraction; got {fractions[0]} and {fractions[1]}")
    return fractions[0]


def _log_ratio(solutions: list[StudentErrors]) -> np.ndarray:
    return np.log(solutions[0].generalization_error) - np.log(solutions[1].generalization_error)


def _bracket(
    log_ratios: Callable[[np.ndarray], np.ndarray], student: StudentSetting, first: Selection, second: Selection
) -> tuple[float, float, bool]:
    """α_prune on both sides of the first crossing, and whether the first rule is better beyond it."""
    alphas = _alphas(student)
    at_once = 1 if is_found_nearby(student) else alphas.size if student.is_max_margin else _AT_ONCE
    signs = np.empty(0)
    for start in range(0, alphas.size, at_once):
        ratios = log_ratios(alphas[start : start + at_once])
        signs = np.append(signs, np.where(np.abs(ratios) > _EQUAL, np.sign(ratios), 0.0))
        changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)
        if changes.size:
            lower, upper = alphas[changes[0] : changes[0] + 2].tolist()
            return lower, upper, bool(signs[changes[0] + 1] < 0)
    raise NoCrossingError(
        f"`first` and `second` must cross; {first} and {second} do not, for α_prune in [{alphas[0]:g}, {alphas[-1]:g}]"
    )


def _alphas(student: StudentSetting) -> np.ndarray:
    if student.probe is not None:
        return _ALPHAS_OF_TRAINED_PROBES
    return _FEWER_ALPHAS if student.ridge_is_free else _ALPHAS
