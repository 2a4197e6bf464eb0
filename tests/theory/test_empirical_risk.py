"""Regularised risk: equations written out by hand, closed forms, limits, properties and traps."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_losses import HuberHinge
from scipy.integrate import quad
from scipy.interpolate import make_interp_spline
from scipy.optimize import brentq
from scipy.special import expit, ndtr, ndtri

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    empirical_risk,
    max_margin,
)
from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory.losses.named import LOSSES

RANDOM = KeepRandom()
SIGNATURE_LOSSES = ["square", "logistic", "hinge", "squared_hinge"]
BEST_RIDGE = math.pi / 2 - 1


def error(alpha, loss, ridge, selection=RANDOM, degrees=0.0, **options):
    angle = math.radians(degrees)
    options |= {"loss": loss, "ridge": ridge, "selection": selection, "probe_angle": angle}
    return empirical_risk(alpha, **options).generalization_error


@pytest.mark.parametrize(
    ("alpha", "expected"), [(0.5, 0.32275066605), (2.0, 0.17966239286), (5.0, 0.09603611441)], ids=str
)
def test_logistic_constants_of_random_data(alpha, expected):
    assert error(alpha, "logistic", 0.1) == pytest.approx(expected, abs=2e-11)


@pytest.mark.parametrize(
    ("alpha", "hebb", "pseudo_inverse", "best"),
    [
        (1.0, 0.28563430, 0.5, 0.25707544),
        (2.0, 0.23082348, 0.20595242, 0.18602790),
        (5.0, 0.16261440, 0.11496847, 0.11340116),
    ],
    ids=str,
)
def test_square_constants_of_random_data(alpha, hebb, pseudo_inverse, best):
    errors = [error(alpha, "square", ridge) for ridge in (math.inf, 0.0, BEST_RIDGE)]
    assert errors == pytest.approx([hebb, pseudo_inverse, best], abs=5e-9)
    overlap = (1 + math.pi / (2 * alpha)) ** -0.5
    assert errors[0] == pytest.approx(math.acos(overlap) / math.pi, rel=1e-13)
    if alpha > 1:
        overlap = (1 + BEST_RIDGE / (alpha - 1)) ** -0.5
        assert errors[1] == pytest.approx(math.acos(overlap) / math.pi, rel=1e-13)


@pytest.mark.parametrize(
    ("loss", "ridge", "degrees", "expected"),
    [
        ("square", 0.1, 0, 0.12161),
        ("square", 0.1, 20, 0.16682),
        ("logistic", 0.01, 0, 0.15828),
        ("logistic", 0.01, 20, 0.23550),
        ("logistic", 0.1, 20, 0.29399),
    ],
    ids=str,
)
def test_constants_of_pruned_data(loss, ridge, degrees, expected):
    assert error(2.0, loss, ridge, KeepHardest(0.4), degrees) == pytest.approx(expected, abs=5.1e-6)


def average(function, *, fraction, degrees, noise, components):
    """E over kept examples of label +1 of function(ω, z, v), by nested adaptive quadrature over z, v and h."""
    g, (a1, a2, b) = float(ndtri((1 + fraction) / 2)), components
    angle = math.radians(degrees)

    def density(x):
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def over_noise(z, v):
        centre = a1 * z + a2 * v
        hermite = sum(w * function(centre + b * h, z, v) for h, w in zip(*HERMITE, strict=True))
        return hermite

    def over_across(z):
        boundary = -z / math.tan(angle)
        right = quad(lambda v: density(v) * over_noise(z, v), max(boundary, -9), 9, epsabs=1e-12, epsrel=1e-11)[0]
        wrong = quad(lambda v: density(v) * over_noise(z, v), -9, min(boundary, 9), epsabs=1e-12, epsrel=1e-11)[0]
        return (1 - noise) * (right if boundary < 9 else 0.0) + noise * (wrong if boundary > -9 else 0.0)

    total = quad(lambda z: density(z) * over_across(z), -g, g, epsabs=1e-11, epsrel=1e-10)[0]
    return 2 / fraction * total


_nodes, _weights = np.polynomial.hermite_e.hermegauss(60)
HERMITE = _nodes, _weights / _weights.sum()


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.1], ids="noise={}".format)
def test_logistic_student_meets_the_equations_written_out_by_hand(noise):
    """Nothing of the package but its answer: scipy's quad, and the proximal point by scipy's brentq."""
    alpha, ridge, fraction, degrees = 2.0, 0.1, 0.4, 20.0
    options = {"probe_angle": math.radians(degrees), "label_noise": noise}
    solution = empirical_risk(alpha, loss="logistic", ridge=ridge, selection=KeepHardest(fraction), **options)
    components, scale = solution.norm * solution.direction, solution.scale
    setting = {"fraction": fraction, "degrees": degrees, "noise": noise, "components": components}

    def proximal(omega):
        return brentq(lambda p: p - scale * expit(-p) - omega, omega - 1e-9, omega + scale + 1e-9, xtol=1e-13)

    table = np.linspace(-45, 45, 901)
    force = make_interp_spline(table, [w - proximal(w) for w in table], k=9)
    square = alpha * average(lambda w, z, v: force(w) ** 2, **setting)
    assert square == pytest.approx(components[2] ** 2, rel=1e-8)
    for j, coordinate in enumerate((lambda z, v: z, lambda z, v: v)):
        pull = alpha * average(lambda w, z, v, c=coordinate: force(w) * c(z, v), **setting)
        assert -pull == pytest.approx(ridge * scale * components[j], rel=1e-7)
    slope = force.derivative()
    response = alpha * average(lambda w, z, v: slope(w), **setting)
    assert response == pytest.approx(1 - ridge * scale, rel=1e-8)


def hinge_equations(alpha, ridge, a, b, scale):
    """The three equations of the hinge loss on random data, in closed form up to one integral over u > 0."""

    def mean(function):
        return 2 * quad(lambda u: math.exp(-u * u / 2) / math.sqrt(2 * math.pi) * function(u), 0, 12, limit=200)[0]

    def below(t):  # E (t − h)₊ and P(h < t) in units of b
        return t * ndtr(t) + math.exp(-t * t / 2) / math.sqrt(2 * math.pi), ndtr(t)

    def force(u):  # E (p − ω) = b [E(t₁ − h)₊ − E(t₀ − h)₊]
        t1, t0 = (1 - a * u) / b, (1 - scale - a * u) / b
        return b * (below(t1)[0] - below(t0)[0])

    def square(u):
        t1, t0 = (1 - a * u) / b, (1 - scale - a * u) / b
        inside = quad(lambda h: (1 - a * u - b * h) ** 2 * math.exp(-h * h / 2), t0, t1)[0] / math.sqrt(2 * math.pi)
        return inside + scale**2 * ndtr(t0)

    def stuck(u):
        return ndtr((1 - a * u) / b) - ndtr((1 - scale - a * u) / b)

    return (
        alpha * mean(square) / b**2 - 1,
        alpha * mean(lambda u: u * force(u)) / (ridge * scale * a) - 1,
        alpha * mean(stuck) / (1 - ridge * scale) - 1,
    )


@pytest.mark.parametrize(("alpha", "ridge"), [(2.0, 0.1), (5.0, 0.5), (0.7, 0.3)], ids=str)
def test_hinge_student_meets_the_equations_written_out_by_hand(alpha, ridge):
    solution = empirical_risk(alpha, loss="hinge", ridge=ridge, selection=RANDOM)
    a, _, b = solution.norm * solution.direction
    assert np.abs(hinge_equations(alpha, ridge, a, b, solution.scale)) == pytest.approx([0, 0, 0], abs=1e-8)
    assert abs(hinge_equations(alpha, ridge, 1.01 * a, b, solution.scale)[1]) > 1e-3


def moments_of_hard_data(fraction):
    """m = E u and S = E u² of |u| < g, in closed form."""
    g = float(ndtri((1 + fraction) / 2))
    peak, edge = 1 / math.sqrt(2 * math.pi), math.exp(-g * g / 2) / math.sqrt(2 * math.pi)
    return 2 * (peak - edge) / fraction, 1 - 2 * g * edge / fraction


@pytest.mark.parametrize(("alpha", "ridge"), [(2.0, 0.1), (0.5, 0.01), (40.0, 3.0)], ids=str)
def test_square_student_of_hard_data_in_closed_form(alpha, ridge):
    mean, second = moments_of_hard_data(0.4)
    scale = max(np.roots([ridge, alpha + ridge - 1, -1]))
    a = mean / (second + (1 + scale) / (alpha * scale) - 1)
    share = alpha * (scale / (1 + scale)) ** 2
    b = math.sqrt(share / (1 - share) * (1 - 2 * a * mean + a * a * second))
    assert error(alpha, "square", ridge, KeepHardest(0.4)) == pytest.approx(math.atan2(b, a) / math.pi, rel=1e-12)


class OwnSquare:
    def value(self, field):
        return 0.5 * (1 - field) ** 2

    def proximal(self, omega, scale):
        return (omega + scale) / (1 + scale)


class OwnHinge:
    def value(self, field):
        return np.maximum(1 - field, 0.0)

    def proximal(self, omega, scale):
        return np.maximum(omega, np.minimum(omega + scale, 1.0))


@pytest.mark.parametrize(("own", "named"), [(OwnSquare(), "square"), (OwnHinge(), "hinge")], ids=["square", "hinge"])
@pytest.mark.parametrize("selection", [KeepHardest(0.4), KeepEasiest(0.3, True)], ids=["hard", "easy"])
def test_a_loss_of_ones_own_is_treated_as_the_named_one(own, named, selection):
    ours = empirical_risk(2.0, loss=own, ridge=0.1, selection=selection, probe_angle=0.3, label_noise=0.05)
    theirs = empirical_risk(2.0, loss=named, ridge=0.1, selection=selection, probe_angle=0.3, label_noise=0.05)
    for name in ("generalization_error", "norm", "scale", "training_loss", "training_error"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-8), name


def test_a_loss_of_ones_own_lies_between_its_neighbours():
    assert error(3.0, HuberHinge(), 0.1) == pytest.approx(error(3.0, "squared_hinge", 0.1), rel=0.05)
    assert error(3.0, HuberHinge(), 1e7) == pytest.approx(error(3.0, "hinge", math.inf), rel=1e-5)


class Broken:
    def value(self, field):
        return field

    def proximal(self, omega, scale):
        return np.full(3, np.nan)


def test_a_proximal_operator_that_returns_nonsense_is_named():
    with pytest.raises(ValueError, match=r"`loss.proximal` must return one value for each field"):
        error(1.0, Broken(), 0.1)


@pytest.mark.parametrize("degrees", [0.0, 20.0], ids="{}deg".format)
@pytest.mark.parametrize(
    "selection", [RANDOM, KeepHardest(0.3), KeepEasiest(0.3, True)], ids=["random", "hard", "easy"]
)
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"], ids=str)
def test_max_margin_student_as_the_ridge_vanishes(loss, selection, degrees):
    options = {"selection": selection, "probe_angle": math.radians(degrees)}
    margin = max_margin(2.0, **options)
    small = empirical_risk(2.0, loss=loss, ridge=1e-6, **options)
    limit = empirical_risk(2.0, loss=loss, ridge=0.0, **options)
    assert small.generalization_error == pytest.approx(margin.generalization_error, rel=1e-4)
    assert limit.generalization_error == pytest.approx(margin.generalization_error, rel=1e-10)
    assert limit.norm == pytest.approx(1 / margin.margin, rel=1e-10)
    assert limit.probe_overlap == pytest.approx(margin.probe_overlap, abs=1e-10)
    assert limit.training_loss == 0.0
    assert math.isinf(limit.scale)


def test_logistic_student_tends_to_max_margin_slowly():
    margin = error(2.0, "hinge", 0.0, KeepHardest(0.3))
    distances = [abs(error(2.0, "logistic", ridge, KeepHardest(0.3)) - margin) for ridge in (1e-3, 1e-6, 1e-12)]
    assert distances[0] > distances[1] > distances[2]
    assert error(2.0, "logistic", 1e-12, KeepHardest(0.3)) == pytest.approx(margin, rel=0.02)


@pytest.mark.parametrize("loss", SIGNATURE_LOSSES, ids=str)
def test_every_loss_is_hebbs_as_the_ridge_grows(loss):
    options = {"selection": KeepHardest(0.3, True), "probe_angle": 0.4, "label_noise": 0.1}
    limit = empirical_risk(1.5, loss=loss, ridge=math.inf, **options)
    large = empirical_risk(1.5, loss=loss, ridge=1e8, **options)
    assert large.generalization_error == pytest.approx(limit.generalization_error, rel=1e-6)
    assert large.training_error == pytest.approx(limit.training_error, rel=1e-6)
    assert large.training_loss == pytest.approx(limit.training_loss, rel=1e-6)
    assert limit.norm == 0.0


def test_least_interpolation_of_fewer_examples_than_dimensions():
    solution = empirical_risk(0.5, loss="square", ridge=0.0, selection=KeepHardest(0.4), probe_angle=0.2)
    near = empirical_risk(0.5, loss="square", ridge=1e-9, selection=KeepHardest(0.4), probe_angle=0.2)
    assert near.generalization_error == pytest.approx(solution.generalization_error, rel=1e-8)
    assert (solution.training_loss, solution.training_error) == (0.0, 0.0)
    assert near.training_loss < 1e-15


def test_norm_diverges_where_least_squares_meets_interpolation():
    solution = empirical_risk(1.0, loss="square", ridge=0.0, selection=KeepHardest(0.4))
    assert (solution.generalization_error, solution.norm) == (0.5, math.inf)
    assert error(1.0 + 1e-9, "square", 0.0, KeepHardest(0.4)) == pytest.approx(0.5, abs=1e-4)


selections = st.one_of(
    st.builds(KeepHardest, st.floats(0.02, 1.0), st.booleans()),
    st.builds(KeepEasiest, st.floats(0.02, 1.0), st.booleans()),
    st.builds(lambda low, share: KeepBetween(low, low + share * (1 - low)), st.floats(0.0, 0.9), st.floats(0.05, 1.0)),
    st.builds(lambda f, share: Calibrated(KeepHardest(f), share), st.floats(0.02, 1.0), st.floats(0.0, 1.0)),
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.sampled_from(SIGNATURE_LOSSES),
    st.floats(-1.0, 2.3),
    st.floats(-7.0, 3.0),
    selections,
    st.sampled_from([0.0, 0.5, 5.0, 30.0, 90.0]),
    st.sampled_from([0.0, 0.02, 0.2]),
)
def test_every_student_meets_the_equations(loss, log_alpha, log_ridge, selection, degrees, noise):
    solution = empirical_risk(
        10**log_alpha,
        loss=loss,
        ridge=10**log_ridge,
        selection=selection,
        probe_angle=math.radians(degrees),
        label_noise=noise,
    )
    assert solution.residual < 1e-9
    assert np.linalg.norm(solution.direction) == pytest.approx(1.0, rel=1e-13)
    assert 0 <= solution.training_error <= 1
    assert solution.training_loss >= 0
    assert solution.noisy_test_error >= noise or solution.generalization_error > 0.5


@pytest.mark.parametrize("loss", SIGNATURE_LOSSES, ids=str)
def test_training_loss_is_what_the_minimum_says(loss):
    """d/dλ of the least risk is ‖w‖²/2, so training loss and norm belong together."""
    options = {"loss": loss, "selection": KeepHardest(0.4), "probe_angle": 0.3, "label_noise": 0.1}
    low, middle, high = (empirical_risk(2.0, ridge=ridge, **options) for ridge in (0.199, 0.2, 0.201))
    risks = [2.0 * s.training_loss + s.ridge * s.norm**2 / 2 for s in (low, high)]
    assert (risks[1] - risks[0]) / 0.002 == pytest.approx(middle.norm**2 / 2, rel=1e-5)


@pytest.mark.parametrize("loss", SIGNATURE_LOSSES, ids=str)
def test_right_angle_probe_knows_nothing(loss):
    assert error(2.5, loss, 0.1, KeepHardest(0.3), 90) == pytest.approx(error(2.5, loss, 0.1), rel=1e-11)


def test_perfect_probe_joins_a_nearly_perfect_one():
    for noise in (0.0, 0.1):
        near, at = (error(2.0, "hinge", 0.1, KeepHardest(0.3, True), d, label_noise=noise) for d in (1e-4, 0.0))
        assert near == pytest.approx(at, rel=1e-5)


def test_labels_of_pure_noise_teach_nothing():
    assert error(2.0, "logistic", 0.1, KeepHardest(0.3), 20, label_noise=0.5) == pytest.approx(0.5, abs=1e-12)


def test_noise_makes_the_student_worse_and_the_noisy_test_harder():
    options = {"loss": "logistic", "ridge": 0.1, "selection": KeepHardest(0.4), "probe_angle": 0.2}
    clean, noisy = (empirical_risk(3.0, label_noise=noise, **options) for noise in (0.0, 0.1))
    assert noisy.generalization_error > clean.generalization_error
    assert noisy.noisy_test_error == pytest.approx(0.1 + 0.8 * noisy.generalization_error, rel=1e-14)


def test_smooth_rule_and_weights_join_the_closed_form():
    g = KeepHardest(0.3).thresholds()[1]
    rule = KeepWithProbability(lambda z, y: 1.0 * (np.abs(z) < g), edges=(-g, g))
    expected = error(2.0, "hinge", 0.1, KeepHardest(0.3), 15)
    assert error(2.0, "hinge", 0.1, rule, 15) == pytest.approx(expected, rel=1e-9)
    ones = {"sample_weight": lambda margin: np.ones_like(margin)}
    assert error(2.0, "hinge", 0.1, KeepHardest(0.3), 15, **ones) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("loss", ["square", "hinge"], ids=str)
def test_a_weight_of_two_everywhere_is_half_the_ridge(loss):
    doubled = error(2.0, loss, 0.2, KeepHardest(0.3), 15, sample_weight=lambda margin: 2 * np.ones_like(margin))
    assert doubled == pytest.approx(error(2.0, loss, 0.1, KeepHardest(0.3), 15), rel=1e-9)


def test_inverse_probability_weights_remove_the_bias_of_pruning():
    """With many examples, weights 1/q make the square student that of all data: its direction is the teacher."""
    chance = lambda z, y: 0.2 + 0.8 * np.exp(-((z - 0.5) ** 2)) * (1 + y * z / (1 + z * z)) / 2  # noqa: E731
    rule = KeepWithProbability(chance)
    weight = lambda m: 1 / rule.folded_probability(m)  # noqa: E731
    plain, weighted = (error(1e5, "square", 0.0, rule, 30, **o) for o in ({}, {"sample_weight": weight}))
    assert weighted < 0.01 < plain


def test_curve_is_shaped_like_alpha():
    solution = empirical_risk([3.0, 0.5], loss="logistic", ridge=0.1, selection=KeepHardest(0.2))
    assert solution.generalization_error.shape == solution.norm.shape == (2,)
    assert solution.direction.shape == (2, 3)
    assert solution.generalization_error[1] == pytest.approx(error(0.5, "logistic", 0.1, KeepHardest(0.2)), rel=1e-13)
    assert np.ndim(error(0.5, "logistic", 0.1)) == 0


def test_unregularised_logistic_needs_labels_that_are_not_separable():
    with pytest.raises(ValueError, match=r"`ridge` must be > 0 where the kept labels are separable, alpha_prune < inf"):
        error(3.0, "logistic", 0.0)
    with pytest.raises(ValueError, match=r"alpha_prune < 2.992286; got 0 at alpha_prune = 2.9"):
        error(2.9, "logistic", 0.0, label_noise=0.1)
    above, near = (error(3.2, "logistic", ridge, label_noise=0.1) for ridge in (0.0, 1e-9))
    assert above == pytest.approx(near, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ridge": -1.0}, "`ridge` must be >= 0; got -1.0"),
        ({"ridge": "a"}, "`ridge` must be a number; got 'a'"),
        ({"ridge": 1e200}, r"`ridge` must be at most 1e\+100, or infinite"),
        ({"label_noise": None}, "`label_noise` must be a number; got None"),
        ({"alpha_prune": "x"}, "`alpha_prune` must be a number or a list of numbers; got 'x'"),
        ({"loss": "huber"}, '`loss` must be "square", "logistic"'),
        ({"label_noise": 0.6}, r"`label_noise` must be in \[0, 1/2\]; got 0.6"),
        ({"label_noise": math.nan}, "`label_noise` must be in"),
        ({"probe_angle": 20.0}, "convert degrees"),
        ({"alpha_prune": 0.0}, "`alpha_prune` must be finite and > 0"),
        ({"selection": 0.5}, "`selection` must be a rule"),
    ],
    ids=["ridge", "text", "huge ridge", "none", "text alpha", "loss", "noise", "nan noise", "angle", "alpha", "rule"],
)
def test_bad_parameters_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        empirical_risk(**{"alpha_prune": 1.0, "loss": "square", "ridge": 0.1, "selection": RANDOM} | options)


@pytest.mark.parametrize("loss", ["logistic", "squared_hinge"], ids=str)
@pytest.mark.parametrize(
    ("selection", "weight"),
    [(KeepHardest(0.4), None), (KeepEasiest(0.3, True), lambda margin: 1 + 0.5 * np.tanh(margin))],
    ids=["closed form", "quadrature"],
)
def test_jacobian_of_the_saddle_point_is_that_of_differences(loss, selection, weight):
    """In the solver's unknowns (x, ln τ), τ = b/V."""
    risk = RegularisedRisk(LOSSES[loss], KeptAverages(selection.kept_distribution(0.3, 0.1), weight))

    def equations(unknowns):
        *components, log_tau = unknowns
        scale = components[2] * math.exp(-log_tau)
        return risk.equations(OrderParameters(2.0, 0.1, np.array(components), scale))

    here, step = np.array([0.9, 0.5, 1.2, 0.3]), 1e-5
    for column, direction in zip(equations(here).jacobian.T, np.eye(4), strict=True):
        ahead, behind = (equations(here + sign * step * direction).gradient for sign in (1, -1))
        assert column == pytest.approx((ahead - behind) / (2 * step), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(("loss", "ridge"), [("square", 0.1), ("hinge", 0.1), ("logistic", 1e-6)], ids=str)
def test_a_student_that_the_second_evaluation_does_not_confirm_is_refused(loss, ridge, monkeypatch):
    """One per cent off the saddle point, the independent residual is seen and raised, whatever the solver says."""
    module = sys.modules["replica_theory._empirical_risk.minimiser"]
    honest = module.independent_residual

    def off_the_saddle_point(averages, loss, point):
        moved = point.components * [1.01, 1.0, 1.0]
        return honest(averages, loss, module.replace(point, components=moved))

    monkeypatch.setattr(module, "independent_residual", off_the_saddle_point)
    with pytest.raises(SaddlePointError, match="second evaluation does not confirm") as refused:
        error(2.0, loss, ridge, KeepHardest(0.3), 20)
    assert refused.value.residual > 1e-5


def test_large_scale_of_the_logistic_proximal_operator_is_no_trap():
    """V ≈ 1/λ: where a cycling Newton's method fails, students at neighbouring ridges would not join."""
    options = {"loss": "logistic", "selection": KeepHardest(0.4), "probe_angle": 0.3}
    students = [empirical_risk(2.0, ridge=10.0**-k, **options) for k in range(1, 11)]
    assert max(student.scale for student in students) > 1e8
    assert max(student.residual for student in students) < 1e-9
    errors = [student.generalization_error for student in students]
    assert max(abs(a - b) for a, b in itertools.pairwise(errors[2:])) < 0.005


@pytest.mark.parametrize("degrees", [0.0, 20.0], ids="{}deg".format)
@pytest.mark.parametrize("fraction", [1e-2, 1e-3], ids=str)
def test_thin_strips_of_data_keep_every_digit(fraction, degrees):
    rule, angle = KeepHardest(fraction), math.radians(degrees)
    expected = max_margin(3.0, selection=rule, probe_angle=angle).generalization_error
    assert error(3.0, "hinge", 0.0, rule, degrees) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (2.0, "`sample_weight` must be a function of signed margins; got 2.0"),
        (lambda margin: -np.ones_like(margin), r"`sample_weight` must return finite weights > 0 .* from -1.0 to -1.0"),
        (lambda margin: 1.0, r"`sample_weight` must return finite weights > 0 .* got shape \(\)"),
        (lambda margin: margin * np.nan, r"`sample_weight` must return finite weights > 0"),
    ],
    ids=["number", "negative", "shape", "nan"],
)
def test_bad_weights_are_named(weight, message):
    with pytest.raises(ValueError, match=message):
        error(2.0, "hinge", 0.1, sample_weight=weight)


def test_a_curve_is_its_points_in_any_order():
    alphas = np.array([9.0, 0.2, 3.0, 3.1, 0.21, 40.0])
    for loss, ridge in itertools.product(("logistic", "hinge"), (1e-4, 0.1)):
        options = {"selection": KeepHardest(0.3, True), "degrees": 20, "label_noise": 0.1}
        curve = error(alphas, loss, ridge, **options)
        assert curve == pytest.approx([error(alpha, loss, ridge, **options) for alpha in alphas], rel=1e-10)


@pytest.mark.parametrize("loss", SIGNATURE_LOSSES, ids=str)
@pytest.mark.parametrize("degrees", [6e-139, 1e-10, 90.0], ids=str)
def test_extreme_angles_join_their_neighbours(loss, degrees):
    options = {"selection": KeepHardest(0.3), "label_noise": 0.1}
    neighbour = 0.0 if degrees < 1 else degrees - 1e-9
    assert error(2.0, loss, 0.1, degrees=degrees, **options) == pytest.approx(
        error(2.0, loss, 0.1, degrees=neighbour, **options), rel=1e-7
    )


def test_many_examples_keep_the_digits_of_the_square_student():
    """α = 1e5: ε² α is its limit to 1/α, and twice the α gives half of it."""
    options = {"loss": "square", "selection": RANDOM, "ridge": 0.1}
    few, many = (empirical_risk(alpha, **options).generalization_error for alpha in (1e5, 2e5))
    assert few**2 == pytest.approx(2 * many**2, rel=2e-5)
