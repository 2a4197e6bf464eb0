"""Processes as an executor: what they are like, what they can be sent, and how they end."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.parallel.cores import usable_cores
from perceptron_pruning.parallel.worker import _SharedMemory

ROOT = Path(__file__).parents[2]


def double(array: np.ndarray, *, more: float = 0.0) -> np.ndarray:
    return 2 * array + more


class Unpicklable(Exception):
    def __reduce__(self):
        raise pickle.PicklingError


class AsksForMore(Exception):
    """Pickled, but not unpickled: its constructor asks for more than the words that are kept."""

    def __init__(self, words: str, more: str = ""):
        super().__init__(words + more)

    def __reduce__(self):
        return type(self), ()


@dataclass(frozen=True)
class TakesNoNote(Exception):
    words: str


class CannotBeReceived:
    def __reduce__(self):
        return int, ("no number",)


class LostConnection:
    def __reduce__(self):
        return lose_connection, ()


def lose_connection() -> None:
    raise EOFError("of another file")


def fails(error: Callable[[str], BaseException]) -> None:
    raise error("as it should")


def no_memory(*_: object) -> None:
    raise OSError("no memory left")


def exit_with(status: int) -> None:
    os._exit(status)


def process_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def lives(process: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def test_calls_return_what_they_would_here():
    arrays = [np.arange(size, dtype=float) for size in (0, 3, 300_000)]
    with ProcessExecutor(2) as executor:
        for array, doubled in zip(arrays, executor.map(double, arrays), strict=True):
            np.testing.assert_array_equal(doubled, 2 * array)
        assert executor.submit(double, np.ones(2), more=1.0).result().tolist() == [3.0, 3.0]


def test_processes_have_one_thread_the_cpu_and_no_processes_of_their_own():
    with ProcessExecutor(1) as executor:
        assert executor.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
        assert executor.submit(os.getenv, "JAX_PLATFORMS").result() == "cpu"
        assert executor.submit(usable_cores).result() == 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no process to a core")
def test_as_many_processes_as_cores_are_bound_to_one_each():
    cores = os.sched_getaffinity(0)
    with ProcessExecutor() as executor:
        bound = list(executor.map(_core_after, [0.2] * len(cores)))
    assert sorted(core for cores_of_one in bound for core in cores_of_one) == sorted(cores)


def _core_after(seconds: float) -> set[int]:
    time.sleep(seconds)
    return os.sched_getaffinity(0)


@pytest.mark.parametrize("error", [ArithmeticError, SystemExit], ids=["arithmetic", "exit"])
def test_an_error_comes_back_with_its_traceback_and_the_process_goes_on(error):
    with ProcessExecutor(1) as executor:
        with pytest.raises(error, match="as it should") as raised:
            executor.submit(fails, error).result()
        assert "in fails" in "".join(raised.value.__notes__)
        assert executor.submit(abs, -1).result() == 1


def test_an_error_that_cannot_be_sent_is_told():
    with ProcessExecutor(1) as executor:
        with pytest.raises(RuntimeError, match="Unpicklable: as it should"):
            executor.submit(fails, Unpicklable).result()
        with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
            executor.submit(lambda: 1).result()
        assert executor.submit(abs, -1).result() == 1


@pytest.mark.parametrize("error", [AsksForMore, TakesNoNote], ids=["its constructor", "its attributes"])
def test_an_error_that_cannot_be_received_is_told_with_its_traceback(error):
    with ProcessExecutor(1) as executor:
        with pytest.raises(RuntimeError, match=rf"{error.__name__}: .*as it should") as raised:
            executor.submit(fails, error).result()
        assert "in fails" in "".join(raised.value.__notes__)
        assert executor.submit(abs, -1).result() == 1


def test_a_result_that_cannot_be_received_says_where_it_was_made():
    with ProcessExecutor(1) as executor:
        with pytest.raises(ValueError, match="no number") as raised:
            executor.submit(CannotBeReceived).result()
        assert raised.value.__notes__ == ["While what a call in a worker process returned was unpickled"]
        with pytest.raises(EOFError, match="of another file"):  # and is not taken for the end of the process
            executor.submit(LostConnection).result(timeout=60)


def test_a_call_for_which_memory_lacks_leaves_the_next_one_whole(monkeypatch):
    with ProcessExecutor(1) as executor:
        numbers = [np.full(3, number, dtype=float) for number in range(4)]
        assert [executor.submit(double, array).result()[0] for array in numbers] == [0.0, 2.0, 4.0, 6.0]
        with monkeypatch.context() as patch:
            patch.setattr(_SharedMemory, "write", no_memory)
            with pytest.raises(OSError, match="no memory left"):
                executor.submit(double, numbers[0]).result()
        assert [executor.submit(double, array).result(timeout=60)[0] for array in numbers] == [0.0, 2.0, 4.0, 6.0]


def test_a_process_that_ends_by_itself_was_not_killed():
    with ProcessExecutor(1) as executor, pytest.raises(BrokenExecutor, match=r"ended with status 3$"):
        executor.submit(exit_with, 3).result()


def test_a_killed_process_fails_its_own_call_and_is_replaced():
    with ProcessExecutor(1) as executor:
        first = executor.submit(os.getpid).result()
        with pytest.raises(BrokenExecutor, match="ended with status -9"):
            executor.submit(os.kill, first, 9).result()
        assert executor.submit(os.getpid).result() != first


def test_a_process_killed_while_it_is_idle_is_replaced_before_the_next_call():
    with ProcessExecutor(1) as executor:
        first = executor.submit(os.getpid).result()
        os.kill(first, 9)
        while lives(first):
            time.sleep(0.01)
        assert executor.submit(os.getpid).result() != first


def leave_by_an_error(started: list) -> None:
    with ProcessExecutor(1) as executor:
        started.append(executor.submit(os.getpid).result())
        started.extend(executor.submit(process_after, 600.0) for _ in range(2))
        while not started[1].running():
            time.sleep(0.01)
        raise ArithmeticError("left by an error")


def test_leaving_by_an_error_stops_at_once():
    started, begun = [], time.monotonic()
    with pytest.raises(ArithmeticError, match="left by an error"):
        leave_by_an_error(started)
    process, running, waiting = started
    assert time.monotonic() - begun < 60
    assert not lives(process)
    with pytest.raises(BrokenExecutor, match=r"a worker process ended|was stopped"):
        running.result()
    assert waiting.cancelled()


def test_leaving_in_order_waits_for_what_was_submitted():
    with ProcessExecutor(1) as executor:
        futures = [executor.submit(process_after, 0.1) for _ in range(3)]
    assert len({future.result() for future in futures}) == 1
    assert not lives(futures[0].result())
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(abs, -1)


def leave_in_order_and_interrupt(started: list[int]) -> None:
    with ProcessExecutor(1) as executor:
        started.append(executor.submit(os.getpid).result())
        executor.submit(process_after, 600.0)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_an_interrupt_while_it_waits_in_order_stops_at_once():
    started, begun = [], time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        leave_in_order_and_interrupt(started)
    assert time.monotonic() - begun < 60
    assert not lives(started[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
def test_a_fork_is_refused_its_parents_processes_and_leaves_them_alone():
    with ProcessExecutor(1) as executor:
        process = executor.submit(os.getpid).result()
        fork = os.fork()
        if fork == 0:
            os._exit(_exit_status_of_a_fork(executor))
        assert os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) == 0
        assert executor.submit(os.getpid).result() == process


def _exit_status_of_a_fork(executor: ProcessExecutor) -> int:
    """0 where the executor says what to do, and stops nothing."""
    try:
        executor.submit(abs, -1)
    except RuntimeError as error:
        executor.stop()
        return "of which this one is a fork; make another one here" not in str(error)
    return 1


def test_a_numpy_integer_is_a_number_of_processes():
    assert ProcessExecutor(np.int64(2)).n_workers == 2  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("n_workers", [0, 1.5, "2", True], ids=repr)
def test_a_number_of_processes_that_is_none_is_refused(n_workers):
    with pytest.raises(ValueError, match="`n_workers` must be an integer >= 1"):
        ProcessExecutor(n_workers)


GUARDED = """
from perceptron_pruning.parallel import ProcessExecutor
print("read")
def square(number):
    return number * number
if __name__ == "__main__":
    with ProcessExecutor(1) as executor:
        print(list(executor.map(square, range(4))))
"""
UNGUARDED = """
from perceptron_pruning.parallel import ProcessExecutor
print("read")
with ProcessExecutor(1) as executor:
    print(executor.submit(pow, 2, 5).result())
"""
UNGUARDED_FUNCTION = """
from perceptron_pruning.parallel import ProcessExecutor
def square(number):
    return number * number
with ProcessExecutor(1) as executor:
    print(executor.submit(square, 3).result())
"""


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, script]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_a_scripts_own_function_runs_in_processes(tmp_path):
    done = run_script(tmp_path, GUARDED)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["read", "read", "[0, 1, 4, 9]"]


def test_a_script_without_a_guard_is_read_once_if_processes_need_nothing_of_it(tmp_path):
    done = run_script(tmp_path, UNGUARDED)
    assert done.stdout.splitlines() == ["read", "32"], done.stderr


def test_a_script_without_a_guard_whose_function_is_sent_says_what_to_do(tmp_path):
    done = run_script(tmp_path, UNGUARDED_FUNCTION)
    assert done.returncode == 1
    assert "what the script does must stand under `if __name__ == '__main__':`" in done.stderr
