"""Files that start a sweep on a cluster, run line by line on this machine, with what SLURM and Kubernetes add faked."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from perceptron_pruning.studies import cluster
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.sweeps.config import grid_of

LAUNCH = Path(cluster.__file__).parent / "launch"
SMALL = 'alpha_prune = [0.5, 1, 2]\nselection = "KeepHardest(0.5)"\nn_features = 20\nn_trials = 4\n'
COMMANDS = {
    "dask": f'exec "{sys.executable}" -m dask "$@"',
    "perceptron-pruning": f'exec "{sys.executable}" -m perceptron_pruning.cli "$@"',
    # As SLURM's: the command once for each task, with srun's own options taken off, and an end with all of them.
    "srun": 'while [[ $1 == --* ]]; do echo "$1" >> options; shift; done\n'
    "trap 'kill $(jobs -p); wait; echo ended >> options; exit' TERM\n"
    'for ((task = 0; task < SLURM_NTASKS; task++)); do "$@" & done; wait',
}


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Of a job on a cluster: the programs on its path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in COMMANDS.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    paths = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    return os.environ | paths | {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "TMPDIR": str(tmp_path)}


@pytest.mark.slow
def test_the_slurm_job_runs_and_leaves_nothing_behind(tmp_path, environment):
    (tmp_path / "sweep.toml").write_text(SMALL, encoding="utf-8")
    with socket.socket() as taken:
        with suppress(OSError):  # it is taken already
            taken.bind(("", 8786))  # as by the scheduler of another job on this host
            taken.listen()
        job = subprocess.run(
            ["bash", LAUNCH / "slurm.sh"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
    assert job.returncode == 0, job.stderr
    assert "3 cells of 4 trials are in sweep.zarr" in job.stdout
    assert read_sweep(tmp_path / "sweep.zarr").done.all()
    assert job.stderr.count("Registered to:") == 2
    assert not list(tmp_path.glob("scheduler-*.json"))
    deadline = time.monotonic() + 20
    while "ended" not in (options := (tmp_path / "options").read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert options.startswith("--cpu-bind=cores\n")


def test_the_slurm_job_is_what_the_documentation_says():
    slurm = (LAUNCH / "slurm.sh").read_text(encoding="utf-8")
    lines = re.findall(r"^    (?:srun )?(dask \w+) --scheduler-file \S+ (.*) &$", cluster.__doc__ or "", re.MULTILINE)
    assert [command for command, _ in lines] == ["dask scheduler", "dask worker"]
    for command, options in lines:
        assert re.search(rf'{command} --scheduler-file "\$scheduler" {options}', slurm)


@pytest.fixture
def manifest() -> list[dict]:
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all((LAUNCH / "kubernetes.yaml").read_text(encoding="utf-8")))


def command_of(document: dict) -> list[str]:
    return document["spec"]["template"]["spec"]["containers"][0]["command"]


def test_the_manifest_is_kubernetes_and_its_sweep_a_sweep(manifest):
    kinds = [document["kind"] for document in manifest]
    assert kinds == ["ConfigMap", "PersistentVolumeClaim", "Service", "Deployment", "Deployment", "Job"]
    assert len(grid_of(tomllib.loads(manifest[0]["data"]["sweep.toml"])).cells) == 12
    address = f"tcp://{manifest[2]['metadata']['name']}:{manifest[2]['spec']['ports'][0]['port']}"
    assert command_of(manifest[4])[2] == command_of(manifest[5])[-1] == address


def test_the_commands_of_the_manifest_sweep(manifest, tmp_path, environment):
    (tmp_path / "sweep.toml").write_text(SMALL, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    here = {
        "tcp://sweep-scheduler:8786": f"tcp://127.0.0.1:{port}",
        "8786": port,
        "/config/sweep.toml": str(tmp_path / "sweep.toml"),
        "/store/sweep.zarr": str(tmp_path / "sweep.zarr"),
    }
    scheduler, worker, driver = ([here.get(word, word) for word in command_of(part)] for part in manifest[3:])
    started = [subprocess.Popen(command, cwd=tmp_path, env=environment) for command in (scheduler, worker)]
    try:
        done = subprocess.run(driver, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    finally:
        for process in started:
            process.terminate()
            process.wait()
    assert done.returncode == 0, done.stderr
    assert read_sweep(tmp_path / "sweep.zarr").done.all()
