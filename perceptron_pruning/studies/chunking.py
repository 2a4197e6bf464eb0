"""Cells × trials cut into chunks, the unit that is stored, and chunks gathered into tasks, the unit that is sent.

A store's chunks all have one shape, so it is set by the dearest cell: at most `_SPREAD` times the aim. Runs of
cheaper chunks then make one task. The aim grows with the sweep: a hundred tasks, of two seconds at least and a minute
at most, which is what a kill may cost; beyond half a million tasks they grow again, for the sake of who has to hand
them out and of the file system. The longest come first, and the last tenth of the work in tasks as short as a quarter
of the aim where the chunks allow it, so that no core waits long for another in the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_SHORTEST, _LONGEST = 2.0, 60.0  # seconds that a task aims at
_FEWEST_TASKS, _MOST_TASKS = 100, 500_000
_SPREAD = 4
_END, _FINER = 0.1, 4  # share of the work that comes last, and how much finer it is cut


@dataclass(frozen=True)
class Task:
    """A run of cells, a run of trials of each, and the estimated seconds."""

    cells: range
    trials: range
    seconds: float


def aimed_seconds(seconds: Sequence[float] | np.ndarray, n_trials: int) -> float:
    """How long a task should take, from each cell's seconds a trial."""
    whole = float(np.sum(seconds)) * n_trials
    return max(float(np.clip(whole / _FEWEST_TASKS, _SHORTEST, _LONGEST)), whole / _MOST_TASKS)


def chunk_shape(
    seconds: Sequence[float] | np.ndarray | None, n_cells: int, n_trials: int, aim: float
) -> tuple[int, int]:
    """Cells and trials of a chunk: several whole cells, or a part of one cell's trials."""
    if seconds is None:
        return 1, n_trials
    dearest = float(np.max(seconds))
    pieces = min(n_trials, int(np.ceil(dearest * n_trials / (_SPREAD * aim))))
    if pieces > 1:
        return 1, -(-n_trials // pieces)
    return int(np.clip(aim // (dearest * n_trials), 1, n_cells)), n_trials


def tasks(
    done: np.ndarray, chunks: tuple[int, int], seconds: Sequence[float] | np.ndarray | None, aim: float
) -> list[Task]:
    """What is left to do, the longest first.

    Args:
        done: (n_cells, n_trials), whether each is in the store.
        chunks: Shape of a chunk.
        seconds: Of a trial, for each cell; None makes each chunk a task.
        aim: Seconds that a task should take.
    """
    if seconds is None:
        return _cut(done, chunks, np.ones(len(done)), 0.0)
    cost = np.asarray(seconds, dtype=float)
    found = _cut(done, chunks, cost, aim)
    left = np.cumsum([task.seconds for task in reversed(found)])[::-1]
    first = int(np.count_nonzero(left > _END * left[0])) if found else 0
    elsewhere = np.ones_like(done)
    for task in found[first:]:
        elsewhere[task.cells.start : task.cells.stop, task.trials.start : task.trials.stop] = False
    return found[:first] + _cut(elsewhere, chunks, cost, aim / _FINER)


def _cut(done: np.ndarray, chunks: tuple[int, int], cost: np.ndarray, aim: float) -> list[Task]:
    n_cells, n_trials = done.shape
    found = []
    for first in range(0, n_trials, chunks[1]):
        trials = range(first, min(first + chunks[1], n_trials))
        chunk_cost = np.add.reduceat(cost, range(0, n_cells, chunks[0])) * len(trials)
        finished = np.logical_and.reduceat(done[:, trials].all(1), range(0, n_cells, chunks[0]))
        for run in _runs(finished, chunk_cost, aim):
            cells = range(run.start * chunks[0], min(run.stop * chunks[0], n_cells))
            found.append(Task(cells, trials, float(chunk_cost[run.start : run.stop].sum())))
    return sorted(found, key=lambda task: -task.seconds)


def _runs(finished: np.ndarray, cost: np.ndarray, aim: float) -> Iterator[range]:
    """Runs of consecutive unfinished chunks, each closed once it costs enough."""
    start, total = 0, 0.0
    for chunk, over in enumerate(finished):
        if over:
            if chunk > start:
                yield range(start, chunk)
            start, total = chunk + 1, 0.0
            continue
        total += cost[chunk]
        if total >= aim:
            yield range(start, chunk + 1)
            start, total = chunk + 1, 0.0
    if start < len(finished):
        yield range(start, len(finished))
