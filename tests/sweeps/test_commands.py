"""The commands, from the command line: what they print, and what Ctrl-C and bad input do."""

import math
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from perceptron_pruning.commands.sweep import sweep_command
from perceptron_pruning.studies import StoreError
from perceptron_pruning.studies.dataset import read_sweep
from perceptron_pruning.studies.status import status
from perceptron_pruning.sweeps import Grid, config
from perceptron_pruning.sweeps.config import grid_of
from perceptron_pruning.sweeps.parsing import rule
from replica_theory import Calibrated, EmpiricalRisk, KeepBetween, KeepEasiest, KeepHardest, KeepRandom, KeepWindows

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "perceptron_pruning.cli"]
LONG = 'alpha_prune = [1, 2, 4]\nselection = "KeepHardest(0.5)"\nn_features = 200\nn_trials = 2000\n'


def command(*arguments):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(tmp_path):
    (tmp_path / "long.toml").write_text(LONG, encoding="utf-8")
    arguments = [*COMMAND, "sweep", tmp_path / "long.toml", "--task-seconds", "0.2"]
    run = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, start_new_session=True)
    store = tmp_path / "long.zarr"
    deadline = time.monotonic() + 120
    while not list(store.glob("done/c.*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 130
    assert re.search(r"Interrupted: \d+\.\d% is done, in .*long.zarr; the same command goes on there", errors)
    assert "Traceback" not in errors
    done = read_sweep(store).done
    assert 0 < done.sum() < done.size
    shown = command("status", store)
    assert shown.returncode == 0
    assert re.search(r"[012] of 3 cells complete, 2000 trials each", shown.stdout)
    assert "nobody is writing it" in shown.stdout


def test_example_in_the_help_is_a_sweep(tmp_path, monkeypatch, capsys):
    lines = re.findall(r"^    (\w+ = .*)$", sweep_command.__doc__ or "", re.MULTILINE)
    assert len(lines) == 5
    monkeypatch.chdir(tmp_path)
    Path("sweep.toml").write_text("\n".join(lines).replace("200", "20"), encoding="utf-8")
    assert sweep_command(Path("sweep.toml"), netcdf=Path("sweep.nc"), workers=1) == 0
    assert "24 cells of 100 trials are in sweep.zarr and sweep.nc" in capsys.readouterr().out
    with xr.open_dataset("sweep.nc", engine="h5netcdf") as back:
        np.testing.assert_array_equal(back.overlap, read_sweep("sweep.zarr").overlap)


def test_the_command_names_an_engine_and_refuses_processes_for_devices(tmp_path):
    (tmp_path / "sweep.toml").write_text("alpha_prune = 1\nn_features = 20\nn_trials = 2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="`--workers` must be left out with `--engine jax`"):
        sweep_command(tmp_path / "sweep.toml", workers=2, engine="jax")
    assert sweep_command(tmp_path / "sweep.toml", engine="numpy") == 0
    assert "engine" not in status(tmp_path / "sweep.zarr").study  # no name means "numpy"
    with pytest.raises(StoreError, match="`engine`"):
        sweep_command(tmp_path / "sweep.toml", engine="jax")


def test_examples_of_the_file_are_grids():
    text = re.sub(r"#.*", "", config.__doc__ or "")
    product, blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", text + "\n")
    assert grid_of(tomllib.loads(product)) == Grid(
        alpha_total=(1.5, 3, 6, 12),
        selection=[KeepHardest(0.3), KeepEasiest(0.3), KeepRandom(0.3)],
        probe_angle=[0.0, math.radians(10)],
        student=["max_margin", EmpiricalRisk("logistic", 0.1)],
    )
    assert len(grid_of(tomllib.loads(blocks)).cells) == 3 + 9 + 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("alpha_prune = 1\nselektion = 'KeepRandom()'", "`selektion` is no key of a sweep"),
        ("alpha_prune = 1\nselection = 'KeepRandom(2)'", "`keep_fraction` must be in"),
        ("alpha_prune = 1\nselection = 'open(3)'", "`selection` must be a rule such as KeepHardest"),
        ("alpha_prune = 1\nprobe_angle = 0\nprobe_angle_degrees = 0", "exclude each other"),
        ("alpha_prune = 1\nprobe_angle_degrees = 91", r"`probe_angle_degrees` must be in \[0, 90\]; got 91"),
        ("alpha_prune = 'many'", "must be"),
        ("alpha_prune = [1", "must be TOML"),
        ("n_trials = 3", "one of `alpha_prune` and `alpha_total`"),
        ("[[cells]]\nalpha_prune = 1\nn_trials = 3", "`n_trials` must stand above"),
        ("cells = 3", "`cells` must be blocks"),
    ],
    ids=[
        "key",
        "fraction",
        "no rule",
        "two angles",
        "91 degrees",
        "text",
        "no TOML",
        "no α",
        "trials in a block",
        "no blocks",
    ],
)
def test_bad_files_give_one_error(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        config.read_grid(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sweep", "missing.toml"), "missing.toml"),
        (("sweep", "ok.toml", "--netcdf", "no/ok.nc"), "`--netcdf` must lie in a folder that exists; no does not"),
        (("sweep", "ok.toml", "--workers", "0"), "`n_workers` must be an integer >= 1"),
        (("sweep", "ok.toml", "--workers", "1", "--scheduler", "s"), "`--workers` must be left out"),
        (("status", "nothing.zarr"), "is no sweep's store"),
    ],
    ids=["no file", "no folder", "no workers", "both executors", "no store"],
)
def test_bad_input_gives_one_line_and_no_traceback(tmp_path, arguments, message):
    (tmp_path / "ok.toml").write_text("alpha_prune = 1\nn_features = 20\nn_trials = 2\n", encoding="utf-8")
    run = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment()
    )
    assert run.returncode == 1
    assert message in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (
            "distributed",
            r'a cluster needs one more package \(distributed\): pip install "perceptron-pruning\[cluster\]"',
        ),
        (
            "perceptron_pruning.parallel",
            "`sweep` needs what cannot be imported: .*pruning.parallel .*",
        ),
    ],
    ids=["of a cluster", "of the command itself"],
)
def test_a_package_that_is_missing_gives_one_line_and_no_traceback(tmp_path, package, message):
    (tmp_path / "ok.toml").write_text("alpha_prune = 1\n", encoding="utf-8")
    script = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['perceptron-pruning', 'sweep', 'ok.toml', "
        "'--scheduler', 's.json']; from perceptron_pruning.cli import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment()
    )
    assert run.returncode == 1
    assert re.fullmatch(f"Error: {message}\n", run.stderr)


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}


@pytest.mark.parametrize(
    "selection",
    [
        KeepHardest(0.3, label_aware=True),
        KeepEasiest(1 / 3),
        KeepRandom(),
        KeepBetween(0.1, 0.6),
        KeepWindows(((0.0, 0.1), (0.5, 0.7))),
        Calibrated(KeepHardest(0.5), 0.1),
    ],
    ids=repr,
)
def test_rules_come_back_from_their_labels(selection):
    assert rule(repr(selection)) == selection
