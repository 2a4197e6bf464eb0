"""Tasks on all cores: in order, with their errors, and through the death of a worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from perceptron_pruning.parallel import cores
from perceptron_pruning.parallel.blas_threads import check_one_blas_thread, one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.parallel.worker import Interrupted, Worker


@pytest.fixture(autouse=True)
def three_workers_at_once(monkeypatch):
    monkeypatch.setattr(cores, "usable_cores", lambda: 3)
    monkeypatch.setattr(cores, "_SHORT", 0.0)
    cores._stop()  # those of other tests
    yield
    cores._stop()


def sum_and_place(row: np.ndarray, number: int) -> tuple[float, int]:
    time.sleep(0.02)
    return float(row.sum()), os.getpid()


def fails_from(first: int, number: int) -> int:
    time.sleep(0.02)
    if number >= first:
        raise ArithmeticError(f"task {number} failed")
    return number


class Fails:
    def __init__(self, first: int):
        self.first = first

    def __call__(self, number: int) -> int:
        return fails_from(self.first, number)


def dies(number: int, caller: int) -> None:
    time.sleep(0.3)
    if number > 10 and os.getpid() != caller:
        os.kill(os.getpid(), signal.SIGKILL)


def until_workers_run(rows: np.ndarray) -> list[tuple[float, int]]:
    """As many tasks as it takes for a worker to start."""
    while True:
        results = on_all_cores(sum_and_place, rows, range(len(rows)))
        if {place for _, place in results} - {os.getpid()}:
            return results


def test_short_tasks_get_workers_once_they_go_on_coming(monkeypatch):
    monkeypatch.setattr(cores, "_SHORT", 60.0)
    monkeypatch.setattr(cores, "_spent", 0.0)
    on_all_cores(fails_from, [9, 9], range(2))
    assert not cores._WORKERS
    assert cores._spent >= 0.04
    monkeypatch.setattr(cores, "_SHORT", cores._spent)
    on_all_cores(fails_from, [9, 9], range(2))
    assert cores._WORKERS


def test_results_come_in_order_from_several_processes():
    rows = np.arange(600.0).reshape(60, 10)
    until_workers_run(rows)
    sums, places = zip(*on_all_cores(sum_and_place, rows, range(60)), strict=True)
    assert list(sums) == [float(row.sum()) for row in rows]
    assert len(set(places)) == 3
    assert os.getpid() in places


def test_arrays_larger_than_those_before_arrive_whole():
    until_workers_run(np.ones((40, 1)))
    rows = np.random.default_rng(0).standard_normal((12, 100_003))
    assert [total for total, _ in on_all_cores(sum_and_place, rows, range(12))] == [float(row.sum()) for row in rows]


@pytest.mark.parametrize("function", [Fails(7), lambda number: fails_from(7, number)], ids=["sent", "lambda"])
def test_the_first_failure_is_the_one_that_is_raised(function):
    with pytest.raises(ArithmeticError, match="task 7 failed"):
        on_all_cores(function, range(100))


def test_a_killed_worker_is_an_error_and_the_next_call_has_new_ones():
    until_workers_run(np.ones((40, 1)))
    with pytest.raises(BrokenExecutor, match="ended with status -9"):
        on_all_cores(dies, range(9, 40), [os.getpid()] * 31)
    assert until_workers_run(np.ones((40, 1)))


def test_interrupted_tasks_stop_at_once_and_leave_no_process():
    until_workers_run(np.ones((40, 1)))
    processes = [worker._process for worker in cores._WORKERS]
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        on_all_cores(time.sleep, [60.0] * 3)
    assert time.monotonic() - start < 20
    assert all(process.poll() is not None for process in processes)


def test_threads_stay_and_those_within_threads_do_not_wait_for_each_other():
    def thread(_: object) -> int:
        time.sleep(0.005)
        return threading.get_ident()

    def threads(_: object) -> set[int]:
        return set(on_all_cores(thread, range(6), threads=True))

    seen = set().union(*on_all_cores(threads, range(6), threads=True))
    assert threading.get_ident() in seen
    again = set().union(*on_all_cores(threads, range(6), threads=True))
    assert 1 < len(seen | again) <= 1 + (os.cpu_count() or 1)


def test_threads_of_interrupted_tasks_take_no_other():
    begun = []

    def task(number: int) -> None:
        begun.append(number)
        time.sleep(0.1)

    threading.Timer(0.25, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        on_all_cores(task, range(1000), threads=True)
    count = len(begun)
    time.sleep(0.3)
    assert len(begun) == count < 100


SCRIPT = """
import numpy as np
from perceptron_pruning.parallel import cores
cores.usable_cores, cores._SHORT = (lambda: 2), 0.0
calls = []
def square(number):
    calls.append(number)
    return number * number
assert cores.on_all_cores(square, range(50)) == [k * k for k in range(50)]
assert sorted(calls) == list(range(50)), "a script's own function runs in the script's process"
print("ran once")
"""


def test_a_script_without_a_guard_runs_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.stdout == "ran once\n", done.stderr


@pytest.mark.parametrize("before_its_end", ["", "worker.send(time.sleep, (600,))"], ids=["idle", "in a call"])
def test_a_worker_ends_with_its_parent(tmp_path, before_its_end):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, time\nfrom perceptron_pruning.parallel.worker import Worker\nworker = Worker()\n"
        "worker.send(os.getpid)\nprint(worker.receive(), flush=True)\n"
        f"{before_its_end}\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    worker, patience = int(done.stdout), time.monotonic() + 20
    while _runs(worker):
        assert time.monotonic() < patience, "an orphan"
        time.sleep(0.05)


def _runs(process: int) -> bool:
    """Whether it does, a zombie aside."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")


def threads_of_linear_algebra() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        OpenBLASController.clear_controlling_thread()  # any thread may change it, as where nobody has set it
        yield
        OpenBLASController.clear_controlling_thread(force=True)


def test_linear_algebra_has_one_thread_while_anyone_solves(two_blas_threads):
    with one_blas_thread():
        with one_blas_thread():
            assert threads_of_linear_algebra() == {1}
        assert threads_of_linear_algebra() == {1}
    assert threads_of_linear_algebra() == {2}


def test_the_last_of_several_threads_gives_linear_algebra_its_threads_back(two_blas_threads):
    first_has_begun, second_has_begun, first_is_over = (threading.Event() for _ in range(3))

    def first():
        with one_blas_thread():
            first_has_begun.set()
            second_has_begun.wait()
        first_is_over.set()
        release.wait()  # alive, and so in control as far as threadpoolctl knows

    def second():
        first_has_begun.wait()
        with one_blas_thread():
            second_has_begun.set()
            first_is_over.wait()
            return threads_of_linear_algebra()

    release = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        pool.submit(first)
        assert pool.submit(second).result() == {1}
        assert threads_of_linear_algebra() == {2}
        release.set()


def test_one_thread_is_checked(two_blas_threads):
    with one_blas_thread():
        check_one_blas_thread()
    with pytest.raises(RuntimeError, match="linear algebra must have one thread here"):
        check_one_blas_thread()


def test_a_call_is_interrupted_and_the_next_one_runs():
    worker = Worker()
    try:
        worker.send(os.getpid)
        process = worker.receive()
        worker.interrupt()  # where no call runs it does nothing
        worker.send(time.sleep, (600,))
        while not worker.has_result(0.05):
            worker.interrupt()
        with pytest.raises(Interrupted, match=r"^"):
            worker.receive()
        worker.send(os.getpid)
        assert worker.receive() == process
    finally:
        worker.stop()
