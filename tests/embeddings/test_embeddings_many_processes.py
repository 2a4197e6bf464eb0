"""Several processes give what one gives: threads stand for them."""

import importlib
import threading
import time
from itertools import pairwise

import numpy as np
import pytest
from interrupting import StopAt
from pool_of_processes import SETTINGS, check_same, pool
from threads_as_processes import together

from perceptron_pruning.embeddings import near_duplicates, score, select
from perceptron_pruning.embeddings.io.process_cuts import tile_rows
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.ensemble import largest_share
from perceptron_pruning.embeddings.metrics.registry import METRICS
from perceptron_pruning.embeddings.runtime.led import led
from perceptron_pruning.embeddings.runtime.process_group import SingleProcess, at_own_pace
from perceptron_pruning.embeddings.runtime.tiling import ExactSum, Tiling
from perceptron_pruning.embeddings.selections.methods import METHODS


@pytest.fixture(scope="module")
def data():
    return pool()


@pytest.fixture(scope="module")
def one(data):
    return score(**data, metrics=METRICS, settings=SETTINGS)


@pytest.fixture
def as_processes(monkeypatch):
    """Runs work as some processes do that have joined a cluster, and returns the results of all."""
    here = threading.local()
    for name in ("score", "near_duplicates", "select"):
        module = importlib.import_module(f"perceptron_pruning.embeddings.{name}")
        monkeypatch.setattr(module, "current_process_group", lambda: getattr(here, "group", SingleProcess()))

    def run(size, work):
        def joined(group):
            here.group = group
            return work(group.rank)

        return together(size, joined)

    return run


def test_every_metric_is_that_of_one_process(data, one, as_processes):
    parts = as_processes(2, lambda _: score(**data, metrics=METRICS, settings=SETTINGS))
    assert len(parts[0].row_ids) % 256 == 0
    check_same(parts, one)


def test_processes_without_a_head_take_part(data, one, as_processes):
    names = ["grand", "forgetting", "active_learning"]
    parts = as_processes(5, lambda _: score(**data, metrics=names, settings=SETTINGS))
    check_same(parts, {name: one[name] for name in names})


@pytest.mark.parametrize("dtype", [np.float16, "bfloat16"], ids=str)
def test_rows_in_half_precision_are_sent_as_they_are(data, as_processes, dtype):
    rows = data["embeddings"].astype(dtype)
    assert array_rows(rows).narrowest.itemsize == 2
    alone = score(rows, data["labels"], metrics="forgetting", settings=SETTINGS)
    parts = as_processes(2, lambda _: score(rows, data["labels"], metrics="forgetting", settings=SETTINGS))
    check_same(parts, alone)


def test_processes_that_are_interrupted_at_different_steps_go_on_together(data, one, as_processes, tmp_path):
    names = ["el2n", "forgetting", "memorization_subsets", "margin", "knn_shapley", "margin_out_of_fold"]
    stops = 0
    while True:
        try:
            parts = as_processes(
                2,
                lambda rank: score(
                    **data, metrics=names, settings=SETTINGS, checkpoint=tmp_path, progress=StopAt(9 + 2 * rank)
                ),
            )
            break
        except (KeyboardInterrupt, threading.BrokenBarrierError):
            stops += 1
            assert stops < 20
    assert stops >= 3
    check_same(parts, {name: one[name] for name in names})
    assert not list(tmp_path.rglob("*.npz"))


def test_duplicates_are_those_of_one_process(data, as_processes, tmp_path):
    rows = data["embeddings"].copy()
    rows[700:760], rows[1400:1410] = rows[:60], rows[:10]
    alone = near_duplicates(rows, threshold=0.95)
    assert len(alone.pairs) > 70
    for size in (2, 4, 5):
        for found in as_processes(size, lambda _: near_duplicates(rows, threshold=0.95)):
            for name in ("pairs", "similarity", "group", "representatives"):
                np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))


def test_an_interrupted_search_for_duplicates_goes_on(data, as_processes, tmp_path):
    rows = np.vstack([data["embeddings"], data["embeddings"][:50]])
    alone = near_duplicates(rows, threshold=0.95)
    first = as_processes(2, lambda _: near_duplicates(rows, threshold=0.95, checkpoint=tmp_path))
    for path in tmp_path.rglob("*_1.npz"):
        path.unlink()  # the second step of two
    (tmp_path / "part-00001" / "near_duplicates_step_0.npz").unlink()  # and one process has the first alone
    again = as_processes(2, lambda _: near_duplicates(rows, threshold=0.95, checkpoint=tmp_path))
    for found in (*first, *again):
        np.testing.assert_array_equal(found.pairs, alone.pairs)


def test_too_many_pairs_are_an_error_of_all(data, as_processes, monkeypatch):
    monkeypatch.setattr(importlib.import_module("perceptron_pruning.embeddings.near_duplicates"), "MOST_PAIRS", 100)
    errors = []

    def run(rank):
        with pytest.raises(ValueError, match=r"`threshold` 0\.5 pairs up more than 100 rows; raise it"):
            near_duplicates(data["embeddings"], threshold=0.5)
        errors.append(rank)

    as_processes(2, run)
    assert sorted(errors) == [0, 1]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_selections_are_those_of_one_process(data, as_processes, tmp_path, method):
    pool = data["embeddings"], data["labels"]
    alone = select(*pool, method=method, keep_fraction=0.3)
    for kept in as_processes(3, lambda _: select(*pool, method=method, keep_fraction=0.3, checkpoint=tmp_path)):
        np.testing.assert_array_equal(kept, alone)
    for path in list(tmp_path.rglob("part-00002/*.npz"))[:1]:
        path.unlink()  # one process is a step behind
    for kept in as_processes(3, lambda _: select(*pool, method=method, keep_fraction=0.3, checkpoint=tmp_path)):
        np.testing.assert_array_equal(kept, alone)


def test_a_selection_without_labels(data, as_processes):
    rows = data["embeddings"]
    alone = select(rows, method="k_centre", keep_fraction=0.1)
    for kept in as_processes(2, lambda _: select(rows, method="k_centre", keep_fraction=0.1)):
        np.testing.assert_array_equal(kept, alone)


def test_a_selection_for_a_target(data, as_processes):
    def selected(_):
        return select(
            data["embeddings"],
            data["labels"],
            method="covariance_matching",
            keep_fraction=0.1,
            target=data["test_embeddings"],
            target_labels=data["test_labels"],
        )

    alone = selected(0)
    for kept in as_processes(2, selected):
        np.testing.assert_array_equal(kept, alone)


def test_exact_sums_do_not_depend_on_their_order():
    rng = np.random.default_rng(0)
    terms = rng.standard_normal((300, 7)) * 10.0 ** rng.integers(-12, 12, (300, 7))
    total = ExactSum((7,))
    total.add(terms)
    value = total.total(SingleProcess())
    np.testing.assert_allclose(value, terms.sum(axis=0), rtol=1e-12)
    shuffled = terms[rng.permutation(300)]
    assert not np.array_equal(shuffled.sum(axis=0), terms.sum(axis=0))

    def part(group):
        total = ExactSum((7,))
        for term in shuffled[group.rank :: 3]:
            total.add(term[None])
        return total.total(group)

    for other in together(3, part):
        np.testing.assert_array_equal(other, value)


@pytest.mark.parametrize("number", [np.inf, np.nan, 2.0**60], ids=str)
def test_an_exact_sum_of_what_it_cannot_hold_is_no_number(number):
    def part(group):
        total = ExactSum((2,))
        total.add(np.array([[1.0, number if group.rank else 0.0]]))
        return total.total(group)

    assert np.isnan(together(2, part)).all()


def test_the_first_process_alone_decides_how_a_minimisation_goes_on():
    """Each would go another way; the others answer what the first asks for."""

    def part(group):
        def walk(loss):
            value, gradient = loss(np.array([1.0 + group.rank]))
            return np.array([value, *gradient]) if group.rank == 0 else np.array([-1.0])

        def loss(parameters):
            total = group.all_sum(parameters * (1 + group.rank))
            return float(total[0]), total

        return led(walk, loss, group)

    np.testing.assert_array_equal(together(3, part), [[6.0, 6.0]] * 3)


def test_work_at_its_own_pace_fails_where_it_fails():
    outcomes = {}

    def part(group):
        def work():
            if group.rank:
                time.sleep(0.1)
                raise ArithmeticError("of one")
            return "done"

        try:
            outcomes[group.rank] = at_own_pace(group, work)
        except ArithmeticError as error:
            outcomes[group.rank] = str(error)

    together(2, part)
    assert outcomes == {0: "done", 1: "of one"}


def test_the_largest_share_of_all_processes():
    values = np.random.default_rng(0).integers(-5, 5, 100) / 4
    expected = np.zeros(100)
    expected[np.argsort(-values, kind="stable")[:37]] = 1
    np.testing.assert_array_equal(largest_share(values, 0.37, SingleProcess()), expected)
    parts = together(3, lambda group: largest_share(np.array_split(values, 3)[group.rank], 0.37, group))
    np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize(("n_rows", "size"), [(2000, 3), (5000, 8), (1_000_000, 7)], ids=str)
def test_processes_share_whole_tiles(n_rows, size):
    rows = array_rows(np.zeros((n_rows, 1), np.float32))
    parts = [rows.part(rank, size) for rank in range(size)]
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert all(part.start % tile_rows(n_rows) == 0 for part in parts)
    assert max(map(len, parts)) - min(map(len, parts)) <= 2 * tile_rows(n_rows)
    spans = [
        (part.start + span.start, part.start + span.stop)
        for part in parts
        for span in Tiling(group=SingleProcess(), n_rows=n_rows, first_row=part.start).spans(0, len(part))
    ]
    cuts = [*range(0, n_rows, tile_rows(n_rows)), n_rows]
    assert spans == list(pairwise(cuts))
