"""Rounds of pruning in simulation: prune, train the next probe on what is left, and prune again."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from perceptron_pruning.observables import Observables, observables
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.sampling import PrunedData, labelled_pool
from perceptron_pruning.simulation import Engine, OwnProbe, check_count, check_ranks, suitable_engine
from perceptron_pruning.students.probe import train_probe
from perceptron_pruning.students.training import Student, check_student, train
from replica_theory.errors import check_alpha
from replica_theory.selection import GradientProbe, Selection, TrainedProbe, check_selection
from replica_theory.selection.label_noise import check_flip_rate

if TYPE_CHECKING:
    from perceptron_pruning.device.rounds import OwnPools

_CHUNKS = 16  # calls into which an executor's trials are grouped, at most


@dataclass(frozen=True, kw_only=True)
class SimulatedRound:
    """One round of many pools: what its probe was, and the students trained on what is left after it.

    Attributes:
        alpha_total: α of the pool that was simulated (P_tot is rounded to whole examples).
        alpha_prune: α of what is left.
        rounds: All rounds up to this one, pairs of probe and rule.
        student: What was trained on what is left, "max_margin" or an EmpiricalRisk.
        label_noise: η.
        rerank_pool: Whether the whole pool was ranked again.
        n_features: N.
        n_trials: Independent pools.
        first_trial: Number of the first of them.
        seed: Trial t of a seed is the same pool whatever the number of trials.
        probe_angles: θ of each pool's probe in this round, radians, (n_trials,).
        generalization_error: ε of its student, (n_trials,).
        probe_overlap: ρ, cosine of student and probe, (n_trials,).
        norm: ‖w‖ of its student, (n_trials,).
        engine: "numpy" or "jax", which names the stream of draws too; see `SimulationResult`.
        verified_by: Trials by the stage that verified the students and probes of all their rounds.

    Example:
        >>> from perceptron_pruning import simulate_rounds
        >>> from replica_theory import KeepHardest, TrainedProbe
        >>> rounds = [(TrainedProbe("square", 0.1), KeepHardest(0.5))] * 2
        >>> first, second = simulate_rounds(8.0, rounds=rounds, n_features=20, n_trials=5, engine="numpy")
        >>> first.alpha_prune, second.alpha_prune, second.generalization_error.shape
        (4.0, 2.0, (5,))
    """

    alpha_total: float
    alpha_prune: float
    rounds: tuple[tuple[OwnProbe, Selection], ...]
    student: Student
    label_noise: float
    rerank_pool: bool
    n_features: int
    n_trials: int
    first_trial: int
    seed: int
    probe_angles: np.ndarray
    generalization_error: np.ndarray
    probe_overlap: np.ndarray
    norm: np.ndarray
    engine: Engine = "numpy"
    verified_by: Mapping[str, int] = field(default_factory=dict)


def simulate_rounds(
    alpha_total: float,
    *,
    rounds: Sequence[tuple[OwnProbe, Selection]],
    student: Student = "max_margin",
    label_noise: float = 0.0,
    rerank_pool: bool = False,
    n_features: int = 200,
    n_trials: int = 100,
    first_trial: int = 0,
    seed: int = 0,
    memory_budget: int | None = None,
    executor: Executor | None = None,
    engine: Literal["auto"] | Engine = "auto",
) -> tuple[SimulatedRound, ...]:
    """The simulation of `replica_theory.pruning_rounds`: full pools, probes and students trained on them.

    Args:
        alpha_total: α of the pool, examples per dimension, > 0.
        rounds: (probe, rule) of each round, the probe a `TrainedProbe` or a `GradientProbe`, the rule one that keeps a
            fixed number by rank: of what is left, or of the pool with ``rerank_pool``.
        student: "max_margin", or an `EmpiricalRisk`; one is trained after each round.
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2].
        rerank_pool: Whether every probe, trained on what is left, ranks the whole pool again.
        n_features: N, dimension of the inputs, ≥ 3.
        n_trials: Independent pools, ≥ 1.
        first_trial: Number of the first of them, ≥ 0.
        seed: Non-negative integer.
        memory_budget: Bytes that a batch of the compiled engine may take; by default half of what its devices have.
        executor: Runs the trials instead of this machine's cores; for the NumPy engine.
        engine: As in `simulate`. The compiled one has programs for a `TrainedProbe` of a differentiable loss.

    Returns:
        One result a round.

    Raises:
        ValueError: A parameter is out of range, a round keeps nothing, or there is no student.
        InaccurateError: A student could not be verified.

    Example:
        >>> from perceptron_pruning import simulate_rounds
        >>> from replica_theory import KeepHardest, TrainedProbe
        >>> twice = simulate_rounds(
        ...     3.0, rounds=[(TrainedProbe(), KeepHardest(0.5))] * 2, n_features=50, n_trials=4
        ... )
        >>> [result.alpha_prune for result in twice]
        [1.5, 0.76]
    """
    alpha, noise = float(check_alpha(alpha_total, "alpha_total")), check_flip_rate(label_noise)
    check_student(student)
    _check_rounds(rounds)
    for name, value, least in (
        ("n_features", n_features, 3),
        ("n_trials", n_trials, 1),
        ("first_trial", first_trial, 0),
        ("seed", seed, 0),
    ):
        check_count(name, value, at_least=least)
    n_pool = round(alpha * n_features)
    setting = _Setting(tuple(rounds), student, noise, bool(rerank_pool), n_features, n_pool, seed)
    sizes = setting.sizes()
    trials = range(first_trial, first_trial + n_trials)
    chosen = _engine(setting, engine, executor)
    if chosen == "jax":
        outcomes, verified_by = setting.run_on_devices(trials, memory_budget)
    else:
        outcomes, verified_by = _by_round(setting, trials, executor), {"cpu": n_trials}
    return tuple(
        SimulatedRound(
            alpha_total=n_pool / n_features,
            alpha_prune=size / n_features,
            rounds=setting.rounds[: number + 1],
            student=student,
            label_noise=noise,
            rerank_pool=setting.rerank_pool,
            n_features=n_features,
            n_trials=n_trials,
            first_trial=first_trial,
            seed=seed,
            probe_angles=np.asarray(of_round.probe_angles),
            generalization_error=np.asarray(of_round.generalization_error),
            probe_overlap=np.asarray(of_round.probe_overlap),
            norm=np.asarray(of_round.norm),
            engine=chosen,
            verified_by=verified_by,
        )
        for number, (size, of_round) in enumerate(zip(sizes, outcomes, strict=True))
    )


@dataclass(frozen=True)
class _Setting:
    """What every trial has in common, and what a worker is sent."""

    rounds: tuple[tuple[OwnProbe, Selection], ...]
    student: Student
    label_noise: float
    rerank_pool: bool
    n_features: int
    n_pool: int
    seed: int

    def sizes(self) -> list[int]:
        """Examples left after each round."""
        sizes, left = [], self.n_pool
        for _, selection in self.rounds:
            fraction = selection.kept_distribution(0.0, self.label_noise).keep_fraction
            left = round(fraction * (self.n_pool if self.rerank_pool else left))
            sizes.append(left)
        if min(sizes) < 1:
            raise ValueError(f"`rounds` must leave at least one of {self.n_pool} examples; they leave {sizes}")
        return sizes

    def on_devices(self) -> "OwnPools":
        """The same for the compiled engine.

        Raises:
            ValueError: It has no program for a probe, a rule or the student.
        """
        from perceptron_pruning.device.rounds import OwnPools

        return OwnPools(sizes=self.sizes(), **vars(self))

    def run_on_devices(self, trials: range, memory_budget: int | None) -> tuple[list[Observables], dict[str, int]]:
        """Observables of each round, arrays (n_trials, ...), and trials that each stage verified."""
        from perceptron_pruning.device.rounds import rounds_on_devices

        verified = rounds_on_devices(self.on_devices(), trials, memory_budget=memory_budget)
        return [verified.observables(number) for number in range(len(self.rounds))], verified.verified_by

    def run(self, trial: int) -> list[Observables]:
        """One pool, round by round."""
        with one_blas_thread():
            return list(self._rounds(np.random.default_rng([self.seed, trial])))

    def _rounds(self, rng: np.random.Generator) -> Iterator[Observables]:
        pool, labels = labelled_pool(self.n_pool, self.n_features, self.label_noise, rng)
        left = np.arange(self.n_pool)
        for (probe, selection), size in zip(self.rounds, self.sizes(), strict=True):
            weights, fields = train_probe(probe, pool[left], labels[left], rng)
            ranked = left
            if self.rerank_pool:
                everywhere = pool @ weights
                everywhere[left], ranked = fields, np.arange(self.n_pool)
                fields = everywhere
            left = ranked[np.sort(selection.choose(fields, labels[ranked], count=size, rng=rng))]
            data = PrunedData(pool[left], labels[left], weights)
            yield observables(data, *train(self.student, *data))


def _by_round(setting: _Setting, trials: range, executor: Executor | None) -> list[Observables]:
    """Observables of each round, arrays (n_trials, ...), by the NumPy engine."""
    if executor is not None:
        outcomes = list(executor.map(setting.run, trials, chunksize=max(1, len(trials) // _CHUNKS)))
    else:
        outcomes = on_all_cores(setting.run, trials)
    return [Observables._make(map(np.array, zip(*of_round, strict=True))) for of_round in zip(*outcomes, strict=True)]


def _engine(setting: _Setting, engine: str, executor: Executor | None) -> Engine:
    """The engine that was asked for, or that suits."""
    if engine == "jax" and executor is not None:
        raise ValueError("`executor` must be left out with engine='jax', which has all devices in one process")

    def check() -> None:
        setting.on_devices()

    return suitable_engine("numpy" if executor is not None and engine == "auto" else engine, check)


def _check_rounds(rounds: Sequence[tuple[OwnProbe, Selection]]) -> None:
    if not len(rounds):
        raise ValueError("`rounds` must hold a (probe, rule) pair or more; got none")
    for pair in rounds:
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], TrainedProbe | GradientProbe)):
            raise ValueError(f"`rounds` must be pairs of a TrainedProbe or GradientProbe and a rule; got {pair!r}")
        check_selection(pair[1])
        check_ranks(pair[1])
