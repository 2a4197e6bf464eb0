"""The main job, end to end on small settings, interrupted, and from its command line."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from perceptron_pruning.reproduction.settings import QUICK

from perceptron_pruning.embeddings.experiment import CurveSettings, contrast
from perceptron_pruning.reproduction.run import Interrupted, reproduce
from perceptron_pruning.reproduction.tables import read_table, write_table

SMALL = replace(
    QUICK,
    name="small",
    n_features=20,
    n_trials=6,
    alphas=(1.0, 3.0),
    alphas_total=(1.5, 6.0),
    embeddings=CurveSettings(pool_sizes=(100, 200), selections=contrast(0.5), seeds=range(2)),
)
FIGURES = ("figure_1a", "figure_1b", "figure_2", "figure_embeddings")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    return folder, reproduce(folder, SMALL)


def test_everything_is_written(finished):
    folder, claims = finished
    for name in FIGURES:
        assert (folder / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert "</svg>" in (folder / f"{name}.svg").read_text(encoding="utf-8")
    assert len(read_table(folder / "simulation.csv")) == 5 * 2 + 3 * 2 + 6 * 2
    assert len(read_table(folder / "figure_embeddings.csv")) == 2 * 2 * 3
    assert [row["verdict"] for row in read_table(folder / "claims.csv")] == [claim.verdict for claim in claims]
    assert not list(folder.glob("*.partial"))


def test_results_say_what_made_them(finished):
    manifest = json.loads((finished[0] / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["settings"]["n_trials"] == 6
    assert {"numpy", "scipy", "jax", "perceptron-pruning"} <= set(manifest["versions"])
    seeds = [row["seed"] for row in read_table(finished[0] / "simulation.csv")]
    assert len(set(seeds)) == len(seeds)


def test_the_same_seed_gives_the_same_tables(finished, tmp_path):
    reproduce(tmp_path, SMALL)
    for name in ("simulation.csv", "figure_embeddings.csv", "figure_1a_theory.csv"):
        assert (tmp_path / name).read_text() == (finished[0] / name).read_text()


def interrupted_after(count):
    def progress(rows, total):
        for number, row in enumerate(rows):
            yield row
            if number + 1 == count:
                raise KeyboardInterrupt

    return progress


def test_an_early_interrupt_leaves_nothing_of_an_earlier_run(tmp_path):
    (tmp_path / "simulation.csv").write_text("from another time")
    (tmp_path / "figure_embeddings.png").write_text("from another time")
    with pytest.raises(Interrupted):
        reproduce(tmp_path, SMALL, progress=interrupted_after(1))
    assert "another time" not in "".join(path.read_text() for path in tmp_path.glob("*.csv"))
    assert not (tmp_path / "figure_embeddings.png").exists()  # one seed has no standard error to draw
    assert {row["verdict"] for row in read_table(tmp_path / "claims.csv")} == {"undecided"}


def test_an_interrupt_leaves_what_is_finished(tmp_path):
    with pytest.raises(Interrupted):
        reproduce(tmp_path, SMALL, progress=interrupted_after(6))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert not manifest["complete"]
    assert len(read_table(tmp_path / "simulation.csv")) + len(read_table(tmp_path / "figure_embeddings.csv")) >= 6
    assert (tmp_path / "figure_1a.png").exists()
    assert (tmp_path / "claims.csv").exists()


def test_a_failed_task_loses_nothing_of_the_others(tmp_path):
    impossible = replace(SMALL, embeddings=replace(SMALL.embeddings, pool_sizes=(100, 10**6)))
    with pytest.raises(ValueError, match="`pool_sizes` must be in"):
        reproduce(tmp_path, impossible)
    assert not json.loads((tmp_path / "manifest.json").read_text())["complete"]
    assert (tmp_path / "claims.csv").exists()


def test_tables_come_back_as_they_were(tmp_path):
    rows = [{"name": "a", "count": 3, "value": 1 / 3, "missing": None}]
    write_table(tmp_path / "t.csv", rows)
    (back,) = read_table(tmp_path / "t.csv")
    assert back == {"name": "a", "count": 3, "value": pytest.approx(1 / 3, rel=1e-11), "missing": None}


def command(*arguments, **options):
    script = [sys.executable, "-m", "perceptron_pruning.cli", *arguments]
    return subprocess.run(script, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False, **options)


def test_help_shows_an_example():
    run = command("reproduce", "--help")
    assert run.returncode == 0
    assert "Example: perceptron-pruning reproduce --quick" in " ".join(run.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("reproduce", "--quick", "--full"), "exclude each other"),
        (("reproduce", "--fast"), "--fast"),
        (("reproduce", "--output", "/dev/null/folder"), "/dev/null"),
        (("conjure",), "conjure"),
    ],
    ids=["both sizes", "unknown option", "bad folder", "unknown command"],
)
def test_bad_input_gives_one_error_and_no_traceback(arguments, message):
    run = command(*arguments)
    assert run.returncode != 0
    assert message in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.slow
def test_ctrl_c_on_the_command(tmp_path):
    script = [sys.executable, "-m", "perceptron_pruning.cli", "reproduce", "--quick", "--output", str(tmp_path)]
    run = subprocess.Popen(script, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(25)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert not json.loads((tmp_path / "manifest.json").read_text())["complete"]
    assert (tmp_path / "figure_embeddings.png").exists()
