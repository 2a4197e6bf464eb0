"""Any number of trials: a quick program, a patient one for what that leaves unverified, then the CPU's exact solver."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from perceptron_pruning.device.batches import batches, layout_of
from perceptron_pruning.device.draws import kept_places
from perceptron_pruning.device.effort import Effort, efforts
from perceptron_pruning.device.numerics import bucket, device_numerics, power_of_two
from perceptron_pruning.device.own_probes import check_own_probe, loss_name, own_probe, trained_by_the_host
from perceptron_pruning.device.programs import (
    EXCHANGE_STEPS,
    INTERIOR_STEPS,
    N_NUMBERS,
    RESIDUAL,
    SCALARS,
    Layout,
    Scene,
    own_probe_program,
    planes_program,
    pool_program,
    rows_program,
    students_program,
)
from perceptron_pruning.device.rule import PoolRule, pool_rule
from perceptron_pruning.device.shipped import shipped_planes
from perceptron_pruning.device.students import program_name, total_ridge
from perceptron_pruning.observables import Observables, observables
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.sampling import PrunedData
from perceptron_pruning.students.errors import TOLERANCE
from perceptron_pruning.students.training import Student, train
from replica_theory.selection import Selection, TrainedProbe

STAGES = ("quick", "patient", "cpu")


@dataclass(frozen=True, kw_only=True)
class DeviceSetting:
    """What all trials have in common; as in `simulate`.

    Raises:
        ValueError: The seed has more than 64 bits, or the student or the probe has no compiled program.
    """

    selection: Selection
    probe_angle: float
    n_kept: int
    n_features: int
    seed: int
    student: Student
    label_noise: float
    probe: object = "exact"

    def __post_init__(self):
        if self.seed >= 2**64:
            raise ValueError(f"`seed` must be below 2**64 in the compiled engine; got {self.seed}")
        check_programs(self.probe, self.student, self.selection)

    @property
    def own_probe(self) -> TrainedProbe | None:
        """The probe that is trained on the pool; None for an exact one."""
        return self.probe if isinstance(self.probe, TrainedProbe) else None

    @property
    def scene(self) -> Scene:
        ridge = total_ridge(self.student, self.n_features)
        return Scene(
            np.uint64(self.seed), np.float64(self.probe_angle), np.float64(self.label_noise), np.float64(ridge)
        )

    @property
    def rule(self) -> PoolRule | None:
        return pool_rule(self.selection, self.probe_angle, self.n_kept, self.label_noise)


def check_programs(probe: object, student: Student, selection: Selection) -> None:
    """Raises a `ValueError` unless the compiled engine has a program for them."""
    program_name(student)
    if probe != "exact":
        check_own_probe(probe, selection)


@dataclass(frozen=True, kw_only=True)
class DeviceTrials:
    """Observables of verified students, and how they were verified.

    Attributes:
        observables: Each (T, ...), in the order of the trials.
        verified_by: Trials that each stage verified: "quick", "patient", "cpu".
        residuals: Largest residual of each trial's conditions of optimality, (T,); NaN of those that the CPU solved.
        interior_steps, exchange_steps: Of the last program that a trial ran in, (T,).
    """

    observables: Observables
    verified_by: dict[str, int]
    residuals: np.ndarray = field(repr=False)
    interior_steps: np.ndarray = field(repr=False)
    exchange_steps: np.ndarray = field(repr=False)


def simulated_on_devices(
    setting: DeviceSetting,
    trials: Sequence[int],
    *,
    memory_budget: int | None = None,
    double_factors: bool = True,
    layout: Layout | None = None,
    largest_batch: int | None = None,
) -> DeviceTrials:
    """Simulates trials by their numbers; the results do not depend on how they are batched, to rounding.

    Args:
        setting: What they have in common.
        trials: Their numbers, in any order.
        memory_budget: Bytes that a batch may take; by default half of what the devices have.
        double_factors: Whether matrices are factored in double precision, or in single precision and refined.
        layout: Devices and lock step; by default all devices.
        largest_batch: Trials of a batch at most.

    Raises:
        ValueError: There is no student, or the budget does not hold a trial.
        InaccurateError: The CPU could not verify a student either.
    """
    numbers, stage = np.full((len(trials), N_NUMBERS), np.nan), np.full(len(trials), len(STAGES) - 1)
    chosen = np.asarray(trials, np.uint64)
    layout = layout or layout_of(setting.n_features)
    with device_numerics():
        for attempt, effort in enumerate(efforts(double_factors)):
            left = np.flatnonzero(stage == len(STAGES) - 1)
            for places in batches(setting, left, layout, memory_budget=memory_budget, largest=largest_batch):
                numbers[places] = _numbers(setting, chosen[places], effort, layout)
            stage[left[verified(numbers[left])]] = attempt
    for place in np.flatnonzero(stage == len(STAGES) - 1):
        numbers[place] = _solved_by_the_host(setting, int(chosen[place]))
    return DeviceTrials(
        observables=Observables._make([*numbers[:, :SCALARS].T, numbers[:, EXCHANGE_STEPS + 1 :]]),
        verified_by={name: int((stage == index).sum()) for index, name in enumerate(STAGES)},
        residuals=numbers[:, RESIDUAL],
        interior_steps=numbers[:, INTERIOR_STEPS],
        exchange_steps=numbers[:, EXCHANGE_STEPS],
    )


def verified(numbers: np.ndarray) -> np.ndarray:
    """Whether the residual is at most 1e-9 and all numbers are finite, (T,)."""
    return (numbers[:, RESIDUAL] <= TOLERANCE) & np.isfinite(numbers).all(1)


def _numbers(setting: DeviceSetting, trials: np.ndarray, effort: Effort, layout: Layout) -> np.ndarray:
    """The numbers (T, 15) of a batch, padded to a size for which a program may have been compiled already."""
    n_devices = len(layout.devices)
    padded = np.resize(trials, n_devices * power_of_two(-(-len(trials) // n_devices)))
    student, n_features = program_name(setting.student), setting.n_features
    if setting.own_probe is None:
        program = students_program(student, n_features, effort, layout)
        return np.asarray(program(setting.scene, padded, _planes(setting, padded, layout)))[: len(trials)]
    rule, n_pool = _own_pool(setting)
    program = own_probe_program(student, loss_name(setting.own_probe), n_features, n_pool, effort, layout)
    numbers = own_probe(setting.own_probe, int(rule.pool), n_features)
    return np.asarray(program(setting.scene, rule, numbers, padded))[: len(trials)]


def _own_pool(setting: DeviceSetting) -> tuple[PoolRule, int]:
    """The rule, and the examples that a program draws of the whole pool."""
    rule = setting.rule
    assert rule is not None  # as `check_own_probe` has seen
    return rule, bucket(int(rule.pool))


def _planes(setting: DeviceSetting, trials: np.ndarray, layout: Layout) -> jax.Array | np.ndarray:
    """Kept planes (T, P_bucket, 2), made on the devices, or by the host where only that knows the rule."""
    rule = setting.rule
    if rule is None:
        return shipped_planes(
            setting.selection,
            probe_angle=setting.probe_angle,
            n_kept=setting.n_kept,
            label_noise=setting.label_noise,
            seed=setting.seed,
            trials=trials,
        )
    return planes_program(power_of_two(int(rule.pool)), layout)(setting.scene, rule, trials)


def fetched_rows(setting: DeviceSetting, trials: Sequence[int]) -> Iterator[PrunedData]:
    """The same draws for the host, one trial at a time: labelled rows y x (P, N), with labels 1.

    A probe of the pool's own is trained, and the pool pruned, by the host.
    """
    for trial in np.asarray(trials, np.uint64):
        yield _fetched_exact(setting, trial) if setting.own_probe is None else _fetched_own(setting, trial)


def _fetched_exact(setting: DeviceSetting, trial: np.uint64) -> PrunedData:
    probe = np.zeros(setting.n_features)
    probe[:2] = np.cos(setting.probe_angle), np.sin(setting.probe_angle)
    with device_numerics():
        plane = _planes(setting, np.array([trial]), Layout((0,), 1))[0]
        rows = np.asarray(rows_program(setting.n_features)(setting.scene, trial, plane))[: setting.n_kept]
    if not np.isfinite(rows).all():
        raise ArithmeticError(f"chance kept fewer than {setting.n_kept} examples of trial {trial}; give another seed")
    return PrunedData(rows, np.ones(len(rows)), probe)


def _fetched_own(setting: DeviceSetting, trial: np.uint64) -> PrunedData:
    probe, (rule, n_pool) = setting.own_probe, _own_pool(setting)
    assert probe is not None
    n_seen = own_probe(probe, int(rule.pool), setting.n_features).n_seen
    with device_numerics():
        pool, seen = map(np.asarray, pool_program(setting.n_features, n_pool)(setting.scene, rule.pool, n_seen, trial))
    weights = trained_by_the_host(probe, pool, seen)
    chosen = kept_places(np, rule, pool @ weights, np.arange(n_pool) < rule.pool)[: setting.n_kept]
    return PrunedData(pool[chosen], np.ones(len(chosen)), weights)


def _solved_by_the_host(setting: DeviceSetting, trial: int) -> np.ndarray:
    """The numbers (15,) of a trial by the exact solver, residual and steps NaN."""
    with one_blas_thread():
        (data,) = fetched_rows(setting, [trial])
        weights, loss = train(setting.student, *data)
        seen = observables(data, weights, loss)
    return np.concatenate([np.array(seen[:-1]), np.full(3, np.nan), seen.direction])
