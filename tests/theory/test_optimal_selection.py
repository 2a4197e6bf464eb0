"""The best rule: its influence function is the error's derivative, and nothing beats it."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr

from perceptron_pruning import simulate
from replica_theory import (
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepWindows,
    max_margin,
    optimal_selection,
)
from replica_theory._max_margin.continuation import solve_student
from replica_theory._max_margin.first_variation import Influence

SETTINGS = [(5.0, 0.4, 0.0, True), (5.0, 0.4, 20.0, True), (20.0, 0.2, 10.0, False), (20.0, 0.2, 10.0, True)]
IDS = ["perfect", "20deg-aware", "10deg-agnostic", "10deg-aware"]


@cache
def best_of(setting):
    alpha_total, fraction, degrees, aware = setting
    return optimal_selection(alpha_total, keep_fraction=fraction, probe_angle=math.radians(degrees), label_aware=aware)


def error(best, rule):
    alpha = best.alpha_total * best.keep_fraction
    return max_margin(alpha, selection=rule, probe_angle=best.probe_angle).generalization_error


@pytest.mark.parametrize("degrees", [0.0, 10.0, 60.0], ids="{}deg".format)
@pytest.mark.parametrize(
    "rule", [KeepHardest(0.3), KeepWindows(((0.1, 0.3), (0.6, 0.9)), True)], ids=["hard", "windows"]
)
def test_mean_influence_of_kept_examples_is_the_scaling_exponent(rule, degrees):
    angle, alpha = math.radians(degrees), 2.0
    kept = rule.kept_distribution(angle)
    influence = Influence.at(kept, solve_student(kept, alpha).students)

    def weighted(m):
        kept = 2 * math.exp(-m * m / 2) / math.sqrt(2 * math.pi) * float(influence(np.array([m]))[0])
        return kept * (float(ndtr(m / math.tan(angle))) if angle else 1.0)

    low = -7.0 if angle else 0.0
    parts = [quad(weighted, max(p.lower, low), min(p.upper, 7.0), epsrel=1e-9)[0] for p in kept.pieces if p.upper > low]
    exponent = max_margin(alpha, selection=rule, probe_angle=angle).scaling_exponent
    assert sum(parts) / kept.keep_fraction == pytest.approx(exponent, rel=1e-7)


@pytest.mark.parametrize("degrees", [0.0, 25.0], ids="{}deg".format)
def test_influence_is_what_moving_a_window_does(degrees):
    angle, alpha, step = math.radians(degrees), 2.0, 1e-5

    def log_error(shift):
        rule = KeepWindows(((0.2 + shift, 0.6 + shift),), True)
        return math.log(max_margin(alpha, selection=rule, probe_angle=angle).generalization_error)

    kept = KeepWindows(((0.2, 0.6),), True).kept_distribution(angle)
    influence = Influence.at(kept, solve_student(kept, alpha).students)(kept.edges)
    expected = (influence[1] - influence[0]) / 0.4
    assert (log_error(step) - log_error(-step)) / (2 * step) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
def test_no_hard_easy_or_window_rule_beats_it(setting):
    best = best_of(setting)
    fraction, aware = best.keep_fraction, best.label_aware
    rules = [KeepHardest(fraction, aware), KeepEasiest(fraction, aware)]
    rules += [KeepBetween(low, low + fraction, aware) for low in np.linspace(0.0, 1 - fraction, 30)[:-1].tolist()]
    errors = np.array([error(best, rule) for rule in rules])
    assert best.generalization_error <= errors.min() * (1 + 1e-9)
    assert best.generalization_error < 0.99 * errors[:2].min()
    assert best.residual < 1e-10
    assert best.selection.keep_fraction == pytest.approx(fraction, rel=1e-12)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sampled_from(SETTINGS), st.floats(0.05, 0.95), st.floats(0.0, 1.0), st.floats(0.05, 1.0))
def test_no_two_windows_beat_it(setting, share, first, gap):
    best = best_of(setting)
    fraction = best.keep_fraction
    start = first * (1 - fraction)
    middle = start + share * fraction
    resumed = middle + gap * (1 - fraction - start)
    rule = KeepWindows(((start, middle), (resumed, min(1.0, resumed + (1 - share) * fraction))), best.label_aware)
    assert error(best, rule) > best.generalization_error


@pytest.mark.parametrize("setting", SETTINGS, ids=IDS)
def test_kept_margins_have_the_lowest_influence(setting):
    best = best_of(setting)
    edges = best.selection.kept_distribution(best.probe_angle).edges
    edges = edges if best.label_aware and best.probe_angle else edges[edges > 0]
    level = best.influence(edges)
    assert np.ptp(level) < 2e-3 * abs(level.mean())
    margins = np.linspace(edges[0] - 0.5 if best.label_aware and best.probe_angle else 0.01, edges[-1] + 1, 200)
    inside = (margins > edges[0] + 0.02) & (margins < edges[-1] - 0.02)
    outside = (margins < edges[0] - 0.02) | (margins > edges[-1] + 0.02)
    influence = best.influence(margins)
    assert influence[inside].max() < level.min()
    assert influence[outside].min() > level.max()


def test_labels_make_no_difference_to_a_perfect_probe_and_all_is_kept_at_one():
    aware, agnostic = (optimal_selection(2.0, keep_fraction=0.3, label_aware=labels) for labels in (True, False))
    assert aware.generalization_error == pytest.approx(agnostic.generalization_error, rel=1e-9)
    everything = optimal_selection(2.0, keep_fraction=1.0, probe_angle=0.3)
    assert everything.generalization_error == pytest.approx(0.18847861, rel=1e-7)


def test_windows_keep_what_they_say():
    rng = np.random.default_rng(0)
    margins = rng.permutation(np.arange(1000.0))
    kept = KeepWindows(((0.1, 0.2), (0.5, 0.7))).keep(margins, count=300, rng=rng)
    assert sorted(margins[kept]) == [*range(100, 200), *range(500, 700)]
    one = KeepWindows(((0.25, 0.5),)).keep(margins, count=250, rng=rng)
    assert np.array_equal(one, KeepBetween(0.25, 0.5).keep(margins, count=250, rng=rng))


@pytest.mark.parametrize(
    "windows", [(), ((0.5, 0.2),), ((0.1, 0.4), (0.3, 0.6)), ((-0.1, 0.2),), ((0.9, 1.1),)], ids=str
)
def test_windows_out_of_order_are_refused(windows):
    with pytest.raises(ValueError, match="`windows` must be ascending, disjoint"):
        KeepWindows(windows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha_total": -1.0, "keep_fraction": 0.5}, "`alpha_total` must be finite and > 0"),
        ({"alpha_total": 1.0, "keep_fraction": 1.5}, r"`keep_fraction` must be in \(0, 1\]"),
        ({"alpha_total": 1.0, "keep_fraction": 0.5, "probe_angle": 20.0}, "convert degrees"),
    ],
    ids=["pool", "fraction", "degrees"],
)
def test_bad_parameters_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_selection(arguments.pop("alpha_total"), **arguments)


@pytest.mark.slow
def test_simulation_confirms_the_gain():
    best = best_of(SETTINGS[3])
    alpha, angle = best.alpha_total * best.keep_fraction, best.probe_angle
    rules = (best.selection, KeepHardest(0.2, True), KeepEasiest(0.2, True))
    runs = [simulate(alpha, selection=rule, probe_angle=angle, n_features=200, n_trials=60) for rule in rules]
    means = [run.generalization_error.mean() for run in runs]
    spreads = [run.generalization_error.std(ddof=1) / math.sqrt(60) for run in runs]
    assert means[0] == pytest.approx(best.generalization_error, abs=4 * spreads[0] + 0.01 * means[0])
    for mean, spread in zip(means[1:], spreads[1:], strict=True):
        assert mean - means[0] > 5 * math.hypot(spread, spreads[0])
