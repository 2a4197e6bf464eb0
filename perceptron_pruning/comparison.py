"""A simulated cell held against the exact theory at the same parameters."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.finite_size import SOURCE, FiniteSizeTerm, Statistic, estimate, value_and_slope
from perceptron_pruning.own_probe_theory import (
    MAX_MARGIN,
    own_probe_error,
    own_probe_term,
    rounds_errors,
    rounds_terms,
    steps_error,
    with_error_of_theory,
)
from perceptron_pruning.rounds import SimulatedRound
from perceptron_pruning.simulation import OwnProbe, SimulationResult
from perceptron_pruning.students.training import Student
from replica_theory.empirical_risk import empirical_risk
from replica_theory.errors import check_number
from replica_theory.finite_size import FiniteSize, Quantity, finite_size
from replica_theory.max_margin import max_margin
from replica_theory.pruning_rounds import PruningRound
from replica_theory.selection import GradientProbe, Selection

STEEP = 2.5  # |d ln q/d ln α| above which trials differ so much in kind that their mean is not typical


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """A quantity of many trials against theory.

    Attributes:
        theory: The theory's value at the simulated α, for N → ∞.
        simulated: Mean over trials; next to a transition, where they differ in kind, their median.
        statistic: Which of the two ``simulated`` is, "mean" or "median".
        standard_error: Standard error of ``simulated``, from the spread between trials.
        finite_size: Expected ``simulated`` − ``theory`` at the simulated N; see `compare`.
        finite_size_error: Standard uncertainty of ``finite_size``.
        finite_size_source: Where the two come from.
        slope: d ln theory/d ln α.
        largest_z: |z_score| up to which they agree.
    """

    theory: float
    simulated: float
    statistic: Statistic
    standard_error: float
    finite_size: float
    finite_size_error: float
    finite_size_source: str = SOURCE
    slope: float
    largest_z: float = LARGEST_Z

    @property
    def difference(self) -> float:
        """Simulated minus theory."""
        return self.simulated - self.theory

    @property
    def z_score(self) -> float:
        """(difference − finite_size) / √(standard_error² + finite_size_error²)."""
        return (self.difference - self.finite_size) / math.hypot(self.standard_error, self.finite_size_error)

    @property
    def agrees(self) -> bool:
        """|z_score| ≤ largest_z."""
        return abs(self.z_score) <= self.largest_z

    @property
    def allowance(self) -> str:
        """The finite-size term in words: its size, its error, and where they come from."""
        return str(FiniteSizeTerm(value=self.finite_size, error=self.finite_size_error, source=self.finite_size_source))


@dataclass(frozen=True, kw_only=True)
class Comparison(Agreement):
    """Simulated error ε against theory: an `Agreement`, with the simulated cell.

    Example:
        >>> from perceptron_pruning import compare, simulate
        >>> from replica_theory import KeepRandom
        >>> held = compare(simulate(1.0, selection=KeepRandom(), n_features=20, n_trials=20, engine="numpy"))
        >>> held.agrees, f"{held.theory:.5f}, finite N adds {held.finite_size:.4f}"
        (True, '0.26571, finite N adds -0.0050')
    """

    simulation: SimulationResult


def compare(
    simulation: SimulationResult,
    *,
    teacher_overlap: float | None = None,
    probe_overlap: float | None = None,
    largest_z: float = LARGEST_Z,
) -> Comparison:
    """Holds a simulated cell against the theory at its own α, rule, probe angle, student and label noise.

    The mean error in N dimensions differs from the limit by O(1/N). That term is derived, not fitted
    (`replica_theory.finite_size`): it has the exact density of students in N dimensions, the fluctuating thresholds of
    a rule that ranks a finite pool, and the whole number of the probe's mistakes among the kept, on which all hangs
    where few are expected. What is left is the next order. Its size alone is measured, on random settings at N = 20::

        finite_size = E ε − ε + O(1/N²),      finite_size_error = 2 finite_size²/ε

    For several windows, `Calibrated` and `Verified` the pool's part is not known, and 0.3 ε/N is added to the error in
    quadrature. The term is that of a probe that knows nothing of the pool; of one that ``probe="trained"`` made it is
    an assumption.

    With a `TrainedProbe` or a `GradientProbe` the theory is that of such probes, and the term, which falls as 1/N there
    too, is measured, not derived: by simulations of the same cell at N/2 and N/4, on other draws, whose difference is
    twice the term. No theory enters. They take about as long as the cell itself did.

    Where |d ln ε/d ln α| > 2.5, next to a transition, trials are of two kinds and their mean is typical of neither.
    There the median is compared, whose term has the skewness of the density in it.

    Args:
        simulation: From `simulate`, with at least 2 trials.
        teacher_overlap: Cosine of teacher and a third direction w_*, against which to test instead of the teacher;
            with ``probe_overlap``.
        probe_overlap: Cosine of probe and w_*.
        largest_z: |z_score| up to which they agree.

    Returns:
        The comparison, with its allowance.

    Raises:
        ValueError: Fewer than 2 trials, which give no standard error; no unit vector has these cosines; or
            ``largest_z`` is not > 0.
        SaddlePointError: The theory has no verified solution there.

    Example:
        >>> from perceptron_pruning import compare, simulate
        >>> from replica_theory import KeepHardest
        >>> cell = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=20, engine="numpy")
        >>> abs(compare(cell).z_score) < 5
        True
    """
    if not isinstance(simulation, SimulationResult):
        raise ValueError(f"`simulation` must be what `simulate` returns; got {simulation!r}")
    _check_trials(simulation.n_trials)
    _check_largest_z(largest_z)
    target = _target(teacher_overlap, probe_overlap)
    if isinstance(simulation.probe, OwnProbe):
        if target:
            raise ValueError("`teacher_overlap` and `probe_overlap` must be left out with a probe of the pool's own")
        return _compared_with_own_probe(simulation, largest_z)
    setting = {
        "student": simulation.student,
        "selection": simulation.selection,
        "probe_angle": simulation.probe_angle,
        "label_noise": simulation.label_noise,
        **target,
    }
    alpha, n_features = simulation.alpha_prune, simulation.n_features
    result = agreement(
        simulation.error_against(**target) if target else simulation.generalization_error,
        lambda alphas: student_error(alphas, **setting),
        alpha_prune=alpha,
        in_n_dimensions=student_finite_size(alpha, n_features=n_features, **setting),
        largest_z=largest_z,
    )
    return Comparison(simulation=simulation, **vars(result))


def compare_rounds(rounds: Sequence[SimulatedRound], *, largest_z: float = LARGEST_Z) -> tuple[Agreement, ...]:
    """Holds simulated rounds of pruning, all of `simulate_rounds`, against `replica_theory.pruning_rounds`.

    The finite-size terms are measured, as with a `TrainedProbe` in `compare`; to their errors the theory's own
    numerical ones are added. Slopes d ln ε/d ln α are not asked for, and not a number.

    Raises:
        ValueError: Too few trials or features, or a student whom the theory of rounds does not know.
        SaddlePointError: The theory has no verified solution there.

    Example:
        >>> from perceptron_pruning import compare_rounds, simulate_rounds
        >>> from replica_theory import KeepHardest, TrainedProbe
        >>> rounds = [(TrainedProbe("square", 0.1), KeepHardest(0.6))]
        >>> simulated = simulate_rounds(3.0, rounds=rounds, n_features=40, n_trials=20, engine="numpy")
        >>> [agreement.agrees for agreement in compare_rounds(simulated)]
        [True]
    """
    if not rounds or [len(simulated.rounds) for simulated in rounds] != list(range(1, len(rounds) + 1)):
        raise ValueError(
            f"`rounds` must be the rounds that `simulate_rounds` returns, from the first; got {len(rounds)} others"
        )
    _check_largest_z(largest_z)
    last = rounds[-1]
    _check_trials(last.n_trials)
    solutions, terms = rounds_errors(last), rounds_terms(last)
    return tuple(
        _agreement_of_means(simulated.generalization_error, solution, term, largest_z)
        for simulated, solution, term in zip(rounds, solutions, terms, strict=True)
    )


def _compared_with_own_probe(simulation: SimulationResult, largest_z: float) -> Comparison:
    """A cell whose probe was trained on its own pool, against the theory of these."""
    term = own_probe_term(simulation)
    if isinstance(simulation.probe, GradientProbe):
        result = _agreement_of_means(simulation.generalization_error, steps_error(simulation), term, largest_z)
        return Comparison(simulation=simulation, **vars(result))
    result = agreement(
        simulation.generalization_error,
        lambda alphas: own_probe_error(alphas, simulation),
        alpha_prune=simulation.alpha_prune,
        in_n_dimensions=term,
        largest_z=largest_z,
    )
    return Comparison(simulation=simulation, **vars(result))


def _agreement_of_means(
    simulated: np.ndarray, solution: PruningRound, term: FiniteSizeTerm, largest_z: float
) -> Agreement:
    """Trials against a theory that has a numerical uncertainty of its own."""
    value, standard_error = estimate(simulated, "mean")
    term = with_error_of_theory(term, solution)
    return Agreement(
        theory=solution.generalization_error,
        simulated=value,
        statistic="mean",
        standard_error=standard_error,
        finite_size=term.value,
        finite_size_error=term.error,
        finite_size_source=term.source,
        slope=math.nan,
        largest_z=largest_z,
    )


def _check_trials(n_trials: int) -> None:
    if n_trials < 2:
        raise ValueError(f"`simulation` must have n_trials >= 2 to give a standard error; got {n_trials}")


def _check_largest_z(largest_z: float) -> None:
    if not check_number(largest_z, "largest_z") > 0:
        raise ValueError(f"`largest_z` must be > 0; got {largest_z}")


def agreement(
    simulated: np.ndarray,
    theory: Callable[[np.ndarray], np.ndarray],
    *,
    alpha_prune: float,
    in_n_dimensions: FiniteSize | FiniteSizeTerm,
    largest_z: float = LARGEST_Z,
) -> Agreement:
    """Holds one value a trial, (n_trials ≥ 2,), against a positive quantity of the theory as a function of α.

    ``in_n_dimensions`` is what N dimensions make of that quantity, from `student_finite_size` or
    `replica_theory.finite_size`, or the measured term of the mean.
    """
    limit, slope = value_and_slope(theory, alpha_prune)
    measured = isinstance(in_n_dimensions, FiniteSizeTerm)
    statistic = "median" if abs(slope) > STEEP and not measured else "mean"
    value, standard_error = estimate(simulated, statistic)
    term = in_n_dimensions if measured else FiniteSizeTerm.of(in_n_dimensions, statistic)
    return Agreement(
        theory=limit,
        simulated=value,
        statistic=statistic,
        standard_error=standard_error,
        finite_size=term.value,
        finite_size_error=term.error,
        finite_size_source=term.source,
        slope=slope,
        largest_z=largest_z,
    )


def _target(teacher_overlap: float | None, probe_overlap: float | None) -> dict[str, float]:
    if teacher_overlap is None and probe_overlap is None:
        return {}
    if teacher_overlap is None or probe_overlap is None:
        raise ValueError(
            "`teacher_overlap` and `probe_overlap` must be given together; "
            f"got teacher_overlap={teacher_overlap}, probe_overlap={probe_overlap}"
        )
    return {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}


def student_error(
    alpha_prune: np.ndarray,
    *,
    student: Student,
    selection: Selection,
    probe_angle: float,
    label_noise: float = 0.0,
    **target: float,
) -> np.ndarray:
    """ε of the theory for any student that `simulate` trains, at these α; ``target`` as in `compare`."""
    setting = {"selection": selection, "probe_angle": probe_angle}
    if student == "max_margin" and label_noise == 0 and not target:
        return np.asarray(max_margin(alpha_prune, **setting).generalization_error)
    risk = MAX_MARGIN if student == "max_margin" else student
    solution = empirical_risk(
        alpha_prune,
        loss=risk.loss,
        ridge=risk.ridge,
        sample_weight=risk.sample_weight,
        label_noise=label_noise,
        **setting,
    )
    return solution.error_against(**target) if target else solution.generalization_error


def student_finite_size(
    alpha_prune: float,
    *,
    n_features: int,
    student: Student,
    selection: Selection,
    probe_angle: float,
    label_noise: float = 0.0,
    quantity: Quantity = "error",
    **target: float,
) -> FiniteSize:
    """ε, or another quantity, in N dimensions, for any student that `simulate` trains; ``target`` as in `compare`."""
    risk = (MAX_MARGIN if label_noise else None) if student == "max_margin" else student
    return finite_size(
        alpha_prune,
        n_features=n_features,
        selection=selection,
        probe_angle=probe_angle,
        risk=risk,
        label_noise=label_noise,
        quantity=quantity,
        **target,
    )
