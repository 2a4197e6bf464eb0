"""The metrics, each derived a second time, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.embeddings import fit_softmax, load_fashion_mnist, score
from perceptron_pruning.embeddings.metrics.margin import probability_margin
from perceptron_pruning.embeddings.metrics.registry import FAMILIES
from perceptron_pruning.embeddings.runtime.settings import MARGIN_PROBE_ITERATIONS, MARGIN_PROBE_RIDGE

PROBE = {"ridge": MARGIN_PROBE_RIDGE, "stop_after": MARGIN_PROBE_ITERATIONS}
ALL = {name for family in FAMILIES for name in family.metrics if family.in_all and not family.test_set}


@pytest.fixture(scope="module")
def pool():
    data = load_fashion_mnist()
    return data.train_embeddings[:1500], data.train_labels[:1500]


def separate_blobs(n: int = 60):
    """Four clusters of unit variance, far apart, with their true centres' labels."""
    labels = np.arange(n) % 4
    centres = 100.0 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return centres[labels] + np.random.default_rng(3).normal(size=(n, 2)), labels


def naive_lloyd(rows: np.ndarray, n_clusters: int, rng: np.random.Generator) -> float:
    """Sum of squared distances after 100 plain steps from random rows."""
    centroids = rows[rng.choice(len(rows), n_clusters, replace=False)]
    for _ in range(100):
        nearest = np.linalg.norm(rows[:, None] - centroids, axis=2).argmin(axis=1)
        centroids = np.array([rows[nearest == k].mean(axis=0) for k in range(n_clusters)])
    return float((np.linalg.norm(rows[:, None] - centroids, axis=2).min(axis=1) ** 2).sum())


def test_all_means_what_the_labels_allow(pool):
    rows, labels = pool
    assert set(score(rows, labels)) == ALL
    assert set(score(rows)) == {"self_supervised_prototypes", "random"}
    assert list(score(rows, labels, metrics=["random", "margin"])) == ["random", "margin"]


def test_every_score_is_a_finite_double_per_row_and_repeats_with_its_seed(pool):
    rows, labels = pool
    first, again = score(rows, labels, seed=5), score(rows, labels, seed=5)
    for name, values in first.items():
        assert values.shape == (1500,)
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, again[name])


def test_supervised_prototypes_by_explicit_loop():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(30, 4)), rng.choice(["cat", "dog", "owl"], 30)
    expected = []
    for row, label in zip(rows, labels, strict=True):
        members = [r for r, other in zip(rows, labels, strict=True) if other == label]
        expected.append(np.sqrt(sum((row[k] - sum(m[k] for m in members) / len(members)) ** 2 for k in range(4))))
    np.testing.assert_allclose(score(rows, labels)["supervised_prototypes"], expected, rtol=1e-12)


def test_both_prototypes_agree_where_clusters_are_classes():
    rows, labels = separate_blobs()
    scores = score(rows, labels)
    np.testing.assert_allclose(scores["self_supervised_prototypes"], scores["supervised_prototypes"], rtol=1e-12)


def test_one_cluster_is_the_distance_to_the_mean(pool):
    rows, _ = pool
    distances = score(rows, metrics="self_supervised_prototypes", n_clusters=1)["self_supervised_prototypes"]
    np.testing.assert_allclose(distances, np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=1)), rtol=1e-12)


def test_as_many_clusters_as_rows_leave_no_distance():
    rows = np.arange(6.0)[:, None] ** 2
    assert score(rows, metrics="self_supervised_prototypes", n_clusters=6)["self_supervised_prototypes"].max() == 0


def test_kmeans_is_as_good_as_naive_restarts(pool):
    rows = pool[0][:400, :20]
    naive = [naive_lloyd(rows, 10, np.random.default_rng(seed)) for seed in range(8)]
    ours = [
        (score(rows, metrics="self_supervised_prototypes", seed=seed)["self_supervised_prototypes"] ** 2).sum()
        for seed in range(8)
    ]
    standard_error = np.hypot(np.std(ours), np.std(naive)) / np.sqrt(8)
    assert min(ours) <= 1.01 * min(naive)
    assert np.mean(ours) - np.mean(naive) < 3 * standard_error < 0.1 * min(naive)


def test_default_number_of_clusters_is_the_number_of_classes(pool):
    rows, labels = pool
    name = "self_supervised_prototypes"
    two = score(rows, labels % 2, metrics=name)[name]
    np.testing.assert_array_equal(two, score(rows, metrics=name, n_clusters=2)[name])
    np.testing.assert_array_equal(score(rows, metrics=name)[name], score(rows, metrics=name, n_clusters=10)[name])


def test_margin_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]])
    np.testing.assert_allclose(probability_margin(probabilities, np.array([0, 0, 2])), [0.5, -0.1, -0.85])


def test_margin_is_that_of_a_probe_fitted_to_the_pool(pool):
    rows, labels = pool
    centred = rows - rows.mean(axis=0)
    inputs = centred / np.sqrt(np.mean(centred**2))
    probe = fit_softmax(inputs, labels, n_classes=10, **PROBE)
    logits = inputs @ probe.weights + probe.bias
    for i, value in enumerate(score(rows, labels, metrics="margin")["margin"]):
        odds = np.exp(logits[i])
        rivals = np.delete(odds, labels[i])
        assert value == pytest.approx(-(odds[labels[i]] - rivals.max()) / odds.sum(), abs=1e-12)


def test_margin_is_positive_exactly_where_the_probe_is_wrong(pool):
    rows, labels = pool
    margin = score(rows, labels, metrics="margin")["margin"]
    inputs = (rows - rows.mean(axis=0)) / np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    probe = fit_softmax(inputs, labels, n_classes=10, **PROBE)
    wrong = probe.predict(inputs) != labels
    assert 50 < wrong.sum() < 500
    np.testing.assert_array_equal(margin > 0, wrong)


def test_two_classes_rank_by_the_perceptrons_signed_margin():
    rng = np.random.default_rng(6)
    rows = rng.normal(size=(80, 3))
    labels = np.where(rows[:, 0] + 0.5 * rng.normal(size=80) > 0, 1, -1)
    inputs = (rows - rows.mean(axis=0)) / np.sqrt(np.mean((rows - rows.mean(axis=0)) ** 2))
    probe = fit_softmax(inputs, (labels + 1) // 2, n_classes=2, **PROBE)
    field = inputs @ (probe.weights[:, 1] - probe.weights[:, 0]) + probe.bias[1] - probe.bias[0]
    margin = score(rows, labels, metrics="margin")["margin"]
    np.testing.assert_allclose(margin, -np.tanh(labels * field / 2), atol=1e-12)
    np.testing.assert_array_equal(np.argsort(margin), np.argsort(-labels * field))


@pytest.mark.parametrize("name", ["margin", "supervised_prototypes", "self_supervised_prototypes"], ids=str)
def test_high_is_hard(pool, name):
    """Examples that a head trained on other data gets wrong score higher, by many standard errors."""
    rows, labels = pool
    data = load_fashion_mnist()
    head = fit_softmax(data.train_embeddings[2000:5000] / 3, data.train_labels[2000:5000], n_classes=10, ridge=1e-2)
    wrong = head.predict(rows / 3) != labels
    values = score(rows, labels)[name]
    gap = values[wrong].mean() - values[~wrong].mean()
    assert gap > 4 * np.hypot(values[wrong].std() / wrong.sum() ** 0.5, values[~wrong].std() / (~wrong).sum() ** 0.5)


def test_an_outlier_and_a_flipped_label_come_out_on_top():
    rows, labels = separate_blobs()
    rows[7] += 12.0
    labels[12] = (labels[12] + 1) % 4
    scores = score(rows, labels, n_clusters=4)
    assert scores["self_supervised_prototypes"].argmax() == 7
    assert scores["supervised_prototypes"].argmax() == 12
    assert scores["margin"].argmax() == 12


def test_margin_does_not_change_with_origin_and_unit(pool):
    rows, labels = pool
    shifted = score(40.0 * rows + 3.0, labels, metrics="margin")["margin"]
    np.testing.assert_allclose(shifted, score(rows, labels, metrics="margin")["margin"], atol=1e-8)


ROWS, LABELS = np.random.default_rng(1).normal(size=(8, 3)), np.arange(8) % 2
NOT_FINITE = ROWS.copy()
NOT_FINITE[5, 1] = np.inf


@pytest.mark.parametrize(
    ("embeddings", "labels", "options", "message"),
    [
        (NOT_FINITE, LABELS, {}, r"`embeddings` must be finite; row 5 of `embeddings` has inf \(1 such rows"),
        (ROWS[0], LABELS, {}, r"`embeddings` must have shape \(n, d\)"),
        (ROWS[:0], None, {}, r"`embeddings` must have shape \(n, d\), neither of them 0"),
        (ROWS, LABELS[:7], {}, r"`labels` must be one per row, shape \(8,\); got \(7,\)"),
        (ROWS, LABELS, {"metrics": "el3n"}, "`metrics` must be among self_supervised_prototypes, .*; got .*el3n"),
        (ROWS, LABELS, {"metrics": []}, r"`metrics` must be among .*; got \[\]"),
        (ROWS, None, {"metrics": "margin"}, "`labels` must be given for the metric margin"),
        (ROWS, None, {"metrics": ["random", "supervised_prototypes"]}, "must be given for the metric supervised_"),
        (ROWS, LABELS, {"n_clusters": 9}, r"`n_clusters` must be in \[1, 8\], the number of rows; got 9"),
        (ROWS, LABELS, {"n_clusters": 0}, "`n_clusters` must be at least 1; got 0"),
        (ROWS[:5], None, {}, r"`n_clusters` must be in \[1, 5\], the number of rows; got 10"),
        (ROWS, np.zeros(8), {}, "`labels` must have at least two classes; got 1"),
        (np.ones((8, 3)), LABELS, {"metrics": "margin"}, "zero variance"),
    ],
    ids=[
        "not finite", "one row", "no rows", "label length", "unknown metric", "no metric", "margin unlabelled",
        "prototypes unlabelled", "clusters over rows", "no cluster", "default clusters over rows", "one class",
        "constant",
    ],
)  # fmt: skip
def test_refusals(embeddings, labels, options, message):
    with pytest.raises(ValueError, match=message):
        score(embeddings, labels, **options)


def test_a_cluster_that_cannot_be_filled_is_refused():
    rows = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    with pytest.raises(ValueError, match="`n_clusters` = 3 leaves a cluster empty"):
        score(rows, metrics="self_supervised_prototypes", n_clusters=3)


def test_a_score_that_is_no_number_is_refused(monkeypatch):
    rng = np.random.default_rng(0)
    uniform = next(family for family in FAMILIES if family.metrics == ("random",))
    broken = replace(uniform, run=lambda context, names: {"random": np.array([0.5, np.inf, np.nan, 0.5])})
    monkeypatch.setattr("perceptron_pruning.embeddings.metrics.registry.FAMILIES", (broken,))
    with pytest.raises(ArithmeticError, match=r"random came out as inf for row 1 of .* \(2 such rows\)"):
        score(rng.standard_normal((4, 3)), metrics="random")
