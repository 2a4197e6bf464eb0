"""A process that runs calls for this one, whose arrays travel in memory that both share.

It is a fresh interpreter: a fork hangs once JAX was used. It imports what a call needs; the caller's script is run
again, as `multiprocessing` does always, only for calls to what the script defines. It runs linear algebra on one thread
and JAX on the CPU, leaves Ctrl-C to the process that started it, and ends with that one, even if it is killed.
"""

import contextlib
import io
import mmap
import multiprocessing
import multiprocessing.spawn
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from importlib import import_module
from itertools import accumulate, cycle
from multiprocessing.connection import Connection, Pipe
from types import ModuleType
from typing import Any

AHEAD = 2  # calls that a worker holds at most, one of them running
_ALIGNMENT = 64  # bytes: a cache line
_ENVIRONMENT = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JAX_PLATFORMS": "cpu",
}
_SCRIPT = ("init_main_from_name", "init_main_from_path", "sys_argv", "dir")  # multiprocessing's names for its place

_serving = False  # whether this process is a worker
_in_call = False  # whether it runs a call, which an interrupt ends
_knows_script = False  # whether it has imported the caller's script
_running_script = False  # whether it is importing it, while the script must not start workers of its own


class Interrupted(BaseException):
    """A worker's call was interrupted by `Worker.interrupt`; no ``except Exception`` of the call keeps it running."""


class Worker:
    """One process. It is sent up to `AHEAD` calls; their results are received in that order.

    Args:
        core: Number of the core that it is bound to; None for any.

    Attributes:
        has_answered: Whether a first result was received.

    Raises:
        RuntimeError: This process is a worker that imports the caller's script, which starts workers without a guard.
        OSError: The system starts no process, or is Windows.
    """

    def __init__(self, core: int | None = None) -> None:
        if _running_script:
            raise RuntimeError("a script that is imported must not start processes")
        if sys.platform == "win32":
            raise OSError("worker processes inherit file descriptors, which Windows does not pass on")
        self._connection, theirs = Pipe()
        ended, self._lifeline = Pipe(duplex=False)  # nothing is ever sent: it tells the worker that this end is gone
        self._memories = [_SharedMemory(_unnamed_file()) for _ in range(AHEAD)]
        self._sent = 0
        passed = [theirs.fileno(), ended.fileno(), *(memory.descriptor for memory in self._memories)]
        places = [str(place) for place in sys.path]
        program = f"import sys; sys.path[:] = {places}; from {__name__} import serve; serve({core}, *{passed})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program], pass_fds=passed, env=os.environ | _ENVIRONMENT
        )
        theirs.close()
        ended.close()
        self.has_answered = False

    def send(self, function: Callable[..., object], arguments: Sequence[object] = ()) -> None:
        """A call, function(*arguments)."""
        arrays: list[pickle.PickleBuffer] = []
        message, of_script = _pickled((function, arguments), arrays)
        script = _script() if of_script else None
        sizes = self._memories[self._sent % AHEAD].write([memoryview(message), *(array.raw() for array in arrays)])
        self._sent += 1  # now, for a call that cannot be written leaves its turn to the next
        with contextlib.suppress(BrokenPipeError):  # it has ended, as `receive` will say
            self._connection.send((script, sizes))

    def has_result(self, within: float) -> bool:
        """Whether the oldest call ends within so many seconds, or the process does."""
        return self._connection.poll(within)

    def receive(self) -> Any:
        """What the oldest call returned or raised there.

        Raises:
            BrokenExecutor: The process has ended.
        """
        try:
            answer = self._connection.recv_bytes()
        except (EOFError, ConnectionError):
            raise BrokenExecutor(self._end()) from None
        self.has_answered = True
        result, error = _unpickled(answer)
        if error is not None:
            raise error
        return result

    def _end(self) -> str:
        """How the process has ended."""
        status = self._process.wait()
        return f"a worker process ended with status {status}" + " (killed, or out of memory)" * (status < 0)

    def interrupt(self) -> None:
        """Ends the call that runs now, which raises `Interrupted`; without effect where none runs yet.

        To be sent before the next call is, so that it cannot end that one.
        """
        if self.has_answered:  # before that it may not know the signal yet, which would end it
            self._process.send_signal(signal.SIGUSR1)

    def lives(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """Ends it at once, in the middle of a call too."""
        self._process.kill()
        self._process.wait()


def is_worker() -> bool:
    """Whether this process works for another, whose other workers have the other cores."""
    return _serving or multiprocessing.parent_process() is not None


def can_be_sent(function: Callable[..., object]) -> bool:
    """Whether a worker can import what this is made of: nothing local, nothing of the caller's script."""
    try:
        return not _pickled(function, [])[1]
    except (pickle.PicklingError, AttributeError, TypeError):
        return False


def serve(core: int | None, connection: int, lifeline: int, *memories: int) -> None:
    """The worker's side: runs calls until the process that started it is gone."""
    global _serving
    _serving = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal
    signal.signal(signal.SIGUSR1, _interrupt_call)
    if core is not None:
        os.sched_setaffinity(0, {core})
    threading.Thread(target=_end_with, args=(Connection(lifeline, writable=False),), daemon=True).start()
    theirs = Connection(connection)
    with contextlib.suppress(EOFError, ConnectionError):
        for memory in cycle(map(_SharedMemory, memories)):
            script, sizes = theirs.recv()
            theirs.send_bytes(_outcome(script, *memory.read(sizes)))


def _end_with(lifeline: Connection) -> None:
    """Ends this process, whatever it does, when the other end is closed: by intent, or by that process's death."""
    lifeline.poll(None)
    os._exit(1)


def _outcome(script: dict[str, Any] | None, message: memoryview, *arrays: memoryview) -> bytes:
    """What a call returned, or what it raised, pickled."""
    try:
        if script is not None and not _knows_script:
            _run_script(script)
        function, arguments = pickle.loads(message, buffers=arrays)
        return pickle.dumps((_called(function, arguments), None))
    except BaseException as error:  # the caller raises it, whatever it is
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    """What a call raised, pickled, with its traceback; a RuntimeError of its words where it cannot be sent."""
    note = f"In a worker process:\n{''.join(traceback.format_exception(error))}"
    try:
        error.add_note(note)
        answer = pickle.dumps((None, error))
        pickle.loads(answer)  # one whose constructor asks for more than its words cannot be received
        return answer
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.add_note(note)
        return pickle.dumps((None, told))


def _unpickled(answer: bytes) -> tuple[Any, BaseException | None]:
    """What a call returned and what it raised, one of them None."""
    try:
        return pickle.loads(answer)
    except Exception as error:
        error.add_note("While what a call in a worker process returned was unpickled")
        raise


def _called(function: Callable[..., object], arguments: Sequence[object]) -> object:
    """What the call returns, while it may be interrupted."""
    global _in_call
    _in_call = True
    try:
        return function(*arguments)
    finally:
        _in_call = False


def _interrupt_call(*_: object) -> None:
    """Handles the signal, in the main thread: once a call, and not between calls."""
    global _in_call
    if _in_call:
        _in_call = False
        raise Interrupted


def _script() -> dict[str, Any]:
    """How another process finds the caller's script."""
    preparation = multiprocessing.spawn.get_preparation_data("worker")
    return {name: preparation[name] for name in _SCRIPT if name in preparation}


def _run_script(script: dict[str, Any]) -> None:
    """Imports the caller's script, under the name `__mp_main__`."""
    global _running_script, _knows_script
    _running_script = True
    try:
        multiprocessing.spawn.prepare(script)
        _knows_script = True
    except BaseException as error:
        raise RuntimeError(
            f"a worker process could not import the script ({type(error).__name__}: {error}), which defines what it is "
            "to run; what the script does must stand under `if __name__ == '__main__':`"
        ) from error
    finally:
        _running_script = False


class _Pickler(pickle.Pickler):
    """Notes whether what it pickles is defined in the caller's script; sends modules by their names."""

    of_script = False

    def reducer_override(self, obj: object) -> Any:
        self.of_script |= getattr(obj, "__module__", None) == "__main__"
        return (import_module, (obj.__name__,)) if isinstance(obj, ModuleType) else NotImplemented


def _pickled(thing: object, arrays: list[pickle.PickleBuffer]) -> tuple[bytes, bool]:
    """The pickle without its arrays, which are added to the list; and whether the caller's script defines a part."""
    stream = io.BytesIO()
    pickler = _Pickler(stream, protocol=5, buffer_callback=arrays.append)
    pickler.dump(thing)
    return stream.getvalue(), pickler.of_script


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
        """Views of arrays of these sizes in bytes, each at the start of a cache line."""
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
