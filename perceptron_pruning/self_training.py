"""Rounds of self-training in simulation: each round's student labels the next pool, which an oracle curates."""

import math
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.simulation import check_count
from perceptron_pruning.students.training import Student, check_student, train
from replica_theory.errors import check_alpha, check_probe_angle
from replica_theory.selection import Selection, check_selection


def simulate_self_training(
    alpha_total: float,
    *,
    rounds: int,
    selection: Selection,
    generator_angle: float,
    oracle_angle: float,
    student: Student,
    n_features: int = 200,
    n_trials: int = 100,
    first_trial: int = 0,
    seed: int = 0,
) -> np.ndarray:
    """The simulation of `replica_theory.self_training`: errors on the truth, (rounds, n_trials).

    Generator and oracle err independently, cos(mutual) = cos(generator) cos(oracle); from the second round on the
    student before is the generator, as it is.

    Args:
        alpha_total: Size of every pool before selection, examples per dimension, > 0.
        rounds: Number of students, ≥ 1.
        selection: Which examples are kept, as a function of the oracle's field and the label.
        generator_angle: Between the first generator and the truth, radians, in [0, π/2].
        oracle_angle: Between oracle and truth, radians, in [0, π/2].
        student: "max_margin" or an `EmpiricalRisk`.
        n_features: N, dimension of the inputs, ≥ 4.
        n_trials: Independent chains, ≥ 1.
        first_trial: Number of the first of them, ≥ 0.
        seed: Non-negative integer.

    Raises:
        ValueError: A parameter is out of range, a round keeps nothing, or there is no student.
        InaccurateError: A student could not be verified.

    Example:
        >>> from perceptron_pruning import simulate_self_training
        >>> from replica_theory import EmpiricalRisk, KeepRandom
        >>> errors = simulate_self_training(
        ...     5.0, rounds=2, selection=KeepRandom(), generator_angle=0.3, oracle_angle=0.2,
        ...     student=EmpiricalRisk("square", 0.3), n_features=40, n_trials=3,
        ... )
        >>> errors.shape
        (2, 3)
    """
    check_student(student)
    for name, value, least in (
        ("rounds", rounds, 1),
        ("n_features", n_features, 4),
        ("n_trials", n_trials, 1),
        ("first_trial", first_trial, 0),
        ("seed", seed, 0),
    ):
        check_count(name, value, at_least=least)
    chain = _Chain(
        n_pool=max(1, round(float(check_alpha(alpha_total, "alpha_total")) * n_features)),
        n_features=n_features,
        rounds=rounds,
        selection=check_selection(selection),
        generator_angle=check_probe_angle(generator_angle),
        oracle_angle=check_probe_angle(oracle_angle),
        student=student,
        seed=seed,
    )
    return np.array(on_all_cores(chain.run, range(first_trial, first_trial + n_trials))).T


@dataclass(frozen=True, kw_only=True)
class _Chain:
    """What every trial has in common."""

    n_pool: int
    n_features: int
    rounds: int
    selection: Selection
    generator_angle: float
    oracle_angle: float
    student: Student
    seed: int

    def run(self, trial: int) -> list[float]:
        """Errors of one chain of students."""
        with one_blas_thread():
            return self._errors(np.random.default_rng([self.seed, trial]))

    def _errors(self, rng: np.random.Generator) -> list[float]:
        truth, generator, oracle = self._directions()
        errors = []
        for _ in range(self.rounds):
            inputs, labels = self._kept(generator, oracle, rng)
            generator = train(self.student, inputs, labels, oracle).weights
            across = np.linalg.norm(generator[1:])
            errors.append(math.atan2(float(across), float(generator @ truth)) / math.pi)
        return errors

    def _directions(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Truth, generator and oracle, with errors that are independent."""
        truth, generator, oracle = np.zeros((3, self.n_features))
        truth[0] = 1.0
        generator[:2] = math.cos(self.generator_angle), math.sin(self.generator_angle)
        oracle[[0, 2]] = math.cos(self.oracle_angle), math.sin(self.oracle_angle)
        return truth, generator, oracle

    def _kept(self, generator: np.ndarray, oracle: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Inputs and labels that the oracle keeps of a fresh pool."""
        pool = rng.standard_normal((self.n_pool, self.n_features))
        labels, field = np.sign(pool @ generator), pool @ oracle
        mutual = math.acos(min(float(generator @ oracle / np.linalg.norm(generator)), 1.0))
        fraction = self.selection.kept_distribution(mutual).keep_fraction
        count = max(1, round(fraction * self.n_pool))
        chosen = self.selection.choose(field, labels, count=count, rng=rng)
        return pool[chosen], labels[chosen]
