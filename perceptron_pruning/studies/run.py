"""Runs a study into its store: what is there is never computed again."""

import math
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from tqdm import tqdm

from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.parallel.blas_threads import check_one_blas_thread, one_blas_thread
from perceptron_pruning.studies.chunking import aimed_seconds
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.driver import Driver, Outcome
from perceptron_pruning.studies.errors import SweepError
from perceptron_pruning.studies.lock import only_driver
from perceptron_pruning.studies.progress import progress_bar
from perceptron_pruning.studies.store import Store, note_versions, open_store
from perceptron_pruning.studies.study import Study
from perceptron_pruning.studies.task import Task, TaskResult
from replica_theory.errors import check_number

_MOST_FAILED_TASKS = 10  # after which a run stops
_MOST_NAMED_FAILURES = 3  # failed cells that an error tells of


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
    way are begun anew. The numbers do not depend on the executor, its workers or the order of their tasks. On a
    terminal it shows how far it is.

    Args:
        study: What to compute.
        path: The store, made if it is missing.
        executor: Any; by default a `perceptron_pruning.parallel.ProcessExecutor`, one process a core. It is left
            running.
        task_seconds: Seconds that a task should take, by the study's estimate; by default 2 to 60, growing with
            the whole. A store keeps the chunks it was made with.
        cells: Indices into ``study.cells`` of those to compute now, with the others of their chunks; by default all.
        bar: Moved by the estimated seconds of each finished task, in place of a bar of its own; see `progress_bar`.

    Returns:
        The dataset, as `read_sweep` gives it.

    Raises:
        ValueError: A parameter is out of range.
        StoreError: The store is another study's, another driver's or another version's, or cannot be written.
        SweepError: Cells could not be computed; the first three of them are named, each with its reason. All others are
            finished, unless ten tasks failed.
    """
    path = Path(path)
    if task_seconds is not None and not 0 < check_number(task_seconds, "task_seconds") < math.inf:
        raise ValueError(f"`task_seconds` must be > 0 and finite; got {task_seconds}")
    aim = task_seconds or aimed_seconds(study.seconds or [1.0], study.n_trials)
    store = open_store(study, path, aim)
    chosen = _chosen(study, cells)
    if not store.done()[chosen].all():
        with only_driver(path), one_blas_thread(), _executor(executor) as workers:
            check_one_blas_thread()
            note_versions(store)
            tasks = store.remaining_tasks(study.seconds, aim, chosen)
            own = progress_bar(path.name, *_seconds(study, chosen, store.done())) if bar is None else nullcontext(bar)
            with own as shown:
                _run(study, store, tasks, workers, shown)
    return read_sweep(path)


def estimated_seconds(study: Study, path: Path, *, cells: Iterable[int] | None = None) -> tuple[float, float]:
    """Estimated seconds on one core for some of a study's cells: of all their trials, and of those already stored.

    Args:
        study: What is to be computed.
        path: Its store, which need not be there.
        cells: Indices of the cells in ``study.cells``; by default all.

    Raises:
        StoreError: The store is another study's or another version's.
    """
    done = open_store(study, path, aim=1.0).done() if path.exists() else np.zeros((len(study.cells), study.n_trials))
    return _seconds(study, _chosen(study, cells), done)


@dataclass(frozen=True, order=True)
class _Failure:
    """Why the trials of a cell are missing; ordered by cell and trial, whatever the order in which tasks ended."""

    cell: int
    first_trial: int
    text: str


def _run(study: Study, store: Store, tasks: list[Task], workers: Executor, bar: tqdm) -> None:
    """Writes each task's result as it comes, and raises in the end if cells have failed."""
    failures: list[_Failure] = []
    failed_tasks = 0
    for task, outcome in Driver(study, workers).outcomes(tasks):
        if isinstance(outcome, TaskResult):
            store.write(task, outcome.arrays, np.array([i not in outcome.failures for i in range(len(task.cells))]))
        of_task = _failures(study, task, outcome)
        failures += of_task
        failed_tasks += bool(of_task)
        bar.update(min(task.seconds, (bar.total or math.inf) - bar.n))  # a chunk may hold more cells than were chosen
        if failed_tasks == _MOST_FAILED_TASKS:
            break
    if failures:
        raise SweepError(_report(failures, store))


def _failures(study: Study, task: Task, outcome: Outcome) -> list[_Failure]:
    """One for each cell that failed; one alone for a task that failed as a whole."""
    trials = f"trials {task.trials.start} to {task.trials.stop - 1}"
    if isinstance(outcome, TaskResult):
        reasons = {task.cells[place]: f"{trials}: {why}" for place, why in outcome.failures.items()}
    else:
        others = f"and {len(task.cells) - 1} cells after it, " if len(task.cells) > 1 else ""
        reasons = {task.cells.start: f"{others}{trials}: {type(outcome).__name__}: {outcome}"}
    return [_Failure(cell, task.trials.start, f"{study.cells[cell]!r}, {why}") for cell, why in reasons.items()]


def _report(failures: list[_Failure], store: Store) -> str:
    named = "; ".join(failure.text for failure in sorted(failures)[:_MOST_NAMED_FAILURES])
    more = f"; and {len(failures) - _MOST_NAMED_FAILURES} more" if len(failures) > _MOST_NAMED_FAILURES else ""
    return f"{len(failures)} failed ({named}{more}). {store.done().mean():.1%} of {store.path} is done and kept"


def _seconds(study: Study, chosen: np.ndarray, done: np.ndarray) -> tuple[float, float]:
    """Estimated seconds of the chosen cells (n_cells,), and of their trials that are done (n_cells, n_trials)."""
    seconds = np.asarray(study.seconds or [1.0] * len(study.cells))[chosen]
    counts = done[chosen].sum(axis=1)
    return float(np.sum(seconds * study.n_trials)), float(np.sum(seconds * counts))


def _chosen(study: Study, cells: Iterable[int] | None) -> np.ndarray:
    """(n_cells,), whether each is among the indices; all are for None."""
    chosen, n_cells = np.full(len(study.cells), cells is None), len(study.cells)
    for cell in cells if cells is not None else ():
        if not isinstance(cell, int | np.integer) or not 0 <= cell < n_cells:
            raise ValueError(f"`cells` must be indices in 0..{n_cells - 1}; got {cell!r}")
        chosen[cell] = True
    return chosen


@contextmanager
def _executor(given: Executor | None) -> Iterator[Executor]:
    """The given one, left running; or one of our own, stopped in the end."""
    if given is not None:
        yield given
        return
    with ProcessExecutor() as own:
        yield own
