"""Floors under students of noisy labels: one floor by several engines, limits, and students above it."""

import math

import numpy as np
import pytest

from replica_theory import (
    FlipNoise,
    FlipWithProbability,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    LogisticNoise,
    ProbitNoise,
    bayes_optimal,
    optimal_ridge,
)

SHAPES = {
    "flips": 0.1,
    "probit": ProbitNoise(0.5),
    "logistic": LogisticNoise(0.3),
    "steps": FlipWithProbability(lambda distance: np.where(distance < 0.5, 0.05, 0.3)),
}
ALPHAS = np.array([0.3, 2.0, 20.0])


@pytest.mark.parametrize("noise", SHAPES.values(), ids=SHAPES)
def test_on_random_data_every_engine_finds_the_floor_of_knowing_nothing(noise):
    """A perfect probe has an engine for one field, an imperfect one for two, and a useless one for the probe known."""
    setting = {"selection": KeepRandom(), "label_noise": noise}
    one_field = bayes_optimal(ALPHAS, knows="rule", **setting).generalization_error
    two_fields = bayes_optimal(ALPHAS, knows="rule", probe_angle=0.7, **setting).generalization_error
    useless = bayes_optimal(ALPHAS, knows="probe", probe_angle=math.pi / 2, **setting).generalization_error
    assert two_fields == pytest.approx(one_field, rel=1e-7)
    assert useless == pytest.approx(one_field, rel=1e-7)


@pytest.mark.parametrize("noise", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("rule", "angle"), [(KeepRandom(), 0.0), (KeepHardest(0.4), 0.3)], ids=["random", "hard"])
def test_students_are_above_the_floor(noise, rule, angle):
    setting = {"selection": rule, "probe_angle": angle, "label_noise": noise}
    floor = bayes_optimal(2.0, knows="rule", **setting).generalization_error
    for loss in ("square", "logistic"):
        assert optimal_ridge(2.0, loss=loss, **setting).generalization_error > floor


@pytest.mark.parametrize("knows", ["probe", "rule"], ids=str)
@pytest.mark.parametrize(("rule", "angle"), [(KeepHardest(0.4), 0.3), (KeepEasiest(0.4), 0.0)], ids=["hard", "easy"])
def test_noise_that_vanishes_leaves_the_floor_of_clean_labels(rule, angle, knows):
    setting = {"selection": rule, "probe_angle": angle, "knows": knows}
    clean = bayes_optimal(2.0, **setting).generalization_error
    for noise in (1e-10, FlipNoise(0.0), ProbitNoise(1e-6), LogisticNoise(1e-6)):
        assert bayes_optimal(2.0, label_noise=noise, **setting).generalization_error == pytest.approx(clean, rel=1e-6)
    noisier = [bayes_optimal(2.0, label_noise=noise, **setting).generalization_error for noise in (0.0, 0.1, 0.3, 0.45)]
    assert np.all(np.diff(noisier) >= 0)


def test_a_chance_that_is_no_sum_of_steps_has_no_floor_where_the_rule_is_known():
    with pytest.raises(ValueError, match="label_noise"):
        bayes_optimal(
            2.0,
            selection=KeepHardest(0.4),
            probe_angle=0.3,
            knows="rule",
            label_noise=FlipWithProbability(lambda distance: 0.4 * np.exp(-distance)),
        )
