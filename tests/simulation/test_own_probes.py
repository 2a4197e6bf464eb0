"""Cells whose probe was trained on the pool that it prunes: `simulate(probe=TrainedProbe(...))` against its theory."""

import math

import numpy as np
import pytest

from perceptron_pruning import compare, fit_empirical_risk, simulate
from perceptron_pruning.students.probe import train_probe
from replica_theory import (
    Calibrated,
    EmpiricalRisk,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    TrainedProbe,
    Verified,
    max_margin,
)

CELLS = {
    "logistic, hard": (1.5, TrainedProbe("logistic", 0.1), KeepHardest(0.5), "max_margin", 0.0),
    "Hebb, easy": (1.5, TrainedProbe("square", math.inf), KeepEasiest(0.5), "max_margin", 0.0),
    "share, window, noise": (
        1.2,
        TrainedProbe("squared_hinge", 0.05, share=0.6),
        KeepBetween(0.2, 0.6),
        EmpiricalRisk("logistic", 0.05),
        0.1,
    ),
    "hinge, ties by the dual": (
        1.2,
        TrainedProbe("hinge", 0.2, ties="dual"),
        KeepHardest(0.4),
        EmpiricalRisk("square", 0.3),
        0.0,
    ),
    "calibrated, aware": (
        1.5,
        TrainedProbe("square", 0.5),
        Calibrated(KeepHardest(0.4, label_aware=True), 0.3),
        EmpiricalRisk("hinge", 0.1),
        0.1,
    ),
}


def cell(name, **changes):
    alpha, probe, selection, student, noise = CELLS[name]
    setting = {"selection": selection, "probe": probe, "student": student, "label_noise": noise}
    return simulate(alpha, **({"n_features": 60, "n_trials": 60, "seed": 5} | setting | changes))


@pytest.mark.parametrize("name", CELLS, ids=str)
def test_theory_agrees(name):
    comparison = compare(cell(name))
    assert comparison.standard_error < 0.03 * comparison.theory
    assert abs(comparison.z_score) < 4, comparison


@pytest.mark.slow
def test_a_theory_that_knows_nothing_of_the_pool_is_rejected():
    found = cell("logistic, hard", n_features=100)
    foreign = max_margin(found.alpha_prune, selection=found.selection, probe_angle=found.probe_angle)
    own = compare(found)
    away = found.generalization_error.mean() - foreign.generalization_error - own.finite_size
    assert abs(own.z_score) < 4
    assert abs(away) / math.hypot(own.standard_error, own.finite_size_error) > 20


def test_the_term_is_measured_and_says_so():
    comparison = compare(cell("Hebb, easy"))
    assert "measured by simulations at N = 15 and 30" in comparison.allowance
    assert comparison.finite_size_error > 0


def test_a_trial_is_the_same_alone():
    many, one = cell("logistic, hard", n_trials=3), cell("logistic, hard", n_trials=1, first_trial=2)
    assert many.generalization_error[2] == one.generalization_error[0]
    assert many.probe_angles[2] == one.probe_angles[0]
    assert many.probe == TrainedProbe("logistic", 0.1)
    assert many.probe_epochs == 0


def test_a_pool_that_is_kept_whole_has_the_students_own_error():
    own = cell("logistic, hard", selection=KeepRandom(), n_trials=4)
    other = cell("logistic, hard", selection=KeepRandom(), probe=TrainedProbe("square", 0.3), n_trials=4)
    np.testing.assert_allclose(own.generalization_error, other.generalization_error, rtol=1e-9)


# the probe


def pool(n_examples=120, n_features=20, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n_examples, n_features))
    return inputs, np.sign(inputs[:, 0])


@pytest.mark.parametrize("ties", ["random", "dual"], ids=str)
def test_equal_margins_of_a_hinge_probe_are_told_apart(ties):
    inputs, labels = pool()
    weights, fields = train_probe(TrainedProbe("hinge", 0.2, ties=ties), inputs, labels, np.random.default_rng(1))
    margins = labels * (inputs @ weights)
    near = np.abs(margins[:, None] - margins) < 1e-6
    corner = near[near.sum(axis=1).argmax()]
    assert corner.sum() > 10  # a finite share of the pool
    assert len(np.unique(labels[corner] * fields[corner])) == corner.sum()
    np.testing.assert_allclose(labels * fields, margins, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(weights), 1)


def test_those_on_which_a_hinge_probe_pulls_hardest_are_hardest():
    inputs, labels = pool()
    dual = fit_empirical_risk(inputs, labels, loss="hinge", ridge=0.2).dual
    inside = (dual > 1e-6) & (dual < 1 - 1e-6)
    _, fields = train_probe(TrainedProbe("hinge", 0.2, ties="dual"), inputs, labels, np.random.default_rng(1))
    np.testing.assert_array_equal(np.argsort((labels * fields)[inside]), np.argsort(-dual[inside]))


def test_a_share_of_the_pool_is_all_that_it_sees():
    inputs, labels = pool()
    half = TrainedProbe("logistic", 0.1, share=0.5)
    weights, _ = train_probe(half, inputs, labels, np.random.default_rng(1))
    seen = np.sort(np.random.default_rng(1).permutation(120)[:60])
    others = np.setdiff1d(np.arange(120), seen)
    changed = labels.copy()
    changed[others] *= -1
    again, _ = train_probe(half, inputs, changed, np.random.default_rng(1))
    np.testing.assert_array_equal(weights, again)


# refusals


@pytest.mark.parametrize(
    "selection",
    [KeepWithProbability(lambda z, y: 0.5 + 0 * z), Verified(KeepRandom(0.5), 0.9, 0.1)],
    ids=["probability", "verified"],
)
def test_rules_of_chance_are_refused(selection):
    with pytest.raises(ValueError, match="`selection` must keep a number by rank with a probe of the pool's own"):
        cell("logistic, hard", selection=selection)


def test_an_angle_beside_a_trained_probe_is_refused():
    with pytest.raises(ValueError, match="`probe_angle` must be left out with probe=TrainedProbe"):
        cell("logistic, hard", probe_angle=0.1)


def test_too_few_dimensions_to_measure_a_term_are_refused():
    with pytest.raises(ValueError, match="`simulation` must have n_features >= 40 where the probe was trained"):
        compare(cell("Hebb, easy", n_features=20, n_trials=4))


def test_a_third_direction_is_refused():
    with pytest.raises(ValueError, match="must be left out with a probe of the pool's own"):
        compare(cell("Hebb, easy", n_trials=4), teacher_overlap=0.9, probe_overlap=0.5)
