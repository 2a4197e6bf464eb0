"""The judges: each criterion confirms, refutes and abstains where its definition says so."""

import math

import numpy as np
import pytest

from perceptron_pruning.evidence.effect import Effect, effect, exact
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED, UNDECIDED, direction, judged, z_score


def estimate(value, standard_error=1.0, degrees_of_freedom=math.inf):
    return Effect(value=value, standard_error=standard_error, degrees_of_freedom=degrees_of_freedom)


@pytest.mark.parametrize(
    ("criterion", "value", "reference", "verdict"),
    [
        ("above", 3.0, 1.0, CONFIRMED),
        ("above", -1.0, 1.0, REFUTED),
        ("above", 1.5, 1.0, UNDECIDED),
        ("below", -1.0, 1.0, CONFIRMED),
        ("below", 3.0, 1.0, REFUTED),
        ("below", 1.5, 1.0, UNDECIDED),
        ("within", 1.0, 3.0, CONFIRMED),
        ("within", -5.5, 3.0, REFUTED),
        ("within", 5.5, 3.0, REFUTED),
        ("within", 2.0, 3.0, UNDECIDED),
        ("equal", 5.9, 1.0, CONFIRMED),
        ("equal", 6.1, 1.0, REFUTED),
        ("helps", 2.0, 0.0, CONFIRMED),
        ("helps", -2.0, 0.0, REFUTED),
        ("hurts", -2.0, 0.0, CONFIRMED),
        ("hurts", 2.0, 0.0, REFUTED),
        ("hurts", 1.9, 0.0, UNDECIDED),
    ],
    ids=lambda value: str(value),
)
def test_a_number_with_standard_error_1_is_judged_by_its_interval(criterion, value, reference, verdict):
    """Half of the 95 % interval is 1.96; the largest |z| is 5."""
    assert judged(estimate(value), criterion, reference=reference) == verdict


@pytest.mark.parametrize("criterion", ["above", "below", "within", "equal", "helps", "hurts"], ids=str)
def test_a_number_that_is_none_decides_nothing(criterion):
    assert judged(estimate(math.nan), criterion, reference=1.0) == UNDECIDED


def test_an_allowance_is_added_in_quadrature():
    assert z_score(estimate(5.0, 3.0), 0.0, allowance=4.0) == pytest.approx(1.0)
    assert judged(estimate(5.1), "equal", allowance=0.5) == CONFIRMED
    assert judged(estimate(5.1), "equal", allowance=0.1) == REFUTED


def test_exact_numbers_are_equal_or_not():
    assert judged(exact(1.0), "equal", reference=1.0) == CONFIRMED
    assert judged(exact(1.1), "equal", reference=1.0) == REFUTED


def test_few_seeds_widen_the_interval():
    assert judged(estimate(1.0, 0.45), "above") == CONFIRMED
    assert judged(estimate(1.0, 0.45, degrees_of_freedom=4), "above") == UNDECIDED


def test_four_seeds_decide_nothing():
    assert judged(effect(np.array([1.0, 1.1, 0.9, 1.0])), "above") == UNDECIDED
    assert judged(effect(np.array([1.0, 1.1, 0.9, 1.0, 1.0])), "above") == CONFIRMED


@pytest.mark.parametrize(
    ("gain", "word"), [(2.0, "helps"), (-2.0, "hurts"), (0.5, "no difference")], ids=["helps", "hurts", "no difference"]
)
def test_a_gain_has_a_direction(gain, word):
    assert direction(estimate(gain)) == word


def test_an_effect_shows_two_digits_of_its_interval():
    assert str(estimate(0.37049, 0.00711)) == "+0.370 ± 0.014"
    assert str(estimate(-31.02, 0.6)) == "-31.0 ± 1.2"
    assert str(estimate(1234.0, 100.0)) == "+1234 ± 196"
    assert str(exact(0.0412837)) == "0.04128"
