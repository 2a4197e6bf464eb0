"""A real Dask scheduler and workers, started as a user starts them."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counting import Slow, calls, counting_study
from driver import STUDIES
from test_survival import same, undisturbed, wait_for

from perceptron_pruning import sweep
from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies.cluster import cluster
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.run import run_study
from perceptron_pruning.sweeps.config import read_grid

HERE = Path(__file__).parent
LOCAL = ("--host", "127.0.0.1", "--no-dashboard")


class Dask:
    """A scheduler and workers, each a process with an entry point of its own."""

    def __init__(self, folder: Path):
        self.folder, self.file = folder, folder / "s.json"
        self.scheduler = self._start("scheduler", "--port", "0", *LOCAL)
        self.workers: list[subprocess.Popen] = []
        for _ in range(2):
            self.add_worker()

    def add_worker(self) -> None:
        options = ("--nworkers", "1", "--nthreads", "1", "--local-directory", self.folder)
        self.workers.append(self._start("worker", *options, *LOCAL))

    def _start(self, what: str, *arguments) -> subprocess.Popen:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
        command = [sys.executable, "-m", "dask", what, "--scheduler-file", self.file, *arguments]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """With what it started: a worker's nanny would start another."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    started = Dask(tmp_path_factory.mktemp("dask"))
    yield started
    started.stop()


def test_the_command_gives_the_same_bits_on_a_cluster(dask, tmp_path):
    (tmp_path / "sweep.toml").write_text(
        'alpha_prune = [1, 4]\nselection = "KeepHardest(0.5)"\nn_features = [20, 80]\nn_trials = 6\n', encoding="utf-8"
    )
    command = [sys.executable, "-m", "perceptron_pruning.cli", "sweep", tmp_path / "sweep.toml"]
    run = subprocess.run(
        [*command, "--scheduler", dask.file, "--task-seconds", "0.001"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "4 cells of 6 trials are in" in run.stdout
    with ProcessExecutor(1) as here:
        local = sweep(read_grid(tmp_path / "sweep.toml"), tmp_path / "local.zarr", executor=here)
    same(read_sweep(tmp_path / "sweep.zarr"), local)


def test_a_worker_that_is_killed_has_its_task_done_by_another(dask, tmp_path):
    study = counting_study(tmp_path / "log", function=Slow(0.1), n_cells=40)
    with cluster(dask.file) as executor, ThreadPoolExecutor(1) as thread:
        run = thread.submit(run_study, study, tmp_path / "s.zarr", executor=executor)
        wait_for(lambda: len(calls(tmp_path / "log")) > 8)
        kill(dask.workers.pop())
        assert run.result().done.all()
    assert 40 <= len(calls(tmp_path / "log")) <= 42
    dask.add_worker()


@pytest.mark.slow
def test_many_kills_of_a_clusters_workers(dask, tmp_path):
    study, rng = STUDIES["simulation"](tmp_path / "log"), random.Random(3)
    with cluster(dask.file) as executor, ThreadPoolExecutor(1) as thread:
        run = thread.submit(run_study, study, tmp_path / "s.zarr", executor=executor, task_seconds=0.3)
        for _ in range(10):
            before = len(calls(tmp_path / "log"))
            wait_for(lambda before=before: len(calls(tmp_path / "log")) > before, 60)
            time.sleep(rng.uniform(0, 0.3))
            kill(dask.workers.pop(0))
            dask.add_worker()
        dataset = run.result()
    same(dataset, undisturbed("simulation", tmp_path))


def test_no_scheduler_there(tmp_path, monkeypatch):
    monkeypatch.setattr("perceptron_pruning.studies.cluster._PATIENCE", "1s")
    with pytest.raises(ValueError, match="must be the file or address of a running Dask scheduler"), cluster(tmp_path):
        pass
