"""Figures of experiments: all numbers in the table, and every curve in the picture."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from perceptron_pruning.embeddings.experiments import figures_metrics, figures_size, figures_theory
from perceptron_pruning.reproduction.evidence import Effect
from perceptron_pruning.reproduction.tables import read_table, write_table
from perceptron_pruning.theory_beside_data import Beside

RULES, SIZES, FRACTIONS = ["random", "hard", "easy"], [100, 200, 400], [0.5, 1.0]
POINT = Beside(
    step="gaussian",
    rule="hard",
    alpha_prune=2.0,
    probe_angle=0.2,
    measured=Effect(0.2, 0.01, 5),
    predicted=0.21,
    measured_angle=Effect(0.2, 0.01, 5),
    predicted_angle=0.21,
)


@pytest.fixture(scope="module")
def errors():
    rng = np.random.default_rng(0)
    metrics = ["margin", "el2n"]
    values = rng.uniform(0.1, 0.4, (2, 3, 3, 2, 5))
    labels = {"metric": metrics, "rule": RULES, "pool_size": SIZES, "keep_fraction": FRACTIONS, "seed": range(5)}
    return xr.DataArray(values, {name: list(label) for name, label in labels.items()})


def test_size(errors, tmp_path):
    own = errors.sel(metric="margin", drop=True)
    table = figures_size.compute(own)
    row = next(row for row in table if row["curve"] == "hard" and row["kept"] == 100)
    assert row["test_error"] == pytest.approx(float(own.sel(rule="hard", pool_size=200, keep_fraction=0.5).mean()))
    assert {row["curve"] for row in table} == {*RULES, "envelope", "random, no pruning"}
    write_table(tmp_path / "size.csv", table)
    picture = figures_size.draw(read_table(tmp_path / "size.csv"))
    assert [axes.get_title() for axes in picture.axes] == ["kept fraction f = 0.5", "envelope"]
    assert [len(axes.containers) for axes in picture.axes] == [3, 2]


def test_metrics(errors):
    table = figures_metrics.compute(errors)
    (row,) = (row for row in table if row["metric"] == "el2n")
    largest = errors.sel(metric="el2n", pool_size=400, keep_fraction=0.5)
    assert row["gain"] == pytest.approx(float((largest.sel(rule="random") - largest.sel(rule="hard")).mean()))
    (axes,) = figures_metrics.draw(table).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    gains = {row["metric"]: row["gain"] for row in table}
    assert names == sorted(gains, key=lambda name: gains[name])


def test_theory():
    points = [
        replace(POINT, step=step, rule=rule, alpha_prune=alpha)
        for step in ("gaussian", "real inputs")
        for rule in RULES
        for alpha in (1.0, 2.0)
    ]
    table = figures_theory.compute(points)
    assert len(table) == 12
    assert table[0]["theory"] == 0.21
    picture = figures_theory.draw(table)
    assert [axes.get_title() for axes in picture.axes] == ["gaussian, θ = 11°", "real inputs, θ = 11°"]
    assert all(len(axes.containers) == 3 for axes in picture.axes)
