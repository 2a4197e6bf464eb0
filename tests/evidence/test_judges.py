"""The judges: each criterion confirms, refutes and abstains where its definition says so."""

import math

import numpy as np
import pytest

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect, exact
from perceptron_pruning.evidence.judges import CONFIRMED, REFUTED, UNDECIDED, direction, judged, z_score
from perceptron_pruning.evidence.multiplicity import multiplicity


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


@pytest.mark.parametrize("criterion", ["above", "below", "within", "equal", "helps", "hurts"], ids=str)
@pytest.mark.parametrize(
    ("standard_error", "degrees_of_freedom"),
    [(math.nan, 9), (math.inf, 9), (0.1, math.nan)],
    ids=["nan", "inf", "none"],
)
def test_an_uncertainty_that_is_not_known_decides_nothing(criterion, standard_error, degrees_of_freedom):
    unknown = Effect(value=1.0, standard_error=standard_error, degrees_of_freedom=degrees_of_freedom)
    assert judged(unknown, criterion, reference=0.5) == UNDECIDED
    assert str(unknown) in ("+1 ± nan", "+1 ± inf")
    assert math.isnan(z_score(Effect(value=1.0, standard_error=math.nan), 0.5))


def test_an_unknown_criterion_and_a_negative_error_are_refused():
    with pytest.raises(ValueError, match=r"`criterion` must be one of above, below, .*; got 'bigger'"):
        judged(exact(1.0), "bigger")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="`standard_error` must be >= 0; got -1"):
        Effect(value=1.0, standard_error=-1.0)


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0], [3.0, 4.0]]], ids=["none", "one", "a table"])
def test_one_seed_has_no_standard_error(values):
    with pytest.raises(ValueError, match="`values` must be one number a seed, of 2 or more"):
        effect(np.array(values))


def test_what_decides_nothing_does_not_stay_decided_together():
    gains = [(50.0, 1.0, 2), (math.nan, 1.0, 9), (50.0, 1.0, 9)]
    claim = Claim(
        statement="gains",
        measurements=tuple(
            Measurement(
                quantity="gain",
                effect=Effect(value=value, standard_error=error, degrees_of_freedom=degrees),
                criterion="helps",
            )
            for value, error, degrees in gains
        ),
    )
    counts = multiplicity([claim])
    assert (counts.judged, counts.decided, counts.decided_together) == (3, 1, 1)


def test_an_effect_shows_two_digits_of_its_interval():
    assert str(estimate(0.37049, 0.00711)) == "+0.370 ± 0.014"
    assert str(estimate(-31.02, 0.6)) == "-31.0 ± 1.2"
    assert str(estimate(1234.0, 100.0)) == "+1234 ± 196"
    assert str(exact(0.0412837)) == "0.04128"
