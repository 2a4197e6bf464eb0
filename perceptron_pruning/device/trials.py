"""Trials of `simulate` in compiled programs, with exact probes or with probes of the pool's own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import jax
import numpy as np

from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.host_sort import host_sorted_planes
from perceptron_pruning.device.numerics import bucket, device_numerics, power_of_two
from perceptron_pruning.device.own_probes import check_own_probe
from perceptron_pruning.device.programs import (
    EXCHANGE_STEPS,
    INTERIOR_STEPS,
    RESIDUAL,
    Layout,
    Scene,
    planes_program,
    rows_program,
    students_program,
)
from perceptron_pruning.device.rounds import OwnPools
from perceptron_pruning.device.rule import PoolRule, pool_rule
from perceptron_pruning.device.shipped import shipped_planes
from perceptron_pruning.device.stages import through_stages
from perceptron_pruning.device.students import check_seed, program_name, total_ridge
from perceptron_pruning.observables import Observables
from perceptron_pruning.sampling import PrunedData, pool_size
from perceptron_pruning.students.training import Student
from replica_theory.selection import Selection, TrainedProbe
from replica_theory.selection.label_noise import LabelNoise, Noise

_ROWS_COPIES = 5  # arrays (P, N) of double precision that a trial needs at its peak
_SQUARE_COPIES = 8  # arrays (N, N)
_POOL_SCALARS = 10  # numbers for each example of the pool


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
    label_noise: Noise
    probe: object = "exact"

    def __post_init__(self):
        check_seed(self.seed)
        check_programs(self.probe, self.student, self.selection, self.label_noise)

    @property
    def n_rounds(self) -> int:
        return 1

    @property
    def own_pools(self) -> OwnPools | None:
        """The pools of a probe that is trained on them; None with an exact one."""
        if not isinstance(self.probe, TrainedProbe):
            return None
        return OwnPools(
            rounds=((self.probe, self.selection),),
            n_pool=pool_size(self.selection, 0.0, self.n_kept, self.label_noise),
            sizes=(self.n_kept,),
            n_features=self.n_features,
            seed=self.seed,
            student=self.student,
            label_noise=self.flip_rate or 0.0,
        )

    @property
    def flip_rate(self) -> float | None:
        """η; None where the chance of a wrong label has a shape, which only the host draws."""
        return None if isinstance(self.label_noise, LabelNoise) else float(self.label_noise)

    @property
    def scene(self) -> Scene:
        noise, ridge = self.flip_rate or 0.0, total_ridge(self.student, self.n_features)
        return Scene(np.uint64(self.seed), np.float64(self.probe_angle), np.float64(noise), np.float64(ridge))

    @property
    def rule(self) -> PoolRule | None:
        """The rule in numbers; None where the host draws the planes."""
        if self.flip_rate is None:
            return None
        return pool_rule(self.selection, self.probe_angle, self.n_kept, self.flip_rate)

    def bytes_of_a_trial(self) -> tuple[int, int]:
        """Of a trial's pool, and of its rows while it is solved."""
        if (pools := self.own_pools) is not None:
            return pools.bytes_of_a_trial()
        rule, examples, features = self.rule, bucket(self.n_kept), self.n_features
        pool = power_of_two(int(rule.pool)) if rule is not None else 0
        planes = 8 * (_POOL_SCALARS * pool + 2 * examples)
        return planes, 8 * features * (_ROWS_COPIES * examples + _SQUARE_COPIES * features)

    def numbers(self, trials: np.ndarray, effort: Effort, layout: Layout) -> np.ndarray:
        """Numbers of a batch, (T, 1, 15)."""
        if (pools := self.own_pools) is not None:
            return pools.numbers(trials, effort, layout)
        program = students_program(program_name(self.student), self.n_features, effort, layout)
        return np.asarray(program(self.scene, trials, _planes(self, trials, layout)))[:, None]

    def fetched(self, trial: np.uint64) -> list[PrunedData]:
        """The same draws for the host, which sorts them itself: labelled rows y x (P, N), with labels 1."""
        if (pools := self.own_pools) is not None:
            return pools.fetched(trial)
        probe = np.zeros(self.n_features)
        probe[:2] = np.cos(self.probe_angle), np.sin(self.probe_angle)
        with device_numerics():
            plane = _planes(self, np.array([trial]), Layout((0,), 1), host_sorts=True)[0]
            rows = np.asarray(rows_program(self.n_features)(self.scene, trial, plane))[: self.n_kept]
        if not np.isfinite(rows).all():
            raise ArithmeticError(f"chance kept fewer than {self.n_kept} examples of trial {trial}; give another seed")
        return [PrunedData(rows, np.ones(len(rows)), probe)]


def check_programs(probe: object, student: Student, selection: Selection, label_noise: Noise) -> None:
    """Raises a `ValueError` unless the compiled engine has a program for them."""
    program_name(student)
    if probe == "exact":
        return
    check_own_probe(probe, selection)
    if isinstance(label_noise, LabelNoise):
        raise ValueError(
            "`label_noise` must be one chance for all labels with a trained probe in the compiled engine; "
            f"got {label_noise!r} (give engine='numpy')"
        )


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
    numbers, verified_by = verified = through_stages(
        setting,
        trials,
        memory_budget=memory_budget,
        double_factors=double_factors,
        layout=layout,
        largest_batch=largest_batch,
    )
    return DeviceTrials(
        observables=verified.observables(0),
        verified_by=verified_by,
        residuals=numbers[:, 0, RESIDUAL],
        interior_steps=numbers[:, 0, INTERIOR_STEPS],
        exchange_steps=numbers[:, 0, EXCHANGE_STEPS],
    )


def _planes(
    setting: DeviceSetting, trials: np.ndarray, layout: Layout, *, host_sorts: bool | None = None
) -> jax.Array | np.ndarray:
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
    if jax.default_backend() == "cpu" if host_sorts is None else host_sorts:
        return host_sorted_planes(setting.scene, rule, trials, layout)
    return planes_program(power_of_two(int(rule.pool)), layout)(setting.scene, rule, trials)


def fetched_rows(setting: DeviceSetting, trials: Sequence[int]) -> Iterator[PrunedData]:
    """The same draws for the host, one trial at a time: labelled rows y x (P, N), with labels 1.

    A probe of the pool's own is trained, and the pool pruned, by the host.
    """
    for trial in np.asarray(trials, np.uint64):
        yield from setting.fetched(trial)
