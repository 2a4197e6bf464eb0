"""The best weights: slopes are the error's, no other weights of mean 1 are better, trials have the error."""

import math
import pickle

import numpy as np
import pytest

from perceptron_pruning import simulate
from replica_theory import (
    EmpiricalRisk,
    KeepHardest,
    KeepRandom,
    SaddlePointError,
    empirical_risk,
    optimal_selection,
    optimal_weights,
)
from replica_theory._empirical_risk.weights import MarginNodes, WeightDescent
from replica_theory.losses.named import LOSSES

SETTINGS = {
    "square": {"loss": "square", "ridge": 0.3, "probe_angle": 0.3, "label_noise": 0.1},
    "agnostic": {"loss": "square", "ridge": 0.3, "probe_angle": 0.3, "label_aware": False},
    "hinge": {"loss": "hinge", "ridge": 0.3, "probe_angle": 0.3, "label_noise": 0.2},
    "perfect": {"loss": "squared_hinge", "ridge": 0.1, "label_noise": 0.1},
    "of-the-hardest": {"loss": "logistic", "ridge": 0.2, "probe_angle": 0.3, "selection": KeepHardest(0.5, True)},
}


def descent(*, loss, ridge, probe_angle=0.0, label_noise=0.0, label_aware=True, selection=None, alpha_total=5.0):
    rule = selection or KeepRandom()
    kept = rule.kept_distribution(probe_angle, label_noise)
    alpha = alpha_total * kept.keep_fraction
    equal = empirical_risk(
        alpha, loss=loss, ridge=ridge, selection=rule, probe_angle=probe_angle, label_noise=label_noise
    )
    nodes = MarginNodes.of(kept, label_aware=label_aware)
    return WeightDescent.of(LOSSES[loss], nodes, alpha, ridge, equal.norm * equal.direction, equal.scale), equal


def tilted(margin):
    """Some smooth weights."""
    return 0.3 + 1.2 / (1 + np.exp(-2 * margin))


@pytest.mark.parametrize("name", SETTINGS, ids=str)
def test_slopes_are_those_of_the_error(name):
    search, _ = descent(**SETTINGS[name])
    nodes = search.nodes
    weight = np.ones(nodes.margin.size) * (1 + 0.3 * np.cos(np.abs(nodes.margin)))
    change = np.sin(2 * np.abs(nodes.margin))
    _, slopes = search.log_error_and_slopes(weight)
    step = 1e-4
    ahead, behind = (search.log_error_and_slopes(weight + s * change)[0] for s in (step, -step))
    assert (ahead - behind) / (2 * step) == pytest.approx(nodes.share @ (slopes * change), rel=1e-6)


@pytest.mark.parametrize("name", ["square", "hinge", "perfect"], ids=str)
def test_the_nodes_have_the_errors_of_the_public_theory(name):
    search, equal = descent(**SETTINGS[name])
    log_error, _ = search.log_error_and_slopes(np.ones(search.nodes.margin.size))
    assert log_error == pytest.approx(math.log(equal.generalization_error), abs=1e-7)
    setting = {key: value for key, value in SETTINGS[name].items() if key != "label_aware"}
    expected = empirical_risk(5.0, selection=KeepRandom(), sample_weight=tilted, **setting).generalization_error
    log_error, _ = search.log_error_and_slopes(tilted(search.nodes.margin))
    assert log_error == pytest.approx(math.log(expected), abs=1e-7)


def test_weights_are_found_where_equal_ones_are_stationary():
    """A hinge student of few examples, none of which pulls with all of its weight, is the same with weights near 1."""
    setting = {"loss": "hinge", "ridge": 0.234, "probe_angle": math.pi / 2, "label_noise": 0.1}
    search, equal = descent(alpha_total=0.3625, label_aware=False, **setting)
    assert search._gain(np.ones(search._shares.size)) < 1e-12
    best = optimal_weights(0.3625, label_aware=False, **setting)
    assert best.generalization_error < equal.generalization_error - 2e-3


def test_weights_that_their_nodes_do_not_resolve_are_refused():
    """A perfect probe of clean labels wants the very hardest: the error would be that of the nodes nearest to 0."""
    with pytest.raises(SaddlePointError, match="concentrated on fewer margins than their nodes resolve") as refused:
        optimal_weights(95.35, loss="square", ridge=0.1)
    assert refused.value.residual > 1


def test_a_step_that_leaves_no_weight_is_taken_back():
    student = {"loss": "logistic", "ridge": 0.002210454362127124, "probe_angle": 0.01, "label_noise": 0.1}
    best = optimal_weights(0.022826686471906815, label_aware=False, **student)
    assert best.generalization_error < 0.99 * best.error_of_equal_weights


@pytest.mark.parametrize("name", SETTINGS, ids=str)
def test_no_other_weights_are_better(name):
    best, (search, equal) = optimal_weights(5.0, **SETTINGS[name]), descent(**SETTINGS[name])
    nodes, rng = search.nodes, np.random.default_rng(0)
    weight = best.weight(nodes.margin)
    assert nodes.share @ weight == pytest.approx(1.0, rel=1e-6)
    assert best.first_order_gain < 2e-6
    assert best.residual < 1e-9
    assert best.error_of_equal_weights == equal.generalization_error
    least = math.log(best.generalization_error)
    assert search.log_error_and_slopes(weight)[0] == pytest.approx(least, abs=1e-9)
    for size in (1.0, 0.3, 0.1, 0.03):
        waves = rng.normal(size=3)
        factor = np.exp(size * sum(a * np.cos((k + 1) * np.abs(nodes.margin) + k) for k, a in enumerate(waves)))
        other = weight * factor + 0.01 * size
        other /= nodes.share @ other
        assert search.log_error_and_slopes(other)[0] > least
    mixed = 0.9 * weight + 0.1
    assert search.log_error_and_slopes(mixed)[0] > least + 1e-4


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9], ids="f={}".format)
@pytest.mark.parametrize("name", ["square", "agnostic", "hinge"], ids=str)
def test_hard_selection_is_among_them(name, fraction):
    """Weights 1/f and 0 at ridge λ are the loss itself at ridge f λ."""
    best = optimal_weights(5.0, **SETTINGS[name])
    setting = {**SETTINGS[name], "ridge": fraction * SETTINGS[name]["ridge"]}
    hard = optimal_selection(5.0, keep_fraction=fraction, **setting)
    assert best.generalization_error < hard.generalization_error


def test_solutions_compare_pickle_and_own_their_arrays():
    best = optimal_weights(5.0, **SETTINGS["agnostic"])
    assert pickle.loads(pickle.dumps(best)) == best
    assert "<array" in repr(best)
    with pytest.raises(ValueError, match="read-only"):
        best.weights[0] = 1.0
    assert np.array_equal(best.weight(best.margins), best.weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ridge": 0.0}, "`ridge` must be > 0 and finite"),
        ({"ridge": math.inf}, "`ridge` must be > 0 and finite"),
        ({"ridge": 0.1, "loss": "cubic"}, "`loss` must be"),
        ({"ridge": 0.1, "selection": "hard"}, "`selection` must be a rule"),
    ],
    ids=["no-ridge", "infinite", "loss", "rule"],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_weights(5.0, **{"loss": "square", **arguments})


def check_by_simulation(name, *, features, trials):
    setting = SETTINGS[name]
    best = optimal_weights(5.0, **setting)
    pool = {"probe_angle": setting.get("probe_angle", 0.0), "label_noise": setting.get("label_noise", 0.0)}
    rule = setting.get("selection", KeepRandom())
    alpha = 5.0 * rule.keep_fraction
    student = EmpiricalRisk(setting["loss"], setting["ridge"], best.weight)
    errors = simulate(
        alpha, selection=rule, student=student, n_features=features, n_trials=trials, **pool
    ).generalization_error
    spread = errors.std(ddof=1) / math.sqrt(trials)
    assert spread < 0.02 * best.generalization_error
    assert abs(errors.mean() - best.generalization_error) < 4 * spread + best.generalization_error / features
    assert errors.mean() + 8 * spread < best.error_of_equal_weights


def test_simulation_confirms_the_error_with_the_best_weights():
    check_by_simulation("square", features=100, trials=40)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["agnostic", "perfect", "of-the-hardest"], ids=str)
def test_simulation_confirms_them_at_many_settings(name):
    check_by_simulation(name, features=200, trials=80)
