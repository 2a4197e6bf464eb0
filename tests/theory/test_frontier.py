"""The Pareto frontier: known optima, never above any fraction, and its fallback to a power law."""

import math

import numpy as np
import pytest

from replica_theory import KeepHardest, max_margin, pareto_frontier

TWENTY = math.radians(20)


def test_known_optima_of_an_imperfect_probe():
    frontier = pareto_frontier([3.0, 5.0, 10.0, 20.0], probe_angle=TWENTY, min_keep_fraction=0.01)
    assert frontier.keep_fraction == pytest.approx([0.48, 0.36, 0.27, 0.20], abs=0.015)
    assert frontier.generalization_error == pytest.approx([0.10096, 0.05012, 0.02115, 0.00965], rel=2e-3)


def test_no_fraction_lies_below():
    frontier = pareto_frontier(4.0, probe_angle=TWENTY, min_keep_fraction=0.05)
    assert isinstance(frontier.generalization_error, float)
    for f in np.geomspace(0.05, 1.0, 40):
        assert max_margin(4.0, selection=KeepHardest(f), probe_angle=TWENTY).generalization_error >= (
            frontier.generalization_error * (1 - 1e-10)
        )


def test_perfect_probe_is_bounded_by_its_pool():
    frontier = pareto_frontier([0.3, 6.0], min_keep_fraction=0.1)
    assert frontier.keep_fraction == pytest.approx([1.0, 0.1], rel=1e-3)


def test_falls_back_to_a_power_law():
    error = pareto_frontier([1e3, 1e4], probe_angle=TWENTY, min_keep_fraction=1e-3).generalization_error
    assert math.log10(error[1] / error[0]) == pytest.approx(-1, abs=0.01)


def test_refusals():
    with pytest.raises(ValueError, match=r"`min_keep_fraction` must be in \(0, 1\]; got 0"):
        pareto_frontier(1.0, min_keep_fraction=0)


def test_thresholds_that_are_out_of_a_numbers_reach_are_out_of_the_student_s():
    """Where the student hardly sees the probe, a threshold divided by what it sees of it is more than a number."""
    best = pareto_frontier(132.53606046811123, probe_angle=0.01, min_keep_fraction=1e-3)
    assert best.generalization_error == pytest.approx(3.9034e-5, rel=1e-3)
