"""Students in N dimensions to order 1/N: the density against its own laws, and against cases that are known by hand."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, dirichlet

from replica_theory import (
    Calibrated,
    EmpiricalRisk,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    empirical_risk,
    finite_size,
    max_margin,
)
from replica_theory._finite_size.density import StudentDensity
from replica_theory._finite_size.expansion import Expansion, expand
from replica_theory._finite_size.mistakes import StudentsByMistakes, share_of_mistakes
from replica_theory._finite_size.observables import error_against
from replica_theory.finite_size import Quantity, _Setting
from replica_theory.geometry import in_plane
from replica_theory.selection.pool_effect import pool_effect

THETA = math.radians(20)


@dataclass(frozen=True)
class OwnSquare:
    """ℓ(u) = ½(1 − u)² as a loss of the user's own."""

    def value(self, field):
        return 0.5 * (1 - field) ** 2

    def proximal(self, omega, scale):
        return (omega + scale) / (1 + scale)


STUDENTS = [
    pytest.param((None, 2.0, KeepRandom(), 0.0, 0.0), id="max margin, unpruned"),
    pytest.param((None, 4.0, KeepEasiest(0.4), THETA, 0.0), id="max margin, easy"),
    pytest.param((None, 1.5, KeepHardest(0.3, label_aware=True), THETA, 0.0), id="max margin, label-aware"),
    pytest.param(
        (None, 2.0, KeepWithProbability(lambda z, y: np.exp(-z * z)), THETA, 0.0), id="max margin, smooth rule"
    ),
    pytest.param((EmpiricalRisk("square", 0.1), 2.0, KeepHardest(0.4), THETA, 0.1), id="square"),
    pytest.param((EmpiricalRisk("square", 0.0), 0.5, KeepHardest(0.4), THETA, 0.1), id="interpolating"),
    pytest.param((EmpiricalRisk("square", 0.0), 3.0, KeepHardest(0.4), THETA, 0.1), id="least squares"),
    pytest.param((EmpiricalRisk("logistic", 0.05), 3.0, KeepBetween(0.2, 0.7), THETA, 0.1), id="logistic"),
    pytest.param((EmpiricalRisk("hinge", 0.05), 3.0, KeepEasiest(0.4), THETA, 0.1), id="hinge"),
    pytest.param((EmpiricalRisk("hinge", 0.0), 1.0, KeepHardest(0.4), THETA, 0.0), id="hinge of separable labels"),
    pytest.param((EmpiricalRisk("squared_hinge", 0.05), 3.0, KeepHardest(0.4), 0.0, 0.1), id="squared hinge, θ = 0"),
    pytest.param(
        (EmpiricalRisk("logistic", 0.05, sample_weight=lambda m: np.exp(-0.3 * m)), 2.0, KeepHardest(0.5), THETA, 0.0),
        id="weighted",
    ),
    pytest.param((EmpiricalRisk(OwnSquare(), 0.1), 2.0, KeepRandom(), 0.0, 0.0), id="own loss"),
]


def density(risk, alpha, rule, angle, noise):
    return _Setting(alpha=alpha, probe_angle=angle, risk=risk, label_noise=noise).density(rule)


@pytest.fixture(scope="module", params=STUDENTS)
def students(request) -> StudentDensity:
    return density(*request.param)


def test_the_density_of_students_integrates_to_one(students):
    assert students.normalisation == pytest.approx(0.0, abs=2e-5)


def test_its_saddle_is_the_replica_theory(students):
    assert np.abs(students.at(students.saddle).gradient).max() < 1e-5


def test_its_curvature_is_the_slope_of_its_gradient(students):
    rng = np.random.default_rng(0)
    point = students.saddle * (1 + 1e-3 * rng.standard_normal(8))
    for _ in range(3):
        step = 1e-5 * students.student[2] * rng.standard_normal(8)
        change = (students.at(point + step).gradient - students.at(point - step).gradient) / 2
        expected = students.at(point).hessian @ step
        assert change == pytest.approx(expected, abs=1e-5 * np.abs(expected).max())


def test_hebbs_student_is_known_by_hand():
    """At a large ridge w ∝ Σ y x: a normal part along the teacher and χ across it, in N − 1 dimensions."""
    alpha, n = 2.0, 100
    cell = finite_size(alpha, n_features=n, selection=KeepRandom(), risk=EmpiricalRisk("square", ridge=1e6))
    along, across = alpha * math.sqrt(2 / math.pi), math.sqrt(alpha)  # of N w; the length across is √α (1 − 3/(4N))
    square = along**2 + across**2
    by_across, twice_across, twice_along = (
        along / square,
        -2 * along * across / square**2,
        2 * along * across / square**2,
    )
    shift = -0.75 * across * by_across + 0.25 * alpha * twice_across + 0.5 * alpha * (1 - 2 / math.pi) * twice_along
    variance = (alpha / 2) * by_across**2 + alpha * (1 - 2 / math.pi) * (across / square) ** 2
    assert cell.value == pytest.approx(math.atan2(across, along) / math.pi, rel=1e-5)
    assert n * cell.mean_shift == pytest.approx(shift / math.pi, rel=1e-3)
    assert n * cell.variance == pytest.approx(variance / math.pi**2, rel=1e-3)


def test_the_norm_of_interpolating_noise_is_known_by_hand():
    """Of pure noise the least interpolating student has ‖w‖² = P/χ² with N − P + 1 degrees of freedom."""
    alpha, risk = 0.4, EmpiricalRisk("square", ridge=0.0)
    students = density(risk, alpha, KeepRandom(), 0.0, 0.5)

    def squared_norm(components):
        return (components[..., :3] ** 2).sum(-1)

    expansion = expand(students, squared_norm)
    limit = alpha / (1 - alpha)
    assert expansion.value == pytest.approx(limit, rel=1e-6)
    assert expansion.shift == pytest.approx(limit / (1 - alpha), rel=1e-4)
    assert expansion.variance == pytest.approx(2 * limit**2 / (1 - alpha), rel=1e-4)
    assert expansion.third_cumulant == pytest.approx(16 * limit**3 / (1 - alpha) ** 2, rel=1e-3)


def test_two_ways_to_the_max_margin_student_agree():
    cells = [
        finite_size(1.5, n_features=80, selection=KeepHardest(0.4), probe_angle=THETA, risk=risk)
        for risk in (None, EmpiricalRisk("hinge", ridge=0.0))
    ]
    assert cells[0].mean_shift == pytest.approx(cells[1].mean_shift, rel=1e-5)
    assert cells[0].variance == pytest.approx(cells[1].variance, rel=1e-5)


def test_the_limits_are_the_theorys():
    solution = max_margin(3.0, selection=KeepHardest(0.4), probe_angle=THETA)
    expected: dict[Quantity, float] = {
        "error": solution.generalization_error,
        "probe_angle": math.acos(solution.probe_overlap) / math.pi,
        "margin": solution.margin,
    }
    for quantity, value in expected.items():
        cell = finite_size(3.0, n_features=100, selection=KeepHardest(0.4), probe_angle=THETA, quantity=quantity)
        assert cell.value == pytest.approx(value, rel=1e-8)


def test_a_third_direction_is_the_teacher_when_its_cosines_say_so():
    setting: dict[str, Any] = {"n_features": 60, "selection": KeepHardest(0.4), "probe_angle": THETA}
    targets: tuple[dict[str, Any], ...] = {}, {"teacher_overlap": 1.0, "probe_overlap": math.cos(THETA)}
    cells = [finite_size(2.0, **setting, **target) for target in targets]
    assert cells[0].mean_shift == pytest.approx(cells[1].mean_shift, rel=1e-6)


def test_the_error_against_an_unrelated_direction_is_one_half_whatever_the_dimension():
    cell = finite_size(2.0, n_features=60, selection=KeepRandom(), teacher_overlap=0.0, probe_overlap=0.0)
    assert cell.value == pytest.approx(0.5)
    assert cell.mean_shift == pytest.approx(0.0, abs=1e-8)
    across = 1 - max_margin(2.0, selection=KeepRandom()).overlap ** 2
    assert cell.variance == pytest.approx(across / math.pi**2 / 60, rel=1e-4)


# finite pools


def test_the_shares_of_a_finite_pool_are_dirichlet_distributed():
    """A value that is quadratic in the kept share has its exact mean and, to leading order, its variance."""
    effect = pool_effect(KeepBetween(0.2, 0.7), n_kept=50, pool=100, value=lambda rule: rule.keep_fraction**2)
    mean, variance = (moment[1] for moment in (dirichlet.mean([20, 51, 30]), dirichlet.var([20, 51, 30])))
    assert effect
    assert effect.shift == pytest.approx(mean**2 + variance - 0.25, rel=1e-6)
    assert effect.variance == pytest.approx((2 * mean) ** 2 * variance, rel=1e-6)


@pytest.mark.parametrize("rule", [KeepHardest(0.3), KeepEasiest(0.3)], ids=["hardest", "easiest"])
def test_one_threshold_varies_at_one_end(rule):
    effect = pool_effect(rule, n_kept=30, pool=100, value=lambda varied: varied.keep_fraction)
    assert effect
    assert effect.shift == pytest.approx(31 / 101 - 0.3, abs=1e-9)
    assert effect.variance == pytest.approx(31 * 70 / 101**2 / 102, rel=1e-6)


def test_ranks_are_those_that_the_rule_keeps():
    """Of 58 examples, 36 kept, 8 are harder where .131 × 58 = 7.6 should be."""
    margins, rule = np.arange(58.0), KeepBetween(0.131, 0.748)
    kept = rule.keep(margins, count=36, rng=np.random.default_rng(0))
    assert rule.harder_count(58, 36) == kept[0] == 8


@pytest.mark.parametrize(
    "rule", [KeepRandom(0.3), KeepWithProbability(lambda z, y: np.exp(-z * z))], ids=["random", "smooth"]
)
def test_a_pool_has_no_effect_on_independent_draws(rule):
    cell = finite_size(1.0, n_features=50, selection=rule, probe_angle=THETA)
    assert (cell.pool_shift, cell.pool_known) == (0.0, True)


@pytest.mark.parametrize(
    "rule",
    [KeepWindows(((0.1, 0.3), (0.6, 0.9))), Calibrated(KeepHardest(0.4), 0.3)],
    ids=["two windows", "a lottery beside a rule"],
)
def test_it_is_said_where_the_effect_of_a_pool_is_not_known(rule):
    assert not finite_size(1.0, n_features=50, selection=rule, probe_angle=THETA).pool_known


def test_one_window_is_a_range():
    setting = {"n_features": 50, "probe_angle": THETA}
    cells = [
        finite_size(1.0, selection=rule, **setting)
        for rule in (KeepWindows(((0.2, 0.7),), label_aware=True), KeepBetween(0.2, 0.7, label_aware=True))
    ]
    assert cells[0].mean_shift == pytest.approx(cells[1].mean_shift, rel=1e-8)


# few mistakes


def by_mistakes(rule, n_kept, value, expand=None):
    kept = rule.kept_distribution(THETA)
    nothing = Expansion(value=0.0, shift=0.0, variance=0.0, third_cumulant=0.0)
    return StudentsByMistakes(
        selection=rule, kept=kept, n_features=50, n_kept=n_kept, value=value, expand=expand or (lambda _: nothing)
    ).moments()


def number_of_mistakes(rule, n_kept):
    return n_kept * share_of_mistakes(rule.kept_distribution(THETA))


@pytest.mark.parametrize("n_kept", [200, 2000], ids=["few", "interpolated"])
def test_the_number_of_mistakes_is_binomial(n_kept):
    rule = KeepEasiest(0.4)
    share, numbers = share_of_mistakes(rule.kept_distribution(THETA)), np.arange(60)
    moments = by_mistakes(rule, n_kept, lambda varied: math.exp(-number_of_mistakes(varied, n_kept)))
    assert moments
    mean = binom.pmf(numbers, n_kept, share) @ np.exp(-numbers)
    assert moments.number_shift == pytest.approx(mean - math.exp(-n_kept * share), rel=1e-3)


def test_the_expansion_is_taken_at_a_given_number_of_mistakes():
    """An expansion that has the fluctuation of the number and nothing else has no shift at a given number."""
    rule, n_kept, n_features = KeepEasiest(0.4), 200, 50

    def value(varied):
        return math.exp(-number_of_mistakes(varied, n_kept))

    def expand(varied):
        number = number_of_mistakes(varied, n_kept)
        scatter = number * (1 - number / n_kept)
        shift, variance = 0.5 * scatter * math.exp(-number), scatter * math.exp(-2 * number)
        return Expansion(
            value=value(varied), shift=n_features * shift, variance=n_features * variance, third_cumulant=0.0
        )

    moments = by_mistakes(rule, n_kept, value, expand)
    share, numbers = share_of_mistakes(rule.kept_distribution(THETA)), np.arange(60)
    chances = binom.pmf(numbers, n_kept, share)
    assert moments
    assert moments.density_shift == pytest.approx(0.0, abs=1e-3 * moments.number_shift)
    variance = chances @ np.exp(-2 * numbers) - (chances @ np.exp(-numbers)) ** 2
    assert moments.variance == pytest.approx(variance, rel=2e-3)


def test_a_value_that_is_linear_in_mistakes_needs_no_mean_over_them():
    assert by_mistakes(KeepEasiest(0.4), 200, lambda rule: 1 + 0.01 * number_of_mistakes(rule, 200)) is None


def test_mistakes_are_counted_by_hand_where_all_is_kept():
    assert share_of_mistakes(KeepRandom().kept_distribution(THETA)) == pytest.approx(THETA / math.pi, rel=1e-9)
    assert share_of_mistakes(KeepRandom().kept_distribution(0.0)) == 0
    assert share_of_mistakes(KeepRandom().kept_distribution(0.0, 0.1)) == pytest.approx(0.1, rel=1e-9)


def test_many_mistakes_are_like_other_examples():
    """The two ways to count them agree to the next order in 1/N."""
    students = density(None, 4.0, KeepEasiest(0.4), THETA, 0.0)
    many = finite_size(4.0, n_features=3000, selection=KeepEasiest(0.4), probe_angle=THETA)
    assert many.mistakes_shift != 0
    together = 3000 * (many.density_shift + many.mistakes_shift)
    assert together == pytest.approx(expand(students, error_against(in_plane(THETA))).shift, rel=0.01)


def test_few_mistakes_matter_to_the_max_margin_student_and_little_to_a_soft_one():
    setting = {"n_features": 50, "selection": KeepEasiest(0.4), "probe_angle": THETA}
    hard = finite_size(4.0, **setting)
    soft = finite_size(4.0, **setting, risk=EmpiricalRisk("logistic", ridge=0.1))
    assert 50 * hard.mistakes_shift / hard.value == pytest.approx(-1.307, abs=5e-3)
    assert abs(50 * hard.density_shift / hard.value) < 0.2
    assert abs(soft.mistakes_shift) < 0.1 * abs(hard.mistakes_shift)


def test_one_mistake_in_a_thousand_trials_does_not_spoil_the_expansion():
    """There D/N is 58/N of the error, all of it from mistakes that next to no trial has."""
    setting = {"selection": KeepEasiest(0.126), "probe_angle": THETA}
    cell = finite_size(22.4, n_features=50, **setting)
    assert abs(cell.mean_shift) < 3e-3 * cell.value
    without = max_margin(22.4, selection=KeepEasiest(0.126, label_aware=True), probe_angle=THETA)
    assert cell.value + cell.mean_shift == pytest.approx(without.generalization_error, rel=1e-3)


# what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_features": 2}, "`n_features` must be at least 3; got 2"),
        ({"alpha_prune": [1.0, 2.0]}, r"`alpha_prune` must be a scalar; got shape \(2,\)"),
        ({"teacher_overlap": 0.5}, "must be given together"),
    ],
    ids=["too few dimensions", "many α", "half a direction"],
)
def test_wrong_parameters_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        finite_size(**{"alpha_prune": 1.0, "n_features": 50, "selection": KeepRandom(), **changes})


def test_the_limit_of_a_risk_is_the_theorys():
    risk = EmpiricalRisk("logistic", ridge=0.1)
    cell = finite_size(2.0, n_features=50, selection=KeepHardest(0.4), probe_angle=THETA, risk=risk, label_noise=0.1)
    theory = empirical_risk(
        2.0, loss="logistic", ridge=0.1, selection=KeepHardest(0.4), probe_angle=THETA, label_noise=0.1
    )
    assert cell.value == pytest.approx(theory.generalization_error, rel=1e-9)
