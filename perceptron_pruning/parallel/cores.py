"""Independent tasks on all cores, a process each: the solver's small steps hold Python's lock too often for threads.

This process is one of them: its tasks need no copy of their arrays. The others, a worker for each further core, start
when tasks last or go on coming, and stay for later ones.
"""

import atexit
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from perceptron_pruning.parallel.worker import AHEAD, Worker, can_be_sent

_SHORT = 0.2  # seconds of work, of all calls together, that are not worth a worker
_spent = 0.0  # of them
_WORKERS: list[Worker] = []
_IN_USE = Lock()


def usable_cores() -> int:
    """Cores this process may use; one in a worker process, whose siblings have the others."""
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_all_cores(
    work: Callable[..., Any], *arguments: Iterable, at_most: int | None = None, threads: bool = False
) -> list:
    """Results in the order of the arguments, whatever the number of cores; the error of the first task that fails.

    Threads take the place of processes where asked for (results are large), and for work that cannot
    be sent to a process (a rule made of a lambda, or defined in the caller's script).
    """
    tasks = _Tasks(work, arguments)
    cores = min(usable_cores(), at_most or usable_cores(), len(tasks))
    if cores == 1:
        tasks.run()
    elif threads or sys.platform == "win32" or not can_be_sent(work):  # there, descriptors are not inherited
        with ThreadPoolExecutor(cores) as pool:
            list(pool.map(lambda _: tasks.run(), range(cores)))
    else:
        with _IN_USE:
            _spread(tasks, cores)
    return tasks.results()


class _Tasks:
    """Tasks that threads take one after the other, and what became of them."""

    def __init__(self, work: Callable[..., Any], arguments: tuple[Iterable, ...]):
        self.work, self.arguments = work, list(zip(*arguments, strict=True))
        self._outcomes: list[Any] = [None] * len(self.arguments)
        self._failures: dict[int, Exception] = {}
        self._next, self._lock = iter(range(len(self.arguments))), Lock()
        self.left = True

    def __len__(self) -> int:
        return len(self.arguments)

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Takes and runs tasks here."""
        while not until() and (index := self.take()) is not None:
            self.settle(index, partial(self.work, *self.arguments[index]))

    def take(self) -> int | None:
        """The next task; none after a failure, for only those before it count."""
        with self._lock:
            index = next(self._next, None) if self.left else None
            self.left = index is not None
            return index

    def settle(self, index: int, outcome: Callable[[], Any]) -> None:
        try:
            self._outcomes[index] = outcome()
        except Exception as error:
            with self._lock:
                self._failures[index], self.left = error, False

    def results(self) -> list:
        if self._failures:
            raise self._failures[min(self._failures)]
        return self._outcomes


def _spread(tasks: _Tasks, cores: int) -> None:
    """Over this process, and workers by a thread each that feeds it."""
    if not _WORKERS:
        _run_short(tasks)
    workers = _started(cores - 1) if tasks.left else []
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
    """Here alone, while work is still short."""
    global _spent
    begun = time.monotonic()
    tasks.run(until=lambda: _spent + time.monotonic() - begun > _SHORT)
    _spent += time.monotonic() - begun


def _feed(worker: Worker, tasks: _Tasks) -> None:
    """One task ahead, so that the worker never waits for the next."""
    if not worker.await_ready(wanted=lambda: tasks.left):
        return
    sent: deque[int] = deque()
    while (index := tasks.take()) is not None:
        worker.send(tasks.work, tasks.arguments[index])
        sent.append(index)
        if len(sent) == AHEAD:
            tasks.settle(sent.popleft(), worker.receive)
    for index in sent:
        tasks.settle(index, worker.receive)


def _started(count: int) -> list[Worker]:
    _WORKERS[:] = [worker for worker in _WORKERS if worker.lives()]
    _WORKERS.extend(Worker() for _ in range(count - len(_WORKERS)))
    return _WORKERS[:count]


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
