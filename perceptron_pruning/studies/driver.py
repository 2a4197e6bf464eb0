"""The driver's loop: a bounded number of tasks under way, each result handed on as it comes."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait

from perceptron_pruning.parallel.process_executor import Workers
from perceptron_pruning.studies.chunking import Task
from perceptron_pruning.studies.errors import SweepError
from perceptron_pruning.studies.study import Study
from perceptron_pruning.studies.task import Done, Work

_MOST_DEATHS = 3  # of workers, at one task, that an executor reports
_QUEUED = 2  # tasks for each worker, so that none waits for its next while the driver writes
_UNKNOWN_WIDTH = 64

Outcome = tuple[Task, Done | BaseException]


class Driver:
    """Sends a study's tasks to an executor, again if a worker died that the executor replaced."""

    def __init__(self, study: Study, executor: Executor):
        self._cells, self._work, self._executor = study.cells, Work.of(study), executor
        self._waiting: deque[Task] = deque()
        self._running: dict[Future, Task] = {}
        self._deaths: Counter[Task] = Counter()

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Each task and what became of it, as they finish. The workers are fed before the caller has it to write.

        Raises:
            SweepError: The executor takes no more tasks.
        """
        self._waiting.extend(tasks)
        try:
            self._send()
            while self._running:
                over = [outcome for outcome in self._finished() if not self._again(*outcome)]
                try:
                    self._send()
                finally:
                    yield from over
        finally:
            for future in self._running:
                future.cancel()

    def _send(self) -> None:
        while self._waiting and len(self._running) < width(self._executor):
            task = self._waiting.popleft()
            cells = [self._cells[index] for index in task.cells]
            try:
                self._running[self._executor.submit(self._work, cells, task.trials)] = task
            except (BrokenExecutor, RuntimeError) as error:
                raise SweepError(
                    f"the executor takes no more tasks ({error}); what is done is kept, call again with a new one "
                    "(the default replaces workers that die)"
                ) from error

    def _finished(self) -> list[Outcome]:
        finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        return [(self._running.pop(future), _outcome(future)) for future in finished]

    def _again(self, task: Task, outcome: Done | BaseException) -> bool:
        if not _is_death(outcome):
            return False
        self._deaths[task] += 1
        if self._deaths[task] < _MOST_DEATHS:
            self._waiting.appendleft(task)
            return True
        return False


def width(executor: Executor) -> int:
    """How many tasks to have under way: two a worker, as many as there are by now."""
    if isinstance(executor, Workers):
        return _QUEUED * executor.n_workers
    client = getattr(executor, "_client", None)  # of Dask
    if client is not None:
        return _QUEUED * max(1, sum(client.nthreads().values()))
    return _QUEUED * getattr(executor, "_max_workers", _UNKNOWN_WIDTH)


def _is_death(outcome: Done | BaseException) -> bool:
    """Whether a worker died of it, or beside it: Dask blames all tasks that a dead worker had, four times each."""
    return isinstance(outcome, BrokenExecutor) or type(outcome).__name__ == "KilledWorker"


def _outcome(future: Future) -> Done | BaseException:
    try:
        return future.exception() or future.result()
    except BaseException as cancelled:
        return cancelled
