"""Crossovers, frontiers and diagrams of any student: errors meet there, nothing beside is better, known numbers."""

import math
import pickle
from functools import partial

import numpy as np
import pytest

from replica_theory import (
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    TrainedProbe,
    crossover,
    crossover_solution,
    curated_risk,
    curation_diagram,
    empirical_risk,
    max_margin,
    optimal_ridge,
    pareto_frontier,
)
from replica_theory._trained_probe.probe import train_probe
from replica_theory.losses.named import LOSSES

NOISY = {"loss": "logistic", "ridge": 0.1, "label_noise": 0.1}


@pytest.mark.parametrize(
    ("probe", "alpha_total", "foreign"),
    [
        (TrainedProbe("logistic", 0.01), 4.9, 12.5),
        pytest.param(TrainedProbe("logistic", 0.1), 6.7, 13.5, marks=pytest.mark.slow),
        pytest.param(TrainedProbe("square", 0.57), 9.3, 15.8, marks=pytest.mark.slow),
    ],
    ids=["logistic .01", "logistic .1", "square .57"],
)
def test_the_flip_by_a_trained_probe_is_earlier_than_by_a_foreign_one_at_its_angle(probe, alpha_total, foreign):
    solution = crossover_solution(KeepHardest(0.2), KeepEasiest(0.2), probe=probe)
    assert solution.alpha_total == pytest.approx(alpha_total, abs=0.05)
    assert abs(solution.log_ratio) < 1e-9
    assert solution.first_is_better
    trained = train_probe(LOSSES[probe.loss], alpha=foreign, ridge=probe.ridge, share=1.0, label_noise=0.0)
    again = crossover(KeepHardest(0.2), KeepEasiest(0.2), probe_angle=trained.angle)
    assert again == pytest.approx(foreign, rel=0.02)


def test_at_moderate_fractions_hard_wins_at_every_size_by_its_own_probe():
    probe = TrainedProbe("logistic", 0.1)
    with pytest.raises(ValueError, match="must cross"):
        crossover(KeepHardest(0.4), KeepEasiest(0.4), probe=probe)
    for alpha in (0.1, 1.0, 30.0):
        hard, easy = (max_margin(alpha, selection=rule(0.4), probe=probe) for rule in (KeepHardest, KeepEasiest))
        assert hard.generalization_error < easy.generalization_error


@pytest.mark.parametrize(
    "rival", [KeepEasiest, pytest.param(KeepRandom, marks=pytest.mark.slow)], ids=["easy", "random"]
)
@pytest.mark.parametrize(
    "setting",
    [
        {**NOISY, "probe_angle": 0.2},
        {"loss": "square", "ridge": "optimal", "label_noise": 0.1, "probe_angle": 0.1},
        {**NOISY, "probe": TrainedProbe("square", 0.3)},
    ],
    ids=["noisy", "best-ridges", "trained"],
)
def test_errors_are_equal_at_a_crossover_and_change_places_there(setting, rival):
    solution = crossover_solution(KeepHardest(0.3), rival(0.3), **setting)
    assert crossover(KeepHardest(0.3), rival(0.3), **setting) == solution.alpha_total
    assert abs(solution.log_ratio) < (1e-6 if setting["ridge"] == "optimal" else 1e-9)
    rest = {name: value for name, value in setting.items() if name != "ridge"}
    ratios = []
    for alpha in solution.alpha_prune * np.array([0.97, 1.0, 1.03]):
        errors = [
            optimal_ridge(alpha, selection=rule, **rest).generalization_error
            if setting["ridge"] == "optimal"
            else empirical_risk(alpha, selection=rule, **setting).generalization_error
            for rule in (KeepHardest(0.3), rival(0.3))
        ]
        ratios.append(math.log(errors[0] / errors[1]))
    assert abs(ratios[1]) < 1e-6
    assert ratios[0] * ratios[2] < 0
    assert (ratios[2] < 0) == solution.first_is_better
    assert solution.residual < 1e-9
    assert pickle.loads(pickle.dumps(solution)) == solution


@pytest.mark.parametrize(
    "setting",
    [
        {**NOISY, "probe_angle": 0.3},
        {"loss": "square", "ridge": "optimal", "label_noise": 0.2, "probe_angle": 0.3},
        {**NOISY, "probe": TrainedProbe("logistic", 0.3)},
        {"probe": TrainedProbe("square", 0.5), "loss": "max_margin", "ridge": 0.0},
    ],
    ids=["noisy", "best-ridge", "trained-noisy", "trained-max-margin"],
)
def test_no_fraction_is_below_the_frontier(setting):
    frontier = pareto_frontier(3.0, min_keep_fraction=0.2, **setting)
    assert frontier.residual < 1e-9
    assert 0.2 <= frontier.keep_fraction <= 1
    rest = {name: value for name, value in setting.items() if name not in ("ridge", "loss")}
    for fraction in [*np.geomspace(0.2, 1.0, 12), min(1.0, 1.01 * frontier.keep_fraction)]:
        rule = KeepHardest(float(fraction))
        if setting["loss"] == "max_margin":
            error = max_margin(3.0, selection=rule, **rest).generalization_error
        elif setting["ridge"] == "optimal":
            error = optimal_ridge(3.0, loss=setting["loss"], selection=rule, **rest).generalization_error
        else:
            error = empirical_risk(3.0, selection=rule, **setting).generalization_error
        assert error >= frontier.generalization_error * (1 - 1e-9)


@pytest.mark.parametrize(
    ("alpha", "probe", "student"),
    [
        (60.0, TrainedProbe("square", 0.01), {}),
        (0.7, TrainedProbe("squared_hinge", 2.0, share=0.6), {"loss": "square", "ridge": 0.05}),
        (9.0, TrainedProbe("hinge", 0.05), {"loss": "logistic", "ridge": 0.2, "label_noise": 0.1}),
    ],
    ids=["max-margin", "share", "hinge"],
)
def test_frontiers_of_trained_probes_are_of_the_students_that_are_solved_alone(alpha, probe, student):
    """Each was found from others: of every size alone it is the same, and the scanned fractions are no better."""

    def error(fraction):
        solve = partial(empirical_risk, **student) if student else max_margin
        return solve(alpha, selection=KeepHardest(fraction), probe=probe).generalization_error

    frontier = pareto_frontier(alpha, min_keep_fraction=0.08, probe=probe, **student)
    assert error(frontier.keep_fraction) == pytest.approx(frontier.generalization_error, rel=1e-9)
    assert min(map(error, np.geomspace(0.08, 0.95, 13).tolist())) >= frontier.generalization_error * (1 - 1e-9)


def test_a_frontier_may_be_of_another_family():
    easy = pareto_frontier(
        np.array([2.0, 5.0]),
        probe_angle=0.3,
        min_keep_fraction=0.1,
        rule=lambda f: KeepEasiest(f, label_aware=True),
        **NOISY,
    )
    hard = pareto_frontier([2.0, 5.0], probe_angle=0.3, min_keep_fraction=0.1, **NOISY)
    assert np.all(easy.generalization_error < hard.generalization_error)
    assert easy.keep_fraction.shape == easy.ridge.shape == (2,)


def test_the_best_ridge_with_a_trained_probe():
    setting = {
        "loss": "logistic",
        "selection": KeepHardest(0.4),
        "probe": TrainedProbe("square", 0.3),
        "label_noise": 0.1,
    }
    best = optimal_ridge(1.5, **setting)
    for factor in (0.3, 0.9, 1.1, 3.0):
        other = empirical_risk(1.5, ridge=best.ridge * factor, **setting)
        assert other.generalization_error > best.generalization_error
    assert best.probe_angle == other.probe_angle


def test_diagrams_with_the_best_ridges_are_never_above_those_at_any():
    arguments = ([0.1, 0.5], [1.0, 5.0])
    setting = {"loss": "square", "oracle_angle": 0.2, "keep_fractions": (0.2, 0.5), "label_noise": 0.1}
    best = curation_diagram(*arguments, ridge="optimal", **setting)
    for ridge in (0.01, 0.3, 3.0):
        assert np.all(best.errors <= curation_diagram(*arguments, ridge=ridge, **setting).errors * (1 + 1e-9))
    assert best.ridge.shape == (2, 2)
    row, column = 1, 1
    rule = {"hard": KeepHardest, "easy": KeepEasiest, "all": KeepRandom}[str(best.rule[row, column])]
    again = curated_risk(
        5.0,
        loss="square",
        ridge=float(best.ridge[row, column]),
        selection=rule(float(best.keep_fraction[row, column])),
        generator_angle=0.5,
        oracle_angle=0.2,
        label_noise=0.1,
    )
    assert again.generalization_error == pytest.approx(best.generalization_error[row, column], rel=1e-9)


def test_a_diagram_of_max_margin_students():
    diagram = curation_diagram([0.0], [4.0], loss="max_margin", ridge=0.0, oracle_angle=0.3, keep_fractions=(0.5,))
    expected = max_margin(2.0, selection=KeepHardest(0.5), probe_angle=0.3).generalization_error
    assert diagram.errors[0, 0, 0, 0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    "question",
    [
        lambda **setting: crossover(KeepHardest(0.2), KeepEasiest(0.2), **setting),
        lambda **setting: pareto_frontier(1.0, min_keep_fraction=0.5, **setting),
    ],
    ids=["crossover", "frontier"],
)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ridge": "optimal"}, '`ridge` must be 0 for loss="max_margin"'),
        ({"label_noise": 0.1}, '`label_noise` must be 0 for loss="max_margin"'),
        ({"loss": "square", "ridge": "least"}, '`ridge` must be a number or "optimal"'),
        ({"probe": TrainedProbe(), "probe_angle": 0.1}, "`probe_angle` must be left out"),
        ({"probe": "logistic"}, "`probe` must be a TrainedProbe or None"),
    ],
    ids=["no-ridge", "no-noise", "word", "two-probes", "no-probe"],
)
def test_bad_arguments_are_named(question, arguments, message):
    with pytest.raises(ValueError, match=message):
        question(**arguments)
