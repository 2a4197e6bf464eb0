"""Cells × trials cut into chunks, the unit that is stored, and chunks gathered into tasks, the unit that is sent.

All chunks of a store have one shape, which the most expensive cell sets: it takes at most `_LONGEST_CHUNK` times the
seconds that a task aims at. Runs of cheaper chunks make one task. The aim grows with the study, so that there are about
a hundred tasks of 2 to 60 seconds (what a kill may cost); beyond half a million tasks they take longer again, for the
sake of the driver that hands them out and of the file system. The longest tasks come first. The last tenth of the
seconds is cut into tasks of a quarter of the aim, where the chunks allow it, so that no core waits long for another in
the end.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from perceptron_pruning.studies.task import Task

_SHORTEST_TASK, _LONGEST_TASK = 2.0, 60.0  # seconds that a task aims at
_FEWEST_TASKS, _MOST_TASKS = 100, 500_000  # tasks of a study, where seconds within those bounds allow it
_LONGEST_CHUNK = 4  # seconds of a chunk / seconds that a task aims at
_LAST_SHARE = 0.1  # share of all seconds that is cut finer, and comes last
_FINER = 4  # seconds that a task aims at / seconds that one of the last aims at

Seconds = Sequence[float] | np.ndarray  # (n_cells,): seconds of one trial


def aimed_seconds(seconds: Seconds, n_trials: int) -> float:
    """Seconds that a task should take, from each cell's seconds a trial."""
    whole = float(np.sum(seconds)) * n_trials
    return max(float(np.clip(whole / _FEWEST_TASKS, _SHORTEST_TASK, _LONGEST_TASK)), whole / _MOST_TASKS)


def chunk_shape(seconds: Seconds | None, n_cells: int, n_trials: int, aim: float) -> tuple[int, int]:
    """Cells and trials of a chunk: several whole cells, or a part of one cell's trials.

    Args:
        seconds: Seconds of one trial, for each cell; None makes each cell a chunk.
        n_cells, n_trials: Size of the study.
        aim: Seconds that a task should take.
    """
    if seconds is None:
        return 1, n_trials
    most = float(np.max(seconds))
    pieces = min(n_trials, int(np.ceil(most * n_trials / (_LONGEST_CHUNK * aim))))
    if pieces > 1:
        return 1, -(-n_trials // pieces)
    return int(np.clip(aim // (most * n_trials), 1, n_cells)), n_trials


def remaining_tasks(done: np.ndarray, chunks: tuple[int, int], seconds: Seconds | None, aim: float) -> list[Task]:
    """What is left to do, the longest first.

    Args:
        done: (n_cells, n_trials), whether each is in the store.
        chunks: Shape of a chunk.
        seconds: Seconds of one trial, for each cell; None makes each chunk a task.
        aim: Seconds that a task should take.
    """
    if seconds is None:
        return _cut(done, chunks, np.ones(len(done)), 0.0)
    cost = np.asarray(seconds, dtype=float)
    tasks = _cut(done, chunks, cost, aim)
    if not tasks:
        return []
    left = np.cumsum([task.seconds for task in reversed(tasks)])[::-1]  # seconds of each task and those after it
    n_first = int(np.count_nonzero(left > _LAST_SHARE * left[0]))
    but_last = np.ones_like(done)
    for task in tasks[n_first:]:
        but_last[task.cells.start : task.cells.stop, task.trials.start : task.trials.stop] = False
    return tasks[:n_first] + _cut(but_last, chunks, cost, aim / _FINER)


def _cut(done: np.ndarray, chunks: tuple[int, int], cost: np.ndarray, aim: float) -> list[Task]:
    """Tasks of about ``aim`` seconds each, of all chunks that are not done, the longest first."""
    n_cells, n_trials = done.shape
    tasks = []
    for first in range(0, n_trials, chunks[1]):
        trials = range(first, min(first + chunks[1], n_trials))
        chunk_cost = np.add.reduceat(cost, range(0, n_cells, chunks[0])) * len(trials)
        chunk_done = np.logical_and.reduceat(done[:, trials].all(1), range(0, n_cells, chunks[0]))
        for run in _runs(chunk_done, chunk_cost, aim):
            cells = range(run.start * chunks[0], min(run.stop * chunks[0], n_cells))
            tasks.append(Task(cells=cells, trials=trials, seconds=float(chunk_cost[run.start : run.stop].sum())))
    return sorted(tasks, key=lambda task: -task.seconds)


def _runs(chunk_done: np.ndarray, cost: np.ndarray, aim: float) -> Iterator[range]:
    """Runs of consecutive chunks that are not done, each closed once it costs ``aim`` seconds."""
    start, total = 0, 0.0
    for chunk, done in enumerate(chunk_done):
        if done:
            if chunk > start:
                yield range(start, chunk)
            start, total = chunk + 1, 0.0
            continue
        total += cost[chunk]
        if total >= aim:
            yield range(start, chunk + 1)
            start, total = chunk + 1, 0.0
    if start < len(chunk_done):
        yield range(start, len(chunk_done))
