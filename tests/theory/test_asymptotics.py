"""The limits of the theory, each approached by the exact theory in its range, and refused outside."""

import math

import numpy as np
import pytest

from replica_theory import KeepHardest, KeepRandom, asymptotics, max_margin, pareto_frontier

TWENTY = math.radians(20)


def error(alpha, fraction, angle=0.0):
    return max_margin(alpha, selection=KeepHardest(fraction), probe_angle=angle).generalization_error


@pytest.mark.parametrize("angle", [0.0, math.radians(5), TWENTY, math.pi / 2], ids=["0deg", "5deg", "20deg", "90deg"])
@pytest.mark.parametrize("fraction", [0.05, 0.4, 1.0], ids="f={}".format)
def test_many_examples_are_approached_quadratically(angle, fraction):
    def deviation(alpha):
        limit = asymptotics.many_examples(alpha, keep_fraction=fraction, probe_angle=angle)
        return abs(limit / error(alpha, fraction, angle) - 1)

    near, far = deviation(3e3), deviation(3e4)
    assert far < 1e-5
    assert far == pytest.approx(near / 100, rel=0.1, abs=2e-10)


def test_the_frontier_falls_back_to_a_power_law():
    frontier = pareto_frontier([1e3, 1e4], probe_angle=TWENTY, min_keep_fraction=1e-5).generalization_error
    ratios = frontier / asymptotics.frontier_fallback([1e3, 1e4], probe_angle=TWENTY)
    assert np.all(ratios > 1)
    assert ratios[1] - 1 < 0.3 * (ratios[0] - 1)


def test_vanishing_fractions_teach_the_rest_of_the_teacher():
    for alpha in (0.5, 3.0, 20.0):
        assert error(alpha, 1e-6, 0.5) == pytest.approx(
            asymptotics.vanishing_fraction(alpha, probe_angle=0.5), rel=1e-9
        )


@pytest.mark.parametrize(
    ("alpha", "slope"),
    [(2.1, 0.5219885844430066), (3.0, 0.17640310487519548), (5.0, 0.10012843201651894)],
    ids="a{}".format,
)
def test_slope_above_gardners_capacity(alpha, slope):
    assert asymptotics.perfect_probe_slope(alpha) == pytest.approx(slope, rel=1e-12)
    assert error(alpha, 1e-6) == pytest.approx(1e-6 * slope, rel=1e-8)


@pytest.mark.parametrize("excess", [1e-4, 1e-6, 1e-9], ids="{:g}".format)
def test_slope_at_gardners_capacity_is_a_square_root(excess):
    """x² = 12 (α − 2)/α at lowest order in α − 2, by expansion of Q around 0; the next order is 1.43 (α − 2)/10."""
    alpha = 2 + excess
    scaled = asymptotics.perfect_probe_slope(alpha) * math.sqrt(12 * math.pi * (alpha - 2))
    assert scaled - 1 == pytest.approx(0.1427 * excess, rel=2e-3, abs=2e-12)


def test_many_examples_hold_in_the_stated_range():
    """On random settings, of which a third lie within a factor of 3 of the least α."""
    rng, n_near = np.random.default_rng(40), 0
    for _ in range(60):
        fraction, angle = 10 ** rng.uniform(-3, 0), 10 ** rng.uniform(-3, math.log10(math.pi / 2))
        least = 10 * max(1.0, math.sin(angle) ** 2 * math.cos(angle) / fraction**2)
        alpha = least * 10 ** rng.uniform(0, 1.5)
        n_near += alpha < 3 * least
        limit = asymptotics.many_examples(alpha, keep_fraction=fraction, probe_angle=angle)
        assert limit == pytest.approx(error(alpha, fraction, angle), rel=0.05)
    assert n_near >= 15


def test_slope_joins_the_power_law_of_many_examples():
    assert 1e4 * asymptotics.perfect_probe_slope(1e4) == pytest.approx(asymptotics.ERROR_CONSTANT, rel=1e-6)


@pytest.mark.parametrize("rule", [KeepHardest(0.3), KeepRandom()], ids=str)
def test_exponents_are_the_slopes_of_the_curve(rule):
    step = 1e-4
    alphas = np.array([0.7, 4.0, 50.0])
    here = max_margin(alphas, selection=rule, probe_angle=0.2)
    above, below = (
        max_margin(alphas * math.exp(sign * step), selection=rule, probe_angle=0.2).generalization_error
        for sign in (1, -1)
    )
    assert here.scaling_exponent == pytest.approx(np.log(above / below) / (2 * step), rel=1e-6)
    assert here.decay_rate == pytest.approx(here.scaling_exponent / alphas, rel=1e-15)


def test_exponent_of_a_power_law_is_minus_one():
    assert max_margin(1e5, selection=KeepHardest(0.2)).scaling_exponent == pytest.approx(-1.0, abs=1e-8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: asymptotics.perfect_probe_slope(2.0), "`alpha_prune` must be > 2"),
        (lambda: asymptotics.perfect_probe_slope([3.0, 4.0]), "`alpha_prune` must be a number"),
        (
            lambda: asymptotics.many_examples([1e6, 1e3], keep_fraction=1e-3, probe_angle=TWENTY),
            r"`alpha_prune` must be at least 1\.09\d*e\+06 here.*got 1000\.0",
        ),
        (lambda: asymptotics.many_examples(9.0, keep_fraction=0.4), "`alpha_prune` must be at least 10 here"),
        (lambda: asymptotics.frontier_fallback(3.0, probe_angle=0.0), "perfect probe follows another law"),
        (lambda: asymptotics.vanishing_fraction(3.0, probe_angle=0.0), r"`probe_angle` must be in \(0, π/2\]"),
        (lambda: asymptotics.many_examples(3.0, keep_fraction=0.0), r"`keep_fraction` must be in \(0, 1\]"),
    ],
    ids=["below capacity", "list", "narrow strip", "few examples", "fallback", "vanishing", "fraction"],
)
def test_out_of_range_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
