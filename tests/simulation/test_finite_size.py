"""The finite-size term: its arithmetic, and real students in few dimensions, where it is large."""

import math

import numpy as np
import pytest

from perceptron_pruning import compare, simulate
from perceptron_pruning.finite_size import OF_ERRORS, FiniteSizeLaw, LocalCurve, estimate
from replica_theory import KeepEasiest, KeepHardest, KeepRandom, max_margin

FEW = 40


def test_derivatives_of_a_power():
    curve = LocalCurve.of(lambda alphas: 3 * alphas**-1.5, 2.0)
    assert (curve.value, curve.slope) == pytest.approx((3 * 2**-1.5, -1.5), rel=1e-3)
    assert curve.second == pytest.approx(2.25 * curve.value, rel=1e-3)


def test_a_shift_of_one_is_a_dimension_less():
    def theory(alphas):
        return max_margin(alphas, selection=KeepHardest(0.4)).generalization_error

    law, alpha, n = FiniteSizeLaw(shift=1.0, scatter=0.0, remainder=0.0), 3.0, 200
    expected, uncertainty = law.bias(LocalCurve.of(theory, alpha), n)
    assert expected == pytest.approx(
        theory(np.array([alpha * n / (n - 1)]))[0] - theory(np.array([alpha]))[0], rel=0.02
    )
    assert uncertainty == 0


def test_scatter_is_what_a_random_size_does_to_the_mean_and_not_to_the_median():
    law, n, rng = FiniteSizeLaw(shift=0.0, scatter=0.45, remainder=0.0), 100, np.random.default_rng(0)
    sizes = 2.0 * np.exp(math.sqrt(2 * law.scatter / n) * rng.standard_normal(200_000))
    values, curve = sizes**-3.0, LocalCurve.of(lambda alphas: alphas**-3.0, 2.0)
    for statistic in ("mean", "median"):
        simulated, error = estimate(values, statistic)
        expected, _ = law.bias(curve, n, statistic)
        assert simulated - curve.value == pytest.approx(expected, abs=5 * error + 0.05 * abs(expected))
    assert law.bias(curve, n, "median")[0] == 0


def test_estimates_carry_their_standard_errors():
    trials = np.random.default_rng(1).normal(3.0, 2.0, (4000, 50))
    for statistic, factor in (("mean", 1.0), ("median", math.sqrt(math.pi / 2))):
        estimates, errors = np.array([estimate(row, statistic) for row in trials]).T
        assert estimates.std() == pytest.approx(factor * 2.0 / math.sqrt(50), rel=0.05)
        assert errors.mean() == pytest.approx(factor * 2.0 / math.sqrt(50), rel=0.1)


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
        alpha, selection=rule, probe_angle=math.radians(degrees), n_features=FEW, n_trials=4000, seed=11
    )
    comparison = compare(simulation)
    assert comparison.statistic == "mean"
    assert abs(comparison.z_score) < 2
    assert abs(comparison.difference) > 4 * comparison.standard_error
    assert abs(comparison.difference - comparison.finite_size) < 0.5 * abs(comparison.difference)


def test_next_to_a_transition_medians_are_compared():
    comparison = compare(simulate(2.0, selection=KeepHardest(0.08), n_features=FEW, n_trials=1500, seed=2))
    errors = comparison.simulation.generalization_error
    assert comparison.statistic == "median"
    assert comparison.simulated == np.median(errors)
    assert comparison.finite_size == pytest.approx(OF_ERRORS.shift * comparison.slope * comparison.theory / FEW)
    assert errors.mean() - comparison.theory > 5 * errors.std() / math.sqrt(errors.size)
