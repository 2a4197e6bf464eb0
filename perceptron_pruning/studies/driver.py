"""The driver's loop: a bounded number of tasks under way, each result handed on as it comes."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies.errors import SweepError
from perceptron_pruning.studies.study import Study
from perceptron_pruning.studies.task import Task, TaskResult, TaskRunner

_MOST_DEATHS = 3  # deaths of workers at one task, after which it has failed
_TASKS_A_WORKER = 2  # sent and not back: a worker has its next while the driver writes
_WORKERS_UNKNOWN = 64  # workers of an executor that does not tell how many it has

Outcome = TaskResult | BaseException


class Driver:
    """Sends a study's tasks to an executor, again if a worker died that the executor replaced."""

    def __init__(self, study: Study, executor: Executor):
        self._cells, self._runner, self._executor = study.cells, TaskRunner.of(study), executor
        self._waiting: deque[Task] = deque()
        self._running: dict[Future[TaskResult], Task] = {}
        self._deaths: Counter[Task] = Counter()

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its result or its error, as they finish. New tasks are sent before the caller writes these.

        Raises:
            SweepError: The executor takes no more tasks.
        """
        self._waiting.extend(tasks)
        try:
            self._send()
            while self._running:
                settled = [(task, outcome) for task, outcome in self._finished() if not self._again(task, outcome)]
                try:
                    self._send()
                finally:
                    yield from settled
        finally:
            for future in self._running:
                future.cancel()

    def _send(self) -> None:
        while self._waiting and len(self._running) < most_under_way(self._executor):
            task = self._waiting.popleft()
            cells = [self._cells[index] for index in task.cells]
            try:
                self._running[self._executor.submit(self._runner, cells, task.trials)] = task
            except (BrokenExecutor, RuntimeError) as error:
                raise SweepError(
                    f"the executor takes no more tasks ({error}); what is done is kept, call again with a new one "
                    "(the default replaces workers that die)"
                ) from error

    def _finished(self) -> list[tuple[Task, Outcome]]:
        finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        return [(self._running.pop(future), _outcome(future)) for future in finished]

    def _again(self, task: Task, outcome: Outcome) -> bool:
        """Whether the task has only lost its worker, and was put back to be sent again."""
        if not _is_death(outcome):
            return False
        self._deaths[task] += 1
        if self._deaths[task] < _MOST_DEATHS:
            self._waiting.appendleft(task)
            return True
        return False


def most_under_way(executor: Executor) -> int:
    """Most tasks that are sent and not back: two for each worker that the executor has by now."""
    if isinstance(executor, ProcessExecutor):
        return _TASKS_A_WORKER * executor.n_workers
    dask = getattr(executor, "_client", None)
    if dask is not None:
        return _TASKS_A_WORKER * max(1, sum(dask.nthreads().values()))
    return _TASKS_A_WORKER * getattr(executor, "_max_workers", _WORKERS_UNKNOWN)


def _is_death(outcome: Outcome) -> bool:
    """Whether a worker died that had the task: Dask blames all tasks that a dead worker had, after four such deaths."""
    return isinstance(outcome, BrokenExecutor) or type(outcome).__name__ == "KilledWorker"


def _outcome(future: Future[TaskResult]) -> Outcome:
    try:
        return future.exception() or future.result()
    except BaseException as cancelled:
        return cancelled
