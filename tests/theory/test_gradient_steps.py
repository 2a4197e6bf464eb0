"""Probes of full-batch gradient steps: their first step is Hebb's rule, their end a minimiser, and between them random
matrix theory knows the square loss's iterates."""

import math
import sys

import numpy as np
import pytest
from scipy.integrate import quad

from replica_theory import (
    GradientProbe,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    SaddlePointError,
    TrainedProbe,
    max_margin,
    pruning_rounds,
)
from replica_theory._trained_probe.rounds import Chain

HARD = KeepHardest(0.5)


def round_of(probe, *, alpha=3.0, selection=HARD, **student):
    (only,) = pruning_rounds(alpha, rounds=[(probe, selection)], **student)
    return only


@pytest.mark.parametrize("loss", ["square", "logistic", "squared_hinge"], ids=str)
def test_the_first_step_is_hebb_s_rule(loss):
    step = round_of(GradientProbe(loss, steps=1, step_size=0.3, ridge=0.2))
    hebb = round_of(TrainedProbe(loss, ridge=math.inf))
    assert step.probe_angle == pytest.approx(hebb.probe_angle, abs=1e-6)
    allowance = 5 * math.hypot(step.standard_error, hebb.standard_error)
    assert allowance < 2e-3
    assert step.generalization_error == pytest.approx(hebb.generalization_error, abs=allowance)
    assert step.probe_overlap == pytest.approx(hebb.probe_overlap, abs=10 * allowance)


@pytest.mark.parametrize(
    ("loss", "alpha", "steps"), [("square", 0.3, 7), ("logistic", 1.0, 8)], ids=["square", "logistic"]
)
def test_its_end_is_the_minimiser(loss, alpha, steps):
    last = round_of(GradientProbe(loss, steps, step_size=0.3, ridge=2.0), alpha=alpha)
    minimiser = round_of(TrainedProbe(loss, ridge=2.0), alpha=alpha)
    first = round_of(GradientProbe(loss, 1, step_size=0.3, ridge=2.0), alpha=alpha)
    allowance = 5 * last.standard_error + 1e-4
    assert last.probe_angle == pytest.approx(minimiser.probe_angle, abs=5e-4)
    assert last.generalization_error == pytest.approx(minimiser.generalization_error, abs=allowance)
    assert abs(first.probe_angle - minimiser.probe_angle) > 2e-3


@pytest.mark.parametrize(
    ("alpha", "steps", "step_size", "ridge", "noise"),
    [(3.0, 2, 0.2, 0.1, 0.0), (3.0, 5, 0.2, 0.0, 0.1), (0.7, 6, 0.5, 0.05, 0.2)],
    ids=["two steps", "noise", "few examples"],
)
def test_the_square_loss_s_angle_is_that_of_random_matrix_theory(alpha, steps, step_size, ridge, noise):
    probe = GradientProbe("square", steps, step_size, ridge)
    solution = round_of(probe, alpha=alpha, selection=KeepRandom(0.5), label_noise=noise, loss="square", ridge=0.1)
    assert solution.probe_angle == pytest.approx(gradient_flow_angle(probe, alpha, noise), rel=2e-3)


def gradient_flow_angle(probe, alpha, noise):
    """p_T = g(S) Xᵀy/N, S = XᵀX/N, g(x) = (1 − (1 − step (λ + x))^T)/(λ + x), over Marchenko and Pastur's spectrum."""

    def g(x):
        return (1 - (1 - probe.step_size * (probe.ridge + x)) ** probe.steps) / (probe.ridge + x)

    def mean(function):
        """Over eigenvalues of S but 0, at which all that is averaged vanishes."""
        low, high = (1 - math.sqrt(alpha)) ** 2, (1 + math.sqrt(alpha)) ** 2

        def density(t):
            x = 0.5 * (low + high) + 0.5 * (high - low) * math.sin(t)
            root = math.sqrt(max((high - x) * (x - low), 0.0))
            return function(x) * root / (2 * math.pi * x) * 0.5 * (high - low) * math.cos(t)

        return quad(density, -math.pi / 2, math.pi / 2, epsabs=1e-12)[0]

    linear = (1 - 2 * noise) * math.sqrt(2 / math.pi)  # E[y s], the linear part of the labels
    along = linear * mean(lambda x: g(x) * x)
    square = mean(lambda x: g(x) ** 2 * (linear**2 * x**2 + (1 - linear**2) * x))
    return math.acos(along / math.sqrt(square))


def test_more_steps_prune_more_like_the_minimiser():
    """Memory grows with training: the hard rule of one step loses half the pool's information, of five hardly any."""
    errors = [round_of(GradientProbe("logistic", steps, 1.0, 0.1)).generalization_error for steps in (1, 2, 5)]
    own = max_margin(1.5, selection=HARD, probe=TrainedProbe("logistic", 0.1)).generalization_error
    assert np.all(np.diff(errors) < -5e-3)
    assert own < errors[-1] < own + 5e-3


def test_a_pool_that_is_kept_whole_has_the_unpruned_error():
    solution = round_of(GradientProbe("logistic", 3, 1.0, 0.1, share=0.6), selection=KeepHardest(1.0))
    expected = max_margin(3.0, selection=KeepRandom()).generalization_error
    assert solution.generalization_error == pytest.approx(expected, abs=5 * solution.standard_error + 1e-5)


@pytest.mark.parametrize("whole_pool", [False, True], ids=["what is left", "whole pool"])
def test_a_step_after_a_minimiser_s_round_is_hebb_s_rule(whole_pool):
    """By the same points: the dropped have a part of the new force, for what is left regresses it on the old one."""
    first = (TrainedProbe(share=0.7), KeepHardest(0.6))

    def last(probe):
        rounds = (first, (probe, KeepEasiest(0.3)))
        chain = Chain(alpha=3.0, label_noise=0.1, rounds=rounds, loss="square", ridge=0.3, whole_pool=whole_pool)
        return chain.outcomes(9, 1)[-1]

    step, hebb = last(GradientProbe("logistic", 1, 1.0, share=0.8)), last(TrainedProbe(ridge=math.inf, share=0.8))
    for name in ("keep_fraction", "probe_angle", "angle", "probe_overlap", "norm"):
        assert getattr(step, name) == pytest.approx(getattr(hebb, name), rel=2e-4)


def test_an_error_that_the_points_do_not_know_is_refused(monkeypatch):
    door = sys.modules["replica_theory.pruning_rounds"]
    monkeypatch.setattr(door, "ERROR_TOLERANCE_OF_STEPS", 1e-12)
    monkeypatch.setattr(door, "_LOG2_POINTS_OF_STEPS", (6,))
    with pytest.raises(SaddlePointError, match="the error of a round is not known well enough"):
        round_of(GradientProbe("logistic", 2, 1.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "hinge"}, '`loss` of a gradient probe must be one of "square", "logistic", "squared_hinge"; got'),
        ({"steps": 0}, "`steps` must be an integer >= 1; got 0"),
        ({"steps": 2.0}, "`steps` must be an integer >= 1; got 2.0"),
        ({"batches": 0}, "`batches` must be an integer >= 1; got 0"),
        ({"step_size": 0.0}, "`step_size` must be finite and > 0; got 0.0"),
        ({"step_size": math.inf}, "`step_size` must be finite"),
        ({"ridge": math.inf}, "`ridge` of a gradient probe must be finite: one step is Hebb's rule"),
        ({"ridge": -1.0}, "`ridge` must be"),
        ({"share": 0.0}, r"`share` must be in \(0, 1\]; got 0.0"),
    ],
    ids=[
        "loss",
        "no steps",
        "half steps",
        "batches",
        "no step",
        "endless step",
        "endless ridge",
        "negative ridge",
        "share",
    ],
)
def test_bad_probes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GradientProbe(**({"loss": "logistic", "steps": 2, "step_size": 0.5} | change))


def test_steps_that_change_nothing_or_too_much_are_refused():
    with pytest.raises(ValueError, match="`steps` of a GradientProbe must be fewer"):
        round_of(GradientProbe("square", steps=40, step_size=0.3, ridge=2.0), alpha=0.5)
    with pytest.raises(ValueError, match="a smaller `step_size` keeps them"):
        round_of(GradientProbe("square", steps=60, step_size=1e6), alpha=3.0)


def test_mini_batches_are_for_simulation_alone():
    with pytest.raises(ValueError, match="`batches` of a GradientProbe must be 1 in theory"):
        round_of(GradientProbe("logistic", 2, 1.0, batches=4))
