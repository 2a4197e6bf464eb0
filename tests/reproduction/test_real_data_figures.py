"""Figures on real data: rows become errors again, tables lead to verdicts and pictures, and work goes on."""

from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments.plan import Plan
from perceptron_pruning.experiments.run import experiment, study
from perceptron_pruning.experiments.selections import SELECT
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED, errors_of, student_rows
from perceptron_pruning.figures.real_data import figure_1d, figure_3abc, figure_5a, figure_5bc
from perceptron_pruning.figures.real_data.collection import FIGURES
from perceptron_pruning.figures.real_data.settings import FULL, QUICK
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction.run import read_tables, reproduce_figures
from perceptron_pruning.reproduction.suites import REAL_DATA
from perceptron_pruning.studies import StoreError
from perceptron_pruning.studies.run import run_study

PLAN = Plan(
    pool_sizes=(200, 300),
    keep_fractions=(0.5, 1.0),
    metrics=("supervised_prototypes", "self_supervised_prototypes"),
    class_floors=(0.0, 1.0),
    n_seeds=2,
)
FLOORS = replace(PLAN, pool_sizes=(200,), keep_fractions=(0.5,), rules=("random", "hard"))
SMALL = replace(QUICK, name="small", floors=FLOORS)
SIZES = (200, 400, 800, 1600)


@pytest.mark.slow
def test_rows_become_the_experiments_table_again(tmp_path):
    """Also where a row stands for several points: random keeping under two metrics, whole pools under all rules."""
    source = source_of("fashion-mnist-resnet")
    whole = experiment(source, PLAN, tmp_path / "experiment").test_error.isel(student=0)
    flat = run_study(study(source, PLAN, tmp_path), tmp_path / "flat.zarr")
    rows = student_rows("fashion-mnist-resnet", flat)
    assert len(rows) < whole.size
    found = errors_of(rows, "metric", "rule", "class_floor", "pool_size", "keep_fraction")
    ordered = found.sel({axis: whole[axis].values for axis in found.dims})
    np.testing.assert_array_equal(ordered.values, whole.transpose(*found.dims).values)


def test_a_missing_row_is_noticed():
    rows = students(lambda metric, rule, n, f: 0.1)
    with pytest.raises(ValueError, match="`students` must have a row for every point of metric, rule"):
        errors_of(rows[1:], "metric", "rule", "pool_size", "keep_fraction")


def students(error, metrics=("el2n",), sizes=SIZES, fractions=(0.25, 0.5, 0.75, 1.0), source="wordnet"):
    """Measured rows with errors error(metric, rule, pool, fraction) and a little noise."""
    rng = np.random.default_rng(0)
    return [
        {"kind": MEASURED, "source": source, "metric": "random" if rule == "random" else metric, "rule": rule}
        | {"class_floor": 0.5, "pool_size": n, "keep_fraction": f, "kept": round(f * n), "seed": seed}
        | {"test_error": error(metric, rule, n, f) * np.exp(0.01 * rng.standard_normal())}
        for metric in metrics
        for n in sizes
        for f in fractions
        for rule in (("random",) if f == 1 else ("random", "hard", "easy"))
        for seed in range(6)
    ]


def flips(metric, rule, n, f):
    """Hard and easy are equal at 565 = √(400·800) examples; hard then wins."""
    return 0.2 * (n / (400 * 800) ** 0.5) ** {"hard": -0.3, "random": -0.2, "easy": -0.1}[rule]


def test_where_hard_and_easy_are_equal_is_found():
    rows = [row for row in students(flips) if row["keep_fraction"] < 1]
    table = rows + figure_1d.derived(rows)
    equal = [row for row in table if row["kind"] == "equality"]
    assert [row["pool_size"] for row in equal] == pytest.approx([566] * 3, rel=0.05)
    claims = figure_1d.claims(table)
    assert [claim.verdict for claim in claims] == [CONFIRMED] * 6
    assert "WordNet" in claims[0].setting
    assert figure_1d.draw(table).axes[0].get_title() == SOURCES["wordnet"]


def test_scaling_is_fitted_and_judged():
    """Hard: a power law steeper than that of random data."""
    rows = students(lambda m, rule, n, f: (f * n) ** -0.4 if rule == "hard" else (f * n) ** -0.2)
    rows = [row for row in rows if row["rule"] != "easy"]
    table = rows + figure_3abc.derived(rows)
    law = [row for row in table if row.get("curve") == figure_3abc.LAW]
    assert law[0]["exponent"] == pytest.approx(-0.2, abs=0.01)
    assert law[0]["value"] == pytest.approx(200**-0.2, rel=0.02)
    claims = figure_3abc.claims(table)
    assert [c.verdict for c in claims if "power law of the number" in c.statement] == [CONFIRMED] * 3
    assert [c.verdict for c in claims if "beat as many random" in c.statement] == [CONFIRMED]
    figure_3abc.draw(table)


def benchmarked():
    """One metric with labels is far better than the prototypes, which are worse than chance."""
    metrics = ("self_supervised_prototypes", "supervised_prototypes", "el2n")

    def error(metric, rule, n, f):
        return 0.2 if rule == "random" else 0.25 - 0.05 * metrics.index(metric)

    rows = students(error, metrics=metrics, sizes=(400,), fractions=(0.5, 1.0))
    return [row for row in rows if row["rule"] == "hard" or row["metric"] == "random"]


def test_the_benchmark_is_judged():
    rows = benchmarked()
    table = rows + figure_5bc.derived(rows)
    assert next(row for row in table if row.get("metric") == figure_5bc.BEST)["chosen"] == "el2n"
    helps, free = figure_5bc.claims(table)
    assert (helps.verdict, free.verdict) == (CONFIRMED, REFUTED)
    figure_5bc.draw(table)


def test_selections_stand_beside_the_metrics():
    """Herding is two points better than chance at every seed, quotas of classes are worse; whole pools have neither."""
    rows = benchmarked()
    chance = {row["seed"]: row for row in rows if row["rule"] == "random" and row["keep_fraction"] < 1}
    for method, change in {"herding": -0.02, "class_quotas": 0.03}.items():
        rows += [
            row | {"metric": method, "rule": SELECT, "class_floor": None, "test_error": row["test_error"] + change}
            for row in chance.values()
        ]
    table = rows + figure_5bc.derived(rows)
    gains = {row["metric"]: row for row in table if row["kind"] == figure_5bc.GAIN}
    assert gains["herding"]["value"] == pytest.approx(0.02)
    assert gains["herding"]["half_width"] == pytest.approx(0, abs=1e-12)
    assert gains["class_quotas"]["value"] == pytest.approx(-0.03)
    assert len(figure_5bc.claims(table)) == 2  # on metrics alone
    picture = figure_5bc.draw(table)
    assert {text.get_text() for text in picture.legends[0].get_texts()} == set(figure_5bc.SELECTIONS.values())


def test_correlations_are_drawn_beside_each_other():
    names = ("a", "b", "c")
    rows = [
        {
            "kind": MEASURED,
            "source": "wordnet",
            "first": a,
            "second": b,
            "seed": seed,
            "correlation": 0.9 if b == "b" else 0.1,
        }
        for seed in range(2)
        for a, b in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    table = rows + figure_5a.derived(rows)
    assert [row["value"] for row in table if row["kind"] == "mean"] == [0.9, 0.1, 0.1]
    labels = [label.get_text().split()[0] for label in figure_5a.draw(table).axes[0].get_yticklabels()]
    assert sorted(labels) == list(names)
    assert abs(labels.index("a") - labels.index("b")) == 1


# made by the command's own way


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    reproduce_figures(folder, SMALL, ["class_floor"], REAL_DATA)
    return folder


def test_a_figure_is_made_of_its_own_experiments(made):
    assert {path.name for path in (made / "experiments").glob("*.zarr")} == {f"floors-{name}.zarr" for name in SOURCES}
    table = read_table(made / "figure_class_floor.csv")
    assert {row["kind"] for row in table} == {MEASURED, "mean"}
    assert (made / "figure_class_floor.png").exists()
    claims = REAL_DATA.judge(read_tables(made, REAL_DATA), [])
    assert len(claims) == len(SOURCES) * len(FLOORS.metrics)
    assert {claim.verdict for claim in claims} <= {CONFIRMED, REFUTED, "undecided"}


def test_again_it_trains_nothing(made, monkeypatch):
    before = (made / "figure_class_floor.csv").read_bytes()
    monkeypatch.setattr("perceptron_pruning.studies.run._run", lambda *_: pytest.fail("something is trained again"))
    reproduce_figures(made, SMALL, ["class_floor"], REAL_DATA)
    assert (made / "figure_class_floor.csv").read_bytes() == before


def test_other_settings_are_refused(made):
    with pytest.raises(StoreError, match="has another study"):
        reproduce_figures(made, replace(SMALL, floors=replace(FLOORS, n_seeds=3)), ["class_floor"], REAL_DATA)


def test_verdicts_rest_on_five_seeds_at_least():
    for settings in (QUICK, FULL):
        assert min(plan.n_seeds for plan in (settings.scaling, settings.benchmark, settings.floors)) >= 5
        assert min(part.n_seeds for part in (settings.two_class, settings.pilot, settings.window)) >= 5


def test_every_figure_says_what_it_shows():
    for name, figure in FIGURES.items():
        assert name == figure.NAME
        assert len(figure.CAPTION) > 100
