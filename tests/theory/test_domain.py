"""Properties of max-margin students over the whole domain: α from 0.05 to 1e5, f from 1e-6 to 1, θ from 0 to π/2."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    max_margin,
)

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)

alphas = st.floats(math.log(0.05), math.log(1e5)).map(math.exp)
fractions = st.floats(math.log(1e-6), 0.0).map(lambda log: min(1.0, math.exp(log)))
angles = st.one_of(
    st.just(0.0), st.just(math.pi / 2), st.floats(0.0, math.pi / 2), st.floats(-9.0, 0.0).map(lambda log: 10.0**log)
)
ranked = st.one_of(
    st.builds(KeepHardest, fractions, st.booleans()),
    st.builds(KeepEasiest, fractions, st.booleans()),
    st.builds(
        lambda low, width, aware: KeepBetween(low, low + width * (1 - low), aware),
        st.floats(0.0, 0.95),
        st.floats(1e-3, 1.0),
        st.booleans(),
    ),
)
rules = st.one_of(ranked, st.builds(KeepRandom, fractions), st.builds(Calibrated, ranked, st.floats(0.0, 1.0)))


@settings(EXAMPLES, max_examples=120)
@given(alphas, rules, angles)
def test_both_formulations_agree_on_a_student_that_beats_chance(alpha, rule, angle):
    solution = max_margin(alpha, selection=rule, probe_angle=angle)
    assert solution.residual <= 1e-10
    assert 0 < solution.generalization_error < 0.5
    assert solution.margin > 0


@EXAMPLES
@given(alphas, st.one_of(st.builds(KeepHardest, fractions), st.builds(KeepEasiest, fractions)), angles)
def test_error_falls_with_examples(alpha, rule, angle):
    fewer, more = max_margin([alpha, 1.1 * alpha], selection=rule, probe_angle=angle).generalization_error
    assert more < fewer * (1 + 1e-12)


@EXAMPLES
@given(alphas, angles, st.booleans(), st.sampled_from([KeepHardest, KeepEasiest]))
def test_keeping_all_forgets_the_rule(alpha, angle, aware, rule):
    unpruned = max_margin(alpha, selection=KeepRandom()).generalization_error
    assert max_margin(alpha, selection=rule(1.0, aware), probe_angle=angle).generalization_error == pytest.approx(
        unpruned, rel=1e-11
    )


@EXAMPLES
@given(alphas, fractions, st.sampled_from([KeepHardest, KeepEasiest]))
def test_a_probe_at_right_angles_knows_nothing(alpha, fraction, rule):
    unpruned = max_margin(alpha, selection=KeepRandom()).generalization_error
    pruned = max_margin(alpha, selection=rule(fraction), probe_angle=math.pi / 2).generalization_error
    assert pruned == pytest.approx(unpruned, rel=1e-9)


@EXAMPLES
@given(alphas, ranked)
def test_a_nearly_perfect_probe_joins_the_perfect_one(alpha, rule):
    perfect = max_margin(alpha, selection=rule)
    nearly = max_margin(alpha, selection=rule, probe_angle=1e-9 * perfect.generalization_error)
    # at the transition an error in the threshold counts as much as one in α, which is steep there
    allowed = 1e-6 + 1e-8 * abs(perfect.scaling_exponent)
    assert nearly.generalization_error == pytest.approx(perfect.generalization_error, rel=allowed)


@EXAMPLES
@given(alphas, fractions, st.sampled_from([KeepHardest, KeepEasiest]))
def test_a_perfect_probe_does_not_need_labels(alpha, fraction, rule):
    agnostic, aware = (max_margin(alpha, selection=rule(fraction, labels)) for labels in (False, True))
    assert aware.generalization_error == pytest.approx(agnostic.generalization_error, rel=1e-12)


@EXAMPLES
@given(alphas, rules, angles)
def test_a_point_is_the_same_alone_and_on_a_curve(alpha, rule, angle):
    alone = max_margin(alpha, selection=rule, probe_angle=angle)
    curve = max_margin(np.array([2.3, 1.0, 0.4]) * alpha, selection=rule, probe_angle=angle)
    allowed = 1e-10 + 1e-14 * abs(alone.scaling_exponent)
    assert curve.generalization_error[1] == pytest.approx(alone.generalization_error, rel=allowed)


def test_an_angle_that_cannot_be_told_from_zero_is_zero():
    perfect, nearly = (max_margin(2.0, selection=KeepHardest(0.1), probe_angle=angle) for angle in (0.0, 5e-324))
    assert nearly.generalization_error == perfect.generalization_error


@EXAMPLES
@given(alphas, angles, st.floats(-2.0, 2.0), st.floats(-0.4, 1.0).map(lambda log: 10.0**log))
def test_any_probability_with_a_corner_at_zero(alpha, angle, place, width):
    rule = KeepWithProbability(lambda z, y: expit((np.abs(z) - place) / width), edges=(0.0,))
    solution = max_margin(alpha, selection=rule, probe_angle=angle)
    assert solution.residual <= 1e-10
    assert 0 < solution.generalization_error < 0.5
