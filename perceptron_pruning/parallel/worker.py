"""A process that runs tasks for this one; their arrays travel in memory that both share.

It is a fresh interpreter that imports this package alone: a fork hangs once JAX was used, and
`multiprocessing` would run the caller's script again. It ends with the process that started it.
"""

import contextlib
import io
import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from itertools import accumulate, cycle
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

AHEAD = 2  # tasks that a worker holds at most
_ALIGNMENT = 64  # bytes: a cache line
_PATIENCE = 0.05  # seconds between looks at whether a worker that starts is still wanted
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """One process; it is sent up to two tasks, and results are received in that order."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        self._memories = [_SharedMemory(_unnamed_file()) for _ in range(AHEAD)]
        self._turn = cycle(self._memories)
        passed = theirs.fileno(), *(memory.descriptor for memory in self._memories)
        program = f"from perceptron_pruning.parallel.worker import serve; serve{passed}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            pass_fds=passed,
            env=os.environ | dict.fromkeys(_THREADS, "1") | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        theirs.close()
        self.ready = False

    def await_ready(self, *, wanted: Callable[[], bool]) -> bool:
        """Whether it has started, before it is no longer wanted."""
        while not self.ready and wanted():
            if self._connection.poll(_PATIENCE):
                self._received()
                self.ready = True
        return self.ready

    def send(self, work: Callable, arguments: Sequence) -> None:
        """A task, work(*arguments)."""
        arrays: list[pickle.PickleBuffer] = []
        message = _pickled((work, arguments), arrays)
        sizes = next(self._turn).write([memoryview(message), *(array.raw() for array in arrays)])
        with contextlib.suppress(BrokenPipeError):  # it has ended, as ``receive`` will say
            self._connection.send(sizes)

    def receive(self) -> Any:
        """What the oldest task returned or raised there."""
        result, error = self._received()
        if error is not None:
            raise error
        return result

    def _received(self) -> Any:
        try:
            return self._connection.recv()
        except (EOFError, ConnectionError):
            ended = self._process.wait()
            raise BrokenExecutor(f"a worker process ended with status {ended} (killed, or out of memory)") from None

    def lives(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """At once, in the middle of a task too."""
        self._process.kill()
        self._process.wait()


def can_be_sent(work: Callable) -> bool:
    """Whether a worker can import what this is made of: nothing local, nothing of the caller's script."""
    try:
        _pickled(work, [])
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def serve(connection: int, *memories: int) -> None:
    """The worker's side: runs tasks until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the parent decides
    theirs = Connection(connection)
    with contextlib.suppress(EOFError, ConnectionError):
        theirs.send("ready")
        for memory in cycle(map(_SharedMemory, memories)):
            theirs.send(_outcome(*memory.read(theirs.recv())))


def _outcome(message: memoryview, *arrays: memoryview) -> tuple[Any, Exception | None]:
    try:
        work, arguments = pickle.loads(message, buffers=arrays)
        return work(*arguments), None
    except Exception as error:  # the caller raises it
        return None, error


class _Pickler(pickle.Pickler):
    """Refuses what is defined in the caller's script, which a worker does not run."""

    def reducer_override(self, obj: Any) -> Any:
        if getattr(obj, "__module__", None) == "__main__":
            raise pickle.PicklingError(f"{obj!r} is defined in a script")
        return NotImplemented


def _pickled(thing: Any, arrays: list[pickle.PickleBuffer]) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=arrays.append).dump(thing)
    return stream.getvalue()


class _SharedMemory:
    """Bytes of arrays, in a file without a name that two processes map; it grows as needed."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self._map: mmap.mmap | bytes = b""

    def write(self, arrays: list[memoryview]) -> list[int]:
        """Copies arrays into it; returns their sizes, by which to read them."""
        sizes = [array.nbytes for array in arrays]
        for place, array in zip(self.read(sizes), arrays, strict=True):
            place[:] = array
        return sizes

    def read(self, sizes: list[int]) -> list[memoryview]:
        """Views of arrays of these sizes, each at the start of a cache line."""
        starts = list(accumulate((-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes), initial=0))
        view = self._mapped(starts[-1])
        return [view[start:][:size] for start, size in zip(starts, sizes, strict=False)]

    def _mapped(self, size: int) -> memoryview:
        if len(self._map) < size:
            if os.fstat(self.descriptor).st_size < size:
                os.ftruncate(self.descriptor, size)
            self._map = mmap.mmap(self.descriptor, size)
        return memoryview(self._map)


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("perceptron-pruning", 0)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
