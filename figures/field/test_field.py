"""The committed tables, pictures and verdicts of the papers that followed are what the code of today computes."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from perceptron_pruning.figures.field.collection import FIGURES
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.output.style import PARAMETERS, RENDERER, renderer
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction.run import CLAIMS, finished_figures, read_tables
from perceptron_pruning.reproduction.suites import FIELD

FOLDER = Path(__file__).parent
SOME = 5  # theory's numbers of each table that are computed by default

every_figure = pytest.mark.parametrize("name", FIGURES, ids=str)


@cache
def committed(name):
    return read_table(FOLDER / f"{file_stem(name)}.csv")


def of_theory(name):
    """Rows that are theory's alone: a simulated one has theory's number at whole numbers of examples."""
    return [row for row in committed(name) if row["kind"] != "simulation" and row.get("theory") is not None]


def assert_theory(name, rows):
    assert rows
    for row in rows:
        assert FIGURES[name].theory_of(row) == pytest.approx(row["theory"], rel=1e-7), row


def test_all_are_there():
    assert finished_figures(FOLDER, FIGURES) == list(FIGURES)


@every_figure
def test_some_of_the_theory(name):
    rows = of_theory(name)
    assert_theory(name, rows[:: len(rows) // SOME])


@pytest.mark.slow
@every_figure
def test_all_of_the_theory(name):
    assert_theory(name, of_theory(name))


def test_verdicts_follow_from_the_tables():
    judged = FIELD.judge(read_tables(FOLDER, FIELD), [])
    rows, fresh = read_table(FOLDER / CLAIMS), [row for claim in judged for row in claim.rows]
    for name in ("claim", "setting", "quantity", "criterion", "outcome", "verdict", "figure"):
        assert [str(row[name]) for row in rows] == [str(row[name]) for row in fresh]
    for name in ("measured", "standard_error", "low", "high", "reference"):
        assert [row[name] for row in rows] == pytest.approx([row[name] for row in fresh], rel=1e-8, abs=1e-10)
    assert not any(claim.contradicts_theory for claim in judged)


LARGEST_Z, LARGEST_ALLOWANCE, LEAST_PRECISION = 4.0, 0.07, 0.06  # the last two relative to the error


@every_figure
def test_simulation_agrees_with_theory(name):
    """To 4 standard errors, of errors that are known well enough to mean something."""
    rows = [row for row in committed(name) if row["kind"] == "simulation"]
    assert rows
    for row in rows:
        assert abs(row["z_score"]) <= LARGEST_Z, row
        assert row["standard_error"] <= LEAST_PRECISION * row["theory"], row
        assert row["finite_size_error"] <= LARGEST_ALLOWANCE * row["theory"], row


def test_papers_and_panels_are_as_many_as_promised():
    """At least six papers and twelve panels, each of which is a table."""
    papers = {
        year
        for name in FIGURES
        for year in re.findall(r"[A-Z][a-z-]+ et al\. \d{4}|[A-Z][a-z]+ & [A-Z][a-z]+ \d{4}", FIGURES[name].TITLE)
    }
    panels = sum(len(FIGURES[name].draw(committed(name)).axes) for name in FIGURES)
    assert len(papers) >= 6
    assert panels >= 12


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
