"""Runs a study into its store: what is there is never computed again."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import xarray as xr
from tqdm import tqdm

from perceptron_pruning.parallel.process_executor import Workers
from perceptron_pruning.studies.chunking import Task, aimed_seconds
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.driver import Driver
from perceptron_pruning.studies.errors import SweepError
from perceptron_pruning.studies.lock import only_driver
from perceptron_pruning.studies.one_thread import one_thread
from perceptron_pruning.studies.store import Store, note_versions, open_store
from perceptron_pruning.studies.study import Study
from perceptron_pruning.studies.task import Done

_MOST_FAILURES = 10


def run_study(
    study: Study,
    path: str | Path,
    *,
    executor: Executor | None = None,
    task_seconds: float | None = None,
    cells: Iterable[int] | None = None,
    bar: tqdm | None = None,
) -> xr.Dataset:
    """Computes what a store lacks, and gives all of it.

    Stop it however you like and call it again: finished tasks are in the store, and only those that were under
    way are begun anew. The numbers do not depend on the executor, its workers or the order of their work. On a
    terminal it shows how far it is.

    Args:
        study: What to compute.
        path: The store, made if it is missing.
        executor: Any; by default `Workers`, one process a core. It is left running.
        task_seconds: What a task should take, by the study's estimate; by default 2 to 60 s, growing with
            the whole. A store keeps the chunks it was made with.
        cells: Places in ``study.cells`` of those to compute now, with the others of their chunks; by default all.
        bar: Moved by the estimated seconds of each finished task, in place of a bar of its own; see `work_bar`.

    Returns:
        The dataset, as `read_sweep` gives it.

    Raises:
        StoreError: The store is another study's, another driver's or another version's, or cannot be written.
        SweepError: Cells could not be computed, each named with its reason. All others are finished, unless ten tasks
            failed.
    """
    path = Path(path)
    if task_seconds is not None and not task_seconds > 0:
        raise ValueError(f"`task_seconds` must be > 0; got {task_seconds}")
    aim = task_seconds or aimed_seconds(study.seconds or [1.0], study.n_trials)
    store = open_store(study, path, aim)
    wanted = _wanted(study, cells)
    if not store.done()[wanted].all():
        with only_driver(path), one_thread(), _workers(executor) as workers:
            note_versions(store)
            tasks = store.tasks(study.seconds, aim, wanted)
            own = work_bar(path.name, *_work(study, wanted, store.done())) if bar is None else nullcontext(bar)
            with own as shown:
                _run(study, store, tasks, workers, shown)
    return read_sweep(path)


def work(study: Study, path: Path, *, cells: Iterable[int] | None = None) -> tuple[float, float]:
    """Estimated seconds on one core that some of a study's cells take, and of how much of it a store already has.

    Args:
        study: What is to be computed.
        path: Its store, which need not be there.
        cells: Places of the cells in ``study.cells``; by default all.

    Raises:
        StoreError: The store is another study's or another version's.
    """
    wanted = _wanted(study, cells)
    done = open_store(study, path, aim=1.0).done() if path.exists() else np.zeros((len(study.cells), study.n_trials))
    return _work(study, wanted, done)


def work_bar(name: str, whole: float, done: float) -> tqdm:
    """A bar of estimated work, so that the time left is right when the dear tasks come first."""
    return tqdm(
        desc=name,
        total=whole,
        initial=done,
        disable=None,
        bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed} so far, {remaining} left",
    )


def _work(study: Study, wanted: np.ndarray, done: np.ndarray) -> tuple[float, float]:
    seconds = np.asarray(study.seconds or [1.0] * len(study.cells))[wanted]
    counts = done[wanted].sum(axis=1)
    return float(np.sum(seconds * study.n_trials)), float(np.sum(seconds * counts))


def _wanted(study: Study, cells: Iterable[int] | None) -> np.ndarray:
    """(n_cells,), whether each is."""
    wanted = np.full(len(study.cells), cells is None)
    wanted[list(cells or ())] = True
    return wanted


@contextmanager
def _workers(executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with Workers() as workers:
        yield workers


def _run(study: Study, store: Store, tasks: list[Task], workers: Executor, bar: tqdm) -> None:
    failures: list[str] = []
    failed_tasks = 0
    for task, outcome in Driver(study, workers).outcomes(tasks):
        if isinstance(outcome, Done):
            store.write(task, outcome.arrays, np.array([i not in outcome.failures for i in range(len(task.cells))]))
        reasons = _failures(study, task, outcome)
        failures += reasons
        failed_tasks += bool(reasons)
        bar.update(min(task.seconds, (bar.total or math.inf) - bar.n))  # a chunk may hold more than was wanted
        if failed_tasks == _MOST_FAILURES:
            break
    if failures:
        raise SweepError(_report(failures, store))


def _failures(study: Study, task: Task, outcome: Done | BaseException) -> list[str]:
    """A line for each cell that failed."""
    trials = f"trials {task.trials.start} to {task.trials.stop - 1}"
    if isinstance(outcome, Done):
        return [f"{study.cells[task.cells[i]]!r}, {trials}: {why}" for i, why in outcome.failures.items()]
    others = f" and {len(task.cells) - 1} cells after it" if len(task.cells) > 1 else ""
    why = f"{type(outcome).__name__}: {outcome}"
    return [f"{study.cells[task.cells.start]!r}{others}, {trials}: {why}"]


def _report(failures: list[str], store: Store) -> str:
    shown = "; ".join(failures[:3]) + (f"; and {len(failures) - 3} more" if len(failures) > 3 else "")
    return f"{len(failures)} failed ({shown}). {store.done().mean():.1%} of {store.path} is done and kept"
