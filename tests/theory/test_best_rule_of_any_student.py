"""The best rule of any student: its influence is the error's derivative, nothing near is better, trials confirm it."""

import math
import pickle
from functools import cache

import numpy as np
import pytest
from own_losses import HuberHinge

from perceptron_pruning import compare, simulate
from replica_theory import (
    EmpiricalRisk,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    TrainedProbe,
    empirical_risk,
    max_margin,
    optimal_ridge,
    optimal_selection,
)
from replica_theory._empirical_risk.ruled_students import RuledStudents
from replica_theory._selection_descent.level_sets import RankedInfluence
from replica_theory._selection_descent.margins import IndependentAxis
from replica_theory._trained_probe.margin_axis import TrainedAxis
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.probe import train_probe
from replica_theory._trained_probe.ruled_students import RuledStudents as StudentsOfTrainedProbe
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import LOSSES, check_loss
from replica_theory.losses.ridgeless import HardMargin

STUDENTS = [
    ("square", 0.3),
    ("square", 1.0),
    ("logistic", 0.05),
    ("hinge", 0.2),
    ("squared_hinge", 0.01),
    ("square", 0.0),
    ("hinge", 0.0),
    ("logistic", math.inf),
    (HuberHinge(), 0.1),
]
POOLS = [(0.3, 0.1, True), (0.0, 0.15, True), (0.4, 0.0, False), (0.0, 0.1, False)]
POOL_IDS = ["17deg-noisy-aware", "perfect-noisy-aware", "23deg-agnostic", "perfect-noisy-agnostic"]


def named(value):
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else "own"


def two_windows(shift, aware):
    return KeepWindows(((0.1, 0.3 + shift), (0.5 + shift, 0.7)), aware)


def slope(log_error, step=1e-4):
    """By Richardson's extrapolation of central differences."""
    near, far = ((log_error(h) - log_error(-h)) / (2 * h) for h in (step, 2 * step))
    return (4 * near - far) / 3


@pytest.mark.parametrize("pool", POOLS, ids=POOL_IDS)
@pytest.mark.parametrize(("loss", "ridge"), STUDENTS, ids=named)
def test_influence_is_what_moving_a_window_and_the_ridge_do(loss, ridge, pool):
    angle, noise, aware = pool
    students = RuledStudents(as_loss(check_loss(loss)), ridge, 0.7, angle, noise)
    axis = IndependentAxis(angle, noise, aware)
    student = students.under(two_windows(0.0, aware), None, None)
    upper, lower = axis.as_seen(student.influence)(np.array([axis.quantile(0.3), axis.quantile(0.5)]))
    moved = slope(lambda shift: students.under(two_windows(shift, aware), None, student).log_error)
    assert moved == pytest.approx((upper - lower) / 0.4, rel=2e-6)
    if 0 < ridge < math.inf:
        stretched = slope(
            lambda s: students.under(two_windows(0.0, aware), math.log(ridge) + s, student).log_error, step=1e-3
        )
        assert stretched == pytest.approx(student.log_ridge_slope, rel=1e-5, abs=1e-8)


PROBES = [
    TrainedProbe("logistic", 0.1),
    TrainedProbe("square", 0.5, share=0.6),
    TrainedProbe("hinge", 0.3),
    TrainedProbe("hinge", 0.3, share=0.7, ties="dual"),
    TrainedProbe("logistic", math.inf),
]
PROBE_IDS = ["logistic", "square-share", "hinge-random-ties", "hinge-dual-ties-share", "hebb"]


@pytest.mark.parametrize(
    ("loss", "ridge", "noise", "aware"),
    [
        ("logistic", 0.05, 0.1, True),
        ("logistic", 0.05, 0.0, False),
        ("hinge", 0.1, 0.1, True),
        ("hinge", 0.1, 0.0, False),
        ("max_margin", 0.0, 0.0, False),
    ],
    ids=["logistic-noisy-aware", "logistic-agnostic", "hinge-noisy-aware", "hinge-agnostic", "max-margin"],
)
@pytest.mark.parametrize("probe", PROBES, ids=PROBE_IDS)
def test_influence_under_a_trained_probe_is_what_moving_a_window_does(probe, loss, ridge, noise, aware):
    trained = train_probe(LOSSES[probe.loss], alpha=3.0, ridge=probe.ridge, share=probe.share, label_noise=noise)
    margins = TrainedMargins(trained, probe.ties)
    hard = loss == "max_margin"
    students = StudentsOfTrainedProbe(HardMargin() if hard else LOSSES[loss], 1.0 if hard else ridge, margins)
    axis, student = TrainedAxis(margins, aware), students.under(two_windows(0.0, aware), None, None)
    upper, lower = student.influence(np.array([axis.quantile(0.3), axis.quantile(0.5)]))
    moved = slope(lambda shift: students.under(two_windows(shift, aware), None, student).log_error)
    assert moved == pytest.approx((upper - lower) / 0.4, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("pool", POOLS, ids=POOL_IDS)
def test_mean_influence_of_the_kept_is_what_more_data_do(pool):
    angle, noise, aware = pool
    rule = KeepWindows(((0.1, 0.4), (0.6, 0.9)), aware)
    student = RuledStudents(LOSSES["logistic"], 0.1, 1.5, angle, noise).under(rule, None, None)
    axis = IndependentAxis(angle, noise, aware)
    ranks = np.concatenate([np.linspace(a, b, 41) for a, b in rule.windows])
    influence = axis.as_seen(student.influence)(np.array([axis.quantile(r) for r in ranks.tolist()]))
    simpson = np.tile(np.array([1, *[4, 2] * 19, 4, 1]) * (0.3 / 40 / 3), 2)
    exponent = slope(
        lambda s: math.log(
            empirical_risk(
                1.5 * math.exp(s), loss="logistic", ridge=0.1, selection=rule, probe_angle=angle, label_noise=noise
            ).generalization_error
        ),
        step=1e-3,
    )
    assert simpson @ influence / 0.6 == pytest.approx(exponent, rel=2e-5)


SETTINGS = {
    "square": {"loss": "square", "ridge": 0.3, "label_noise": 0.2, "probe_angle": 0.3},
    "logistic": {"loss": "logistic", "ridge": 0.1, "label_noise": 0.1, "probe_angle": 0.0},
    "hinge-agnostic": {"loss": "hinge", "ridge": 0.3, "probe_angle": 0.5, "label_aware": False},
    "square-best-ridge": {"loss": "square", "ridge": "optimal", "label_noise": 0.1, "probe_angle": 0.2},
    "trained": {"loss": "logistic", "ridge": 0.05, "label_noise": 0.1, "probe": TrainedProbe("square", 0.5)},
    "trained-max-margin": {"probe": TrainedProbe("logistic", 0.1, share=0.6), "label_aware": False},
}


@cache
def best_of(name):
    return optimal_selection(4.0, keep_fraction=0.4, **SETTINGS[name])


def log_error(best, rule, ridge=None):
    """ln ε of the same student under another rule, by the public theory."""
    alpha = best.alpha_total * best.keep_fraction
    pruned_by = {"probe": best.probe} if best.probe else {"probe_angle": best.probe_angle}
    if best.loss == "max_margin":
        return math.log(max_margin(alpha, selection=rule, **pruned_by).generalization_error)
    ridge = best.ridge if ridge is None else ridge
    setting = {"loss": best.loss, "label_noise": best.label_noise, **pruned_by}
    return math.log(empirical_risk(alpha, ridge=ridge, selection=rule, **setting).generalization_error)


def perturbed(windows, size, rng):
    """The rule with a share of what it keeps exchanged: a slit is cut from a window and as much added in a gap."""
    lower, upper = windows[int(rng.integers(len(windows)))]
    width = min(size, 0.9 * (upper - lower))
    start = rng.uniform(lower, upper - width)
    kept = [(a, b) for a, b in windows if (a, b) != (lower, upper)]
    kept += [(a, b) for a, b in ((lower, start), (start + width, upper)) if b - a > 1e-12]
    ends = np.concatenate([[0.0], np.ravel(sorted(kept)), [1.0]]).reshape(-1, 2)
    gaps = [(a, b) for a, b in ends.tolist() if b - a > width and not (a <= start <= b)]
    a, b = gaps[int(rng.integers(len(gaps)))]
    place = rng.uniform(a, b - width)
    merged = []
    for low, high in sorted([*kept, (place, place + width)]):
        if merged and low - merged[-1][1] < 1e-12:
            merged[-1] = merged[-1][0], high
        else:
            merged.append((low, high))
    return tuple((float(low), float(min(high, 1.0))) for low, high in merged)


@pytest.mark.parametrize("name", SETTINGS, ids=str)
def test_no_exchange_of_examples_is_better(name):
    best, rng = best_of(name), np.random.default_rng(1)
    least = log_error(best, best.selection)
    assert best.first_order_gain < 1e-8
    assert best.residual < 1e-9
    assert math.log(best.generalization_error) == pytest.approx(least, abs=1e-12)
    for size in (0.2, 0.05, 0.05, 0.01, 0.01, 0.001):
        rule = KeepWindows(perturbed(best.selection.windows, size, rng), best.label_aware)
        assert rule.keep_fraction == pytest.approx(best.keep_fraction, abs=1e-10)
        assert log_error(best, rule) > least - 1e-10
    for rule in (KeepHardest, KeepEasiest):
        assert log_error(best, rule(best.keep_fraction, best.label_aware)) > least - 1e-10


@pytest.mark.parametrize("name", SETTINGS, ids=str)
def test_kept_examples_have_the_lowest_influence(name):
    best = best_of(name)
    distribution = best.selection.kept_distribution(best.probe_angle, best.label_noise)
    margins = np.linspace(-1.5 if best.label_aware else 0.01, 2.5, 160)
    if best.probe is None:
        kept = distribution(margins) > 0
    else:
        trained = train_probe(
            LOSSES[best.probe.loss],
            alpha=4.0,
            ridge=best.probe.ridge,
            share=best.probe.share,
            label_noise=best.label_noise,
        )
        axis = TrainedAxis(TrainedMargins(trained), best.label_aware)
        ranks = axis.rank(axis.of_unit_probe(margins))
        kept = np.any([(a < ranks) & (ranks < b) for a, b in best.selection.windows], axis=0)
    influence = best.influence(margins)
    assert influence[kept].max() < influence[~kept].min() + 1e-6


@pytest.mark.parametrize(("alpha", "fraction", "noise"), [(0.0878, 0.3, 0.3), (2.0, 0.7, 0.1)], ids=str)
def test_a_perfect_probe_without_labels_has_a_best_rule_of_noisy_ones(alpha, fraction, noise):
    """At |z| = 0 its chance to be right is 0/0."""
    student = {"loss": "square", "ridge": 0.02, "label_noise": noise}
    best = optimal_selection(alpha, keep_fraction=fraction, label_aware=False, **student)
    for rule in (KeepHardest(fraction), KeepEasiest(fraction), KeepRandom(fraction)):
        other = empirical_risk(alpha * fraction, selection=rule, **student)
        assert best.generalization_error <= other.generalization_error * (1 + 1e-6)


def test_rule_and_ridge_are_the_best_together():
    best = optimal_selection(4.0, keep_fraction=0.4, loss="logistic", ridge="optimal", label_noise=0.1, probe_angle=0.2)
    setting = {"loss": "logistic", "label_noise": 0.1, "probe_angle": 0.2}
    at_this_rule = optimal_ridge(1.6, selection=best.selection, **setting)
    assert at_this_rule.ridge == pytest.approx(best.ridge, rel=1e-3)
    assert at_this_rule.generalization_error == pytest.approx(best.generalization_error, rel=1e-9)
    at_this_ridge = optimal_selection(4.0, keep_fraction=0.4, ridge=best.ridge, **setting)
    assert at_this_ridge.generalization_error == pytest.approx(best.generalization_error, rel=1e-9)
    rng, least = np.random.default_rng(0), math.log(best.generalization_error)
    for _ in range(6):
        rule = KeepWindows(perturbed(best.selection.windows, 0.03, rng), True)
        assert log_error(best, rule, best.ridge * math.exp(rng.normal(0, 0.3))) > least
    for rule in (KeepHardest(0.4, True), KeepEasiest(0.4, True), KeepRandom(0.4)):
        assert optimal_ridge(1.6, selection=rule, **setting).generalization_error > 1.01 * best.generalization_error


def test_limits_of_the_ridge_are_among_those_tried():
    best = optimal_selection(20.0, keep_fraction=0.2, loss="square", ridge="optimal", label_noise=0.2, probe_angle=0.15)
    assert best.ridge == 0
    assert best.first_order_gain < 1e-10
    small = optimal_selection(20.0, keep_fraction=0.2, loss="square", ridge=1e-3, label_noise=0.2, probe_angle=0.15)
    assert best.generalization_error < small.generalization_error


def test_the_best_ridge_of_the_probe_is_better_than_its_neighbours():
    setting = {"keep_fraction": 0.5, "loss": "square", "ridge": 0.3, "label_noise": 0.1}
    best = optimal_selection(3.0, probe=TrainedProbe("square"), probe_ridge="optimal", **setting)
    assert best.probe.loss == "square"
    for factor in (0.5, 0.9, 1.1, 2.0):
        probe = TrainedProbe("square", best.probe.ridge * factor)
        assert optimal_selection(3.0, probe=probe, **setting).generalization_error > best.generalization_error
    again = optimal_selection(3.0, probe=best.probe, **setting)
    assert again.generalization_error == pytest.approx(best.generalization_error, rel=1e-9)
    assert np.array(again.selection.windows) == pytest.approx(np.array(best.selection.windows), abs=1e-5)


@pytest.mark.slow
def test_a_logistic_probe_of_clean_labels_wants_no_ridge():
    """It then keeps its support vectors, and the student errs as it would on the whole pool."""
    best = optimal_selection(3.0, keep_fraction=0.5, probe=TrainedProbe("logistic"), probe_ridge="optimal")
    whole = max_margin(3.0, selection=KeepRandom()).generalization_error
    assert best.probe.ridge == pytest.approx(1e-4, rel=1e-2)
    assert best.generalization_error == pytest.approx(whole, rel=1e-4)


def test_the_gain_of_an_exchange_is_the_decrease_that_it_brings():
    """To first order, of a rule that is not the best: a mixture with its level set lowers ln ε by the gain a share."""
    rule, students = KeepWindows(((0.2, 0.6),), True), RuledStudents(LOSSES["square"], 0.3, 1.6, 0.3, 0.1)
    axis, student = IndependentAxis(0.3, 0.1, True), students.under(rule, None, None)
    ranks = np.linspace(0.0, 1.0, 4001)
    influence = axis.as_seen(student.influence)(np.array([axis.quantile(r) for r in ranks.tolist()]))
    ranked = RankedInfluence(rule.windows, ranks, influence)
    level_set = KeepWindows(ranked.exchanged(1.0), True)
    edges = np.unique(np.ravel([*rule.windows, *level_set.windows]))
    thresholds = [axis.quantile(r) for r in edges.tolist()]

    def log_error(share):
        """Of the rule that keeps with the chance (1 − share) q + share q*."""

        def chance(z, y):
            r = axis.rank(z * y)
            old, new = (np.any([(a < r) & (r < b) for a, b in w.windows], axis=0) for w in (rule, level_set))
            return np.where(old & new, 1.0, np.where(old, 1 - share, np.where(new, share, 0.0)))

        mixed = KeepWithProbability(chance, edges=tuple(thresholds))
        return math.log(
            empirical_risk(
                1.6, loss="square", ridge=0.3, selection=mixed, probe_angle=0.3, label_noise=0.1
            ).generalization_error
        )

    assert ranked.gain > 1e-3
    assert (4 * log_error(0.01) - log_error(0.02) - 3 * log_error(0.0)) / 0.02 == pytest.approx(-ranked.gain, rel=1e-3)


def test_solutions_compare_pickle_and_print():
    best = best_of("square")
    again = pickle.loads(pickle.dumps(best))
    assert again == best
    assert np.array_equal(again.influence(np.array([0.1, 1.0])), best.influence(np.array([0.1, 1.0])))
    assert "label_noise=0.2" in repr(best)
    assert "_problem" not in repr(best)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ridge": 0.1}, '`ridge` must be 0 for loss="max_margin"'),
        ({"label_noise": 0.1}, '`label_noise` must be 0 for loss="max_margin"'),
        ({"loss": "square", "ridge": "best"}, '`ridge` must be a number or "optimal"'),
        ({"loss": "square", "ridge": -1.0}, "`ridge` must be >= 0"),
        ({"loss": "cubic", "ridge": 1.0}, "`loss` must be"),
        ({"loss": "square", "ridge": 1.0, "label_noise": 0.7}, r"`label_noise` must be in \[0, 1/2\]"),
        ({"probe": TrainedProbe(), "probe_angle": 0.2}, "`probe_angle` must be left out"),
        ({"loss": "logistic", "ridge": 0.0}, "`ridge` must be > 0 where the kept labels are separable"),
        ({"probe_ridge": "optimal"}, '`probe_ridge` must be "optimal", with a trained `probe`'),
    ],
    ids=["no-ridge", "no-noise", "word", "negative", "loss", "noise", "two-probes", "no-minimum", "no-probe"],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        optimal_selection(2.0, keep_fraction=0.5, **arguments)


NOISY = [
    (4.0, 0.4, 0.2, 0.1, "logistic"),
    (3.0, 0.5, 0.0, 0.2, "square"),
    (10.0, 0.2, 0.3, 0.1, "square"),
    (6.0, 0.3, 0.1, 0.3, "hinge"),
    (2.0, 0.6, 0.5, 0.05, "logistic"),
    (8.0, 0.5, 0.25, 0.2, "squared_hinge"),
    (5.0, 0.25, 0.15, 0.15, "hinge"),
]


def check_by_simulation(alpha_total, fraction, angle, noise, loss, *, features, trials):
    best = optimal_selection(
        alpha_total, keep_fraction=fraction, probe_angle=angle, loss=loss, ridge="optimal", label_noise=noise
    )
    alpha, pool = fraction * alpha_total, {"probe_angle": angle, "label_noise": noise}
    rules = KeepHardest(fraction, True), KeepRandom(fraction)
    rivals = [(rule, optimal_ridge(alpha, loss=loss, selection=rule, **pool)) for rule in rules]
    ridge, size = max(best.ridge, 1e-6), {"n_features": features, "n_trials": trials}
    run = simulate(alpha, selection=best.selection, student=EmpiricalRisk(loss, ridge), **pool, **size)
    assert abs(compare(run).z_score) < 4
    spread = run.generalization_error.std(ddof=1) / math.sqrt(trials)
    assert spread < 0.05 * best.generalization_error
    for rule, rival in rivals:
        other = EmpiricalRisk(loss, min(max(rival.ridge, 1e-6), 1e3))
        worse = simulate(alpha, selection=rule, student=other, **pool, **size).generalization_error
        difference = worse.mean() - run.generalization_error.mean()
        assert difference > 4 * math.hypot(spread, worse.std(ddof=1) / math.sqrt(trials))


def test_simulation_confirms_the_best_rule_and_ridge_for_noisy_labels():
    check_by_simulation(*NOISY[0], features=100, trials=40)


@pytest.mark.slow
@pytest.mark.parametrize("setting", NOISY, ids=lambda s: f"{s[4]}-{s[0]:g}-{s[1]:g}-{s[2]:g}-{s[3]:g}")
def test_simulation_confirms_them_at_many_settings(setting):
    check_by_simulation(*setting, features=200, trials=100)


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        {"probe": TrainedProbe("logistic", 0.1), "loss": "logistic", "ridge": 0.1, "label_noise": 0.1},
        {"probe": TrainedProbe("square", 0.5, share=0.6), "loss": "square", "ridge": "optimal", "label_noise": 0.2},
        {"probe": TrainedProbe("square", 0.3), "label_aware": False},
    ],
    ids=["noisy", "best-ridge-share", "max-margin-agnostic"],
)
def test_simulation_confirms_the_best_rule_of_a_trained_probe(setting):
    best = optimal_selection(4.0, keep_fraction=0.4, **setting)
    student = "max_margin" if best.loss == "max_margin" else EmpiricalRisk(best.loss, best.ridge)
    pool = {"probe": best.probe, "label_noise": best.label_noise, "student": student, "n_features": 200, "n_trials": 60}
    run = simulate(1.6, selection=best.selection, **pool)
    assert abs(compare(run).z_score) < 4
    spread = run.generalization_error.std(ddof=1) / math.sqrt(60)
    random = simulate(1.6, selection=KeepRandom(0.4), **pool).generalization_error
    assert random.mean() - run.generalization_error.mean() > 5 * math.hypot(spread, random.std(ddof=1) / math.sqrt(60))
