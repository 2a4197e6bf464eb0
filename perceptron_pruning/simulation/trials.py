"""Trials of one setting by either engine: on a CPU's cores, on JAX's devices, or in an executor's workers."""

from concurrent.futures import Executor

import numpy as np

from perceptron_pruning.observables import Observables
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.sampling import bytes_needed, pool_size
from perceptron_pruning.simulation.setting import Setting

HOST_MEMORY = 2**31  # bytes that trials on a CPU's cores may take together, by default
_SOLVER_COPIES = 4  # copies of a trial's inputs in memory, at the peak of solving it
_CHUNKS = 16  # calls into which an executor's trials are grouped, at most


def trials_in_memory(setting: Setting, memory_budget: int) -> int:
    """How many trials the budget holds at a time."""
    n_kept, n_features = setting.n_kept, setting.n_features
    pool = pool_size(setting.selection, setting.probe_angle, n_kept, setting.label_noise)
    drawing = bytes_needed(n_kept, n_features, pool, trained=setting.probe != "exact")
    trials = memory_budget // (drawing + _SOLVER_COPIES * 8 * n_kept * n_features)
    if trials < 1:
        raise ValueError(f"`memory_budget` must hold one trial of {n_kept} kept of {pool}; got {memory_budget} bytes")
    return trials


def simulated_on_cores(
    setting: Setting, trials: range, side_by_side: int, executor: Executor | None
) -> dict[str, np.ndarray]:
    """Observables of all trials, in order, each (trials, ...)."""
    if executor is not None:
        outcomes = list(executor.map(setting.run, trials, chunksize=max(1, len(trials) // _CHUNKS)))
    else:
        outcomes = on_all_cores(setting.run, trials, at_most=side_by_side)
    return {
        name: np.array(values) for name, values in zip(Observables._fields, zip(*outcomes, strict=True), strict=True)
    }


def simulated_on_devices(
    setting: Setting, trials: range, memory_budget: int | None, executor: Executor | None
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
