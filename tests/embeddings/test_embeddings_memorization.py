"""Memorization and influence in closed form against refits without each example, on real embeddings."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from perceptron_pruning.embeddings import load_fashion_mnist, score
from perceptron_pruning.embeddings.metrics import host_subsets
from perceptron_pruning.embeddings.metrics.memorization import leverage
from perceptron_pruning.embeddings.metrics.memorization_subsets import fold_of_rows, training_folds
from perceptron_pruning.embeddings.runtime import blocks
from perceptron_pruning.embeddings.runtime.blocks import Block
from perceptron_pruning.embeddings.runtime.settings import RidgeSettings, ScoreSettings

N, D, RIDGE = 90, 30, 1e-2
SETTINGS = ScoreSettings(ridge=RidgeSettings(ridge=RIDGE))


@pytest.fixture(scope="module")
def small():
    """A pool and a test set of four classes."""
    data = load_fashion_mnist()
    train, test = (np.flatnonzero(labels < 4) for labels in (data.train_labels, data.test_labels))
    return (
        data.train_embeddings[train[:N], :D],
        data.train_labels[train[:N]],
        data.test_embeddings[test[:40], :D],
        data.test_labels[test[:40]],
    )


def refit(rows, labels, inputs, penalty):
    """Scores of `inputs` under a ridge regression with intercept, from its normal equations."""
    design = np.column_stack([rows, np.ones(len(rows))])
    normal = design.T @ design + penalty * np.diag([1.0] * rows.shape[1] + [0.0])
    weights = np.linalg.solve(normal, design.T @ np.eye(4)[labels])
    return np.column_stack([inputs, np.ones(len(inputs))]) @ weights


@pytest.fixture(scope="module")
def brute_force(small):
    """Change of the own score of each example, (n,), and of each test point, (n, n_test), by n refits."""
    rows, labels, tests, test_labels = small
    mean, scale = rows.mean(axis=0), np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    rows, tests = (rows - mean) / scale, (tests - mean) / scale
    everything = np.vstack([rows, tests])
    whole = refit(rows, labels, everything, RIDGE * N)
    own, others = np.empty(N), np.empty((N, len(tests)))
    for i in range(N):
        rest = np.arange(N) != i
        change = whole - refit(rows[rest], labels[rest], everything, RIDGE * N)
        own[i] = change[i, labels[i]]
        others[i] = change[N:][np.arange(len(tests)), test_labels]
    return own, others


def test_memorization_is_the_change_by_a_refit(small, brute_force):
    rows, labels, *_ = small
    assert brute_force[0].std() > 0.01
    np.testing.assert_allclose(
        score(rows, labels, metrics="memorization", settings=SETTINGS)["memorization"], brute_force[0], atol=1e-8
    )


def test_influence_is_the_change_at_the_test_points_by_a_refit(small, brute_force):
    rows, labels, tests, test_labels = small
    scores = score(
        rows, labels, metrics=["influence_max", "influence_sum_abs"], test_embeddings=tests, test_labels=test_labels,
        settings=SETTINGS,
    )  # fmt: skip
    np.testing.assert_allclose(scores["influence_max"], brute_force[1].max(axis=1), atol=1e-8)
    np.testing.assert_allclose(scores["influence_sum_abs"], np.abs(brute_force[1]).sum(axis=1), atol=1e-8)


def test_another_ridge_is_told_apart(small, brute_force):
    rows, labels, *_ = small
    other = ScoreSettings(ridge=RidgeSettings(ridge=1.01 * RIDGE))
    wrong = score(rows, labels, metrics="memorization", settings=other)["memorization"]
    assert np.abs(wrong - brute_force[0]).max() > 1e-5


def test_single_precision_is_close_to_double(small):
    rows, labels, *_ = small
    single = score(rows.astype(np.float32), labels, metrics="memorization")["memorization"]
    np.testing.assert_allclose(single, score(rows, labels, metrics="memorization")["memorization"], atol=1e-5)


def test_leverages_add_up_to_the_degrees_of_freedom(small):
    rows, labels, *_ = small
    context = score(rows, labels, metrics="random", settings=SETTINGS).context
    centred = (rows - rows.mean(axis=0)) / context.standardisation.scale
    spectrum = np.linalg.eigvalsh(centred.T @ centred)
    assert leverage(context).sum() == pytest.approx(1 + (spectrum / (spectrum + RIDGE * N)).sum(), rel=1e-12)


def test_subset_heads_agree_with_leave_one_out():
    data = load_fashion_mnist()
    rows, labels = data.train_embeddings[:4000].astype(np.float32), data.train_labels[:4000]
    scores = score(rows, labels, metrics=["memorization", "memorization_subsets"])
    assert spearmanr(scores["memorization"], scores["memorization_subsets"])[0] >= 0.8
    shuffled = np.random.default_rng(0).permutation(labels)
    wrong = score(rows, shuffled, metrics="memorization_subsets")["memorization_subsets"]
    assert abs(spearmanr(scores["memorization"], wrong)[0]) < 0.5


@pytest.mark.parametrize("rounds", [1, 2, 3], ids=lambda count: f"{count} rounds")
def test_subset_scores_are_those_of_heads_fitted_one_by_one(small, monkeypatch, rounds):
    """Two rounds share their products, and a third has its own; blocks of 32 rows are multiplied two at a time."""
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 32)
    monkeypatch.setattr(host_subsets, "MULTIPLIED_BYTES", 8 * D * 40)
    rows, labels, *_ = small
    ridge = RidgeSettings(ridge=RIDGE, rounds=rounds)
    scores = score(rows, labels, metrics="memorization_subsets", settings=ScoreSettings(ridge=ridge))
    context, targets = scores.context, np.eye(scores.context.n_classes)[scores.context.required_classes]
    inputs = np.column_stack([context.standardisation.apply(rows), np.ones(N)])
    expected = np.zeros(N)
    for number in range(rounds):
        parts = [Block(start, min(start + 32, N), rows[start : start + 32]) for start in range(0, N, 32)]
        folds = np.concatenate([fold_of_rows(part, context, number) for part in parts])
        for inside in training_folds(ridge.folds, ridge.folds_kept):
            seen = inside[folds]
            penalty = RIDGE * seen.sum() * np.diag([1.0] * D + [0.0])
            head = np.linalg.solve(inputs[seen].T @ inputs[seen] + penalty, inputs[seen].T @ targets[seen])
            own = np.sum(inputs @ head * targets, axis=1)
            expected += own * np.where(seen, 1 / ridge.folds_kept, -1 / (ridge.folds - ridge.folds_kept)) / rounds
    np.testing.assert_allclose(scores["memorization_subsets"], expected, atol=1e-10)


def test_every_fold_is_in_as_many_subsets():
    inside = training_folds(10, 7)
    assert (inside.sum(axis=0) == 7).all()
    assert (inside.sum(axis=1) == 7).all()
    assert len({tuple(row) for row in inside}) == 10
