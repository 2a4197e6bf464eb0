"""The finite-size term: its arithmetic, students in few dimensions, where it is large, and hundreds of fresh points."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from perceptron_pruning import compare, simulate
from perceptron_pruning.comparison import Comparison
from perceptron_pruning.evidence.calibration import Calibration, calibration
from perceptron_pruning.finite_size import (
    NEXT_ORDER,
    UNKNOWN_POOL,
    FiniteSizeTerm,
    Statistic,
    estimate,
    value_and_slope,
)
from replica_theory import (
    Calibrated,
    EmpiricalRisk,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    finite_size,
)

FEW = 20


def test_value_and_slope_of_a_power():
    assert value_and_slope(lambda alphas: 3 * alphas**-1.5, 2.0) == pytest.approx((3 * 2**-1.5, -1.5), rel=1e-9)


def test_estimates_carry_their_standard_errors():
    trials = np.random.default_rng(1).normal(3.0, 2.0, (4000, 50))
    factors: dict[Statistic, float] = {"mean": 1.0, "median": math.sqrt(math.pi / 2)}
    for statistic, factor in factors.items():
        estimates, errors = np.array([estimate(row, statistic) for row in trials]).T
        assert estimates.std() == pytest.approx(factor * 2.0 / math.sqrt(50), rel=0.05)
        assert errors.mean() == pytest.approx(factor * 2.0 / math.sqrt(50), rel=0.1)


def test_the_declared_error_is_the_next_order():
    cell = finite_size(3.0, n_features=50, selection=KeepHardest(0.4), probe_angle=0.3)
    shifts: dict[Statistic, float] = {"mean": cell.mean_shift, "median": cell.median_shift}
    for statistic, shift in shifts.items():
        term = FiniteSizeTerm.of(cell, statistic)
        assert term.value == shift
        assert term.error == pytest.approx(NEXT_ORDER * shift**2 / cell.value)


def test_it_is_larger_where_the_effect_of_a_pool_is_not_known():
    cell = finite_size(3.0, n_features=50, selection=Calibrated(KeepHardest(0.4), 0.3), probe_angle=0.3)
    term = FiniteSizeTerm.of(cell, "mean")
    assert UNKNOWN_POOL * cell.value / 50 < term.error < 1.2 * UNKNOWN_POOL * cell.value / 50


def test_the_allowance_says_what_it_is_and_whence():
    comparison = compare(simulate(1.0, selection=KeepRandom(), n_features=20, n_trials=10))
    assert "nothing fitted" in comparison.allowance
    assert f"{comparison.finite_size:+.2g} ± {comparison.finite_size_error:.1g}" in comparison.allowance


def test_the_largest_z_is_the_callers():
    simulation = simulate(1.0, selection=KeepRandom(), n_features=20, n_trials=10)
    z_score = abs(compare(simulation).z_score)
    assert compare(simulation, largest_z=1.01 * z_score).agrees
    assert not compare(simulation, largest_z=0.99 * z_score).agrees


@pytest.mark.parametrize(
    ("rule", "degrees", "alpha"),
    [
        pytest.param(KeepRandom(), 0, 2.5, id="unpruned"),
        pytest.param(KeepHardest(0.5), 0, 5.0, id="hard"),
        pytest.param(KeepHardest(0.6), 20, 1.5, id="hard, imperfect probe"),
        pytest.param(KeepEasiest(0.4), 0, 3.0, id="easy"),
    ],
)
def test_few_dimensions_are_off_the_limit_as_expected(rule, degrees, alpha):
    """The bias is far outside the noise, and the term explains most of it."""
    simulation = simulate(
        alpha, selection=rule, probe_angle=math.radians(degrees), n_features=FEW, n_trials=2000, seed=11
    )
    comparison = compare(simulation)
    assert comparison.statistic == "mean"
    assert abs(comparison.z_score) < 2
    assert abs(comparison.difference) > 4 * comparison.standard_error
    assert abs(comparison.difference - comparison.finite_size) < 0.5 * abs(comparison.difference)


def test_few_mistakes_are_off_the_limit_as_expected():
    """One trial in twenty has a mistake, which decides there: an expansion in 1/N alone is wrong by 10 %."""
    setting = {"selection": KeepEasiest(0.3), "probe_angle": math.radians(20)}
    comparison = compare(simulate(10.0, **setting, n_features=FEW, n_trials=800, seed=5))
    expected = finite_size(10.0, n_features=FEW, **setting)
    assert abs(comparison.z_score) < 2
    assert abs(comparison.difference) > 8 * comparison.standard_error
    by_expansion = expected.density_shift + expected.pool_shift
    assert abs(comparison.difference - by_expansion) > max(20 * comparison.standard_error, 0.08 * comparison.theory)


@pytest.mark.parametrize(
    ("rule", "degrees", "alpha", "student", "noise"),
    [
        pytest.param(KeepHardest(0.4), 20, 2.0, "max_margin", 0.0, id="max margin"),
        pytest.param(KeepHardest(0.4), 20, 2.0, EmpiricalRisk("logistic", ridge=0.1), 0.1, id="logistic"),
    ],
)
def test_trials_scatter_as_expected(rule, degrees, alpha, student, noise):
    setting = {"selection": rule, "probe_angle": math.radians(degrees), "label_noise": noise, "n_features": 60}
    errors = simulate(alpha, **setting, n_trials=1000, seed=3, student=student).generalization_error
    expected = finite_size(alpha, **setting, risk=None if student == "max_margin" else student)
    assert errors.std() == pytest.approx(expected.standard_deviation, rel=0.1)  # 2 % of noise, 3 % of the next order


def test_next_to_a_transition_medians_are_compared():
    comparison = compare(simulate(2.0, selection=KeepHardest(0.08), n_features=40, n_trials=1000, seed=2))
    errors, expected = (
        comparison.simulation.generalization_error,
        finite_size(2.0, n_features=40, selection=KeepHardest(0.08)),
    )
    assert comparison.statistic == "median"
    assert comparison.simulated == np.median(errors)
    assert comparison.finite_size == expected.median_shift
    assert abs(comparison.z_score) < 2
    assert comparison.finite_size < -0.3 * comparison.theory
    assert errors.mean() - comparison.theory > 5 * errors.std() / math.sqrt(errors.size)


def test_theory_that_is_wrong_by_three_percent_is_rejected():
    comparison = compare(simulate(2.0, selection=KeepRandom(), n_features=60, n_trials=800, seed=4))
    uncertainty = math.hypot(comparison.standard_error, comparison.finite_size_error)
    assert abs(comparison.z_score) < 2
    assert 0.03 * comparison.theory > 6 * uncertainty


# fresh points

SIZES = {50: 400, 100: 300, 200: 150, 400: 60}  # trials by N
FRESH_SEED = 90_000


def few_mistakes() -> Iterator[Comparison]:
    """Curves of the easiest by an imperfect probe, at every size: 144 points."""
    for degrees in (10, 20, 30):
        for fraction in (0.2, 0.4):
            for index, alpha in enumerate((0.5, 1.0, 2.0, 4.0, 7.0, 10.0)):
                for n_features, n_trials in SIZES.items():
                    yield compare(
                        simulate(
                            alpha,
                            selection=KeepEasiest(fraction),
                            probe_angle=math.radians(degrees),
                            n_features=n_features,
                            n_trials=n_trials,
                            seed=FRESH_SEED + 100 * degrees + 10 * index + round(10 * fraction),
                        )
                    )


def random_points(number: int) -> Iterator[Comparison]:
    """Points of all rules, seen or unseen labels, θ from 0 to 30°, α from .3 to 20, and students of all losses."""
    rng = np.random.default_rng(FRESH_SEED)
    for index in range(number):
        aware, fraction, lower = bool(rng.random() < 0.3), float(rng.uniform(0.1, 1)), float(rng.uniform(0, 0.6))
        rule = (
            KeepHardest(fraction, label_aware=aware),
            KeepEasiest(fraction, label_aware=aware),
            KeepRandom(fraction),
            KeepBetween(lower, lower + float(rng.uniform(0.2, 1 - lower)), label_aware=aware),
        )[rng.choice(4, p=[0.4, 0.25, 0.1, 0.25])]
        loss, ridge = str(rng.choice(["square", "logistic", "hinge", "squared_hinge"])), float(rng.choice([0.01, 0.1]))
        is_max_margin = rng.random() < 0.75
        n_features = int(rng.choice([50, 100]))
        yield compare(
            simulate(
                float(np.exp(rng.uniform(math.log(0.3), math.log(20)))),
                selection=rule,
                probe_angle=math.radians(float(rng.choice([0, 5, 10, 20, 30]))),
                n_features=n_features,
                n_trials=SIZES[n_features] // 2,
                seed=FRESH_SEED + index,
                student="max_margin" if is_max_margin else EmpiricalRisk(loss, ridge=ridge),
                label_noise=0.0 if is_max_margin else float(rng.choice([0, 0.1])),
            )
        )


def scatter(comparisons: list[Comparison], *, theory: float = 1.0) -> Calibration:
    """The z-scores that a theory of ``theory`` times the true one would have."""
    return calibration([
        {
            "z_score": point.z_score
            - (theory - 1) * point.theory / math.hypot(point.standard_error, point.finite_size_error),
            "rule": repr(point.simulation.selection),
            "probe_angle_degrees": math.degrees(point.simulation.probe_angle),
            "alpha_prune": point.simulation.alpha_prune,
            "n_features": point.simulation.n_features,
        }
        for point in comparisons
    ])  # fmt: skip


@pytest.fixture(scope="module")
def curves() -> list[Comparison]:
    return list(few_mistakes())


@pytest.fixture(scope="module")
def scattered() -> list[Comparison]:
    return list(random_points(280))


@pytest.mark.slow  # a quarter of an hour of one core
def test_fresh_points_are_standard_normal_about_the_theory_and_its_term(curves, scattered):
    for points in (curves, scattered, curves + scattered):
        found = scatter(points)
        print(found)
        assert found.shapiro_p > 0.01
        assert found.ks_p > 0.01
        assert 0.9 < found.standard_deviation < 1.1


@pytest.mark.slow
def test_the_same_points_reject_a_theory_that_is_wrong_by_three_percent(curves, scattered):
    for points in (curves, scattered):
        for factor in (0.97, 1.03):
            assert scatter(points, theory=factor).ks_p < 1e-6


@pytest.mark.slow
def test_the_term_is_needed(curves):
    """Without it the same points refute the right theory."""
    z_scores = np.array([point.difference / point.standard_error for point in curves])
    assert np.abs(z_scores).max() > 8
