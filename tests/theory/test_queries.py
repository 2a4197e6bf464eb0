"""Queries that tell a bit each: entropy, first examples, exponent, bound, and students trained on them."""

import math

import numpy as np
import pytest

from replica_theory import KeepRandom, SaddlePointError, bisecting_queries, version_space
from replica_theory.version_spaces import queries


def test_each_query_takes_a_bit_off_the_version_space():
    """(Q1) is evaluated at the solution of (Q2), which does not know that s = −α ln 2."""
    found = bisecting_queries(np.array([0.1, 1.0, 5.0, 12.0]))
    assert found.entropy == pytest.approx(-found.alpha * math.log(2), rel=1e-5)


def test_a_wrong_path_is_refused(monkeypatch):
    queries._path.cache_clear()
    slope = queries._slope
    monkeypatch.setattr(queries, "_slope", lambda log_stretch: 1.01 * slope(log_stretch))
    with pytest.raises(SaddlePointError, match="not a bit an example"):
        bisecting_queries(2.0)
    queries._path.cache_clear()


def test_the_first_queries_are_like_random_examples():
    few = bisecting_queries(0.02)
    assert few.self_overlap == pytest.approx(2 * 0.02 / math.pi, rel=0.01)
    random = version_space(0.02, selection=KeepRandom())
    assert few.generalization_error == pytest.approx(random.center_of_mass_error, rel=1e-3)
    assert (
        bisecting_queries(3.0).generalization_error
        < 0.7 * version_space(3.0, selection=KeepRandom()).center_of_mass_error
    )


def test_error_falls_by_half_for_each_query_per_dimension_and_stays_above_the_bound():
    found = bisecting_queries(np.arange(1.0, 16.0))
    assert np.all(found.generalization_error > found.bound)
    assert found.generalization_error[-1] / found.generalization_error[-2] == pytest.approx(0.5, abs=1e-3)
    assert found.generalization_error[-1] / found.bound[-1] == pytest.approx(1.69, abs=0.01)


@pytest.mark.parametrize("alpha", [0.0, 41.0], ids=str)
def test_sizes_out_of_range_are_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        bisecting_queries(alpha)
