"""What Dask takes for a task, measured: a scheduler and one worker, each a process, and a few thousand tasks |n|."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perceptron_pruning.studies.cluster import cluster

_UNDER_WAY = 500  # tasks at a time, as for 250 workers
_LOCAL = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass(frozen=True)
class DaskLoad:
    """Processor seconds for an empty task.

    Attributes:
        scheduler: Those of the scheduler's process.
        driver: Those of the process that submits and gathers, without writing.
    """

    scheduler: float
    driver: float


def dask_load(n_tasks: int = 4000) -> DaskLoad:
    """Sends empty tasks through a scheduler of this machine's.

    Raises:
        ImportError: Dask is not installed.
    """
    with tempfile.TemporaryDirectory() as folder, _local_dask(Path(folder)) as file, cluster(file) as executor:
        list(executor.map(abs, range(_UNDER_WAY)))
        scheduler, driver = _scheduler_seconds(executor), time.process_time()
        for _ in range(0, n_tasks, _UNDER_WAY):
            list(executor.map(abs, range(_UNDER_WAY)))
        sent = -(-n_tasks // _UNDER_WAY) * _UNDER_WAY
        return DaskLoad((_scheduler_seconds(executor) - scheduler) / sent, (time.process_time() - driver) / sent)


def _scheduler_seconds(executor: Executor) -> float:
    return executor._client.run_on_scheduler(time.process_time)  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def _local_dask(folder: Path) -> Iterator[Path]:
    """A scheduler's file."""
    file = folder / "scheduler.json"
    worker = ("--nworkers", "1", "--nthreads", "1", "--local-directory", str(folder))
    commands: Sequence[Sequence[str]] = [("scheduler", "--port", "0"), ("worker", *worker)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command, "--scheduler-file", str(file), *_LOCAL], stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        yield file
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
