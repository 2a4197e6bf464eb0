"""Suspected mislabels, near-duplicates, neighbours and heads that did not see the row."""

from importlib import import_module
from itertools import permutations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from perceptron_pruning.embeddings import near_duplicates, score, suspected_mislabels
from perceptron_pruning.embeddings.metrics.nearest import NearestRows
from perceptron_pruning.embeddings.metrics.neighbours import shapley_values
from perceptron_pruning.embeddings.metrics.registry import METRICS, UNSEEN_METRICS, metric_names
from perceptron_pruning.embeddings.runtime import tiling
from perceptron_pruning.embeddings.runtime.process_group import SingleProcess
from perceptron_pruning.embeddings.runtime.tiling import Tiling
from perceptron_pruning.embeddings.suspected_mislabels import confident_disagreements


@pytest.fixture(scope="module")
def digits():
    rows, labels = load_digits(return_X_y=True)
    return rows[:900].astype(np.float32), labels[:900]


@pytest.fixture(scope="module")
def flipped(digits):
    """Five per cent of the labels replaced by another, and which."""
    rng = np.random.default_rng(3)
    wrong = rng.choice(900, 45, replace=False)
    labels = digits[1].copy()
    labels[wrong] = (labels[wrong] + rng.integers(1, 10, 45)) % 10
    return labels, wrong


def test_flipped_labels_are_suspected_and_no_others(digits, flipped):
    labels, wrong = flipped
    suspects = suspected_mislabels(digits[0], labels)
    hit = np.isin(suspects.rows, wrong)
    assert hit.sum() >= 0.65 * len(wrong)
    assert hit.mean() >= 0.85
    assert np.all(np.diff(suspects.margin) >= 0)
    assert np.mean(suspects.predicted[hit] == digits[1][suspects.rows[hit]]) > 0.9
    assert suspects.table[0]["row"] == suspects.rows[0]
    assert suspects.share == len(suspects.rows) / 900
    assert suspected_mislabels(digits[0], digits[1]).share < 0.03


def test_confident_learning_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]], np.float32)
    classes = np.array([0, 0, 0, 1])  # thresholds 0.6 and 0.9: row 1 is sure of no other class
    rows, other = confident_disagreements(probabilities, classes)
    assert rows.size == 0
    rows, other = confident_disagreements(probabilities, np.array([0, 1, 1, 1]))  # thresholds 0.9 and 0.667
    assert rows.size == 0
    probabilities[1] = [0.05, 0.95]
    rows, other = confident_disagreements(probabilities, classes)
    np.testing.assert_array_equal(rows, [1])
    np.testing.assert_array_equal(other, [1])


def test_suspects_need_two_classes(digits):
    with pytest.raises(ValueError, match="`labels` must have two classes and 10 rows; got 1 and 900"):
        suspected_mislabels(digits[0], np.zeros(900))
    with pytest.raises(ValueError, match="`seed` must be at least 0; got -1"):
        suspected_mislabels(*digits, seed=-1)


def test_planted_duplicates_come_back(digits):
    rng = np.random.default_rng(0)
    rows = np.vstack([digits[0][:300], digits[0][:2], digits[0][5:6] + 0.01 * rng.normal(size=(1, 64))])
    rows = np.vstack([rows, rows[300:301]]).astype(np.float32)  # a third copy of row 0
    near = near_duplicates(rows, threshold=0.9999)
    assert {tuple(pair) for pair in near.pairs} == {(0, 300), (0, 303), (300, 303), (1, 301), (5, 302)}
    assert {row["row"]: row["duplicate_of"] for row in near.table} == {300: 0, 303: 0, 301: 1, 302: 5}
    np.testing.assert_array_equal(near.kept, np.arange(300))
    exact = near_duplicates(rows, threshold=1.0)
    assert {tuple(pair) for pair in exact.pairs} == {(0, 300), (0, 303), (300, 303), (1, 301)}


def test_duplicates_are_those_of_all_pairs_across_blocks(digits, monkeypatch):
    monkeypatch.setattr(tiling, "tile_rows", lambda n_rows: 70)
    monkeypatch.setattr(import_module(near_duplicates.__module__), "PASSING_ROWS", 130)
    rows = digits[0][:300].astype(float)
    near = near_duplicates(rows, threshold=0.9)
    centred = rows - rows.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    first, second = np.nonzero(np.triu(unit @ unit.T >= 0.9, 1))
    assert {tuple(pair) for pair in near.pairs} == set(zip(first.tolist(), second.tolist(), strict=True))
    np.testing.assert_allclose(near.similarity, (unit @ unit.T)[tuple(near.pairs.T)], atol=1e-12)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, float("nan")], ids=str)
def test_the_threshold_is_a_cosine(threshold):
    with pytest.raises(ValueError, match=r"`threshold` must be in \(0, 1\]"):
        near_duplicates(np.eye(4), threshold=threshold)


def test_too_many_pairs_are_refused(digits, monkeypatch):
    monkeypatch.setattr(import_module(near_duplicates.__module__), "MOST_PAIRS", 10)
    with pytest.raises(ValueError, match=r"`threshold` 0.5 pairs up more than 10 rows; raise it"):
        near_duplicates(digits[0], threshold=0.5)


@pytest.mark.parametrize("count", [3, 6], ids=["fewer rows than neighbours", "more rows"])
def test_shapley_values_are_those_of_the_definition(count):
    """Mean gain of the K-nearest-neighbour vote when a row joins the rows before it, over all orders."""
    neighbours = 4
    for right in np.random.default_rng(0).integers(0, 2, (4, count)).astype(bool):
        expected = np.zeros(count)
        orders = list(permutations(range(count)))
        for order in orders:
            for place, row in enumerate(order):
                without = sum(right[j] for j in sorted(order[:place])[:neighbours])
                joined = sum(right[j] for j in sorted(order[: place + 1])[:neighbours])
                expected[row] += (joined - without) / neighbours / len(orders)
        np.testing.assert_allclose(shapley_values(right[None], neighbours)[0], expected, atol=1e-12)


def test_nearest_rows_are_nearest(digits):
    rows = digits[0][:200]
    distances = ((rows[:, None].astype(float) - rows) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    found = NearestRows(rows, 7, Tiling(group=SingleProcess(), n_rows=200, first_row=0))
    for start, stop in ((0, 60), (60, 130), (130, 200)):
        found.meet(rows[start:stop], start)
    nearest = found.rows()
    np.testing.assert_allclose(
        np.take_along_axis(distances, nearest, axis=1), np.sort(distances, axis=1)[:, :7], rtol=1e-4
    )


def test_of_equally_near_rows_the_earlier_ones_are_listed():
    rows = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)[np.random.default_rng(0).permutation(120)]
    found = NearestRows(rows, 5, Tiling(group=SingleProcess(), n_rows=120, first_row=0))
    for start in range(0, 120, 24):
        found.meet(rows[start : start + 24], start)
    same = (rows @ rows.T == 1) & ~np.eye(120, dtype=bool)
    np.testing.assert_array_equal(found.rows(), [np.flatnonzero(mask)[:5] for mask in same])


def test_neighbours_find_flipped_labels(digits, flipped):
    labels, wrong = flipped
    scores = score(digits[0], labels, metrics=["knn_disagreement", "knn_shapley"])
    good = np.setdiff1d(np.arange(900), wrong)
    assert np.median(scores["knn_disagreement"][wrong]) >= 0.9
    assert np.median(scores["knn_disagreement"][good]) <= 0.1
    assert scores["knn_shapley"][wrong].mean() < 0 < scores["knn_shapley"][good].mean()


def test_out_of_fold_scores_are_those_of_unseen_rows(digits, flipped):
    labels, wrong = flipped
    scores = score(digits[0], labels, metrics="margin", out_of_fold=True)
    assert list(scores) == ["margin", *UNSEEN_METRICS]
    for name in set(UNSEEN_METRICS) - {"margin_label_agnostic_out_of_fold"}:
        assert np.median(scores[name][wrong]) > np.median(scores[name])
    assert np.all(scores["memorization_out_of_fold"] > -1)
    assert scores["memorization_out_of_fold"][wrong].mean() > scores["memorization_out_of_fold"].mean()
    named = score(digits[0], labels, metrics={"hard": "margin_out_of_fold"})
    np.testing.assert_array_equal(named["hard"], scores["margin_out_of_fold"])
    both = score(digits[0], labels, metrics={"own": "margin"}, out_of_fold=True)
    assert set(both) == {"own", *UNSEEN_METRICS}


def test_all_does_not_ask_for_what_has_a_switch(digits):
    names = metric_names("all", labelled=True, tested=False)
    assert not set(names) & {*UNSEEN_METRICS, "knn_disagreement", "knn_shapley"}
    assert set(UNSEEN_METRICS) < set(METRICS)
    with pytest.raises(ValueError, match="`labels` must be given for the metric knn_shapley"):
        score(digits[0], metrics="knn_shapley")
