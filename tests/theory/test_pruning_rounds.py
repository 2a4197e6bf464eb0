"""Several rounds of pruning: one round is the trained probe's theory, and more agree with sums over plain points."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.special import ndtr

from replica_theory import (
    Calibrated,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    TrainedProbe,
    Verified,
    empirical_risk,
    max_margin,
    pruning_rounds,
)
from replica_theory import pruning_rounds as door
from replica_theory._trained_probe.pruning import Pruning
from replica_theory._trained_probe.round_learner import bivariate_normal
from replica_theory._trained_probe.sampled_fields import SampledFields, sobol_points
from replica_theory.losses.named import LOSSES

PROBE = TrainedProbe()
ROWS = json.loads((Path(__file__).parents[1] / "reference" / "pruning_rounds.json").read_text())["rows"]


def probe_and_rule(step):
    keep = {"hard": KeepHardest, "easy": KeepEasiest}[step["mode"]]
    rule = keep(step["keep_fraction"], step["label_aware"])
    return TrainedProbe(step["probe"], step["ridge"], share=step["share"]), rule


LONG = "whole pool, share"


@pytest.mark.parametrize(
    "row", [pytest.param(r, id=r["name"], marks=pytest.mark.slow if r["name"] == LONG else ()) for r in ROWS]
)
def test_rounds_are_those_of_plain_sobol_points(row):
    solutions = pruning_rounds(
        row["alpha_total"],
        rounds=[probe_and_rule(step) for step in row["rounds"]],
        loss=row["loss"],
        ridge=row["student_ridge"],
        label_noise=row["label_noise"],
        rerank_pool=row["rerank_pool"],
    )
    for solution, expected in zip(solutions, row["solutions"], strict=True):
        allowance = 4 * math.hypot(solution.standard_error, expected["standard_error"])
        assert allowance < 0.01 * expected["generalization_error"]
        assert solution.generalization_error == pytest.approx(expected["generalization_error"], abs=allowance)
        assert solution.probe_angle == pytest.approx(expected["probe_angle"], rel=3e-3)
        assert solution.probe_overlap == pytest.approx(expected["probe_overlap"], abs=3e-3)


@pytest.mark.parametrize(
    ("probe", "selection", "student", "noise"),
    [
        (PROBE, KeepHardest(0.5), ("max_margin", 0.0), 0.0),
        (TrainedProbe("hinge", 0.2, 0.6), KeepEasiest(0.5), ("logistic", 0.05), 0.1),
        (TrainedProbe(ridge=math.inf), KeepHardest(0.5, True), ("square", 0.3), 0.1),
        (TrainedProbe("square", 0.5), Calibrated(KeepEasiest(0.4), 0.3), ("hinge", math.inf), 0.0),
        (PROBE, KeepWithProbability(lambda z, y: np.exp(-(z**2) / 4)), ("square", 0.3), 0.0),
    ],
    ids=["hard", "easy", "aware", "calibrated", "probability"],
)
def test_one_round_is_the_theory_of_a_trained_probe(probe, selection, student, noise):
    (only,) = pruning_rounds(3.0, rounds=[(probe, selection)], loss=student[0], ridge=student[1], label_noise=noise)
    setting = {"selection": selection, "probe": probe}
    expected = (
        max_margin(only.alpha_prune, **setting)
        if student[0] == "max_margin"
        else empirical_risk(only.alpha_prune, loss=student[0], ridge=student[1], label_noise=noise, **setting)
    )
    assert only.standard_error < 5.1e-5
    allowance = 6 * only.standard_error + 1e-7
    assert only.generalization_error == pytest.approx(expected.generalization_error, abs=allowance)
    assert only.probe_angle == pytest.approx(expected.probe_angle, abs=1e-6)
    assert only.probe_overlap == pytest.approx(expected.probe_overlap, abs=10 * allowance)


def test_a_verifier_s_share_of_the_pool_is_exact():
    probe, rule = TrainedProbe(share=0.5), Verified(KeepRandom(), 1.0, 0.2)
    (only,) = pruning_rounds(3.0, rounds=[(probe, rule)], loss="square", ridge=0.1, label_noise=0.1)
    expected = Pruning(
        loss=LOSSES["logistic"], ridge=0.1, share=0.5, ties="random", selection=rule, label_noise=0.1
    ).of_total(3.0)
    assert only.alpha_prune == pytest.approx(3.0 * expected.keep_fraction, rel=1e-6)


def test_a_round_that_keeps_everything_changes_nothing():
    twice = pruning_rounds(3.0, rounds=[(PROBE, KeepHardest(0.5)), (TrainedProbe("square", 0.3), KeepHardest(1.0))])
    assert twice[1].generalization_error == pytest.approx(twice[0].generalization_error, abs=2e-5)
    first = pruning_rounds(3.0, rounds=[(TrainedProbe("square", 0.3), KeepHardest(1.0)), (PROBE, KeepHardest(0.5))])
    assert first[1].generalization_error == pytest.approx(twice[0].generalization_error, abs=2e-5)


def test_a_probe_on_random_examples_and_a_random_round_are_random_data():
    rounds = pruning_rounds(4.0, rounds=[(PROBE, KeepRandom(0.5)), (PROBE, KeepRandom(0.5))])
    expected = max_margin([2.0, 1.0], selection=KeepRandom()).generalization_error
    assert [solution.generalization_error for solution in rounds] == pytest.approx(expected, abs=2e-5)
    assert [solution.alpha_prune for solution in rounds] == pytest.approx([2.0, 1.0], rel=1e-14)


def test_ranking_the_whole_pool_again_is_another_rule_where_the_probes_disagree():
    first, second = TrainedProbe(share=0.3), TrainedProbe("square", 0.5, share=0.5)
    left = pruning_rounds(4.0, rounds=[(first, KeepHardest(0.5)), (second, KeepHardest(0.5))])[1]
    whole = pruning_rounds(4.0, rounds=[(first, KeepHardest(0.5)), (second, KeepHardest(0.25))], rerank_pool=True)[1]
    assert whole.alpha_prune == pytest.approx(left.alpha_prune, rel=1e-12)
    assert whole.probe_angle == pytest.approx(left.probe_angle, abs=1e-5)
    assert abs(whole.generalization_error - left.generalization_error) > 1e-3


def test_iterating_does_not_help():
    once = max_margin(2.0, selection=KeepHardest(0.2), probe=PROBE).generalization_error
    fraction = 0.2 ** (1 / 3)
    thrice = pruning_rounds(10.0, rounds=[(PROBE, KeepHardest(fraction))] * 3)[-1]
    assert thrice.alpha_prune == pytest.approx(2.0, rel=1e-12)
    assert thrice.generalization_error == pytest.approx(0.0605, abs=1e-4)
    assert thrice.generalization_error > 1.05 * once


def test_the_bivariate_normal_is_the_integral_of_its_density():
    for h, k, rho in ((0.3, -0.7, 0.4), (-1.2, 0.0, -0.9), (0.0, 0.0, 0.5), (2.0, 1.0, 0.99)):
        density = lambda y, x: math.exp(-(x * x - 2 * rho * x * y + y * y) / (2 * (1 - rho**2)))  # noqa: B023, E731
        mass, _ = dblquad(density, -9.0, h, -9.0, k, epsabs=1e-12)
        expected = mass / (2 * math.pi * math.sqrt(1 - rho**2))
        assert bivariate_normal(*(np.array([value]) for value in (h, k, rho))) == pytest.approx([expected], abs=1e-9)
    assert bivariate_normal(np.array([0.5]), np.array([40.0]), np.array([0.3])) == pytest.approx([ndtr(0.5)], abs=1e-15)


def test_the_bivariate_normal_of_a_limit_next_to_0_is_that_of_0():
    """Ratios of limits are too large for a number there."""
    far, none, rho = np.array([1e12]), np.array([0.0]), np.array([0.3])
    assert bivariate_normal(none, far, rho) == pytest.approx([0.5], abs=1e-15)
    assert bivariate_normal(-far, none, rho) == pytest.approx([0.0], abs=1e-15)


def test_the_whole_pool_can_be_ranked_again_after_a_round_that_keeps_it():
    """Where nothing was dropped there is nothing to rank but what was kept."""
    first, second = (TrainedProbe("square", 0.3, share=0.5), KeepRandom(1.0)), (PROBE, KeepHardest(0.5))
    after = pruning_rounds(3.0, rounds=[first, second, second], loss="square", ridge=0.1, rerank_pool=True)
    (alone,) = pruning_rounds(3.0, rounds=[second], loss="square", ridge=0.1)
    assert after[1].generalization_error == pytest.approx(alone.generalization_error, abs=2e-5)
    assert [solution.alpha_prune for solution in after] == pytest.approx([3.0, 1.5, 1.5])


def test_points_hold_the_whole_pool_before_it_is_pruned():
    assert SampledFields.unseen(8).nodes.moments(0.2)[0, 0] == pytest.approx(1.0, abs=1e-15)
    assert sobol_points(2, 3, 0).shape == (8, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_total": [1.0, 2.0]}, "`alpha_total` must be a single number; got shape"),
        ({"alpha_total": 0.0}, "`alpha_total` must be finite and > 0; got 0.0"),
        ({"rounds": 3}, r"`rounds` must be a sequence of \(probe, rule\) pairs; got 3"),
        ({"rounds": []}, r"`rounds` must hold a \(probe, rule\) pair or more; got none"),
        (
            {"rounds": [KeepHardest(0.5)]},
            "`rounds` must be pairs of a TrainedProbe or GradientProbe and a rule; got KeepHardest",
        ),
        ({"rounds": [(PROBE, 0.5)]}, "`selection` must be a rule such as"),
        ({"loss": "zero_one"}, '`loss` must be "max_margin", "square".*; got \'zero_one\''),
        ({"ridge": 0.1}, "`ridge` must be 0 for a max-margin student; got 0.1"),
        ({"label_noise": 0.7}, "`label_noise` must be in"),
        ({"label_noise": 0.3, "alpha_total": 20.0}, "`loss` must not be a max-margin one: round 1"),
    ],
    ids=["array", "alpha", "no list", "none", "no pair", "no rule", "loss", "ridge", "noise", "inseparable"],
)
def test_bad_rounds_are_named(change, message):
    arguments = {"alpha_total": 3.0, "rounds": [(PROBE, KeepHardest(0.5))]} | change
    with pytest.raises(ValueError, match=message):
        pruning_rounds(arguments.pop("alpha_total"), **arguments)


@pytest.mark.slow
def test_an_error_that_the_points_leave_open_is_refused(monkeypatch):
    module = __import__("sys").modules["replica_theory.pruning_rounds"]
    assert module.pruning_rounds is door
    monkeypatch.setattr(module, "_standard_error", lambda outcomes: 1e-3)
    with pytest.raises(SaddlePointError, match="not known well enough") as refused:
        pruning_rounds(3.0, rounds=[(PROBE, KeepHardest(0.5))])
    assert refused.value.residual == 1e-3


def test_solutions_carry_their_inputs():
    (only,) = pruning_rounds(3.0, rounds=[(PROBE, KeepHardest(0.5))])
    assert (only.alpha_total, only.probe, only.selection) == (3.0, PROBE, KeepHardest(0.5))
    assert (only.loss, only.ridge, only.label_noise, only.rerank_pool) == ("max_margin", 0.0, 0.0, False)
    assert all(isinstance(value, float) for value in (only.generalization_error, only.probe_angle, only.standard_error))
    assert dataclasses.replace(only) == only
    assert only.overlap == pytest.approx(math.cos(math.pi * only.generalization_error), abs=1e-15)
