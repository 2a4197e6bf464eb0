"""Processes that score together on this machine, as they would on several."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pool_of_processes import SETTINGS, check_same, pool

from perceptron_pruning.embeddings import near_duplicates, score, select
from perceptron_pruning.embeddings.io.tables import read_scores
from perceptron_pruning.embeddings.metrics.registry import METRICS
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, RidgeSettings, ScoreSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data():
    return pool()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def start(command, size=2) -> list[subprocess.Popen]:
    """The command as processes 0, 1, …; {rank} and {address} are filled in."""
    address = f"localhost:{free_port()}"
    return [
        subprocess.Popen(
            [sys.executable, *(str(word).format(rank=rank, address=address) for word in command)],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def finish(processes) -> list[str]:
    outputs = [process.communicate(timeout=300) for process in processes]
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors
    return [output for output, _ in outputs]


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    place = tmp_path_factory.mktemp("files")
    for name, values in data.items():
        np.save(place / f"{name}.npy", values)
    return place


def score_command(folder: Path, output: Path, *metrics: str, epochs: int = 3, rounds: int = 2) -> list:
    return ["-m", "perceptron_pruning.cli", "score", folder / "embeddings.npy", "--labels", folder / "labels.npy",
            "--test-embeddings", folder / "test_embeddings.npy", "--test-labels", folder / "test_labels.npy",
            "--n-models", 3, "--epochs", epochs, "--rounds", rounds, "--output", output, "--coordinator", "{address}",
            "--num-processes", 2, "--process-id", "{rank}", "--metrics", *metrics]  # fmt: skip


def read_parts(output: Path) -> list[dict[str, np.ndarray]]:
    paths = [output.with_name(f"{output.stem}-0000{rank}-of-00002.npz") for rank in range(2)]
    return [read_scores(path)[2] for path in paths]


def test_two_processes_give_every_metric_of_one(folder, data, tmp_path):
    finish(start(score_command(folder, tmp_path / "scores.npz", *METRICS)))
    check_same(read_parts(tmp_path / "scores.npz"), score(**data, metrics=METRICS, settings=SETTINGS))


SELECTING = """
import json, sys, os
import jax, numpy as np
address, rank, folder = sys.argv[1:]
jax.distributed.initialize(address, 2, int(rank))
from perceptron_pruning.embeddings import near_duplicates, select
rows, labels = np.load(folder + "/embeddings.npy"), np.load(folder + "/labels.npy")
found = near_duplicates(rows, threshold=0.9)
kept = {m: select(rows, labels, method=m, keep_fraction=0.3).tolist() for m in ("k_centre", "herding", "stratified")}
print(json.dumps({"pairs": found.pairs.tolist(), "group": found.group.tolist(), **kept}))
"""


def test_two_processes_find_duplicates_and_select_as_one(folder, data, tmp_path):
    (tmp_path / "selecting.py").write_text(SELECTING)
    outputs = finish(start([tmp_path / "selecting.py", "{address}", "{rank}", folder]))
    alone = near_duplicates(data["embeddings"], threshold=0.9)
    for output in outputs:
        found = json.loads(output.splitlines()[-1])
        assert found["pairs"] == alone.pairs.tolist()
        assert found["group"] == alone.group.tolist()
        for method in ("k_centre", "herding", "stratified"):
            kept = select(data["embeddings"], data["labels"], method=method, keep_fraction=0.3)
            assert found[method] == kept.tolist()


@pytest.mark.parametrize(
    ("metrics", "sign", "longer"),
    [
        (["forgetting"], "heads_step_0.npz", {"epochs": 250}),
        (["memorization_subsets"], "subset_passes_step_1.npz", {"rounds": 400}),
        (["supervised_prototypes", "margin_out_of_fold"], "done_supervised_prototypes.npz", {}),
        (["supervised_prototypes", "knn_shapley"], "done_supervised_prototypes.npz", {}),
    ],
    ids=["heads", "subset heads", "out of fold", "neighbours"],
)
def test_a_killed_process_is_one_error_of_the_other_and_both_go_on(folder, data, tmp_path, metrics, sign, longer):
    output = tmp_path / "scores.npz"
    command = score_command(folder, output, *metrics, **longer)
    processes = start(command)
    try:
        begun = time.monotonic()
        while not (tmp_path / "scores.npz.partial" / "part-00001" / sign).exists():
            assert time.monotonic() - begun < 120
            assert processes[1].poll() is None
            time.sleep(0.01)
        processes[1].send_signal(signal.SIGKILL)
        begun = time.monotonic()
        _, errors = processes[0].communicate(timeout=120)
        assert processes[0].returncode == 1
        assert errors.count("Error:") == 1
        assert "another process is lost" in errors
        assert time.monotonic() - begun < 60
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    finish(start(command))
    settings = ScoreSettings(
        heads=HeadSettings(n_models=3, epochs=longer.get("epochs", 3)),
        ridge=RidgeSettings(rounds=longer.get("rounds", 2)),
    )
    check_same(read_parts(output), score(**data, metrics=metrics, settings=settings))


def test_bad_rows_of_one_process_are_one_error_of_each(folder, data, tmp_path):
    rows = data["embeddings"].copy()
    rows[1200, 3] = np.nan
    for name in ("labels", "test_embeddings", "test_labels"):
        np.save(tmp_path / f"{name}.npy", data[name])
    np.save(tmp_path / "embeddings.npy", rows)
    processes = start(score_command(tmp_path, tmp_path / "scores.npz", "margin"))
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [1, 1]
    assert "another process is lost" in errors[0]
    assert "`embeddings` must be finite; row 1200 of" in errors[1]
    assert [text.count("Error:") for text in errors] == [1, 1]
