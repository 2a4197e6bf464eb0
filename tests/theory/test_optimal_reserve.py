"""The best random reserve: the error is stationary there by its first variation, and none helps the best rule."""

import math

import numpy as np
import pytest

from perceptron_pruning import simulate
from replica_theory import (
    Calibrated,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    TrainedProbe,
    empirical_risk,
    max_margin,
    optimal_reserve,
    optimal_ridge,
    optimal_selection,
)
from replica_theory._empirical_risk.ruled_students import RuledStudents
from replica_theory._selection_descent.margins import IndependentAxis
from replica_theory.losses.named import LOSSES

SETTINGS = {
    "max-margin": (12.0, KeepHardest(0.3), {"probe_angle": 0.5}),
    "noisy": (20.0, KeepHardest(0.3), {"probe_angle": 0.4, "loss": "logistic", "ridge": 0.02, "label_noise": 0.1}),
    "best-ridge": (3.0, KeepEasiest(0.3), {"probe_angle": 0.6, "loss": "square", "ridge": "optimal"}),
    "trained": (6.0, KeepEasiest(0.4), {"probe": TrainedProbe("square", 0.5), "loss": "square", "ridge": 0.3}),
}


@pytest.mark.parametrize("name", SETTINGS, ids=str)
def test_no_other_reserve_is_better(name):
    alpha_total, rule, setting = SETTINGS[name]
    best = optimal_reserve(alpha_total, selection=rule, **setting)
    alpha = alpha_total * rule.keep_fraction

    def error(share):
        arguments = {key: value for key, value in setting.items() if key != "ridge"}
        if "loss" not in setting:
            return max_margin(alpha, selection=Calibrated(rule, share), **setting).generalization_error
        if setting["ridge"] == "optimal":
            return optimal_ridge(alpha, selection=Calibrated(rule, share), **arguments).generalization_error
        return empirical_risk(alpha, selection=Calibrated(rule, share), **setting).generalization_error

    assert error(best.random_share) == pytest.approx(best.generalization_error, rel=1e-9)
    for share in np.clip([0.0, 0.3, 1.0, best.random_share - 0.03, best.random_share + 0.03], 0.0, 1.0).tolist():
        assert error(share) >= best.generalization_error * (1 - 1e-10)
    assert best.error_of_rule == pytest.approx(error(0.0), rel=1e-10)
    assert best.error_at_random == pytest.approx(error(1.0), rel=1e-10)
    assert best.residual < 1e-9


def test_the_first_variation_vanishes_at_an_inner_reserve():
    """q = (1 − s) q_rule + s f, so that ∂ ln ε/∂s = E ι − E[ι | the rule keeps], ι the influence of an example."""
    rule, students = KeepHardest(0.3), RuledStudents(LOSSES["hinge"], 0.0, 3.6, 0.5, 0.0)
    best = optimal_reserve(12.0, selection=rule, probe_angle=0.5, loss="hinge", ridge=0.0)
    assert 0.01 < best.random_share < 0.99
    axis = IndependentAxis(0.5, 0.0, False)
    nodes, weights = np.polynomial.legendre.leggauss(40)

    def slope(share):
        student = students.under(Calibrated(rule, share), None, None)

        def mean(lower, upper):
            ranks = lower + (upper - lower) * (1 + nodes) / 2
            margins = np.array([axis.quantile(rank) for rank in ranks.tolist()])
            return weights @ axis.as_seen(student.influence)(margins) / 2

        kept, dropped = mean(0.0, 0.3), mean(0.3, 1.0)
        return 0.3 * kept + 0.7 * dropped - kept

    assert abs(slope(best.random_share)) < 1e-4
    assert slope(best.random_share - 0.1) < -1e-2
    assert slope(best.random_share + 0.1) > 1e-2


@pytest.mark.parametrize(
    "setting",
    [{"probe_angle": 0.3}, {"probe_angle": 0.3, "loss": "square", "ridge": 0.3, "label_noise": 0.1}],
    ids=["max-margin", "noisy"],
)
def test_the_best_rule_of_all_needs_no_reserve(setting):
    rule = optimal_selection(5.0, keep_fraction=0.4, **setting).selection
    reserve = optimal_reserve(5.0, selection=rule, **setting)
    assert reserve.random_share == 0
    assert reserve.error_at_random > reserve.generalization_error


def test_random_keeping_has_nothing_to_gain():
    best = optimal_reserve(5.0, selection=KeepRandom(0.4), probe_angle=0.3)
    assert best.generalization_error == pytest.approx(best.error_of_rule, rel=1e-12)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="`selection` must be a rule"):
        optimal_reserve(5.0, selection="hard")
    with pytest.raises(ValueError, match="`alpha_total` must be finite and > 0"):
        optimal_reserve(-5.0, selection=KeepHardest(0.4))


@pytest.mark.slow
def test_simulation_confirms_the_gain():
    best = optimal_reserve(12.0, selection=KeepHardest(0.3), probe_angle=0.5)
    rules = best.selection, KeepHardest(0.3), KeepRandom(0.3)
    runs = [
        simulate(3.6, selection=rule, probe_angle=0.5, n_features=200, n_trials=60).generalization_error
        for rule in rules
    ]
    spread = [run.std(ddof=1) / math.sqrt(60) for run in runs]
    assert runs[0].mean() == pytest.approx(best.generalization_error, abs=4 * spread[0] + 0.01 * runs[0].mean())
    for run, error in zip(runs[1:], spread[1:], strict=True):
        assert run.mean() - runs[0].mean() > 4 * math.hypot(error, spread[0])
