"""How a sweep is cut, and what a million cells take."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from dask_load import DaskLoad, dask_load
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_plan import ALPHAS, RULES, Plan, gpu_seconds_at_least, plan, tasks_and_chunks

from perceptron_pruning.studies.chunking import aimed_seconds, chunk_shape, remaining_tasks
from perceptron_pruning.sweeps import Cell, Grid
from perceptron_pruning.sweeps.sweep import study

ROOT = Path(__file__).parents[2]


@given(
    seconds=st.lists(st.floats(1e-4, 1e2), min_size=1, max_size=40),
    n_trials=st.integers(1, 50),
    aim=st.floats(0.01, 100),
    seed=st.integers(0, 99),
)
@settings(max_examples=200, deadline=None)
def test_tasks_are_what_is_left_to_do_and_each_of_it_once(seconds, n_trials, aim, seed):
    chunks = chunk_shape(seconds, len(seconds), n_trials, aim)
    n_chunks = [-(-total // size) for total, size in zip((len(seconds), n_trials), chunks, strict=True)]
    chunk_done = np.random.default_rng(seed).random(n_chunks) < 0.4
    done = np.repeat(np.repeat(chunk_done, chunks[0], 0), chunks[1], 1)[: len(seconds), :n_trials]
    left = np.zeros(done.shape, dtype=int)
    for task in remaining_tasks(done, chunks, seconds, aim):
        place = np.ix_(task.cells, task.trials)
        left[place] += 1
        assert task.seconds == pytest.approx(np.sum(np.take(seconds, task.cells)) * len(task.trials))
        assert task.cells.start % chunks[0] == task.trials.start % chunks[1] == 0
    np.testing.assert_array_equal(left, ~done)


def test_tasks_take_long_enough_and_not_too_long_and_are_shorter_in_the_end():
    seconds = np.geomspace(1e-3, 1e-1, 400)
    aim = aimed_seconds(seconds, 100)
    tasks = remaining_tasks(np.zeros((400, 100), dtype=bool), chunk_shape(seconds, 400, 100, aim), seconds, aim)
    task_seconds = np.array([task.seconds for task in tasks])
    early = np.cumsum(task_seconds) < 0.89 * task_seconds.sum()
    assert aim > 2
    assert task_seconds[early].min() >= aim
    assert aim / 4 <= np.median(task_seconds[~early]) < aim / 2
    assert task_seconds.max() <= 5 * aim


def test_no_worker_waits_long_for_another_in_the_end():
    seconds = np.random.default_rng(0).uniform(1e-3, 2e-2, 200)
    true = seconds * np.random.default_rng(1).uniform(0.7, 1.4, 200)  # an estimate's usual error
    tasks = remaining_tasks(np.zeros((200, 100), dtype=bool), chunk_shape(seconds, 200, 100, 2.0), seconds, 2.0)
    busy = np.zeros(2)
    for task in tasks:
        busy[np.argmin(busy)] += 100 * true[task.cells].sum()
    assert np.ptp(busy) < 0.01 * busy.max()


def made_of(n_features, n_trials):
    return Grid(alpha_prune=ALPHAS, selection=RULES, n_features=n_features, n_trials=n_trials)


def test_a_plan_adds_up():
    dask = DaskLoad(scheduler=1e-3, driver=2e-3)
    made = plan(50, n_measured=2, dask=dask, n_cells=15_000, n_trials=10, gpu_speedup=10)
    assert made.core_hours * 3600 == pytest.approx(150_000 * made.trial_seconds)
    assert made.gpu_hours == pytest.approx(made.core_hours / 10)
    seconds = np.resize(np.array(study(made_of(50, 10)).seconds), 15_000)
    assert (made.n_tasks, made.n_chunks) == tasks_and_chunks(seconds, 10)
    assert made.n_files == 2 * made.n_chunks
    assert made.scheduler_hours * 3600 == pytest.approx(1e-3 * made.n_tasks)
    assert made.driver_hours * 3600 == pytest.approx((2e-3 + made.write_seconds) * made.n_tasks)
    assert made.store_gigabytes == pytest.approx(150_000 * 97 / 1e9)


def test_the_committed_plan_is_this_plan():
    with (ROOT / "benchmarks" / "sweep_plan.csv").open(encoding="utf-8") as file:
        rows = {int(row["n_features"]): row for row in csv.DictReader(file)}
    assert set(rows) == {200, 2000}
    for row in rows.values():
        given = {name: row[name] for name in Plan.__dataclass_fields__}
        numbers = {name: value if name == "machine" else float(value) for name, value in given.items()}
        again = Plan(**numbers)  # pyright: ignore[reportArgumentType]
        assert again.core_hours == pytest.approx(float(row["core_hours"]))
        assert again.n_files == float(row["n_files"])
        assert 0.5 < again.trial_seconds / again.estimated_trial_seconds < 2
        assert math.isnan(float(row["gpu_hours"]))  # until one is measured
        floors = [gpu_seconds_at_least(cell) for cell in made_of(int(row["n_features"]), 100).cells]
        assert again.gpu_hours_at_least == pytest.approx(1e8 * np.mean(floors) / 3600)


def test_no_gpu_is_faster_than_its_memory_and_its_arithmetic():
    cell = Cell(alpha_prune=8.0, n_features=2000)  # 16 000 examples: 256 MB, and 2.7e9 flops
    assert gpu_seconds_at_least(cell) == pytest.approx(8 * 16_000 * 2000 / 3.35e12)
    few = Cell(alpha_prune=1.0, n_features=20_000)
    assert gpu_seconds_at_least(few) == pytest.approx((2 * 20_000**2 + 20_000**3 / 3) / 6.7e13)


@pytest.mark.slow
def test_what_dask_takes_is_measured():
    load = dask_load(500)
    assert 1e-5 < load.scheduler < 0.05
    assert 1e-5 < load.driver < 0.05
