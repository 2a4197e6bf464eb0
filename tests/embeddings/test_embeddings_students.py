"""Students of experiments: each is what it says, on real embeddings."""

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.embeddings.experiment import standardise
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.memorization import fit_ridge
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import RidgeSettings, ScoreSettings
from perceptron_pruning.embeddings.runtime.standardise import Standardisation
from perceptron_pruning.experiments.students.heads import (
    STUDENTS,
    HingeStudent,
    RidgeStudent,
    fit_present,
    student_named,
)
from perceptron_pruning.experiments.students.two_layer import TwoLayer
from perceptron_pruning.students.max_margin.fit import fit_max_margin


@pytest.fixture(scope="module")
def rows():
    data = load_fashion_mnist()
    return standardise(data.train_embeddings[:300], data.train_embeddings[:300]), data.train_labels[:300]


def test_ridge_is_the_head_behind_memorization(rows):
    inputs, labels = rows
    head = fit_ridge(
        ScoringContext(
            rows=array_rows(inputs),
            standardisation=Standardisation(n_rows=300, mean=inputs.mean(axis=0), scale=1.0, constant_features=()),
            settings=ScoreSettings(ridge=RidgeSettings(ridge=0.03)),
            classes=labels,
            class_names=np.arange(10),
            class_sizes=np.bincount(labels),
        )
    )
    found = RidgeStudent(ridge=0.03).fit(inputs, labels, 0)(inputs)
    np.testing.assert_allclose(found, (inputs - inputs.mean(axis=0)) @ head.weights + head.bias, atol=1e-9)


def test_ridge_gradient_vanishes(rows):
    """Of mean ‖y − b − Wᵀx‖² + λ ‖W‖², with W and b read off the logits."""
    inputs, labels = rows
    logits = RidgeStudent(ridge=0.03).fit(inputs, labels, 0)
    bias = logits(np.zeros((1, inputs.shape[1])))
    weights = logits(np.eye(inputs.shape[1])) - bias
    residual = logits(inputs) - np.eye(10)[labels]
    np.testing.assert_allclose(inputs.T @ residual / len(inputs) + 0.03 * weights, 0, atol=1e-10)
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-9)


def test_hinge_student_is_max_margin_where_separable(rows):
    inputs, labels = rows
    pair = np.isin(labels, (1, 8))
    x, y = inputs[pair], (labels[pair] == 8).astype(int)
    logits = HingeStudent().fit(x, y, 0)(x)
    fit = fit_max_margin(np.column_stack([x, np.ones(len(x))]), 2.0 * y - 1)
    np.testing.assert_allclose(logits[:, 1], np.column_stack([x, np.ones(len(x))]) @ fit.weights, atol=1e-6)
    np.testing.assert_allclose(logits[:, 0], -logits[:, 1], atol=0)


def test_hinge_student_shows_what_it_cannot_separate(rows):
    """Contradictory rows: no hyperplane has all of them right, and the training error says so."""
    inputs, labels = rows
    x, y = np.concatenate([inputs[:40], inputs[:40]]), np.concatenate([labels[:40] % 2, 1 - labels[:40] % 2])
    predict = fit_present(HingeStudent(), x, y, 0)
    assert np.mean(predict(x) != y) == pytest.approx(0.5)


ON_EMBEDDINGS = [name for name, student in STUDENTS.items() if not student.needs_images]


@pytest.mark.parametrize("name", ON_EMBEDDINGS, ids=str)
def test_every_student_learns_and_repeats_itself(rows, name):
    inputs, labels = rows
    first, second = (fit_present(STUDENTS[name], inputs[:200], labels[:200], 3) for _ in range(2))
    assert np.mean(first(inputs[200:]) != labels[200:]) < 0.4
    np.testing.assert_array_equal(first(inputs), second(inputs))


def test_two_layer_network_learns_what_no_line_can():
    rng = np.random.default_rng(0)
    inputs = rng.uniform(-1, 1, (600, 2))
    labels = (inputs[:, 0] * inputs[:, 1] > 0).astype(int)
    wrong = {
        student: np.mean(fit_present(student, inputs[:500], labels[:500], 0)(inputs[500:]) != labels[500:])
        for student in (TwoLayer(), STUDENTS["softmax"])
    }
    assert wrong[TwoLayer()] < 0.1
    assert wrong[STUDENTS["softmax"]] > 0.3


def test_two_layer_network_depends_on_its_seed(rows):
    inputs, labels = rows
    first, second = (TwoLayer(steps=20).fit(inputs, labels, seed)(inputs) for seed in (0, 1))
    assert np.abs(first - second).max() > 1e-3


def test_two_layer_network_that_diverges_is_no_number(rows):
    with pytest.raises(ArithmeticError, match="diverged"):
        TwoLayer(steps=20, learning_rate=1e38).fit(*rows, 0)


def test_a_missing_class_is_never_predicted(rows):
    inputs, labels = rows
    kept = labels != 4
    predicted = fit_present(RidgeStudent(), inputs[kept], labels[kept], 0)(inputs)
    assert set(predicted) <= set(labels[kept])
    assert 4 not in predicted


def test_a_single_class_is_all_there_is_to_predict(rows):
    inputs, labels = rows
    predict = fit_present(RidgeStudent(), inputs[labels == 4], labels[labels == 4], 0)
    assert set(predict(inputs)) == {4}


def test_unknown_student():
    with pytest.raises(ValueError, match=r"`students` must be among softmax, .*; got forest"):
        student_named("forest")
