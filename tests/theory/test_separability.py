"""Separability threshold: constants, limits, another evaluation, and refusals."""

import math
import pickle

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from replica_theory import (
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    Verified,
    empirical_risk,
    separability_solution,
    separability_threshold,
)


def threshold(selection, degrees, noise):
    return separability_threshold(selection=selection, probe_angle=math.radians(degrees), label_noise=noise)


@pytest.mark.parametrize(
    ("selection", "degrees", "expected"),
    [
        (KeepRandom(), 0, 2.992286),
        (KeepHardest(0.4), 0, 3.199575),
        (KeepEasiest(0.4), 0, 3.645808),
        (KeepHardest(0.4), 20, 3.017514),
    ],
    ids=str,
)
def test_constants_at_one_flip_in_ten(selection, degrees, expected):
    assert threshold(selection, degrees, 0.1) == pytest.approx(expected, abs=5.1e-7)


@pytest.mark.parametrize("noise", [0.3, 0.02, 1e-4], ids=str)
def test_random_data_by_scipys_quadrature(noise):
    def ramp(x):
        return (x * x + 1) * ndtr(x) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def shortfall(a):
        def weighted(u):
            return (
                2 * math.exp(-u * u / 2) * ((1 - noise) * ramp(-a * u) + noise * ramp(a * u)) / math.sqrt(2 * math.pi)
            )

        return quad(weighted, 0, 12, points=[0.1 / (1 + a), 1 / (1 + a), 4 / (1 + a)], epsabs=0, epsrel=1e-12)[0]

    best = minimize_scalar(shortfall, bounds=(0, 50), method="bounded", options={"xatol": 1e-9})
    assert threshold(KeepRandom(), 0, noise) == pytest.approx(1 / best.fun, rel=1e-10)


@pytest.mark.parametrize("degrees", [0, 20, 90], ids=str)
def test_pure_noise_is_separable_up_to_covers_two(degrees):
    assert threshold(KeepHardest(0.4), degrees, 0.5) == pytest.approx(2.0, rel=1e-13)


def test_what_teacher_or_probe_classifies_is_separable():
    assert threshold(KeepHardest(0.4), 20, 0.0) == math.inf
    assert threshold(KeepEasiest(0.4, True), 0, 0.1) == math.inf
    assert threshold(KeepHardest(0.01, True), 20, 0.1) == math.inf
    assert threshold(Verified(KeepRandom(), 1.0, 0.0), 20, 0.1) == math.inf


@pytest.mark.parametrize("fraction", [0.101, 0.13, 0.17], ids=str)
def test_a_few_right_labels_among_all_wrong_ones_are_not_separable(fraction):
    few, more = (threshold(KeepHardest(f, True), 0, 0.1) for f in (fraction, fraction + 0.005))
    assert 2 < more < few < math.inf
    wrong = empirical_risk(few + 1, loss="hinge", ridge=0.0, selection=KeepHardest(fraction, True), label_noise=0.1)
    assert wrong.training_error > 0


def test_threshold_grows_as_noise_falls_and_rules_join():
    assert threshold(KeepRandom(), 0, 0.01) > threshold(KeepRandom(), 0, 0.02) > 2
    assert threshold(KeepHardest(0.3), 1e-4, 0.1) == pytest.approx(threshold(KeepHardest(0.3), 0, 0.1), rel=1e-6)
    rule = KeepWithProbability(lambda z, y: np.full_like(z, 0.5))
    assert threshold(rule, 20, 0.1) == pytest.approx(threshold(KeepRandom(), 20, 0.1), rel=1e-10)


def test_a_minimum_that_the_second_quadrature_does_not_confirm_is_refused(monkeypatch):
    monkeypatch.setattr("replica_theory._empirical_risk.separability._MOST_STEPS", 1)
    with pytest.raises(SaddlePointError, match="second quadrature does not confirm the threshold"):
        threshold(KeepRandom(), 0, 0.1)


@pytest.mark.parametrize("noise", [-0.1, 0.51, math.nan], ids=str)
def test_noise_out_of_range_is_refused(noise):
    with pytest.raises(ValueError, match=r"`label_noise` must be in \[0, 1/2\]"):
        threshold(KeepRandom(), 0, noise)


def test_the_last_student_is_that_of_the_hinge_loss_just_below():
    rule = KeepHardest(0.4)
    solution = separability_solution(selection=rule, probe_angle=0.3, label_noise=0.1)
    assert solution.alpha_prune == separability_threshold(selection=rule, probe_angle=0.3, label_noise=0.1)
    errors = [
        empirical_risk(
            solution.alpha_prune * (1 - gap), loss="hinge", ridge=0.0, selection=rule, probe_angle=0.3, label_noise=0.1
        ).generalization_error
        for gap in (0.02, 0.01, 0.005)
    ]
    gaps = [error - solution.generalization_error for error in errors]
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)
    assert gaps[1] / gaps[2] == pytest.approx(2, rel=0.1)
    assert solution.overlap == pytest.approx(math.cos(math.pi * solution.generalization_error))
    assert solution.residual < 1e-10


def test_separable_labels_have_no_last_student():
    solution = separability_solution(selection=KeepHardest(0.4), probe_angle=0.3, label_noise=0.0)
    assert solution.alpha_prune == math.inf
    assert solution.generalization_error is None
    assert pickle.loads(pickle.dumps(solution)) == solution
