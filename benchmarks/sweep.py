"""What survival costs: `sweep` on two processes against the same cells in plain loops on two processes.

Both compute the same students on the same two cores. A round is loops, sweep, loops; the loops keep nothing. Starting
the processes (interpreter and imports, about the same for both) is timed apart. A round's numbers::

    overhead = seconds of the sweep / mean of the loops before and after − 1
    noise    = seconds of the loops after / of the loops before − 1

where loops take the mean of the two processes, as if they were perfectly balanced; a sweep takes its wall time, with
making and reading its store. So the noise is what the machine does to two identical runs. A round during which other
processes took more than a percent of the cores' time is no round, and is not kept.

    python benchmarks/sweep.py --minutes 4         # alone on the machine
    python benchmarks/sweep.py --minutes 4 --more  # further rounds, added to the table
"""

import argparse
import math
import statistics
import tempfile
import time
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from machine import Others, description, load

from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies.chunking import remaining_tasks
from perceptron_pruning.studies.store import read_store
from perceptron_pruning.sweeps import Grid, sweep
from perceptron_pruning.sweeps.sweep import SimulatedCell, study
from replica_theory import KeepEasiest, KeepHardest, KeepRandom

TABLE = Path(__file__).with_suffix(".csv")
GRID = Grid(
    alpha_prune=(0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
    selection=(KeepHardest(0.3), KeepEasiest(0.3), KeepRandom(0.3)),
    probe_angle=(0.0, math.radians(10)),
    n_features=200,
    n_trials=200,
)
PROCESSES, TASK_SECONDS = 2, 1.5
MOST_OTHERS = 1.0  # percent of the cores' time that other processes may take during a round that is kept


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


def swept(workers: Executor, store: Path) -> float:
    begun = time.perf_counter()
    sweep(GRID, store, executor=workers, task_seconds=TASK_SECONDS)
    return time.perf_counter() - begun


def warm(index: int) -> int:
    """Has a worker import what it needs, and stay until all are busy."""
    time.sleep(1)
    return index


def one_round(workers: Executor, store: Path) -> Row:
    others = Others()
    before, ours, after = plain(workers), swept(workers, store), plain(workers)
    loops, n_tasks = (before + after) / 2, tasks_of_a_store(store)
    return {
        "cells": len(GRID.cells),
        "trials": GRID.n_trials,
        "processes": PROCESSES,
        "tasks": n_tasks,
        "seconds_a_task": PROCESSES * loops / n_tasks,
        "plain_seconds": loops,
        "sweep_seconds": ours,
        "overhead_percent": 100 * (ours / loops - 1),
        "noise_percent": 100 * (after / before - 1),
        "others_percent": others.percent(),
        "load": load(),
        "machine": description(),
    }


def tasks_of_a_store(path: Path) -> int:
    """How many tasks a store was made in."""
    store = read_store(path)
    return len(remaining_tasks(store.done() & False, store.chunks, study(GRID).seconds, TASK_SECONDS))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=4.0, help="begin no round that would end later")
    parser.add_argument("--more", action="store_true", help="add to the table")
    given = parser.parse_args()
    rows, end = read_table(TABLE) if given.more else [], time.perf_counter() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as name, ProcessExecutor(PROCESSES) as workers:
        begun = time.perf_counter()
        list(workers.map(warm, range(PROCESSES)))
        sweep(Grid(alpha_prune=1.0, n_features=20, n_trials=2), Path(name) / "first.zarr", executor=workers)
        starting, longest = time.perf_counter() - begun - 1, 0.0
        while (begun := time.perf_counter()) + longest < end:
            row = one_round(workers, Path(name) / f"{begun}.zarr") | {"starting_seconds": starting}
            longest = max(longest, time.perf_counter() - begun)
            kept = row["others_percent"] <= MOST_OTHERS
            print(
                "kept" if kept else "disturbed", {k: round(v, 2) for k, v in row.items() if "percent" in k}, flush=True
            )
            rows += [row] if kept else []
    write_table(TABLE, rows)
    overheads, noise = ([row[f"{key}_percent"] for row in rows] for key in ("overhead", "noise"))
    print(f"overhead {np.median(overheads):.2f} % (median of {len(rows)})")
    print(f"two identical loops differ by {np.median(np.abs(noise)):.2f} % (median)")


if __name__ == "__main__":
    main()
