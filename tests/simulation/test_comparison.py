"""What cannot be compared is refused before the theory is solved, with one clear error."""

import math

import pytest

from perceptron_pruning import compare, compare_rounds, comparison, simulate, simulate_rounds
from replica_theory import KeepHardest, TrainedProbe


@pytest.fixture(scope="module")
def cell():
    return simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=5, engine="numpy")


@pytest.fixture(scope="module")
def two_rounds():
    rounds = [(TrainedProbe("square", 0.1), KeepHardest(0.6))] * 2
    return simulate_rounds(3.0, rounds=rounds, n_features=20, n_trials=5, engine="numpy")


@pytest.mark.parametrize("largest_z", [0, -1.0, math.nan, "5"], ids=repr)
def test_a_threshold_that_is_none_is_refused(largest_z, cell, two_rounds, monkeypatch):
    monkeypatch.setattr(comparison, "max_margin", None)
    with pytest.raises(ValueError, match="`largest_z` must be"):
        compare(cell, largest_z=largest_z)
    with pytest.raises(ValueError, match="`largest_z` must be"):
        compare_rounds(two_rounds, largest_z=largest_z)


def test_what_was_not_simulated_is_refused(cell):
    with pytest.raises(ValueError, match=r"`simulation` must be what `simulate` returns; got array"):
        compare(cell.generalization_error)


@pytest.mark.parametrize("order", [slice(0, 0), slice(1, None), slice(None, None, -1)], ids=["none", "last", "turned"])
def test_rounds_that_do_not_begin_with_the_first_are_refused(order, two_rounds):
    with pytest.raises(ValueError, match="`rounds` must be the rounds that `simulate_rounds` returns, from the first"):
        compare_rounds(two_rounds[order])
