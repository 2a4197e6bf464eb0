"""A sweep of a million cells on paper, from rates measured on one core of the machine at hand.

    python benchmarks/sweep_plan.py --output plan.csv      # about two minutes

The million cells are the measured ones (five α from 0.5 to 8, hard, easy and random keeping) repeated evenly, of 100
trials each, cut into tasks as `sweep` cuts them. What it takes::

    core hours      = cells × trials × mean seconds of a trial / 3600
    bytes           = cells × trials × (12 values × 8 + 1), before compression
    scheduler hours = tasks × the processor seconds that Dask's scheduler takes for an empty task / 3600
    driver hours    = tasks × (the driver's processor seconds for an empty task + seconds of writing one) / 3600
    most cores      = seconds of a task / the longer of what scheduler and driver need for one

all with rates measured here. No GPU has been measured: its hours, core hours / speedup over one core, are NaN until
somebody gives ``--gpu-speedup``. What no GPU can beat is known. A trial's P kept examples must be read once in double
precision, and multiplied once with the student, and a matrix of min(N, P) rows be factorised::

    seconds of a trial >= max(8 P N bytes / bandwidth, (2 P N + min(N, P)³ / 3) flops / peak)

with the data sheet's numbers of an H100 SXM: 3.35e12 bytes and 6.7e13 double precision flops (tensor cores) a second.
This is a bound and no forecast: a solve takes several such reads and factorisations.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from dask_load import DaskLoad, dask_load
from machine import description

from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.simulation import simulate
from perceptron_pruning.studies.chunking import aimed_seconds, chunk_shape, remaining_tasks
from perceptron_pruning.studies.packing import packings
from perceptron_pruning.studies.store import open_store
from perceptron_pruning.studies.task import Task
from perceptron_pruning.sweeps.grid import Cell, Grid
from perceptron_pruning.sweeps.sweep import OUTPUTS, study
from replica_theory import KeepEasiest, KeepHardest, KeepRandom

ALPHAS = (0.5, 1.0, 2.0, 4.0, 8.0)
RULES = (KeepHardest(0.3), KeepEasiest(0.3), KeepRandom(0.3))
SIZES = {200: 20, 2000: 1}  # N, and trials of each measured cell
GPU_BANDWIDTH, GPU_PEAK = 3.35e12, 6.7e13  # an H100 SXM's bytes and double precision flops a second
_VALUES = sum(math.prod(output.dimensions.values()) for output in OUTPUTS.values())
_BYTES = 8 * _VALUES + 1  # bytes of a trial: its values, and whether it is done
_WRITTEN = 40  # tasks that are written to time the driver's writing


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a large sweep takes.

    Attributes:
        n_features: N.
        n_cells, n_trials: Cells of the sweep, and trials of each.
        trial_seconds: Seconds of a trial on one core, measured, mean over the mix of cells.
        estimated_trial_seconds: The same by the estimate that cuts the tasks.
        n_tasks, n_chunks: Number of tasks, and of chunks of each array.
        write_seconds: Seconds that the driver takes to write a task, measured.
        scheduler_seconds, driver_seconds: Processor seconds for an empty task sent through Dask, measured.
        gpu_speedup: Speed of one GPU / speed of one core; NaN, not measured.
        gpu_bandwidth, gpu_peak: Bytes, and double precision flops, a second of a GPU, from its data sheet.
        gpu_trial_seconds_at_least: Least seconds of a trial on that GPU, mean over the mix of cells.
        machine: The machine on which the rates were measured.
    """

    n_features: int
    n_cells: int
    n_trials: int
    trial_seconds: float
    estimated_trial_seconds: float
    n_tasks: int
    n_chunks: int
    write_seconds: float
    scheduler_seconds: float
    driver_seconds: float
    gpu_speedup: float
    gpu_bandwidth: float
    gpu_peak: float
    gpu_trial_seconds_at_least: float
    machine: str

    @property
    def core_hours(self) -> float:
        return self.n_cells * self.n_trials * self.trial_seconds / 3600

    @property
    def gpu_hours(self) -> float:
        """Core hours / speedup."""
        return self.core_hours / self.gpu_speedup

    @property
    def gpu_hours_at_least(self) -> float:
        """A bound, and no forecast."""
        return self.n_cells * self.n_trials * self.gpu_trial_seconds_at_least / 3600

    @property
    def task_seconds(self) -> float:
        return self.core_hours * 3600 / self.n_tasks

    @property
    def store_gigabytes(self) -> float:
        """10⁹ bytes before compression, which random numbers resist."""
        return self.n_cells * self.n_trials * _BYTES / 1e9

    @property
    def n_files(self) -> int:
        return self.n_chunks * (len(packings(OUTPUTS)) + 1)

    @property
    def scheduler_hours(self) -> float:
        return self.n_tasks * self.scheduler_seconds / 3600

    @property
    def driver_hours(self) -> float:
        """Hours of sending, gathering and writing; a sweep can be no shorter than that."""
        return self.n_tasks * (self.driver_seconds + self.write_seconds) / 3600

    @property
    def most_cores(self) -> int:
        """Most cores that scheduler and driver can keep busy."""
        return int(self.task_seconds / max(self.scheduler_seconds, self.driver_seconds + self.write_seconds))

    def row(self) -> Row:
        derived = [name for name, value in vars(type(self)).items() if isinstance(value, property)]
        return asdict(self) | {name: getattr(self, name) for name in derived}


def plan(
    n_features: int,
    *,
    n_measured: int,
    dask: DaskLoad,
    n_cells: int = 10**6,
    n_trials: int = 100,
    gpu_speedup: float = math.nan,
) -> Plan:
    """Measures a mix of cells, and plans a sweep of many like them.

    Args:
        n_features: N.
        n_measured: Trials of each cell of the mix that are timed.
        dask: What Dask takes for a task; see `dask_load`.
        n_cells: Cells of the sweep.
        n_trials: Trials of each cell.
        gpu_speedup: Speed of one GPU / speed of one core, if you have measured it.
    """
    mix = Grid(alpha_prune=ALPHAS, selection=RULES, n_features=n_features, n_trials=n_trials)
    estimated = study(mix).seconds
    assert estimated is not None
    seconds = np.resize(np.asarray(estimated), n_cells)
    n_tasks, n_chunks = tasks_and_chunks(seconds, n_trials)
    with one_blas_thread():
        measured = [trial_seconds(cell, n_measured) for cell in mix.cells]
    return Plan(
        n_features=n_features,
        n_cells=n_cells,
        n_trials=n_trials,
        trial_seconds=float(np.mean(measured)),
        estimated_trial_seconds=float(np.mean(estimated)),
        n_tasks=n_tasks,
        n_chunks=n_chunks,
        write_seconds=write_seconds(),
        scheduler_seconds=dask.scheduler,
        driver_seconds=dask.driver,
        gpu_speedup=gpu_speedup,
        gpu_bandwidth=GPU_BANDWIDTH,
        gpu_peak=GPU_PEAK,
        gpu_trial_seconds_at_least=float(np.mean([gpu_seconds_at_least(cell) for cell in mix.cells])),
        machine=description(),
    )


def trial_seconds(cell: Cell, n_trials: int) -> float:
    """Seconds of a trial, measured, one trial after the other."""
    begun = time.perf_counter()
    for trial in range(n_trials):
        simulate(cell.alpha_prune, selection=cell.selection, n_features=cell.n_features, n_trials=1, first_trial=trial)
    return (time.perf_counter() - begun) / n_trials


def gpu_seconds_at_least(cell: Cell) -> float:
    """One read of the kept examples, one product with them and one factorisation, at a GPU's limits."""
    kept, features = cell.n_kept, cell.n_features
    flops = 2 * kept * features + min(kept, features) ** 3 / 3
    return max(8 * kept * features / GPU_BANDWIDTH, flops / GPU_PEAK)


def tasks_and_chunks(seconds: np.ndarray, n_trials: int) -> tuple[int, int]:
    """Number of tasks and of chunks of a sweep of cells of these estimated seconds a trial."""
    aim = aimed_seconds(seconds, n_trials)
    chunks = chunk_shape(seconds, len(seconds), n_trials, aim)
    tasks = remaining_tasks(np.zeros((len(seconds), n_trials), dtype=bool), chunks, seconds, aim)
    return len(tasks), math.ceil(len(seconds) / chunks[0]) * math.ceil(n_trials / chunks[1])


def write_seconds() -> float:
    """Seconds that the driver takes to write one task, on the disk that temporary files have."""
    alphas = tuple(1 + 0.01 * step for step in range(_WRITTEN))
    written = study(Grid(alpha_prune=alphas, n_features=1000, n_trials=100))
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(written, Path(folder) / "timed.zarr", aim=1e-3)
        shape, numbers = (1, store.chunks[1]), np.random.default_rng(0)
        values = {name: numbers.random((*shape, *output.dimensions.values())) for name, output in OUTPUTS.items()}
        begun = time.perf_counter()
        for cell in range(_WRITTEN):
            task = Task(cells=range(cell, cell + 1), trials=range(store.chunks[1]), seconds=0.0)
            store.write(task, values, np.array([True]))
        return (time.perf_counter() - begun) / _WRITTEN


def _plans(gpu_speedup: float) -> Iterator[Plan]:
    dask = dask_load()
    for n_features, n_measured in SIZES.items():
        yield plan(n_features, n_measured=n_measured, dask=dask, gpu_speedup=gpu_speedup)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a sweep of a million cells takes, from rates measured here.")
    parser.add_argument("--output", type=Path, help="CSV table")
    parser.add_argument("--gpu-speedup", type=float, default=math.nan, help="one GPU over one core, if measured")
    given = parser.parse_args()
    rows = [made.row() for made in _plans(given.gpu_speedup)]
    for name in rows[0]:
        print(f"{name:<26}" + "".join(f"{row[name]!s:<24.22}" for row in rows))
    if given.output is not None:
        write_table(given.output, rows, digits=17)


if __name__ == "__main__":
    main()
