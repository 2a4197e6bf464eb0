"""Bayes-optimal floors: constants, limits, the order of knowledge, and message passing on samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr, ndtr, ndtri

from replica_theory import (
    Calibrated,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    bayes,
    bayes_optimal,
    empirical_risk,
    max_margin,
    optimal_ridge,
    version_space,
)
from replica_theory._bayes.fixed_point import first_stable_fixed_point
from replica_theory._bayes.known_rule import solve_known_rule

TABLE = {1.0: 0.25437297, 2.0: 0.17453419, 5.0: 0.08393517}
BAYES_CONSTANT = 0.4417000435849083


def floor(alpha, selection, degrees, knows):
    return bayes_optimal(alpha, selection=selection, probe_angle=math.radians(degrees), knows=knows)


@pytest.mark.parametrize("alpha", TABLE, ids=str)
@pytest.mark.parametrize(
    ("selection", "degrees", "knows"),
    [
        (KeepRandom(), 0, "rule"),
        (KeepRandom(0.3), 20, "rule"),
        (KeepRandom(), 90, "probe"),
        (KeepHardest(0.3), 90, "probe"),
        (KeepRandom(1e-9), 20, "rule"),
        (KeepHardest(0.4), 90, "rule"),
    ],
    ids=str,
)
def test_random_data(alpha, selection, degrees, knows):
    assert floor(alpha, selection, degrees, knows).generalization_error == pytest.approx(TABLE[alpha], abs=5e-9)


@pytest.mark.parametrize(
    ("alpha", "degrees", "knows", "expected", "digits"),
    [
        (2.0, 20, "probe", 0.066095, 5.1e-7),
        (2.0, 0, "rule", 0.0484945, 5.1e-8),
        (1.0, 0, "rule", 0.2503508, 5.1e-8),
        (2.0, 20, "rule", 0.0796093, 5.1e-8),
    ],
    ids=str,
)
def test_constants_of_hard_data(alpha, degrees, knows, expected, digits):
    assert floor(alpha, KeepHardest(0.4), degrees, knows).generalization_error == pytest.approx(expected, abs=digits)


def test_overlap_of_the_probes_knower():
    solution, angle = floor(2.0, KeepHardest(0.4), 20, "probe"), math.radians(20)
    q = (solution.overlap**2 - math.cos(angle) ** 2) / math.sin(angle) ** 2
    assert q == pytest.approx(0.636681, abs=5.1e-7)


def test_version_spaces_centre_is_the_floor_of_random_data():
    centre = version_space([0.3, 4.0, 1e3], selection=KeepRandom()).center_of_mass_error
    assert floor([0.3, 4.0, 1e3], KeepRandom(), 0, "rule").generalization_error == pytest.approx(centre, rel=1e-10)
    assert 1e5 * floor(1e5, KeepRandom(), 0, "rule").generalization_error == pytest.approx(BAYES_CONSTANT, rel=1e-8)


@pytest.mark.parametrize(
    "selection",
    [
        KeepHardest(0.4),
        KeepEasiest(0.3),
        Calibrated(KeepHardest(0.2), 0.3),
    ],
    ids=repr,
)
def test_floor_is_under_every_student_and_knowing_more_is_better(selection):
    degrees, angle = 20, math.radians(20)
    probe, rule = (floor(2.0, selection, degrees, knows).generalization_error for knows in ("probe", "rule"))
    options = {"selection": selection, "probe_angle": angle}
    students = [max_margin(2.0, **options).generalization_error]
    students += [
        empirical_risk(2.0, loss=loss, ridge=0.1, **options).generalization_error for loss in ("square", "logistic")
    ]
    students.append(optimal_ridge(2.0, loss="square", **options).generalization_error)
    assert probe < rule < min(students)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.floats(-1.5, 2.5), st.floats(0.02, 1.0), st.sampled_from([0.5, 20.0, 90.0]), st.booleans(), st.booleans())
def test_probes_knower_learns_from_every_example(log_alpha, fraction, degrees, easy, aware):
    selection = (KeepEasiest if easy else KeepHardest)(fraction, aware)
    alpha = 10**log_alpha
    few, many = floor([alpha, 1.5 * alpha], selection, degrees, "probe").generalization_error
    assert 0 < many <= few <= degrees / 180 * (1 + 1e-12)


def test_perfect_probe_leaves_its_knower_nothing_to_learn():
    assert floor(2.0, KeepHardest(0.4), 0, "probe").generalization_error == 0.0
    assert floor(2.0, KeepHardest(0.4), 0.01, "probe").generalization_error < 0.01 / 180


def information_on_an_even_grid(intervals, alpha, fraction, angle, covariance):
    """Q̂ with sums over even steps in place of every integral but the label's: w = √Q x, and z in each interval."""
    prior = np.array([[1.0, math.cos(angle)], [math.cos(angle), 1.0]])
    step = np.arange(-8.7, 8.7, 0.06)
    x = np.stack(np.meshgrid(step, step), -1).reshape(-1, 2)
    x = x[(x**2).sum(1) < 75]
    weights = np.exp(-(x**2).sum(1) / 2) * 0.06**2 / (2 * math.pi)
    wz, wu = np.linalg.cholesky(prior - covariance) @ x.T
    spread, slope = math.sqrt(covariance[0, 0]), covariance[0, 1] / math.sqrt(covariance[0, 0])
    rest = math.sqrt(covariance[1, 1] - slope**2)
    legendre, shares = np.polynomial.legendre.leggauss(80)
    chance, by_zeta, by_u = np.zeros((3, wz.size))
    for low, high in intervals:
        ends = np.clip((low - wz) / spread, -9, 9), np.clip((high - wz) / spread, -9, 9)
        half, middle = (ends[1] - ends[0]) / 2, (ends[1] + ends[0]) / 2
        for node, share in zip(legendre, shares, strict=True):
            zeta = middle + half * node
            mass = share * half * np.exp(-zeta * zeta / 2) / math.sqrt(2 * math.pi)
            label = (wu + slope * zeta) / rest
            chance += mass * ndtr(label)
            by_zeta += mass * zeta * ndtr(label)
            by_u += mass * np.exp(-label * label / 2) / math.sqrt(2 * math.pi) / rest
    slopes = np.stack([by_zeta / spread - slope / spread * by_u, by_u])
    return 2 * alpha / fraction * (slopes * weights / np.maximum(chance, 1e-60)) @ slopes.T


@pytest.mark.parametrize("easy", [False, True], ids=["hard", "easy"])
def test_the_rules_knower_meets_its_equations_on_an_even_grid(easy):
    alpha, fraction, angle = 2.0, 0.4, math.radians(20)
    rule = (KeepEasiest if easy else KeepHardest)(fraction)
    covariance, _ = solve_known_rule(rule.kept_distribution(angle), alpha)
    prior = np.array([[1.0, math.cos(angle)], [math.cos(angle), 1.0]])
    low, high = rule.thresholds()
    intervals = [(-40.0, -low), (low, 40.0)] if easy else [(-high, high)]
    information = information_on_an_even_grid(intervals, alpha, fraction, angle, covariance)
    expected = np.linalg.inv(covariance) - np.linalg.inv(prior)
    assert information == pytest.approx(expected, rel=1e-8)
    solution = bayes_optimal(alpha, selection=rule, probe_angle=angle, knows="rule")
    assert solution.generalization_error == pytest.approx(math.acos(math.sqrt(1 - covariance[1, 1])) / math.pi)


def test_rule_of_a_nearly_perfect_probe_joins_the_perfect_one():
    near, at = (floor(2.0, KeepHardest(0.4), degrees, "rule").generalization_error for degrees in (0.02, 0.0))
    assert near == pytest.approx(at, rel=1e-5)


def force(margin):
    return np.exp(-0.5 * margin**2 - log_ndtr(margin)) / math.sqrt(2 * math.pi)


def sampled_probe_knower(rng, *, n, alpha, fraction, angle, iterations=40):
    """Error of generalised approximate message passing on one pruned sample, the probe known.

    Unknown: the teacher's part across the probe, a vector of N − 1 standard normals over √(N − 1).
    """
    kept = round(alpha * n)
    z = rng.standard_normal(round(kept / fraction))
    z = z[np.argsort(np.abs(z))[:kept]]
    inputs = rng.standard_normal((kept, n - 1))
    across = rng.standard_normal(n - 1)
    across /= np.linalg.norm(across)
    bias = z / math.tan(angle)
    labels = np.sign(bias + inputs @ across)
    mean, variance, pull = np.zeros(n - 1), 1.0, np.zeros(kept)
    for _ in range(iterations):
        centre = inputs @ mean - variance * pull
        margin = labels * (centre + bias) / math.sqrt(variance)
        h = force(margin)
        pull = labels * h / math.sqrt(variance)
        precision = kept / (n - 1) * float(np.mean(h * (margin + h))) / variance
        # rows have norm √(n−1): the sum over them is divided by n − 1 to act on a unit vector
        estimate = mean * precision + inputs.T @ pull / (n - 1)
        mean, variance = estimate / (1 + precision), 1 / (1 + precision)
    # the student is cos θ P + sin θ · mean; the teacher cos θ P + sin θ · across
    c, s = math.cos(angle), math.sin(angle)
    student, teacher = np.append(s * mean, c), np.append(s * across, c)
    return math.acos(student @ teacher / np.linalg.norm(student)) / math.pi


@pytest.mark.parametrize("fraction", [0.4, 1.0], ids=str)
def test_message_passing_reaches_the_floor_of_the_probes_knower(fraction):
    rng, angle = np.random.default_rng(11), math.radians(20)
    sampled = [sampled_probe_knower(rng, n=600, alpha=2.0, fraction=fraction, angle=angle) for _ in range(24)]
    expected = floor(2.0, KeepHardest(fraction), 20, "probe").generalization_error
    spread = np.std(sampled, ddof=1) / math.sqrt(len(sampled))
    assert spread < 0.02 * expected
    assert abs(np.mean(sampled) - expected) < 4 * spread
    wrong = floor(2.0, KeepHardest(fraction), 22, "probe").generalization_error
    assert abs(np.mean(sampled) - wrong) > 4 * spread


def sampled_rule_knower(rng, *, n, alpha, fraction, threshold, iterations=60):
    """The same for a perfect probe that is unknown, with the rule |u| < g known."""
    kept = round(alpha * n)
    teacher = rng.standard_normal(n)
    teacher /= np.linalg.norm(teacher)
    field = ndtri(0.5 + fraction * (rng.random(kept) - 0.5))  # |u| < g to the edge, which the student relies on
    inputs = rng.standard_normal((kept, n))
    inputs += np.outer(field - inputs @ teacher, teacher)
    labels = np.sign(field)
    mean, variance, pull = np.zeros(n), 1.0, np.zeros(kept)
    for _ in range(iterations):
        centre = inputs @ mean - variance * pull
        width = math.sqrt(variance)
        high, low = (threshold - labels * centre) / width, -labels * centre / width
        chance = np.maximum(ndtr(high) - ndtr(low), 1e-300)
        at_low, at_high = (np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi) for x in (low, high))
        first = (at_low - at_high) / chance
        second = (low * at_low - high * at_high) / chance - first**2
        pull = labels * first / width
        reaction = -kept / n * float(np.mean(second)) / variance
        estimate = mean * reaction + inputs.T @ pull / n
        # kept fields are short, which speaks for short teachers: their length is known, and fixes the precision
        precision = (1 + math.sqrt(1 + 4 * float(estimate @ estimate))) / 2
        mean, variance = estimate / precision, 1 / precision
    return math.acos(mean @ teacher / np.linalg.norm(mean)) / math.pi


def test_message_passing_reaches_the_floor_of_the_rules_knower():
    rng, rule = np.random.default_rng(12), KeepHardest(0.4)
    g = rule.thresholds()[1]
    sampled = [sampled_rule_knower(rng, n=600, alpha=2.0, fraction=0.4, threshold=g) for _ in range(24)]
    expected = floor(2.0, rule, 0, "rule").generalization_error
    spread = np.std(sampled, ddof=1) / math.sqrt(len(sampled))
    assert spread < 0.02 * expected
    assert abs(np.mean(sampled) - expected) < 4 * spread


def test_a_smooth_rule_is_as_good_as_its_steps():
    g = KeepHardest(0.4).thresholds()[1]
    rule = KeepWithProbability(lambda z, y: 1.0 * (np.abs(z) < g), edges=(-g, g))
    for degrees, knows in ((0, "rule"), (20, "probe")):
        expected = floor(2.0, KeepHardest(0.4), degrees, knows).generalization_error
        assert floor(2.0, rule, degrees, knows).generalization_error == pytest.approx(expected, rel=1e-9)


def test_shape_and_refusals(monkeypatch):
    assert floor([1.0, 2.0], KeepHardest(0.4), 20, "probe").generalization_error.shape == (2,)
    with pytest.raises(ValueError, match='`knows` must be "probe" or "rule"; got \'all\''):
        floor(1.0, KeepRandom(), 0, "all")
    one_sided = KeepWithProbability(lambda z, y: 1.0 * (z > 0), edges=(0.0,))
    with pytest.raises(ValueError, match="`selection` must treat both labels alike"):
        floor(1.0, Calibrated(one_sided, 0.5), 20, "rule")
    monkeypatch.setattr(bayes, "solve_known_probe", lambda kept, alpha: (1.0, 1e-3))
    with pytest.raises(SaddlePointError, match="second quadrature does not confirm"):
        floor(1.0, KeepRandom(), 20, "probe")


@pytest.mark.parametrize(
    ("rule", "degrees", "alpha"),
    [
        (KeepEasiest(0.3), 10, 3.0),
        (KeepEasiest(0.8), 5, 0.3),
        (KeepHardest(0.05), 20, 0.3),
        (KeepHardest(0.1), 20, 1.0),  # where what is learned of the probe's sign just does not die out
    ],
    ids=str,
)
def test_the_rule_alone_is_verified_where_what_it_tells_is_nearly_one_number(rule, degrees, alpha):
    """The information is then a nearly singular matrix, and steps off it must stay positive."""
    floor = bayes_optimal(alpha, selection=rule, probe_angle=math.radians(degrees), knows="rule")
    assert floor.residual <= 1e-9


def test_a_fixed_point_that_does_not_attract_is_passed_by():
    """Q̂ = diag(x, y) ↦ diag(½, 3y/(2 + 2y)): from ignorance it is near the saddle y = 0 long before it leaves for ½."""

    def mapped(information):
        y = information[1, 1]
        return np.diag([0.5, 1.5 * y / (1 + y)])

    assert first_stable_fixed_point(mapped) == pytest.approx(np.diag([0.5, 0.5]), abs=1e-6)


def test_iteration_does_not_stop_where_it_merely_passes_by():
    """Hard examples tell little until the sign of the probe is known: a saddle on the way, which once was refused."""
    setting = {"selection": KeepHardest(0.0212), "probe_angle": 0.2072}
    rule = bayes_optimal(4.975, knows="rule", **setting).generalization_error
    probe = bayes_optimal(4.975, knows="probe", **setting).generalization_error
    assert probe < rule < 1.1 * probe
