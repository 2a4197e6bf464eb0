"""The machine's cores as an executor that outlives its workers.

A `ProcessPoolExecutor` is lost when one of its processes is killed, and with it everything that was submitted. Here
each core has a process of its own, which is given one call at a time. A process that dies fails its own call alone,
which tells exactly what killed it, and its core gets a new process.
"""

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial
from numbers import Integral
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import ParamSpec, TypeVar

from perceptron_pruning.parallel.worker import Worker

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class ProcessExecutor(Executor):
    """Processes, one a core and bound to it; a call whose process dies raises `BrokenExecutor`.

    As a context manager it waits for what was submitted, or, left by an error or Ctrl-C, stops at once; otherwise call
    `stop`, without which the interpreter waits at its end for what was submitted. What the processes are like,
    `perceptron_pruning.parallel.worker` tells.

    Example::

        with ProcessExecutor() as executor:
            errors = sweep(grid, "errors.zarr", executor=executor)

    Args:
        n_workers: Processes, >= 1; by default as many as this process has cores, and only then are they bound to them
            (others may have taken the rest).

    Raises:
        ValueError: ``n_workers`` is not a positive integer.
        RuntimeError: By `submit`: it was shut down, or was made before a fork, whose parent has its processes.
    """

    def __init__(self, n_workers: int | None = None):
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * (os.cpu_count() or 1)
        if n_workers is not None and (
            not isinstance(n_workers, Integral) or isinstance(n_workers, bool) or n_workers < 1
        ):
            raise ValueError(f"`n_workers` must be an integer >= 1; got {n_workers!r}")
        self.n_workers = len(cores) if n_workers is None else int(n_workers)
        bound = cores if self.n_workers == len(cores) else [None] * self.n_workers
        self._slots = [_Slot(core) for core in bound]
        self._idle: SimpleQueue[_Slot] = SimpleQueue()
        for slot in self._slots:
            self._idle.put(slot)
        self._threads = ThreadPoolExecutor(self.n_workers, "process-executor")  # one waits for each process
        self._owner = os.getpid()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Result]:
        if self._owner != os.getpid():
            raise RuntimeError(
                f"this executor belongs to process {self._owner}, of which this one is a fork; make another one here"
            )
        return self._threads.submit(self._run, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if self._owner != os.getpid():  # a fork: the processes are its parent's
            return
        try:
            self._threads.shutdown(wait, cancel_futures=cancel_futures)
        except BaseException:  # Ctrl-C while it waits
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._stop_processes()
            raise
        if wait:
            self._stop_processes()

    def stop(self) -> None:
        """Ends the processes now, whatever they are doing."""
        self.shutdown(wait=False, cancel_futures=True)
        self._stop_processes()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.stop()

    def _run(self, call: Callable[[], Result]) -> Result:
        slot = self._idle.get()
        try:
            return slot.run(call)
        finally:
            self._idle.put(slot)

    def _stop_processes(self) -> None:
        if self._owner != os.getpid():
            return
        for slot in self._slots:
            slot.stop()


class _Slot:
    """A core's place for a process, which is started when it is first needed, and anew when it has died."""

    def __init__(self, core: int | None):
        self._core = core
        self._worker: Worker | None = None
        self._stopped, self._lock = False, Lock()

    def run(self, call: Callable[[], Result]) -> Result:
        worker = self._living()
        worker.send(call)
        return worker.receive()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.stop()

    def _living(self) -> Worker:
        with self._lock:
            if self._stopped:
                raise BrokenExecutor("this executor was stopped")
            if self._worker is None or not self._worker.lives():
                self._worker = Worker(self._core)
            return self._worker
