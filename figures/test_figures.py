"""The committed tables, pictures and verdicts are what the code of today computes.

By default a few points of each figure are recomputed; ``pytest figures -m slow`` recomputes every table whole.
"""

import json
import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from perceptron_pruning.comparison import student_error
from perceptron_pruning.evidence.thresholds import LARGEST_Z
from perceptron_pruning.experiments.tables import student_rows
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.figures.theory import figure_embeddings
from perceptron_pruning.figures.theory.collection import FIGURES
from perceptron_pruning.figures.theory.settings import FULL
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.style import PARAMETERS, RENDERER, renderer
from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.reproduction.run import CLAIMS, POINTS, read_tables
from perceptron_pruning.reproduction.suites import PAPER
from perceptron_pruning.students.training import Student
from perceptron_pruning.studies.run import run_study
from perceptron_pruning.sweeps import Cell
from perceptron_pruning.sweeps.parsing import rule
from perceptron_pruning.sweeps.sweep import SimulatedCell
from replica_theory import EmpiricalRisk, KeepEasiest, KeepHardest, max_margin
from replica_theory.losses import LossName

FOLDER = Path(__file__).parent
OTHER_SEED, N_TRIALS = 1, 20
RELATIVE = 1e-8
ARGUMENTS = {"ridge": 1e-6}  # places of minima, known to the root of the precision of what is flat there

every_figure = pytest.mark.parametrize("name", FIGURES, ids=str)
simulated_figures = pytest.mark.parametrize("name", [n for n in FIGURES if FIGURES[n].cells(FULL)], ids=str)


def committed(name: str) -> list[Row]:
    return read_table(FOLDER / f"{file_stem(name)}.csv")


def points() -> list[Row]:
    return read_table(FOLDER / POINTS)


def place(row: Row) -> tuple:
    """What says which point a row is: a trained probe's angle is drawn, and not that."""
    angle = None if row.get("probe") == "trained" else row.get("probe_angle_degrees")
    names = ("kind", "rule", "alpha_prune", "alpha_total", "probe", "n_features", "quantity", "setting")
    names += ("student", "label_noise")
    exact = [row.get(name) for name in ("keep_fraction", *names)]
    return tuple(f"{value:.9g}" if isinstance(value, int | float) else value for value in (*exact, angle))


def exact_error(row: Row) -> float:
    """ε of the theory, solved at one point."""
    found = student_error(
        np.array([row["alpha_prune"]]),
        student=student_of(row.get("student") or "max_margin"),
        selection=rule(row["rule"]),
        probe_angle=math.radians(row["probe_angle_degrees"]),
        label_noise=row.get("label_noise") or 0.0,
    )
    return float(found[0])


def student_of(label: str) -> Student:
    """The student that a table's label names."""
    loss, _, ridge = label.partition(", ridge ")
    return EmpiricalRisk(cast(LossName, loss), float(ridge)) if ridge else "max_margin"


# every committed number


def test_every_simulated_point_is_held_against_the_theory_of_today():
    rows = [row for row in points() if row["probe"] == "exact"]  # trained probes have angles of their own
    assert len(rows) >= 400
    for row in rows:
        assert row["n_trials"] >= 100
        assert row["theory"] == pytest.approx(exact_error(row), rel=RELATIVE)
        away = row["simulation"] - row["theory"] - row["finite_size"]
        z = away / math.hypot(row["standard_error"], row["finite_size_error"])
        assert z == pytest.approx(row["z_score"], rel=1e-6, abs=1e-6)
        assert abs(z) <= LARGEST_Z or row["probe"] == "trained", row  # which the theory does not claim


def test_verdicts_follow_from_the_tables():
    judged = PAPER.judge(read_tables(FOLDER, PAPER), points())
    rows, fresh = read_table(FOLDER / CLAIMS), [row for claim in judged for row in claim.rows]
    for name in ("claim", "setting", "quantity", "criterion", "outcome", "verdict", "figure"):
        assert [str(row[name]) for row in rows] == [str(row[name]) for row in fresh]
    for name in ("measured", "standard_error", "low", "high", "reference"):
        assert [row[name] for row in rows] == pytest.approx([row[name] for row in fresh], rel=RELATIVE, abs=1e-10)
    assert not any(claim.contradicts_theory for claim in judged)


# some points of each figure


@pytest.mark.parametrize("name", ["1A", "1B", "1E", "2CDE", "trained_probe", "label_aware", "optimal_rule"], ids=str)
def test_some_lines_of_theory(name):
    lines = [row for row in committed(name) if row["kind"] == "theory"]
    for row in lines[:: len(lines) // 8]:
        assert row["theory"] == pytest.approx(exact_error(row), rel=RELATIVE), row


@pytest.mark.parametrize("name", ["1F", "2AB"], ids=str)
def test_tables_without_simulation(name):
    assert_same_theory(FIGURES[name].compute(FULL, Simulated()), committed(name))


def test_both_rules_err_alike_on_the_line_of_equality():
    lines = [row for row in committed("1C") if row["kind"] == "crossover"]
    for row in lines[::5]:
        f, alpha = row["keep_fraction"], row["keep_fraction"] * row["alpha_total"]
        hard, easy = (max_margin(alpha, selection=kept(f)).generalization_error for kept in (KeepHardest, KeepEasiest))
        assert hard == pytest.approx(easy, rel=RELATIVE)


@simulated_figures
def test_some_points_with_another_seed(name):
    cells = FIGURES[name].cells(FULL)
    middle = len(cells) // 2
    assert_same_points(simulated([cells[middle], cells[-1]]).all_rows, points())


def test_a_pool_of_images_gives_the_same_heads(tmp_path):
    settings = replace(FULL, embeddings=replace(FULL.embeddings, pool_sizes=(100,), n_seeds=2))
    (study,) = figure_embeddings.studies(settings, tmp_path).values()
    with ThreadPoolExecutor(1) as here:
        fresh = student_rows(figure_embeddings.SOURCE, run_study(study, tmp_path / "heads.zarr", executor=here))
    old = {image_point(row): row["test_error"] for row in committed("embeddings")}
    assert len(fresh) == 2 * 3 * 3
    for row in fresh:
        assert old[image_point(row)] == pytest.approx(row["test_error"], abs=1e-3)


def image_point(row: Row) -> tuple:
    return tuple(row[name] for name in ("rule", "pool_size", "keep_fraction", "seed"))


def simulated(cells: Sequence[Cell]) -> Simulated:
    """A few trials of some cells, with another seed."""
    function = SimulatedCell(seed=OTHER_SEED, probe_epochs=3)
    return Simulated(trials={cell: function(cell, range(N_TRIALS)) for cell in cells}, seed=OTHER_SEED)


def assert_same_points(fresh: Sequence[Row], old: Sequence[Row]) -> None:
    """Two estimates at one N have one expectation: each is held against the other's theory and both errors."""
    known = {place(row): row for row in old}
    assert fresh
    for row in fresh:
        before = known[place(row)]
        assert row["n_trials"] != before["n_trials"]
        assert row["simulation"] != before["simulation"]
        column = "simulation" if row.get("simulation") is not None else "alpha_total"
        moved = (row.get("theory") or 0.0) - (before.get("theory") or 0.0)  # a trained probe's angle is drawn
        z = (row[column] - before[column] - moved) / math.hypot(row["standard_error"], before["standard_error"])
        assert abs(z) <= LARGEST_Z, (row, before)


# pictures

_COMPARED = {"baseline_dir": str(FOLDER), "style": PARAMETERS, "savefig_kwargs": {"dpi": 160}, "tolerance": 1}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, id=n, marks=pytest.mark.mpl_image_compare(filename=f"{file_stem(n)}.png", **_COMPARED))
        for n in FIGURES
    ],
)
def test_picture(name):
    stamp = json.loads((FOLDER / RENDERER).read_text(encoding="utf-8"))
    if stamp != renderer():
        pytest.skip(f"the pictures were drawn by {stamp}, and this is {renderer()}")
    return FIGURES[name].draw(committed(name))


# every table whole


@pytest.fixture(scope="module")
def all_simulated(tmp_path_factory):
    """Every point with another seed and fewer trials, and other pools of images."""
    from perceptron_pruning.parallel import ProcessExecutor
    from perceptron_pruning.studies.progress import progress_bar

    images = replace(FULL.embeddings, pool_sizes=(101, 401), n_seeds=8)  # of other sizes: other pools, of equal law
    settings = replace(FULL, seed=OTHER_SEED, n_trials=N_TRIALS, embeddings=images)
    stores = PAPER.stores(tmp_path_factory.mktemp("other"), settings)
    with ProcessExecutor() as workers, progress_bar("another seed", *stores.work(FIGURES)) as bar:
        return {name: stores.run(name, executor=workers, bar=bar) for name in FIGURES}


@pytest.mark.slow
@every_figure
def test_whole_table(name, all_simulated, tmp_path):
    write_table(tmp_path / "fresh.csv", FIGURES[name].compute(FULL, all_simulated[name].simulated))
    fresh, old = read_table(tmp_path / "fresh.csv"), committed(name)
    if name == "embeddings":
        assert_same_means(fresh, old)
        return
    assert_same_theory([row for row in fresh if not estimated(row)], [row for row in old if not estimated(row)])
    dots = [row for row in fresh if estimated(row) and row["kind"] in ("simulation", "extrapolation")]
    if FIGURES[name].cells(FULL):
        assert_same_points(dots, old)


def estimated(row: Row) -> bool:
    return row.get("standard_error") is not None


def rounded(label: object) -> object:
    """Numbers in a label to twelve digits: grids of powers differ in the last bit from one processor to another."""
    if not isinstance(label, str):
        return label
    return re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.12g}", label)


def assert_same_theory(fresh: Sequence[Row], old: Sequence[Row]) -> None:
    assert len(fresh) == len(old)
    for new, before in zip(fresh, old, strict=True):
        for column, value in new.items():
            if isinstance(value, float):
                close = pytest.approx(value, rel=ARGUMENTS.get(column, RELATIVE), abs=1e-10)
                assert before[column] == close, (column, new)
            else:
                assert rounded(before[column]) == rounded(value), (column, new)


def assert_same_means(fresh: Sequence[Row], old: Sequence[Row]) -> None:
    """Mean error of each rule at each pool size, over other pools, one row larger."""

    def errors(rows, pool_size, rule, fraction):
        point = {"pool_size": pool_size, "rule": rule, "keep_fraction": fraction}
        return np.array([row["test_error"] for row in rows if point.items() <= row.items()])

    for size, *key in {(row["pool_size"], row["rule"], row["keep_fraction"]) for row in fresh}:
        new, before = errors(fresh, size, *key), errors(old, size - 1, *key)
        scale = math.hypot(*(values.std(ddof=1) / math.sqrt(values.size) for values in (new, before)))
        assert abs(new.mean() - before.mean()) <= LARGEST_Z * scale, key
