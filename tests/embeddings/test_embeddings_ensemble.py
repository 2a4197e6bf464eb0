"""The ensemble's metrics against plain NumPy loops, on real embeddings."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import softmax, xlogy

from perceptron_pruning.embeddings import load_fashion_mnist, score
from perceptron_pruning.embeddings.metrics.ensemble import ForgettingLog
from perceptron_pruning.embeddings.metrics.head_ensemble import Visits, draw_head_sampling, epoch_order
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, ScoreSettings

HEADS = HeadSettings(n_models=3, epochs=4, early_epochs=2, batch_rows=32)
NAMES = ["el2n", "el2n_1", "grand", "forgetting", "ddd", "active_learning", "active_learning_entropy",
         "active_learning_mutual_information"]  # fmt: skip


@pytest.fixture(scope="module")
def pool():
    data = load_fashion_mnist()
    return data.train_embeddings[:500, :40], data.train_labels[:500]


@pytest.fixture(scope="module")
def scores(pool):
    return score(*pool, metrics=NAMES, settings=ScoreSettings(heads=HEADS))


@pytest.fixture(scope="module")
def by_loops(pool, scores):
    """The same training, head by head and row by row: probabilities early and late, and what was right when."""
    rows, labels = pool
    centred = rows - rows.mean(axis=0)
    inputs = centred / np.sqrt(np.mean(centred**2)) / np.sqrt(rows.shape[1])
    sampling = draw_head_sampling(scores.context)
    early, late, visits = [], [], [{i: [] for i in range(len(rows))} for _ in range(HEADS.n_models)]
    for m in range(HEADS.n_models):
        weights, bias = np.zeros((40, 10)), np.zeros(10)
        speed, bias_speed = np.zeros((40, 10)), np.zeros(10)
        for epoch in range(HEADS.epochs):
            (order,) = epoch_order(500, 40, HEADS.batch_rows, seed=0, epoch=epoch)
            for start in range(0, 500, HEADS.batch_rows):
                batch = order[start : start + HEADS.batch_rows]
                rate = HEADS.learning_rate * (1 - (epoch + start / 500) / HEADS.epochs)
                slope, bias_slope = np.zeros_like(weights), np.zeros(10)
                for i in batch:
                    logits = inputs[i] @ weights + bias
                    if sampling.bootstrap[i, m]:
                        visits[m][i].append(logits[labels[i]] > np.delete(logits, labels[i]).max())
                    error = (softmax(logits) - np.eye(10)[labels[i]]) * sampling.bootstrap[i, m] / len(batch)
                    slope += np.outer(inputs[i] * sampling.feature_masks[:, m], error)
                    bias_slope += error
                speed, bias_speed = HEADS.momentum * speed + slope, HEADS.momentum * bias_speed + bias_slope
                weights, bias = weights - rate * speed, bias - rate * bias_speed
            if epoch + 1 == HEADS.early_epochs:
                early.append(softmax(inputs @ weights + bias, axis=1))
        late.append(softmax(inputs @ weights + bias, axis=1))
    return np.array(early), np.array(late), visits


def test_el2n(pool, scores, by_loops):
    lengths = np.linalg.norm(by_loops[0] - np.eye(10)[pool[1]], axis=2)
    np.testing.assert_allclose(scores["el2n"], lengths.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(scores["el2n_1"], lengths[0], atol=1e-10)


def test_grand_is_the_length_of_a_heads_gradient(pool, scores, by_loops):
    rows, labels = pool
    centred = rows - rows.mean(axis=0)
    inputs = centred / np.sqrt(np.mean(centred**2)) / np.sqrt(rows.shape[1])
    masks = draw_head_sampling(scores.context).feature_masks
    lengths = []
    for probabilities, mask in zip(by_loops[0], masks.T, strict=True):
        errors = probabilities - np.eye(10)[labels]
        gradients = (np.hstack([inputs * mask, np.ones((500, 1))])[:, :, None] * errors[:, None]).reshape(500, -1)
        lengths.append(np.linalg.norm(gradients, axis=1))
    np.testing.assert_allclose(scores["grand"], np.mean(lengths, axis=0), atol=1e-10)


def test_ddd(pool, scores, by_loops):
    np.testing.assert_allclose(scores["ddd"], np.mean(by_loops[1].argmax(axis=2) != pool[1], axis=0))


def test_active_learning(scores, by_loops):
    late = by_loops[1]
    mean = late.mean(axis=0)
    entropy = -xlogy(mean, mean).sum(axis=1)
    np.testing.assert_allclose(scores["active_learning_entropy"], entropy, atol=1e-10)
    information = entropy + xlogy(late, late).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(scores["active_learning_mutual_information"], information, atol=1e-10)
    kept = scores["active_learning"] == 1
    assert kept.sum() == 400
    assert entropy[kept].min() >= entropy[~kept].max()


def test_forgetting(scores, by_loops):
    counts = [[] for _ in range(500)]
    for visits in by_loops[2]:
        for i, right in visits.items():
            if right:
                counts[i].append(sum(a and not b for a, b in pairwise(right)) if any(right) else HEADS.epochs)
    expected = [np.mean(of_row) for of_row in counts]
    assert min(map(len, counts)) < max(map(len, counts)) < HEADS.n_models + 1
    np.testing.assert_allclose(scores["forgetting"], expected, atol=1e-12)


def test_never_learnt_is_hardest(scores, by_loops):
    never = np.array([not any(any(visits[i]) for visits in by_loops[2]) for i in range(500)])
    assert 0 < never.sum() < 250
    assert scores["forgetting"][never].min() == HEADS.epochs > scores["forgetting"][~never].max()


def test_forgetting_log_by_hand():
    log, drawn = ForgettingLog.blank(3, 2), np.array([[1, 0], [2, 0], [1, 1]])
    for right in ([1, 0, 0], [0, 0, 1], [1, 0, 1], [0, 0, 1]):
        correct = np.array([right, [1, 0, 1]], bool).T  # the second head has drawn the last row only
        log.add(Visits(rows=np.array([2, 0, 1]), correct=correct[[2, 0, 1]]), drawn)
    np.testing.assert_array_equal(log.scores(4, drawn), [2, 4, 0])


def test_a_metric_alone_is_as_among_others(pool, scores):
    for names in (["el2n"], ["forgetting"], ["ddd", "el2n_1"]):
        alone = score(*pool, metrics=names, settings=ScoreSettings(heads=HEADS))
        for name in names:
            np.testing.assert_array_equal(alone[name], scores[name])


def test_heads_differ_and_the_first_is_plain(scores):
    sampling = draw_head_sampling(scores.context)
    assert sampling.feature_masks[:, 0].all()
    assert (sampling.bootstrap[:, 0] == 1).all()
    assert (sampling.feature_masks[:, 1:].sum(axis=0) == 20).all()
    assert np.corrcoef(sampling.bootstrap[:, 1], sampling.bootstrap[:, 2])[0, 1] < 0.2


def test_several_networks_get_heads_of_their_own(pool):
    rows, labels = pool
    several = score([rows[:, :25], rows[:, 25:]], labels, metrics="ddd", settings=ScoreSettings(heads=HEADS))
    sees = draw_head_sampling(several.context).feature_masks
    assert not sees[:25, 1].any()
    assert sees[25:, 1].any()
    assert not sees[25:, 2].any()
    with pytest.raises(ValueError, match=r"all `embeddings` must have as many rows; got \[500, 499\]"):
        score([rows, rows[:499]], labels)


@pytest.mark.parametrize("n_rows", [1, 100, 5000], ids=["one", "a group", "several groups"])
def test_an_epoch_visits_every_row_once(n_rows):
    groups = list(epoch_order(n_rows, 2**14, 64, seed=1, epoch=2))
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(n_rows))


def test_sorted_files_are_mixed():
    """Every group of a file sorted by class holds about as many of each."""
    for group in epoch_order(40_000, 2**13, 64, seed=0, epoch=0):
        counts = np.bincount(group // 10_000, minlength=4)
        assert counts.min() > 0.7 * counts.mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_models": 0}, "`n_models` must be in"),
        ({"early_epochs": 5}, "`early_epochs` and `epochs` must satisfy"),
        ({"subspace": 0.0}, r"`subspace` must be in \(0, 1\]; got 0.0"),
        ({"subspace": 1.0, "bootstrap": False}, "several heads must differ"),
        ({"momentum": 1.0}, r"`momentum` in \[0, 1\) are needed"),
    ],
    ids=["models", "epochs", "subspace", "equal heads", "momentum"],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        replace(HEADS, **options)
