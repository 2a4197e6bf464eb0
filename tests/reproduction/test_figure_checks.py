"""The checks of figures/ can fail: each kind of damage to a copy is found by the test that is there for it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron_pruning.figures.theory.collection import FIGURES
from perceptron_pruning.output.tables import read_table, write_table

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "figures"
    shutil.copytree(ROOT / "figures", folder, ignore=shutil.ignore_patterns("*.zarr", "*.svg", "*.html", "__pycache__"))
    return folder


def change(path, column, factor, chosen=lambda row: True):
    """Multiplies a column's numbers, in the chosen rows."""
    rows = read_table(path)
    for row in rows:
        if row[column] is not None and chosen(row):
            row[column] *= factor
    write_table(path, rows)


def outcomes(folder, *words):
    """Names of the tests that failed, and all that was printed."""
    script = [sys.executable, "-m", "pytest", str(folder), "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    shown = subprocess.run([*script, "-q", *words], capture_output=True, text=True, cwd=ROOT, check=False)
    return set(re.findall(r"^FAILED \S*::(\S+)", shown.stdout, re.MULTILINE)), shown.stdout


@pytest.mark.slow
def test_each_damage_is_found(copy):
    change(copy / "figure_1a.csv", "theory", 1 + 1e-6, lambda row: row["kind"] == "theory")
    change(copy / "simulation.csv", "simulation", 1.2)
    change(copy / "figure_1b.csv", "theory", 1.02, lambda row: row["kind"] == "theory")
    rows = read_table(copy / "claims.csv")
    rows[0]["verdict"] = "undecided" if rows[0]["verdict"] != "undecided" else "confirmed"
    write_table(copy / "claims.csv", rows)
    failed, shown = outcomes(copy, "-k", "1A or 1B or verdicts or every_simulated")
    assert failed == {
        "test_every_simulated_point_is_held_against_the_theory_of_today",
        "test_verdicts_follow_from_the_tables",
        "test_some_lines_of_theory[1A]",
        "test_some_lines_of_theory[1B]",
        "test_some_points_with_another_seed[1A]",
        "test_some_points_with_another_seed[1B]",
        "test_picture[1B]",
    }, shown


@pytest.mark.slow
def test_another_renderer_is_a_reason_to_skip(copy):  # no "picture" in its name: it is that of the copy's folder, too
    (copy / "renderer.json").write_text(json.dumps({"matplotlib": "0.0", "freetype": "0.0"}))
    change(copy / "figure_1b.csv", "theory", 1.5)
    failed, shown = outcomes(copy, "-k", "picture and 1B")
    assert not failed
    assert "1 skipped" in shown
    assert "the pictures were drawn by {'matplotlib': '0.0'" in shown


def test_the_curation_maps_bar_says_what_its_colours_mean():
    """Rows of the table whose rule is "hard" have the colours that the bar calls hardest."""
    table = read_table(ROOT / "figures" / "figure_b4.csv")
    figure = FIGURES["B4"].draw(table)
    mesh, bar = figure.axes[0].collections[0], figure.axes[2]
    shades = dict(zip((row["rule"] for row in table), mesh.get_array().ravel(), strict=False))  # the last of each
    names = {
        label.get_text().split()[0]: tick for tick, label in zip(bar.get_yticks(), bar.get_yticklabels(), strict=True)
    }
    assert {rule: shades[rule] * names[name] > 0 for rule, name in (("hard", "hardest"), ("easy", "easiest"))} == {
        "hard": True,
        "easy": True,
    }
