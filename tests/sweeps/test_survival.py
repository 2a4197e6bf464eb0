"""What kills a sweep does not hurt it: real processes, killed for real."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from counting import Deadly, Failing, FailsSooner, calls, counting_study
from driver import N_WORKERS, STUDIES

from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies import SweepError
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.run import run_study
from perceptron_pruning.studies.store import read_store

HERE = Path(__file__).parent


def start(kind: str, log: Path, store: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, HERE / "driver.py", kind, log, store], stderr=subprocess.PIPE, text=True)


def finish(driver: subprocess.Popen) -> int:
    driver.communicate(timeout=600)
    return driver.returncode


def worker_pids(driver: int) -> list[int]:
    """Processes that a driver spawned to compute."""
    try:
        threads = [task.name for task in Path(f"/proc/{driver}/task").iterdir()]
        children = [pid for t in threads for pid in Path(f"/proc/{driver}/task/{t}/children").read_text().split()]
    except OSError:
        return []
    return [int(pid) for pid in children if "parallel.worker" in command_line(pid)]


def command_line(pid) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@dataclass
class Kills:
    """What was dealt out, and at each driver's death the calls begun and the cells done."""

    workers: int = 0
    drivers: int = 0
    snapshots: list[tuple[int, np.ndarray]] = field(default_factory=list)


def killed_sweep(kind: str, folder: Path, *, kills: int, pause: tuple[float, float], seed: int) -> Kills:
    """Runs a sweep to its end, through random kills of workers and drivers at random moments."""
    rng, log, store = random.Random(seed), folder / "log", folder / "store.zarr"
    dealt, driver = Kills(), start(kind, log, store)
    while dealt.workers + dealt.drivers < kills:
        before = len(calls(log))
        wait_for(lambda before=before: len(calls(log)) > before)
        time.sleep(rng.uniform(*pause))
        assert driver.poll() is None, f"it ended after {dealt}: {driver.communicate()[1]}"
        workers = worker_pids(driver.pid)
        if workers and rng.random() < 0.5:
            os.kill(rng.choice(workers), signal.SIGKILL)
            dealt.workers += 1
        else:
            driver.kill()
            driver.communicate()
            dealt.drivers += 1
            wait_for(lambda workers=workers: not any(is_alive(pid) for pid in workers))  # none goes on without it
            dealt.snapshots.append((len(calls(log)), read_store(store).done()))
            driver = start(kind, log, store)
    _, errors = driver.communicate(timeout=600)
    assert driver.returncode == 0, errors
    return dealt


def check_nothing_done_was_begun_again(kind: str, log: Path, snapshots: list[tuple[int, np.ndarray]]) -> None:
    cells, begun = STUDIES[kind](log).cells, calls(log)
    for number, done in snapshots:
        finished = {f"{cells[cell]!r} {trial}" for cell, trial in zip(*np.nonzero(done), strict=True)}
        assert not finished & set(begun[number:])


def undisturbed(kind: str, folder: Path) -> xr.Dataset:
    with ProcessExecutor(N_WORKERS) as workers:
        return run_study(STUDIES[kind](folder / "undisturbed"), folder / "undisturbed.zarr", executor=workers)


def same(first: xr.Dataset, second: xr.Dataset) -> None:
    """Bit for bit."""
    assert first.done.all()
    for name in first.data_vars:
        assert first[name].values.tobytes() == second[name].values.tobytes()


@pytest.mark.slow
def test_a_few_kills_cost_what_was_under_way_and_no_bit(tmp_path):
    dealt = killed_sweep("cells", tmp_path, kills=3, pause=(0.0, 0.4), seed=1)
    assert dealt.workers
    assert dealt.drivers
    same(read_sweep(tmp_path / "store.zarr"), undisturbed("cells", tmp_path))
    check_nothing_done_was_begun_again("cells", tmp_path / "log", dealt.snapshots)
    again = len(calls(tmp_path / "log")) - len(calls(tmp_path / "undisturbed"))
    assert again <= dealt.workers + 2 * N_WORKERS * dealt.drivers  # running, and computed but not yet written


@pytest.mark.slow
def test_many_kills_of_a_sweep_of_students(tmp_path):
    dealt = killed_sweep("simulation", tmp_path, kills=24, pause=(0.0, 0.3), seed=2)
    assert min(dealt.workers, dealt.drivers) >= 5
    assert len(STUDIES["simulation"](tmp_path / "log").cells) >= 400
    same(read_sweep(tmp_path / "store.zarr"), undisturbed("simulation", tmp_path))
    check_nothing_done_was_begun_again("simulation", tmp_path / "log", dealt.snapshots)


def test_a_cell_that_kills_its_worker_is_named_and_the_others_are_done(tmp_path):
    with ProcessExecutor(2) as workers, pytest.raises(SweepError, match=r"1 failed \(3, trials 0 to 2: Broken"):
        run_study(counting_study(tmp_path / "log", function=Deadly()), tmp_path / "s.zarr", executor=workers)
    assert calls(tmp_path / "log").count("3 0") == 3
    assert read_sweep(tmp_path / "s.zarr").done.all("trial").sum() == 11


def test_an_executor_that_breaks_says_how_to_go_on(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(SweepError, match="a new one"):
        run_study(counting_study(tmp_path / "log", function=Deadly()), tmp_path / "s.zarr", executor=pool)
    assert read_sweep(tmp_path / "s.zarr").done.all("trial").sum() == 3


def test_cells_that_fail_are_named_and_the_others_are_done(tmp_path):
    study = counting_study(tmp_path / "log", function=Failing(cells=(3, 5)))
    for _ in range(2):  # the second time only these are begun again
        with (
            ThreadPoolExecutor(1) as here,
            pytest.raises(
                SweepError, match=r"^2 failed \(3, trials 0 to 2: MemoryError: of all things; 5, trials 0 to"
            ),
        ):
            run_study(study, tmp_path / "s.zarr", executor=here)
    assert read_sweep(tmp_path / "s.zarr").done.all("trial").sum() == 10
    assert len(calls(tmp_path / "log")) == 14


def test_failures_are_named_in_the_order_of_the_cells_whenever_their_tasks_end(tmp_path):
    study = counting_study(tmp_path / "log", function=FailsSooner(cells=(2, 5, 7, 11)))
    named = "; ".join(rf"{cell}, trials 0 to 2: MemoryError: of all things" for cell in (2, 5, 7))
    with ThreadPoolExecutor(4) as here, pytest.raises(SweepError, match=rf"^4 failed \({named}; and 1 more\)"):
        run_study(study, tmp_path / "s.zarr", executor=here)


def test_a_sweep_of_which_everything_fails_stops_early(tmp_path):
    study = counting_study(tmp_path / "log", function=Failing(cells=tuple(range(400))), n_cells=400)
    with ThreadPoolExecutor(1) as here, pytest.raises(SweepError, match="10 failed"):
        run_study(study, tmp_path / "s.zarr", executor=here)
    assert len(calls(tmp_path / "log")) < 20


def test_few_tasks_are_submitted_at_a_time(tmp_path):
    class Counting(ThreadPoolExecutor):
        under_way = most = 0

        def submit(self, fn, /, *args, **kwargs):
            future = super().submit(fn, *args, **kwargs)
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            future.add_done_callback(lambda _: setattr(self, "under_way", self.under_way - 1))
            return future

    with Counting(2) as executor:
        run_study(counting_study(tmp_path / "log", n_cells=50), tmp_path / "s.zarr", executor=executor)
    assert executor.most <= 4


def test_a_wrong_shape_is_no_result(tmp_path):
    study = replace(counting_study(tmp_path / "log"), function=wrong_shape)
    with ThreadPoolExecutor(1) as here, pytest.raises(SweepError, match="must give arrays of shapes"):
        run_study(study, tmp_path / "s.zarr", executor=here)


def wrong_shape(cell: int, trials: range) -> dict[str, np.ndarray]:
    return {"value": np.zeros(1), "pair": np.zeros((len(trials), 2))}
