"""Trials through the stages: a quick program, a patient one for what that leaves unverified, then the CPU's solver."""

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np

from perceptron_pruning.device.batches import Sized, batches, layout_of
from perceptron_pruning.device.effort import Effort, efforts
from perceptron_pruning.device.numerics import device_numerics, power_of_two
from perceptron_pruning.device.programs import EXCHANGE_STEPS, N_NUMBERS, RESIDUAL, SCALARS, Layout
from perceptron_pruning.observables import Observables, observables
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.sampling import PrunedData
from perceptron_pruning.students.errors import TOLERANCE
from perceptron_pruning.students.training import Student, train

_ONE_AT_A_TIME = Lock()  # programs of several threads would share devices, and their memory
STAGES = ("quick", "patient", "cpu")
_SECOND_BATCH = 64  # trials a device at a second attempt: where a large batch went wrong, a small one has other kernels


class Trials(Sized, Protocol):
    """What is run: a program for a batch, and the same draws for the host."""

    @property
    def student(self) -> Student: ...
    @property
    def n_rounds(self) -> int: ...
    def numbers(self, trials: np.ndarray, effort: Effort, layout: Layout) -> np.ndarray:
        """Numbers of a batch, (T, rounds, 15)."""
        ...

    def fetched(self, trial: np.uint64) -> Sequence[PrunedData]:
        """Kept data of each round."""
        ...


class Verified(NamedTuple):
    """Numbers (T, rounds, 15) of verified students, and trials that each stage verified."""

    numbers: np.ndarray
    verified_by: dict[str, int]

    def observables(self, number: int) -> Observables:
        """Of a round, each (T, ...)."""
        columns = self.numbers[:, number]
        return Observables._make([*columns[:, :SCALARS].T, columns[:, EXCHANGE_STEPS + 1 :]])


def through_stages(
    setting: Trials,
    trials: Sequence[int],
    *,
    memory_budget: int | None = None,
    double_factors: bool = True,
    layout: Layout | None = None,
    largest_batch: int | None = None,
) -> Verified:
    """Trials by their numbers, in any order; the arguments are those of `simulated_on_devices`."""
    numbers = np.full((len(trials), setting.n_rounds, N_NUMBERS), np.nan)
    stage, chosen = np.full(len(trials), len(STAGES) - 1), np.asarray(trials, np.uint64)
    layout = layout or layout_of(setting.n_features, side_by_side=setting.n_rounds)
    # a CPU's programs factor by SciPy's BLAS, whose threads would wait for each other beside XLA's
    with _ONE_AT_A_TIME, device_numerics(), one_blas_thread():
        for attempt, effort in enumerate(efforts(double_factors)):
            left, largest = np.flatnonzero(stage == len(STAGES) - 1), largest_batch
            if attempt:
                second = _SECOND_BATCH * len(layout.devices)
                largest = min(second, largest_batch or second)
            for places in batches(setting, left, layout, memory_budget=memory_budget, largest=largest):
                padded = _padded(chosen[places], len(layout.devices))
                numbers[places] = setting.numbers(padded, effort, layout)[: len(places)]
            stage[left[verified(numbers[left]).all(1)]] = attempt
    for place in np.flatnonzero(stage == len(STAGES) - 1):
        numbers[place] = _by_the_host(setting, chosen[place])
    return Verified(numbers, {name: int((stage == index).sum()) for index, name in enumerate(STAGES)})


def verified(numbers: np.ndarray) -> np.ndarray:
    """Whether the residual is at most 1e-9 and all numbers are finite, by all axes but the last."""
    return (numbers[..., RESIDUAL] <= TOLERANCE) & np.isfinite(numbers).all(-1)


def _padded(trials: np.ndarray, n_devices: int) -> np.ndarray:
    """Filled up to a size for which a program may have been compiled already."""
    return np.resize(trials, n_devices * power_of_two(-(-len(trials) // n_devices)))


def _by_the_host(setting: Trials, trial: np.uint64) -> np.ndarray:
    """Numbers (rounds, 15) of a trial by the exact solver, residual and steps NaN."""
    rows = []
    with one_blas_thread():
        for data in setting.fetched(trial):
            seen = observables(data, *train(setting.student, *data))
            rows.append(np.concatenate([np.array(seen[:-1]), np.full(3, np.nan), seen.direction]))
    return np.stack(rows)
