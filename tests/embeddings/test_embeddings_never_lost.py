"""Finished work is not lost: a save that fails, another run, a name that is taken, SIGTERM."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from perceptron_pruning.cli import app
from perceptron_pruning.commands.preflight import check_output, only_run
from perceptron_pruning.embeddings.scores import WRITERS


@pytest.fixture
def words(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", rng.normal(size=(200, 8)).astype(np.float32))
    np.save(tmp_path / "labels.npy", np.arange(200) % 4)
    output = tmp_path / "scores.npz"
    rows, labels = str(tmp_path / "rows.npy"), str(tmp_path / "labels.npy")
    return ["score", rows, "--labels", labels, "--metrics", "margin", "memorization", "--output", str(output)]


def run(words) -> int:
    return app([str(word) for word in words], result_action="return_value")


def test_a_save_that_fails_leaves_the_finished_work(words, tmp_path, monkeypatch):
    def full(path, columns):
        raise OSError("No space left on device")

    partial = tmp_path / "scores.npz.partial"
    with monkeypatch.context() as patched:
        patched.setitem(WRITERS, ".npz", full)
        with pytest.raises(OSError, match="No space left"):
            run(words)
    assert (partial / "done_memorization.npz").exists()
    assert not (tmp_path / "scores.npz").exists()
    assert run(words) == 0
    assert not partial.exists()


def test_an_output_is_replaced_on_request_alone(words, tmp_path):
    assert run(words) == 0
    before = (tmp_path / "scores.npz").read_bytes()
    with pytest.raises(ValueError, match="is there already; give another name, or --overwrite"):
        run(words)
    assert (tmp_path / "scores.npz").read_bytes() == before
    assert run([*words, "--overwrite"]) == 0


def test_two_runs_do_not_write_one_output(words, tmp_path):
    with (
        only_run(tmp_path / "scores.npz"),
        pytest.raises(ValueError, match="is being written by another run"),
    ):
        run(words)
    assert run(words) == 0
    assert not list(tmp_path.glob(".*"))


def test_parquet_without_pyarrow_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("perceptron_pruning.commands.preflight.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs pyarrow: pip install .* or end it in \.csv"):
        check_output(tmp_path / "scores.parquet", (".parquet",), overwrite=False)


def test_sigterm_keeps_what_is_finished(tmp_path):
    """A recommendation is stopped by SIGTERM as by Ctrl-C, and says where its work is."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "rows.npy", rng.normal(size=(8000, 64)).astype(np.float32))
    np.save(tmp_path / "labels.npy", rng.integers(0, 10, 8000))
    output = tmp_path / "advice"
    command = [sys.executable, "-m", "perceptron_pruning.cli", "recommend", str(tmp_path / "rows.npy"), "--labels"]
    command += [str(tmp_path / "labels.npy"), "--output", str(output)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=root) as running:
        begun = time.monotonic()
        while not list(tmp_path.glob("advice.partial/*.npz")) and time.monotonic() - begun < 60:
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "finished work is in" in said
    assert list(tmp_path.glob("advice.partial/*.npz"))


def test_a_disk_without_room_is_found_before_the_work(words, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1000))
    with pytest.raises(OSError, match=r"finished work and scores need .* GB in .*, 1e-06 GB are free"):
        run(words)
    assert not (tmp_path / "scores.npz").exists()
    assert not (tmp_path / "scores.npz.partial").exists()
