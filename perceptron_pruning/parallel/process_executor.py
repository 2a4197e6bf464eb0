"""The machine's cores as an executor that outlives its workers.

A `ProcessPoolExecutor` is lost when one of its processes is killed, and with it everything that was submitted. Here
each core has a pool of its own, of one process, and is given one call at a time. A process that dies fails its own
call alone, which tells exactly what killed it, and its core gets a new process.

Processes are spawned (a fork of a process that has used JAX hangs), run linear algebra on one thread and JAX on the
CPU, and end with whoever started them, even if that was killed.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JAX_PLATFORMS": "cpu",
}


class Workers(Executor):
    """Spawned processes, one a core and pinned to it; a call whose process dies raises `BrokenExecutor`.

    As a context manager it waits for what was submitted, or, left by an error or Ctrl-C, stops at once.

    Args:
        n_workers: Processes; by default as many as this process has cores, and only then are they pinned
            (others may have taken the rest).

    Raises:
        ValueError: ``n_workers`` is not a positive integer.
    """

    def __init__(self, n_workers: int | None = None):
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None] * (os.cpu_count() or 1)
        self.n_workers = len(cores) if n_workers is None else n_workers
        if not isinstance(self.n_workers, int) or self.n_workers < 1:
            raise ValueError(f"`n_workers` must be an integer >= 1; got {n_workers!r}")
        pinned = cores if self.n_workers == len(cores) else [None] * self.n_workers
        self._idle = [_Slot(core) for core in pinned]
        self._slots = list(self._idle)
        self._waiting: deque[tuple[Future, Callable[[], Any]]] = deque()
        self._lock = threading.RLock()
        self._closed = False
        self._quiet = threading.Condition(self._lock)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("these workers were shut down; make new ones")
            self._waiting.append((future, partial(fn, *args, **kwargs)))
            self._dispatch()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self._lock:
            self._closed = True
            if cancel_futures:
                for future, _ in self._waiting:
                    future.cancel()
                self._waiting.clear()
            if wait:
                self._quiet.wait_for(lambda: not self._waiting and len(self._idle) == len(self._slots))
                for slot in self._slots:
                    slot.end()

    def stop(self) -> None:
        """Ends the processes now, whatever they are doing."""
        self.shutdown(wait=False, cancel_futures=True)
        for slot in self._slots:
            slot.end()

    def __exit__(self, kind, error, traceback) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.stop()

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            future, call = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                slot = self._idle.pop(0)
                slot.submit(call).add_done_callback(partial(self._finished, slot, future))

    def _finished(self, slot: "_Slot", future: Future, inner: Future) -> None:
        error = inner.exception()
        with self._lock:
            if isinstance(error, BrokenExecutor):
                slot.end()
            self._idle.append(slot)
            self._dispatch()
            self._quiet.notify_all()
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(inner.result())


class _Slot:
    """A core and its process, which is started when it is first needed."""

    def __init__(self, core: int | None):
        self._core = core
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None

    def submit(self, call: Callable[[], Any]) -> Future:
        with _environment():
            try:
                return self._started().submit(call)
            except BrokenExecutor:  # it was killed while it had nothing to do
                self.end()
                return self._started().submit(call)

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            reader, self._lifeline = context.Pipe(duplex=False)
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(reader, self._core))
        return self._pool

    def end(self) -> None:
        """Cuts the lifeline: the process exits at once."""
        if self._pool is not None and self._lifeline is not None:
            self._lifeline.close()
            self._pool.shutdown(wait=False)
            self._pool = None


def _begin(lifeline: Connection, core: int | None) -> None:
    """In a new process: its core, no Ctrl-C (the parent alone decides what it means), and an end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if core is not None:
        os.sched_setaffinity(0, {core})
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()


def _end_with_parent(lifeline: Connection) -> None:
    lifeline.poll(None)  # nothing is ever sent: it wakes when the parent closes its end, or dies
    os._exit(1)


@contextmanager
def _environment() -> Iterator[None]:
    """What a process that is spawned meanwhile inherits."""
    inherited = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in inherited.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
