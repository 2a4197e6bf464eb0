"""Runs that are interrupted, bounded, reported, or shared by processes; and the commands."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from interrupting import StopAt
from scipy.stats import spearmanr

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import keep, load_fashion_mnist, recommend, score
from perceptron_pruning.embeddings.class_audit import class_audit
from perceptron_pruning.embeddings.io.tables import read_scores
from perceptron_pruning.embeddings.metrics.registry import metric_names
from perceptron_pruning.embeddings.report import compute, write_report
from perceptron_pruning.embeddings.runtime import blocks as blocks_module
from perceptron_pruning.embeddings.runtime.checkpoint import FolderCheckpoint
from perceptron_pruning.embeddings.runtime.progress import NoProgress
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, ScoreSettings

METRICS = metric_names("all", labelled=True, tested=True)

SETTINGS = ScoreSettings(heads=HeadSettings(n_models=3, epochs=3))


@pytest.fixture(scope="module")
def data():
    whole = load_fashion_mnist()
    return {
        "embeddings": whole.train_embeddings[:600, :24],
        "labels": whole.train_labels[:600],
        "test_embeddings": whole.test_embeddings[:80, :24],
        "test_labels": whole.test_labels[:80],
    }


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """The same as files."""
    place = tmp_path_factory.mktemp("files")
    for name, values in data.items():
        np.save(place / f"{name}.npy", values)
    return place


@pytest.fixture(scope="module")
def scores(data):
    return score(**data, settings=SETTINGS)


class Recorder(NoProgress):
    """Keeps the names of the tasks, and what was said."""

    def __init__(self):
        self.labels, self.text = [], ""

    def say(self, text):
        self.text += text

    def task(self, label, *, total, unit):
        self.labels.append(label)
        return super().task(label, total=total, unit=unit)


def test_an_interrupted_run_goes_on_to_the_same_result(data, scores, tmp_path):
    """Stopped again and again, a few tasks further each time."""
    stops = 0
    while True:
        try:
            resumed = score(**data, settings=SETTINGS, checkpoint=tmp_path / "partial", progress=StopAt(9))
            break
        except KeyboardInterrupt:
            stops += 1
            assert stops < 30
    assert stops >= 3
    for name in METRICS:
        np.testing.assert_array_equal(resumed[name], scores[name])
    assert not (tmp_path / "partial").exists()


def test_a_checkpoint_of_other_settings_is_not_used(tmp_path):
    FolderCheckpoint(tmp_path, {"seed": 0}).save("part", values=np.arange(3))
    assert FolderCheckpoint(tmp_path, {"seed": 1}).load("part") is None
    np.testing.assert_array_equal(FolderCheckpoint(tmp_path, {"seed": 0}).load("part")["values"], [0, 1, 2])


def test_finished_metrics_are_not_computed_again(data, tmp_path):
    with pytest.raises(KeyboardInterrupt, match="stopped by the test"):
        score(**data, metrics=["supervised_prototypes", "memorization"], checkpoint=tmp_path, progress=StopAt(4))
    seen = Recorder()
    score(**data, metrics=["supervised_prototypes", "memorization"], checkpoint=tmp_path, progress=seen)
    assert "class means" not in seen.labels
    assert "leave-one-out" in seen.labels


def test_the_memory_budget_changes_nothing(data, scores):
    other = score(**data, settings=SETTINGS, memory_budget=1e12)
    for name in METRICS:
        np.testing.assert_array_equal(other[name], scores[name])


def test_blocks_change_only_the_rounding(data, scores, folder, monkeypatch):
    """Sums over blocks of 16 rows instead of all at once; folds and groups of gradient descent are drawn per block."""
    monkeypatch.setattr(blocks_module, "BLOCK_NUMBERS", 16)
    names = [name for name in METRICS if name != "memorization_subsets"]
    other = score(folder / "embeddings.npy", **{k: v for k, v in data.items() if k != "embeddings"}, metrics=names,
                  settings=SETTINGS)  # fmt: skip
    for name in names:
        np.testing.assert_allclose(other[name], scores[name], rtol=1e-7, atol=1e-9)


def test_the_plan_is_told_before_the_work(data):
    told = Recorder()
    score(**data, metrics=["memorization", "random"], progress=told)
    assert "600 rows x 24" in told.text
    assert "memorization" in told.text
    assert told.labels[-1] == "leave-one-out"


def test_the_audit_counts(scores, data):
    labels = data["labels"]
    kept = keep(scores["margin"], keep_fraction=0.3, labels=labels)
    audits = class_audit(kept, labels, keep_fraction=0.3)
    assert sum(a.kept for a in audits) == len(kept) == 180
    for a in audits:
        members = labels == int(a.label)
        assert (a.size, a.kept) == (members.sum(), np.isin(np.flatnonzero(members), kept).sum())
        assert a.kept >= a.floor >= 0.5 * 0.3 * a.size
    assert any(a.at_floor for a in audits)
    with pytest.raises(ValueError, match=r"`kept` must be in 0..599; got 0..600"):
        class_audit([0, 600], labels, keep_fraction=0.3)


def test_the_report_has_the_right_numbers(scores, data, tmp_path):
    report = compute(scores)
    i, j = report.metrics.index("el2n"), report.metrics.index("memorization")
    assert report.spearman[i, j] == pytest.approx(spearmanr(scores["el2n"], scores["memorization"])[0], abs=1e-12)
    assert report.hardest[i][0] == scores["el2n"].argmax()
    assert report.class_sizes.sum() == 600
    page = write_report(scores, tmp_path / "report.html", images=np.zeros((600, 8, 8), np.uint8)).read_text()
    assert page.count("data:image/png") == 2 + 2 * 5
    assert [name for name in METRICS if f"<li><b>{name}</b>" in page] == [
        "self_supervised_prototypes", "margin", "margin_label_agnostic", "el2n", "memorization"
    ]  # fmt: skip
    assert "http" not in page
    with pytest.raises(ValueError, match=r"`images` must be bytes of shape \(600, h, w\)"):
        write_report(scores, tmp_path / "other.html", images=np.zeros((5, 8, 8), np.uint8))


def test_the_report_shows_what_else_is_known_of_extreme_rows(data, tmp_path):
    pool = {"embeddings": data["embeddings"][:300], "labels": data["labels"][:300].copy()}
    pool["labels"][:10] = (pool["labels"][:10] + 1) % 10
    scores = score(**pool, metrics="margin", out_of_fold=True)
    report = compute(scores, ["margin"])
    assert report.witnesses is not None
    assert report.witnesses.predicted is not None
    for row in np.intersect1d(report.hardest[0], np.arange(10)):  # flipped: the head was not trained on it
        assert report.witnesses.predicted[report.witnesses.place(row)] != pool["labels"][row]
    distances = ((pool["embeddings"] - pool["embeddings"][report.hardest[0][0]]) ** 2).sum(axis=1)
    nearest = report.witnesses.nearest[report.witnesses.place(report.hardest[0][0])]
    np.testing.assert_array_equal(nearest, np.argsort(distances)[1:4])
    assert report.doubtful is not None
    advice = recommend(*pool.values(), quick=True, fractions=[0.5])
    texts = [f"<text {k}>" for k in range(300)]
    page = write_report(scores, tmp_path / "report.html", texts=texts, recommendation=advice).read_text()
    assert page.index("Recommendation") < page.index("Agreement")
    assert f"&lt;text {report.hardest[0][0]}&gt;" in page
    assert "label in doubt" in page
    with pytest.raises(ValueError, match=r"`metrics` must be among margin, .*; got el2n"):
        compute(scores, ["el2n"])
    with pytest.raises(ValueError, match=r"`texts` must be one per row, shape \(300,\)"):
        write_report(scores, tmp_path / "other.html", texts=texts[:5])


def run(*words) -> int:
    return app([str(word) for word in words], result_action="return_value")


def test_score_and_prune_on_the_command_line(folder, scores, data, tmp_path, capsys):
    output = tmp_path / "scores.parquet"
    words = ["score", folder / "embeddings.npy", "--labels", folder / "labels.npy", "--output", output]
    assert (
        run(*words, "--metrics", "margin", "el2n", "--n-models", "3", "--epochs", "3", "--report", tmp_path / "r.html")
        == 0
    )
    _, _, columns = read_scores(output)
    np.testing.assert_array_equal(columns["el2n"], scores["el2n"])
    assert (tmp_path / "r.html").stat().st_size > 10_000
    kept_file = tmp_path / "kept.npy"
    assert run("prune", output, "--metric", "el2n", "--keep-fraction", "0.4", "--output", kept_file) == 0
    expected = keep(scores["el2n"], keep_fraction=0.4, labels=data["labels"])
    np.testing.assert_array_equal(np.load(kept_file), expected)
    manifest = json.loads((tmp_path / "kept.npy.json").read_text())
    assert sum(row["kept"] for row in manifest["class_audit"]) == len(expected) == 240
    assert "classes are at their floor" in capsys.readouterr().out
    assert not output.with_name("scores.parquet.partial").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--keep-fraction", "1.5"], r"`keep_fraction` must be in \(0, 1\]; got 1.5"),
        ([], "`--rule hardest` takes `--keep-fraction`"),
        (["--rule", "between", "--lower", "0.1"], "`--rule between` takes `--lower` and `--upper`"),
        (["--keep-fraction", "0.5", "--metric", "el3n"], "`--metric` must be one of margin, el2n"),
        (["--keep-fraction", "0.5", "--output", "kept.xlsx"], "`--output` must end in one of .npy, .txt; got"),
        (["--rule", "random", "--keep-fraction", "0.5", "--class-floor", "2"], r"`class_floor` must be in \[0, 1\]"),
    ],
    ids=["fraction", "no fraction", "between", "metric", "ending", "floor"],
)
def test_prune_refuses(scores, tmp_path, words, message):
    path = tmp_path / "scores.npz"
    np.savez(path, margin=scores["margin"], el2n=scores["el2n"], label=scores.labels)
    with pytest.raises(ValueError, match=message):
        run("prune", path, *([] if "--metric" in words else ["--metric", "margin"]), *words)
    assert [p.name for p in tmp_path.iterdir()] == ["scores.npz"]


@pytest.mark.parametrize("text", ["2", "GB", "two GB", "2XB", "0GB"], ids=str)
def test_a_budget_without_sense_is_refused(folder, tmp_path, text):
    with pytest.raises(ValueError, match="`memory_budget` must be a size such as 2GB"):
        run("score", folder / "embeddings.npy", "--memory-budget", text, "--output", tmp_path / "s.npz")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def launch(folder, output, *words) -> list[subprocess.Popen]:
    """Two processes that score together."""
    command = [sys.executable, "-m", "perceptron_pruning.cli", "score", folder / "embeddings.npy", "--labels",
               folder / "labels.npy", "--output", output, "--coordinator", f"localhost:{free_port()}",
               "--num-processes", "2", *words, "--process-id"]  # fmt: skip
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    return [
        subprocess.Popen(
            [*map(str, command), str(rank)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]


@pytest.mark.slow
def test_two_processes_are_one(folder, data, tmp_path):
    names = ["self_supervised_prototypes", "supervised_prototypes", "memorization", "margin", "random"]
    processes = launch(folder, tmp_path / "scores.npz", "--metrics", *names)
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    parts = [read_scores(tmp_path / f"scores-0000{rank}-of-00002.npz") for rank in range(2)]
    assert [len(part[0]) for part in parts] == [256, 344]  # whole tiles
    assert parts[1][0][0] == 256
    one = score(data["embeddings"], data["labels"], metrics=names)
    for name in names:
        np.testing.assert_allclose(np.concatenate([part[2][name] for part in parts]), one[name], rtol=1e-7, atol=1e-9)
    assert not (tmp_path / "scores.npz.partial" / "part-00000").exists()


@pytest.mark.slow
def test_a_killed_process_is_an_error_of_the_other(folder, tmp_path):
    """Killed after k-means, in heads that would take many times as long."""
    processes = launch(folder, tmp_path / "s.npz", "--metrics", "self_supervised_prototypes", "forgetting", "--epochs",
                       "250")  # fmt: skip
    partial = tmp_path / "s.npz.partial" / "part-00001" / "kmeans.npz"
    begun = time.monotonic()
    while not partial.exists() and time.monotonic() - begun < 120:
        time.sleep(0.2)
    processes[1].send_signal(signal.SIGKILL)
    begun = time.monotonic()
    _, errors = processes[0].communicate(timeout=120)
    assert processes[0].returncode not in (0, None)
    assert "another process is lost" in errors
    assert time.monotonic() - begun < 60
    processes[1].communicate()
