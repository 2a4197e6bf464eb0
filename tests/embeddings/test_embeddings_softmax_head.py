"""The linear head: gradient by finite differences, optimum by its stationarity, and refusals."""

import numpy as np
import pytest

from perceptron_pruning.embeddings import HeadFitError, fit_softmax
from perceptron_pruning.embeddings.metrics.softmax_head import softmax_loss


def blobs(seed: int, n: int = 90, d: int = 5, n_classes: int = 3):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    return rng.normal(size=(n, d)) + 1.5 * rng.normal(size=(n_classes, d))[labels], labels


@pytest.mark.parametrize("ridge", [0.0, 0.3], ids=["no ridge", "ridge"])
def test_gradient_is_that_of_the_loss(ridge):
    rows, labels = blobs(1)
    parameters = np.random.default_rng(2).normal(size=(rows.shape[1] + 1) * 3)
    targets = np.eye(3)[labels]
    _, gradient = softmax_loss(parameters, rows, targets, ridge)
    step = 1e-5
    for i in range(parameters.size):
        shift = step * (np.arange(parameters.size) == i)
        above, below = (softmax_loss(parameters + s * shift, rows, targets, ridge)[0] for s in (1, -1))
        assert gradient[i] == pytest.approx((above - below) / (2 * step), abs=1e-9)


def test_loss_by_hand():
    rows, labels, weights, bias = np.array([[1.0], [-2.0]]), [0, 1], np.array([[0.5, -0.5]]), np.array([0.1, -0.1])
    losses = [np.log1p(np.exp(-(1.0 * 1.0 + 0.2))), np.log1p(np.exp(-(2.0 * 1.0 - 0.2)))]
    expected = np.mean(losses) + 0.4 / 2 * 0.5
    loss, _ = softmax_loss(np.vstack([weights, bias]).ravel(), rows, np.eye(2)[labels], 0.4)
    assert loss == pytest.approx(expected, rel=1e-14)


def test_loss_is_finite_for_huge_logits():
    loss, gradient = softmax_loss(np.array([1e4, -1e4, 0.0, 0.0]), np.array([[1.0]]), np.eye(2)[[1]], 0.0)
    assert loss == pytest.approx(2e4)
    assert np.isfinite(gradient).all()


def test_optimum_is_stationary():
    rows, labels = blobs(3)
    head = fit_softmax(rows, labels, n_classes=3, ridge=0.05)
    residual = np.eye(3)[labels] - head.probabilities(rows)
    np.testing.assert_allclose(head.weights, rows.T @ residual / (0.05 * len(rows)), atol=2e-5 / 0.05)
    np.testing.assert_allclose(residual.mean(axis=0), 0.0, atol=2e-5)
    assert head.gradient <= 1e-5


def test_no_point_nearby_has_a_lower_loss():
    rows, labels = blobs(4)
    head = fit_softmax(rows, labels, n_classes=3, ridge=0.1)
    best = np.vstack([head.weights, head.bias]).ravel()
    rng = np.random.default_rng(5)
    lowest = softmax_loss(best, rows, np.eye(3)[labels], 0.1)[0]
    for _ in range(50):
        step = rng.normal(size=best.size)
        assert softmax_loss(best + 0.01 * step, rows, np.eye(3)[labels], 0.1)[0] > lowest


def test_order_of_rows_and_names_of_classes_do_not_matter():
    rows, labels = blobs(6)
    shuffle = np.random.default_rng(7).permutation(len(rows))
    head = fit_softmax(rows, labels, n_classes=3, ridge=0.1)
    same = fit_softmax(rows[shuffle], (labels[shuffle] + 1) % 3, n_classes=3, ridge=0.1)
    np.testing.assert_allclose(np.roll(same.weights, -1, axis=1), head.weights, atol=2e-4)


def test_error_counts_the_wrong_rows():
    rows, labels = blobs(8)
    head = fit_softmax(rows, labels, n_classes=3, ridge=0.1)
    wrong = sum(int(np.argmax(x @ head.weights + head.bias)) != y for x, y in zip(rows, labels, strict=True))
    assert wrong > 0
    assert head.error(rows, labels) == wrong / len(rows)


def test_stopping_early_is_a_choice_and_not_converging_is_an_error():
    rows, labels = blobs(9)
    probe = fit_softmax(rows, labels, n_classes=3, ridge=1e-3, stop_after=3)
    assert probe.n_iterations == 3
    assert probe.gradient > 1e-5
    with pytest.raises(HeadFitError, match="did not converge in 3 iterations") as caught:
        fit_softmax(rows, labels, n_classes=3, ridge=1e-3, max_iterations=3)
    assert caught.value.gradient == pytest.approx(probe.gradient)


ROWS, LABELS = blobs(10, n=6)


@pytest.mark.parametrize(
    ("labels", "n_classes", "ridge", "message"),
    [
        (LABELS, 4, 0.1, "cover all 4 classes; class 3 has no example"),
        (LABELS, 2, 0.1, r"integers in 0\.\.1; got 0\.\.2"),
        (LABELS.astype(float), 3, 0.1, "must be integers"),
        (LABELS[:5], 3, 0.1, r"shapes \(6, 5\) and \(5,\)"),
        (LABELS, 1, 0.1, "`n_classes` must be at least 2; got 1"),
        (LABELS, 3, 0.0, "`ridge` must be > 0; got 0"),
        (LABELS, 3, np.nan, "`ridge` must be > 0; got nan"),
    ],
    ids=["empty class", "label too large", "float labels", "lengths", "one class", "no ridge", "ridge is nan"],
)
def test_refusals(labels, n_classes, ridge, message):
    with pytest.raises(ValueError, match=message):
        fit_softmax(ROWS, labels, n_classes=n_classes, ridge=ridge)
