"""The theory beside two classes of real embeddings: it holds where it must, and is refused where it must not."""

from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.embeddings import load_fashion_mnist
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED
from perceptron_pruning.experiments.analysis.theory_beside_data import predictions_of, root_mean_square, theory_holds
from perceptron_pruning.experiments.two_class import STEPS, TwoClassSettings, measure, pair_of

SETTINGS = TwoClassSettings(classes=(7, 9), alpha_prune=(1.0, 4.0), n_seeds=6)


@pytest.fixture(scope="module")
def pair():
    return pair_of(load_fashion_mnist(), SETTINGS)


@pytest.fixture(scope="module")
def points(pair):
    return measure(pair, SETTINGS)


@pytest.fixture(scope="module")
def predictions(points, pair):
    return predictions_of(points, pair.label_noise, SETTINGS)


def of_step(predictions, step):
    return [prediction for prediction in predictions if prediction.step == step]


def verdict_on(predictions):
    return theory_holds(predictions, "", theory_claims=False).verdict


def test_pair_is_white_and_its_teacher_has_learnt(pair):
    np.testing.assert_allclose(np.cov(pair.inputs.T), np.eye(64), atol=1e-9)
    np.testing.assert_allclose(pair.inputs.mean(axis=0), 0, atol=1e-9)
    assert np.linalg.norm(pair.teacher) == pytest.approx(1)
    assert pair.label_noise == pytest.approx(np.mean((pair.test_inputs @ pair.teacher) * pair.test_labels <= 0))
    assert pair.label_noise < 0.06
    assert pair.train_noise == np.mean((pair.inputs @ pair.teacher) * pair.labels <= 0)
    assert 1 < pair.effective_dimension < 64
    assert np.all(np.diff(pair.spectrum) <= 0)


def test_the_control_holds(predictions):
    """Gaussian inputs and the teacher's labels: the theory's own setting."""
    control = of_step(predictions, "gaussian")
    assert verdict_on(control) == CONFIRMED
    of_errors = root_mean_square(prediction.log_ratio for prediction in control)
    assert of_errors == pytest.approx(root_mean_square(prediction.log_ratio_of_angles for prediction in control))


def test_reality_is_better_than_theory_says(predictions):
    """Measured: few examples lie near the boundary of two classes, and the theory's Gaussian has more."""
    for step in STEPS[1:]:
        real = of_step(predictions, step)
        assert verdict_on(real) == REFUTED
        assert min(prediction.log_ratio.value for prediction in real) < -0.5


def test_few_real_examples_are_near_the_boundary(pair):
    assert pair.density_at_boundary < 0.6
    assert pair.noise_near_boundary > 2


@pytest.mark.parametrize(
    "wrong",
    [replace(SETTINGS, ridge=5.0), replace(SETTINGS, keep_fraction=0.8)],
    ids=["another ridge", "another fraction"],
)
def test_a_wrong_theory_is_refused_by_the_control(points, pair, wrong):
    control = [point for point in points if point.step == "gaussian"]
    assert verdict_on(predictions_of(control, pair.label_noise, wrong)) == REFUTED


def test_a_wrong_angle_is_refused_by_the_control(points, pair):
    control = [replace(point, probe_angle=1.2) for point in points if point.step == "gaussian"]
    assert verdict_on(predictions_of(control, pair.label_noise, SETTINGS)) == REFUTED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": (7, 7)}, r"`classes` must be two labels that occur; got \(7, 7\)"),
        ({"classes": (7, 12)}, r"`classes` must be two labels that occur; got \(7, 12\)"),
        ({"n_features": 300}, "`n_features` must be at most 256"),
        ({"alpha_prune": (50.0,)}, "the largest pool at most 3020"),
    ],
    ids=["one class", "no such class", "features", "rows"],
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        pair_of(load_fashion_mnist(), replace(SETTINGS, **change))
