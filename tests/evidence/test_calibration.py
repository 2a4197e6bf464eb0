"""Tests of z-scores: width and mean by Kolmogorov and Smirnov, tails by Shapiro and Wilk, and the picture of both."""

import numpy as np
import pytest
from scipy.stats import norm

from perceptron_pruning.evidence.calibration import Calibration, calibration
from perceptron_pruning.figures.z_scores import draw

SIZE = 400
STANDARD = norm.ppf((np.arange(SIZE) + 0.5) / SIZE)


def calibrated(z_scores) -> Calibration:
    return calibration(
        [
            {"z_score": z, "rule": "KeepRandom()", "probe_angle_degrees": 0.0, "alpha_prune": 1.0, "n_features": 100}
            for z in z_scores
        ]
    )


def with_heavy_tail(seed: int) -> np.ndarray:
    """Standard normals of which 3 in 100 have four times the declared uncertainty."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(SIZE) * np.where(rng.random(SIZE) < 0.03, 4.0, 1.0)


def test_standard_normals_pass_both_tests():
    scatter = calibrated(STANDARD)
    assert scatter.ks_p > 0.99
    assert scatter.shapiro_p > 0.99


def test_p_values_of_standard_normals_are_uniform():
    rng = np.random.default_rng(0)
    p = np.array([(s.ks_p, s.shapiro_p) for s in (calibrated(rng.standard_normal(SIZE)) for _ in range(200))])
    assert np.all(np.abs((p < 0.1).mean(0) - 0.1) < 0.065)  # three standard deviations of 200 trials


def test_a_heavy_tail_is_seen_by_shapiro_where_kolmogorov_is_blind():
    scatters = [calibrated(with_heavy_tail(seed)) for seed in range(20)]
    assert np.mean([scatter.ks_p > 0.01 for scatter in scatters]) >= 0.9
    assert np.mean([scatter.shapiro_p < 0.01 for scatter in scatters]) >= 0.9


@pytest.mark.parametrize("wrong", [lambda z: z + 0.25, lambda z: 1.4 * z], ids=["shifted", "too wide"])
def test_wrong_mean_and_width_are_seen_by_kolmogorov_where_shapiro_is_blind(wrong):
    scatter = calibrated(wrong(STANDARD))
    assert scatter.ks_p < 0.01
    assert scatter.shapiro_p > 0.99


def test_two_points_have_no_tails():
    assert np.isnan(calibrated([0.0, 1.0]).shapiro_p)


def test_the_picture_has_every_point_in_order_and_the_outlier_outside_its_band():
    z_scores = np.append(STANDARD[:-1], 8.0)
    axes = draw(calibrated(np.random.default_rng(0).permutation(z_scores))).axes[1]
    points = axes.lines[1]
    assert np.array_equal(points.get_ydata(), np.sort(z_scores))
    assert np.allclose(points.get_xdata(), STANDARD)
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() < 8.0
    assert "Shapiro–Wilk p = " in axes.get_title()
