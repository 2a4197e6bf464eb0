"""Students of finite dimension on pruned data: the theory's setting, sampled."""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from perceptron_pruning.observables import Observables, error_against, observables
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.sampling import (
    PrunedData,
    bytes_needed,
    data_pruned_by_its_own_probe,
    pool_size,
    pruned_data,
    trained_pruned_data,
)
from perceptron_pruning.students.arrays import accelerator_present
from perceptron_pruning.students.training import Student, check_student, train
from replica_theory.errors import check_alpha, check_probe_angle
from replica_theory.selection import (
    Calibrated,
    GradientProbe,
    KeepWithProbability,
    Selection,
    TrainedProbe,
    Verified,
    check_selection,
)
from replica_theory.selection.label_noise import Noise, check_label_noise, label_of

if TYPE_CHECKING:
    from perceptron_pruning.device.trials import DeviceTrials

Engine = Literal["numpy", "jax"]  # whose draws, and whose solvers
Probe = Literal["exact", "trained"]
OwnProbe = TrainedProbe | GradientProbe  # that was trained on the pool which it prunes

_HOST_MEMORY = 2**31  # bytes that trials on a CPU's cores may take together, by default
_SOLVER_COPIES = 4  # copies of a trial's inputs in memory, at the peak of solving it
_CHUNKS = 16  # calls into which an executor's trials are grouped, at most


@dataclass(frozen=True, kw_only=True)
class SimulationResult:
    """One cell of a simulation: its parameters, and one value a trial, each array (n_trials,).

    Attributes:
        alpha_prune: α = P/N that was simulated (P is rounded to whole examples).
        selection: The rule by which examples were kept.
        probe_angle: θ, radians; the mean over trials of trained probes.
        n_features: N, dimension of the inputs.
        n_trials: Independent pools.
        first_trial: Number t of the first trial.
        seed: Trial t of a seed is the same draw whatever the number of trials.
        n_kept: P, examples kept in each trial.
        probe: How the probe came about: "exact", "trained", or the `TrainedProbe` or `GradientProbe` that prunes its
            own pool.
        probe_epochs: Passes of a perceptron probe over the pool; 0 for any other.
        student: What was trained, "max_margin" or an EmpiricalRisk.
        label_noise: η, chance that a label of the pool was flipped.
        engine: "numpy" or "jax", which names the stream of draws too: trial t of a seed is one pool in one of them and
            another in the other, of one law.
        verified_by: Trials by how their students were solved and verified: "cpu", the exact solver; and in the compiled
            engine "quick" and "patient", two programs, of which the CPU takes what they leave.
        probe_angles: θ of each trial's probe, radians; ``probe_angle`` is their mean.
        generalization_error: ε = angle(student, teacher)/π, test error on clean, unpruned data.
        overlap: R, cosine of that angle.
        probe_overlap: ρ, cosine of the angle to the probe.
        margin: κ, least y J·x over kept examples for the unit-norm student J.
        norm: ‖w‖ of the student as it was trained.
        training_loss: Mean (weighted) loss of the kept examples, without the ridge; 0 of max-margin students.
        training_error: Share of the kept examples whose (noisy) label the student misses.
        direction: The unit-norm student, (n_trials, 4): along the probe, across it towards the teacher, along one
            axis outside their plane, and the length of the rest.

    Example:
        >>> from perceptron_pruning import simulate
        >>> from replica_theory import KeepHardest
        >>> setting = dict(selection=KeepHardest(0.5), n_features=20, engine="numpy")
        >>> cell = simulate(2.0, n_trials=8, **setting)
        >>> cell.generalization_error.shape, cell.n_kept, cell.engine
        ((8,), 40, 'numpy')
        >>> bool((simulate(2.0, n_trials=4, **setting).overlap == cell.overlap[:4]).all())
        True
    """

    alpha_prune: float
    selection: Selection
    probe_angle: float
    n_features: int
    n_trials: int
    first_trial: int
    seed: int
    n_kept: int
    probe: Probe | OwnProbe
    probe_epochs: int
    student: Student
    label_noise: Noise
    probe_angles: np.ndarray
    generalization_error: np.ndarray
    overlap: np.ndarray
    probe_overlap: np.ndarray
    margin: np.ndarray
    norm: np.ndarray
    training_loss: np.ndarray
    training_error: np.ndarray
    direction: np.ndarray
    engine: Engine = "numpy"
    verified_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def noisy_test_error(self) -> np.ndarray:
        """Test error on unpruned data with noisy labels, η + (1 − 2η) ε of noise at one rate, (n_trials,)."""
        return label_of(self.label_noise).error(math.pi * self.generalization_error)

    def error_against(self, *, teacher_overlap: float, probe_overlap: float) -> np.ndarray:
        """Test error (n_trials,) against a third direction w_*, given its cosines with teacher and probe.

        The teacher only labelled the examples and the probe only selected them. What w_* has outside
        their plane lies along one axis there, on which the student's component is chance.

        Raises:
            ValueError: No unit vector has these cosines with both.

        Example:
            >>> from perceptron_pruning import simulate
            >>> from replica_theory import KeepHardest
            >>> cell = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=5, engine="numpy")
            >>> cell.error_against(teacher_overlap=0.9, probe_overlap=0.9).shape
            (5,)
        """
        cosines = {"teacher_overlap": teacher_overlap, "probe_overlap": probe_overlap}
        return error_against(self.direction, self.probe_angles, **cosines)


def simulate(
    alpha_prune: float,
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    n_features: int = 200,
    n_trials: int = 100,
    first_trial: int = 0,
    seed: int = 0,
    probe: Probe | OwnProbe = "exact",
    probe_epochs: int = 3,
    student: Student = "max_margin",
    label_noise: Noise = 0.0,
    memory_budget: int | None = None,
    executor: Executor | None = None,
    engine: Literal["auto"] | Engine = "auto",
) -> SimulationResult:
    """Trains students on pruned Gaussian data and measures their test error.

    Inputs x ~ N(0, I_N), labels sign(T·x), each flipped with probability η, a probe at an angle to the teacher T; the
    rule, which sees the flipped labels, keeps P = α N of P/f examples. The error on unpruned data is exact given the
    student: ε = arctan2(part across T, part along T)/π. Trials run on all cores of a CPU, a process each; as compiled
    programs on all of JAX's devices, from the draw to the verified observables; or in the executor's workers. Within an
    engine, results do not depend on how trials are spread.

    Args:
        alpha_prune: α, kept examples per dimension, > 0.
        selection: Which examples are kept.
        probe_angle: θ between an exact probe and the teacher, radians, in [0, π/2].
        n_features: N, dimension of the inputs, ≥ 3.
        n_trials: Independent pools, ≥ 1.
        first_trial: Number of the first of them, ≥ 0: a long simulation can be run in parts.
        seed: Non-negative integer.
        probe: "exact", a probe that lies at ``probe_angle`` and knows nothing of the pool; a `TrainedProbe`, which
            minimises its risk on a share of the pool itself and then prunes that by rank, as in `max_margin`; a
            `GradientProbe`, which takes some steps down it, as in `pruning_rounds`; or "trained", a perceptron trained
            on the pool for a few epochs. The angle is what training gives.
        probe_epochs: Passes of a perceptron over the pool, ≥ 1.
        student: "max_margin", or an `EmpiricalRisk` (loss, ridge, sample weights).
        label_noise: η, chance that a label of the pool is flipped, in [0, 1/2], or a `LabelNoise`.
        memory_budget: Bytes that pools, inputs and solver may take together; trials run side by side
            only as far as it allows. By default 2 GiB, and on accelerators half of their memory.
        executor: Runs the trials instead, in chunks, on other machines for instance. Each of its workers
            takes one trial's memory, or in the compiled engine a batch's.
        engine: "numpy", trial by trial on a CPU's cores; "jax", batches in compiled programs on JAX's devices, which
            may be CPUs too; or "auto", "jax" where JAX has an accelerator and the engine has a program for this probe,
            student and rule. On a CPU the compiled engine, once compiled, is 2 to 7 times as fast at N = 20, twice at
            N = 50 up to α = 5, and does not win from N = 100 on (``benchmarks/engines.csv``).

    Returns:
        One value a trial; every student is verified optimal to 1e-9.

    Raises:
        ValueError: A parameter is out of range, a single trial exceeds the memory budget, or there is no
            student: noisy labels are not separable (an InfeasibleError, whose certificate shows it), or the
            logistic loss has no minimum for want of a ridge; or the compiled engine has no program for it.
        InaccurateError: A student could not be verified; carries its residuals.

    References:
        Sorscher et al. 2022, arXiv:2206.14486, section 2.

    Example:
        >>> from perceptron_pruning import simulate
        >>> from replica_theory import KeepHardest
        >>> result = simulate(2.0, selection=KeepHardest(0.5), n_features=100, n_trials=20)
        >>> result.generalization_error.shape
        (20,)
    """
    alpha = _checked_scalar(alpha_prune)
    angle = check_probe_angle(probe_angle)
    noise = check_label_noise(label_noise)
    check_selection(selection)
    check_student(student)
    trained = check_probe_of(probe, angle)
    if isinstance(probe, OwnProbe):
        check_ranks(selection)
    for name, value, least in (
        ("n_features", n_features, 3),
        ("n_trials", n_trials, 1),
        ("first_trial", first_trial, 0),
        ("seed", seed, 0),
        ("probe_epochs", probe_epochs, 1),
        ("memory_budget", _HOST_MEMORY if memory_budget is None else memory_budget, 1),
    ):
        check_count(name, value, at_least=least)
    n_kept = round(alpha * n_features)
    if n_kept < 1:
        raise ValueError(f"`alpha_prune` * `n_features` must be at least 1 example; got {alpha * n_features}")
    setting = _Setting(
        selection=selection,
        probe_angle=angle,
        n_kept=n_kept,
        n_features=n_features,
        seed=seed,
        probe=probe,
        probe_epochs=probe_epochs if probe == "trained" else 0,
        student=student,
        label_noise=noise,
    )
    chosen, trials = engine_of(engine, probe, student, selection, noise), range(first_trial, first_trial + n_trials)
    if chosen == "jax":
        outcomes, verified_by = _simulated_on_devices(setting, trials, memory_budget, executor)
    else:
        side_by_side = _trials_in_memory(setting, memory_budget or _HOST_MEMORY)
        outcomes, verified_by = _simulated(setting, trials, side_by_side, executor), {"cpu": n_trials}
    return SimulationResult(
        alpha_prune=n_kept / n_features,
        selection=selection,
        probe_angle=float(outcomes["probe_angles"].mean()) if trained else angle,
        n_features=n_features,
        n_trials=n_trials,
        first_trial=first_trial,
        seed=seed,
        n_kept=n_kept,
        probe=probe,
        probe_epochs=setting.probe_epochs,
        student=student,
        label_noise=noise,
        engine=chosen,
        verified_by=verified_by,
        **outcomes,
    )


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """What every trial has in common, and what a worker is sent; ``probe_epochs`` is 0 but for a perceptron."""

    selection: Selection
    probe_angle: float
    n_kept: int
    n_features: int
    seed: int
    probe: Probe | OwnProbe
    probe_epochs: int
    student: Student
    label_noise: Noise

    def draw(self, trial: int) -> PrunedData:
        size = {"n_kept": self.n_kept, "n_features": self.n_features, "seed": self.seed, "trial": trial}
        if isinstance(self.probe, OwnProbe):
            return data_pruned_by_its_own_probe(self.selection, probe=self.probe, label_noise=self.label_noise, **size)
        if self.probe_epochs:
            return trained_pruned_data(self.selection, epochs=self.probe_epochs, label_noise=self.label_noise, **size)
        return pruned_data(self.selection, probe_angle=self.probe_angle, label_noise=self.label_noise, **size)

    def run(self, trial: int) -> Observables:
        with one_blas_thread():
            data = self.draw(trial)
            return observables(data, *train(self.student, *data))

    def run_on_devices(self, trials: range, memory_budget: int | None) -> "DeviceTrials":
        from perceptron_pruning.device.trials import DeviceSetting, simulated_on_devices

        shared = {f.name: getattr(self, f.name) for f in fields(DeviceSetting)}
        return simulated_on_devices(DeviceSetting(**shared), trials, memory_budget=memory_budget)


def _trials_in_memory(setting: _Setting, memory_budget: int) -> int:
    """How many trials the budget holds at a time."""
    n_kept, n_features = setting.n_kept, setting.n_features
    pool = pool_size(setting.selection, setting.probe_angle, n_kept, setting.label_noise)
    drawing = bytes_needed(n_kept, n_features, pool, trained=setting.probe != "exact")
    trials = memory_budget // (drawing + _SOLVER_COPIES * 8 * n_kept * n_features)
    if trials < 1:
        raise ValueError(f"`memory_budget` must hold one trial of {n_kept} kept of {pool}; got {memory_budget} bytes")
    return trials


def _simulated(setting: _Setting, trials: range, side_by_side: int, executor: Executor | None) -> dict[str, np.ndarray]:
    """Observables of all trials, in order, each (trials, ...)."""
    if executor is not None:
        outcomes = list(executor.map(setting.run, trials, chunksize=max(1, len(trials) // _CHUNKS)))
    else:
        outcomes = on_all_cores(setting.run, trials, at_most=side_by_side)
    return {
        name: np.array(values) for name, values in zip(Observables._fields, zip(*outcomes, strict=True), strict=True)
    }


def _simulated_on_devices(
    setting: _Setting, trials: range, memory_budget: int | None, executor: Executor | None
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Observables of all trials, in order, each (trials, ...), and how many each stage verified."""
    if executor is None:
        parts = [setting.run_on_devices(trials, memory_budget)]
    else:
        size = -(-len(trials) // _CHUNKS)
        chunks = [trials[first : first + size] for first in range(0, len(trials), size)]
        parts = list(executor.map(setting.run_on_devices, chunks, [memory_budget] * len(chunks)))
    columns = zip(*(part.observables for part in parts), strict=True)
    outcomes = {name: np.concatenate(column) for name, column in zip(Observables._fields, columns, strict=True)}
    return outcomes, {stage: sum(part.verified_by[stage] for part in parts) for stage in parts[0].verified_by}


def engine_of(
    engine: str, probe: Probe | OwnProbe, student: Student, selection: Selection, label_noise: Noise
) -> Engine:
    """The engine that was asked for, or that suits.

    Raises:
        ValueError: There is no such engine, or the compiled one has no program for this probe, student, rule and
            noise.
    """

    def check() -> None:
        from perceptron_pruning.device.trials import check_programs

        check_programs(probe, student, selection, label_noise)

    return suitable_engine(engine, check)


def suitable_engine(engine: str, check: Callable[[], None]) -> Engine:
    """The engine that was asked for; with "auto" the compiled one, if there is an accelerator and the check passes.

    Raises:
        ValueError: There is no such engine, or it is the compiled one and the check raises.
    """
    if engine not in ("auto", *get_args(Engine)):
        raise ValueError(f"`engine` must be 'auto', 'numpy' or 'jax'; got {engine!r}")
    if engine == "numpy" or (engine == "auto" and not accelerator_present()):
        return "numpy"
    try:
        check()
    except ValueError:
        if engine == "jax":
            raise
        return "numpy"
    return "jax"


def check_probe_of(probe: Probe | OwnProbe, angle: float) -> bool:
    """Whether it is trained; raises a `ValueError` unless there is such a probe, and it needs this angle."""
    if not isinstance(probe, OwnProbe) and probe not in get_args(Probe):
        raise ValueError(f"`probe` must be 'exact', 'trained', a TrainedProbe or a GradientProbe; got {probe!r}")
    if probe != "exact" and angle != 0:
        raise ValueError(f"`probe_angle` must be left out with probe={probe!r}, which finds its own; got {angle}")
    return probe != "exact"


def check_ranks(selection: Selection) -> None:
    """Refuses rules that keep by chance: a pool that fell short could not be drawn again without its probe."""
    ranks = selection.selection if isinstance(selection, Calibrated) else selection
    if isinstance(ranks, KeepWithProbability | Verified):
        raise ValueError(f"`selection` must keep a number by rank with a probe of the pool's own; got {selection!r}")


def _checked_scalar(alpha_prune: float) -> float:
    alpha = check_alpha(alpha_prune)
    if alpha.ndim:
        raise ValueError(f"`alpha_prune` must be a single number here; got shape {alpha.shape}")
    return float(alpha)


def check_count(name: str, value: int, *, at_least: int) -> None:
    if not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"`{name}` must be an integer >= {at_least}; got {value!r}")
