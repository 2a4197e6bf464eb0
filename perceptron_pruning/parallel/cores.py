"""Independent tasks on all cores, a process each: the solver's small steps hold Python's lock too often for threads.

This process is one of them: its tasks need no copy of their arrays. The others, a worker for each further core, start
once tasks have taken a while, and stay for later ones.
"""

import atexit
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar, cast

from perceptron_pruning.parallel.kept_threads import running_beside
from perceptron_pruning.parallel.worker import AHEAD, Worker, can_be_sent, is_worker

Result = TypeVar("Result")

_SHORT = 0.2  # seconds of tasks, of all calls together, before workers are started
_PATIENCE = 0.05  # seconds between looks at whether a worker that starts still has tasks to wait for
_spent = 0.0  # seconds of tasks so far, up to _SHORT
_WORKERS: list[Worker] = []
_IN_USE = Lock()


def usable_cores() -> int:
    """Cores this process may use; one in a worker process, whose siblings have the others."""
    if is_worker():
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(
    function: Callable[..., Result], *arguments: Iterable[Any], at_most: int | None = None, threads: bool = False
) -> list[Result]:
    """``[function(*one) for one in zip(*arguments)]``, whatever the number of cores.

    Args:
        function: Computes one task. Where it cannot be sent to a process (a rule made of a lambda, or defined in the
            caller's script), threads take the place of processes.
        arguments: As for `map`, of equal lengths.
        at_most: Tasks that may run side by side, for the sake of memory.
        threads: Threads in any case, as for results that are large.

    Raises:
        BrokenExecutor: A worker was killed.
        Exception: What the first task that fails, in the order of the arguments, has raised.
    """
    tasks = _Tasks(function, arguments)
    cores = min(usable_cores(), at_most or usable_cores(), len(tasks))
    if cores <= 1:
        tasks.run()
    elif threads or sys.platform == "win32" or not can_be_sent(function):
        with running_beside(tasks.run, cores - 1):
            tasks.run()
    else:
        with _IN_USE:
            _spread(tasks, cores)
    return tasks.results()


class _Tasks(Generic[Result]):
    """Tasks that threads take one after the other, and what became of them.

    Attributes:
        function: Computes one.
        arguments: Those of each.
        left: Whether some were not taken yet.
    """

    def __init__(self, function: Callable[..., Result], arguments: tuple[Iterable[Any], ...]):
        self.function, self.arguments = function, list(zip(*arguments, strict=True))
        self._outcomes: list[Result | None] = [None] * len(self.arguments)
        self._failures: dict[int, Exception] = {}
        self._next, self._lock = iter(range(len(self.arguments))), Lock()
        self.left = True

    def __len__(self) -> int:
        return len(self.arguments)

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Takes and runs tasks here."""
        try:
            while not until() and (index := self.take()) is not None:
                self.settle(index, partial(self.function, *self.arguments[index]))
        except BaseException:  # an interrupt: no thread takes another
            self.left = False
            raise

    def take(self) -> int | None:
        """The next task; none after a failure, for only those before it count."""
        with self._lock:
            index = next(self._next, None) if self.left else None
            self.left = index is not None
            return index

    def settle(self, index: int, outcome: Callable[[], Result]) -> None:
        """Keeps what a task's outcome, when it is called, returns or raises."""
        try:
            self._outcomes[index] = outcome()
        except Exception as error:
            with self._lock:
                self._failures[index], self.left = error, False

    def results(self) -> list[Result]:
        if self._failures:
            raise self._failures[min(self._failures)]
        return cast(list[Result], self._outcomes)


def _spread(tasks: _Tasks, cores: int) -> None:
    """Runs tasks in this process, and in workers by a thread each that feeds it."""
    if not _WORKERS:
        _run_short(tasks)
    workers = _started(cores - 1, tasks.function) if tasks.left else []
    with ThreadPoolExecutor(cores - 1) as feeders:
        try:
            fed = [feeders.submit(_feed, worker, tasks) for worker in workers]
            tasks.run()
            for feeder in fed:
                feeder.result()
        except BaseException:
            _stop()
            raise


def _run_short(tasks: _Tasks) -> None:
    """Runs tasks in this process alone, until they have taken `_SHORT` seconds."""
    global _spent
    begun = time.monotonic()
    tasks.run(until=lambda: _spent + time.monotonic() - begun > _SHORT)
    _spent += time.monotonic() - begun


def _feed(worker: Worker, tasks: _Tasks) -> None:
    """Sends tasks to a worker, one ahead, so that it never waits for the next."""
    if not _has_started(worker, tasks):
        return
    sent: deque[int] = deque()
    while (index := tasks.take()) is not None:
        worker.send(tasks.function, tasks.arguments[index])
        sent.append(index)
        if len(sent) == AHEAD:
            tasks.settle(sent.popleft(), worker.receive)
    for index in sent:
        tasks.settle(index, worker.receive)


def _has_started(worker: Worker, tasks: _Tasks) -> bool:
    """Waits for a worker that starts, while there are tasks for it."""
    while not worker.has_answered and tasks.left:
        if worker.has_result(within=_PATIENCE):
            worker.receive()
    return worker.has_answered


def _started(count: int, function: Callable[..., object]) -> list[Worker]:
    """So many living workers, the new ones with what the function needs imported as their first task."""
    _WORKERS[:] = [worker for worker in _WORKERS if worker.lives()]
    for _ in range(count - len(_WORKERS)):
        worker = Worker()
        worker.send(_import_all_of, (function,))
        _WORKERS.append(worker)
    return _WORKERS[:count]


def _import_all_of(function: Callable[..., object]) -> None:
    """To receive the function was to import what it needs."""


def _stop() -> None:
    while _WORKERS:
        _WORKERS.pop().stop()


atexit.register(_stop)


def _forget() -> None:
    """A fork does not own its parent's workers."""
    global _IN_USE
    _IN_USE = Lock()
    _WORKERS.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
