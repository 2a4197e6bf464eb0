"""What survival costs: `sweep` on two processes against the same cells in plain loops on two processes.

Both compute the same students on the same two cores, one after the other, three times in the order A B B A A B.
The plain loops keep nothing. Starting the processes (interpreter and imports, about the same for both) is timed
apart. The sweep's tasks take a second or more; its overhead is its wall time over the plain loops', less one, where
the loops' time is the mean of the two: as if they were perfectly balanced.

    python benchmarks/sweep.py        # alone on the machine, about three minutes
"""

import math
import statistics
import tempfile
import time
from concurrent.futures import Executor
from pathlib import Path

from machine import description, load

from perceptron_pruning.reproduction.tables import Row, write_table
from perceptron_pruning.sweeps import Grid, Workers, sweep
from perceptron_pruning.sweeps.partition import tasks
from perceptron_pruning.sweeps.simulated import SimulatedCell, study
from perceptron_pruning.sweeps.store import read_store
from replica_theory import KeepEasiest, KeepHardest, KeepRandom

GRID = Grid(
    alpha_prune=(0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
    selection=(KeepHardest(0.3), KeepEasiest(0.3), KeepRandom(0.3)),
    probe_angle=(0.0, math.radians(10)),
    n_features=200,
    n_trials=200,
)
ROUNDS, PROCESSES, TASK_SECONDS = 3, 2, 1.5


def plain_loop(part: int) -> float:
    """Every second cell, in a loop; its seconds."""
    function = SimulatedCell(seed=GRID.seed, probe_epochs=GRID.probe_epochs)
    begun = time.perf_counter()
    for cell in GRID.cells[part::PROCESSES]:
        function(cell, range(GRID.n_trials))
    return time.perf_counter() - begun


def plain(workers: Executor) -> float:
    """Mean of the loops' seconds, run side by side."""
    return statistics.mean(workers.map(plain_loop, range(PROCESSES)))


def swept(workers: Executor, folder: Path) -> float:
    begun = time.perf_counter()
    sweep(GRID, folder / f"{time.time_ns()}.zarr", executor=workers, task_seconds=TASK_SECONDS)
    return time.perf_counter() - begun


def warm(index: int) -> int:
    """Has a worker import what it needs, and stay until all are busy."""
    time.sleep(1)
    return index


def main() -> None:
    seconds: dict[str, list[float]] = {"plain": [], "sweep": []}
    with tempfile.TemporaryDirectory() as name, Workers(PROCESSES) as workers:
        begun = time.perf_counter()
        list(workers.map(warm, range(PROCESSES)))
        sweep(Grid(alpha_prune=1.0, n_features=20, n_trials=2), Path(name) / "first.zarr", executor=workers)
        starting = time.perf_counter() - begun - 1
        for turn in range(ROUNDS):
            for kind in ("plain", "sweep") if turn % 2 == 0 else ("sweep", "plain"):
                seconds[kind].append(plain(workers) if kind == "plain" else swept(workers, Path(name)))
                print(kind, f"{seconds[kind][-1]:.2f} s", flush=True)
        n_tasks = tasks_of_a_store(next(Path(name).glob("[0-9]*.zarr")))
    overheads = [ours / theirs - 1 for ours, theirs in zip(seconds["sweep"], seconds["plain"], strict=True)]
    rows: list[Row] = [
        {
            "cells": len(GRID.cells),
            "trials": GRID.n_trials,
            "processes": PROCESSES,
            "tasks": n_tasks,
            "seconds_a_task": PROCESSES * theirs / n_tasks,
            "plain_seconds": theirs,
            "sweep_seconds": ours,
            "overhead_percent": 100 * overhead,
            "starting_seconds": starting,
            "load": load(),
            "machine": description(),
        }
        for ours, theirs, overhead in zip(seconds["sweep"], seconds["plain"], overheads, strict=True)
    ]
    write_table(Path(__file__).with_suffix(".csv"), rows)
    print(f"overhead {100 * statistics.median(overheads):.2f} % ({[f'{100 * o:.2f}' for o in overheads]})")


def tasks_of_a_store(path: Path) -> int:
    """How many tasks a store was made in."""
    store = read_store(path)
    return len(tasks(store.done() & False, store.chunks, study(GRID).seconds, TASK_SECONDS))


if __name__ == "__main__":
    main()
