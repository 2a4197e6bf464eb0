"""Version spaces of imperfect probes and wrong labels: limits, derivatives, and students drawn from real cones."""

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from perceptron_pruning.sampling import pruned_data
from replica_theory import (
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    LogisticNoise,
    separability_threshold,
    version_space,
)

ALPHAS = np.array([0.1, 1.0, 5.0, 40.0])
RULES = {"hard": KeepHardest(0.4), "easy": KeepEasiest(0.4), "window, aware": KeepBetween(0.2, 0.5, True)}


@pytest.mark.parametrize("angle", [1e-6, 0.3, math.pi / 2], ids="{:.2g}".format)
def test_random_data_do_not_know_the_probe(angle):
    spaces, known = (version_space(ALPHAS, selection=KeepRandom(), probe_angle=theta) for theta in (angle, 0.0))
    assert spaces.self_overlap == pytest.approx(known.self_overlap, rel=1e-10)
    assert spaces.overlap == pytest.approx(spaces.self_overlap, rel=1e-9)  # Nishimori's condition
    assert spaces.entropy == pytest.approx(known.entropy, abs=1e-9)
    assert spaces.gibbs_error == pytest.approx(known.gibbs_error, rel=1e-8)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_nearly_perfect_probe_is_a_perfect_one(rule):
    near, perfect = (version_space(ALPHAS, selection=rule, probe_angle=theta) for theta in (1e-5, 0.0))
    assert near.gibbs_error == pytest.approx(perfect.gibbs_error, rel=1e-7)
    assert near.probe_overlap == pytest.approx(perfect.overlap, rel=1e-4)
    assert near.information_gain == pytest.approx(perfect.information_gain, rel=1e-7)


@pytest.mark.parametrize("noise", [0.0, 0.05, LogisticNoise(0.2)], ids=["clean", "flips", "logistic"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_information_gain_is_what_the_entropy_loses(rule, noise):
    setting, step = {"selection": rule, "probe_angle": 0.4, "label_noise": noise}, 1e-3
    fewer, here, more = version_space(1.2 + step * np.array([-1.0, 0.0, 1.0]), **setting).entropy
    gain = version_space(1.2, **setting).information_gain
    assert -(more - fewer) / (2 * step) == pytest.approx(gain, rel=1e-5)
    assert here < 0


def test_wrong_labels_close_the_version_space():
    setting = {"selection": KeepHardest(0.4), "probe_angle": 0.3, "label_noise": 0.1}
    most = separability_threshold(**setting)
    spaces = version_space(most * np.array([0.3, 0.9, 0.99]), **setting)
    assert np.all(np.diff(spaces.entropy) < 0)
    assert spaces.self_overlap[-1] > 0.95
    with pytest.raises(ValueError, match="alpha_prune"):
        version_space(1.01 * most, **setting)


def truncated(rng, lower, upper):
    """A standard normal number between two, by the inverse of its distribution function."""
    below, above = ndtr(lower), ndtr(upper)
    return float(ndtri(np.clip(below + rng.random() * (above - below), 1e-16, 1 - 1e-16)))


def gibbs_student(fields, start, rng, sweeps):
    """A normal vector with all fields positive, by hit and run, from one that has."""
    weights = start.copy()
    for _ in range(sweeps):
        direction = rng.standard_normal(weights.size)
        direction /= np.linalg.norm(direction)
        rates, now, along = fields @ direction, fields @ weights, weights @ direction
        with np.errstate(divide="ignore"):
            steps = -now / rates
        lower = steps[rates > 0].max(initial=-np.inf)
        upper = steps[rates < 0].min(initial=np.inf)
        weights += (truncated(rng, along + lower, along + upper) - along) * direction
    return weights


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_students_drawn_from_the_cone_have_the_theorys_error(rule):
    """N = 30, where the version space is a cone that a random walk explores; the allowance is of order 1/N."""
    alpha, angle, n_features, rng = 1.5, 0.4, 30, np.random.default_rng(3)
    errors = []
    for trial in range(60):
        data = pruned_data(
            rule, probe_angle=angle, n_kept=round(alpha * n_features), n_features=n_features, seed=5, trial=trial
        )
        fields = data.labels[:, None] * data.inputs
        teacher = np.eye(n_features)[0]
        student = gibbs_student(fields, teacher, rng, sweeps=3000)
        errors.append(math.acos(student[0] / np.linalg.norm(student)) / math.pi)
    theory = version_space(alpha, selection=rule, probe_angle=angle).gibbs_error
    assert np.mean(errors) == pytest.approx(theory, abs=4 * np.std(errors) / math.sqrt(60) + 0.3 / n_features)
