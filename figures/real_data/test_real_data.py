"""The committed tables, pictures and verdicts on real data are what the code of today makes of today's students.

By default every derived number is computed anew from the measured rows, and some students are trained again, with
another seed; ``pytest figures -m slow`` trains students of every cell.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind_from_stats

from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.figures.figure import file_stem
from perceptron_pruning.figures.real_data.collection import FIGURES
from perceptron_pruning.figures.real_data.settings import FULL, Settings
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.style import PARAMETERS, RENDERER, renderer
from perceptron_pruning.output.tables import Row, read_table
from perceptron_pruning.reproduction.run import CLAIMS, finished_figures, read_tables
from perceptron_pruning.reproduction.suites import REAL_DATA
from perceptron_pruning.studies.run import run_study
from perceptron_pruning.studies.study import Study

FOLDER = Path(__file__).parent
FIRST_SEED, N_SEEDS = 100, 3  # none of these is among the committed ones
RELATIVE = 1e-8
ROUNDING = 1e-9  # below which numbers are the same: a metric's correlation with itself
ESTIMATES = ("test_error", "correlation", "change")  # columns that a seed decides
PLACES = (
    "source",
    "pair",
    "student",
    "metric",
    "rule",
    "class_floor",
    "pool_size",
    "keep_fraction",
    "first",
    "second",
    "step",
    "alpha_prune",
    "label_aware",
    "ridge",
    "n_clusters",
    "skipped",
    "bin",
)
SMALL = {  # where a single cell holds every condition: a few of them
    "theory_beside_data": replace(
        FULL,
        two_class=replace(FULL.two_class, alpha_prune=(1.0,), other_fractions=(), other_ridge=None),
        pairs=("sneaker-boot",),
    ),
    "pilot": replace(
        FULL,
        pilot=replace(FULL.pilot, pilot_rows=(500,), pool_sizes=(500,), keep_fractions=(0.5,)),
        pilot_pairs=("sneaker-boot",),
    ),
    "window": replace(
        FULL,
        window=replace(FULL.window, alpha_prune=(4.0,), skipped=(0.0, 0.1, 0.6), bin_alpha=(12.0,), bin_draws=5),
        window_pairs=("sneaker-boot",),
    ),
}

COMMITTED = finished_figures(FOLDER, FIGURES)

every_figure = pytest.mark.parametrize("name", COMMITTED, ids=str)


@cache
def committed(name: str) -> list[Row]:
    return read_table(FOLDER / f"{file_stem(name)}.csv")


# every committed number


@every_figure
def test_what_is_derived_follows_from_what_is_measured(name):
    table = committed(name)
    fresh = FIGURES[name].derived([row for row in table if row["kind"] == MEASURED])
    old = [row for row in table if row["kind"] != MEASURED]
    assert len(fresh) == len(old) > 0
    for new, before in zip(fresh, old, strict=True):
        for column, value in new.items():
            expected = pytest.approx(value, rel=1e-8, abs=1e-12) if isinstance(value, float) else value
            assert before[column] == expected, (column, new)


def test_verdicts_follow_from_the_tables():
    judged = REAL_DATA.judge(read_tables(FOLDER, REAL_DATA), [])
    rows, fresh = read_table(FOLDER / CLAIMS), [row for claim in judged for row in claim.rows]
    for name in ("claim", "setting", "quantity", "criterion", "outcome", "verdict", "figure"):
        assert [str(row[name]) for row in rows] == [str(row[name]) for row in fresh]
    for name in ("measured", "standard_error", "low", "high", "reference"):
        assert [row[name] for row in rows] == pytest.approx([row[name] for row in fresh], rel=RELATIVE, abs=1e-10)
    assert not any(claim.contradicts_theory for claim in judged)
    for source in SOURCES.values():
        assert len({row["claim"] + row["setting"] for row in rows if source in row["setting"]}) >= 10


# some students of each figure, or all of them, with other seeds


@pytest.mark.parametrize("name", [n for n in COMMITTED if n != "5A"], ids=str)  # whose every cell takes all metrics
def test_some_students_with_another_seed(name, tmp_path):
    """Of the cheapest cell of every experiment of a figure."""
    settings = SMALL.get(name, FULL)
    studies = FIGURES[name].studies(settings, tmp_path)
    some = {key: part(study, cheapest(study)) for key, study in studies.items()}
    assert_same_means(fresh_rows(name, some, tmp_path, settings))


@pytest.mark.slow
@every_figure
def test_every_cell_with_another_seed(name, tmp_path):
    studies = FIGURES[name].studies(FULL, tmp_path)
    assert_same_means(
        fresh_rows(name, {key: part(study, range(len(study.cells))) for key, study in studies.items()}, tmp_path)
    )


@dataclass(frozen=True)
class Shifted:
    """A study's function at other seeds."""

    function: Callable

    def __call__(self, cell, trials: range) -> Mapping[str, np.ndarray]:
        return self.function(cell, range(FIRST_SEED + trials.start, FIRST_SEED + trials.stop))


def cheapest(study: Study) -> list[int]:
    return [int(np.argmin(study.seconds or [0.0]))]


def part(study: Study, cells: Sequence[int]) -> Study:
    """Some cells of a study, at other seeds."""
    return replace(
        study,
        function=Shifted(study.function),
        cells=[study.cells[cell] for cell in cells],
        coordinates={name: [values[cell] for cell in cells] for name, values in study.coordinates.items()},
        seconds=None,
        n_trials=N_SEEDS,
    )


def fresh_rows(
    name: str, studies: Mapping[str, Study], folder: Path, settings: Settings = FULL
) -> tuple[str, list[Row]]:
    with ThreadPoolExecutor(2) as threads:
        found = {key: run_study(study, folder / f"{key}.zarr", executor=threads) for key, study in studies.items()}
    return name, FIGURES[name].measured(settings, found)


def assert_same_means(fresh: tuple[str, list[Row]]) -> None:
    """Seeds of two runs have one distribution at every point: Student's test of their means, and of all together."""
    name, rows = fresh
    new, old = by_place(rows), by_place([row for row in committed(name) if row["kind"] == MEASURED])
    assert new
    assert new.keys() <= old.keys()
    told_apart = [(place, values) for place, values in new.items() if np.ptp([*values, *old[place]]) > ROUNDING]
    p_values = np.array([p_of_equal_means(values, old[place]) for place, values in told_apart])
    assert p_values.size
    worst = int(p_values.argmin())
    assert p_values[worst] > 1e-5 / p_values.size, told_apart[worst]
    assert np.mean(p_values < 0.05) < 0.4 or p_values.size < 20
    assert all(not np.array_equal(values, old[place][: len(values)]) for place, values in told_apart)


def p_of_equal_means(first: Sequence[float], second: Sequence[float]) -> float:
    """Student's test, by which one run's few seeds may happen to agree to the last digit."""
    moments = [(float(np.mean(values)), float(np.std(values, ddof=1)), len(values)) for values in (first, second)]
    return float(ttest_ind_from_stats(*moments[0], *moments[1])[1])


def by_place(rows: Sequence[Row]) -> dict[tuple, list[float]]:
    """What is estimated at each point, one number a seed."""
    found: dict[tuple, list[float]] = {}
    for row in rows:
        estimate = next((name for name in ESTIMATES if row.get(name) is not None), None)
        if estimate is not None:
            place = tuple((column, row[column]) for column in PLACES if row.get(column) is not None)
            found.setdefault(place, []).append(row[estimate])
    return found


# pictures

_COMPARED = {"baseline_dir": str(FOLDER), "style": PARAMETERS, "savefig_kwargs": {"dpi": 160}, "tolerance": 1}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, id=n, marks=pytest.mark.mpl_image_compare(filename=f"{file_stem(n)}.png", **_COMPARED))
        for n in COMMITTED
    ],
)
def test_picture(name):
    stamp = json.loads((FOLDER / RENDERER).read_text(encoding="utf-8"))
    if stamp != renderer():
        pytest.skip(f"the pictures were drawn by {stamp}, and this is {renderer()}")
    return FIGURES[name].draw(committed(name))
