"""What is no number is refused with one clear error, before the work."""

import math

import numpy as np
import pytest

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    Verified,
    bayes_optimal,
    empirical_risk,
    max_margin,
)

NO_NUMBERS = {
    "text": "0.4",
    "none": None,
    "list": [0.4, 0.5],
    "empty": [],
    "complex": 0.4 + 0j,
    "numpy complex": np.complex128(0.4),
    "masked": np.ma.masked,
}
NO_ALPHAS = {
    "text": "2.0",
    "texts": ["1.0", "2.0"],
    "none": None,
    "complex": np.array([1 + 1j, 2.0]),
    "real complex": np.array([1 + 0j]),
    "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
    "ragged": [[1.0], [1.0, 2.0]],
}


@pytest.mark.parametrize("value", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: max_margin(2.0, selection=KeepRandom(), probe_angle=x), "probe_angle"),
        (lambda x: empirical_risk(2.0, loss="square", ridge=0.1, selection=KeepRandom(), label_noise=x), "label_noise"),
        (KeepHardest, "keep_fraction"),
        (lambda x: KeepBetween(x, 1.0), "lower"),
        (lambda x: KeepBetween(0.1, x), "upper"),
        (lambda x: Calibrated(KeepHardest(0.4), x), "random_share"),
        (lambda x: Verified(KeepRandom(), x, 0.5), "accept_right"),
    ],
    ids=["angle", "noise", "fraction", "lower", "upper", "share", "acceptance"],
)
def test_what_is_no_number_is_refused(call, name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be a number"):
        call(value)


@pytest.mark.parametrize("value", NO_ALPHAS.values(), ids=NO_ALPHAS)
def test_what_is_no_list_of_numbers_is_refused(value):
    with pytest.raises(ValueError, match="`alpha_prune` must be a number or a list of numbers"):
        max_margin(value, selection=KeepRandom())


@pytest.mark.parametrize(
    "windows",
    [None, "ab", (0.1, 0.2), (("a", 1.0),), ((0.1, 0.2, 0.3),), ((None, 0.3),)],
    ids=["none", "text", "no pairs", "text inside", "triple", "none inside"],
)
def test_windows_that_are_no_pairs_are_refused(windows):
    with pytest.raises(ValueError, match="`windows` must be pairs of numbers"):
        KeepWindows(windows)


def test_windows_in_a_list_are_those_in_a_tuple():
    ours, theirs = KeepWindows([[0.0, 0.2], [0.5, 0.7]]), KeepWindows(((0.0, 0.2), (0.5, 0.7)))
    assert ours == theirs
    assert hash(ours) == hash(theirs)


def test_a_rounding_beyond_a_right_angle_is_a_right_angle():
    beyond = math.nextafter(math.pi / 2, 2.0)
    ours, theirs = (max_margin(2.0, selection=KeepHardest(0.4), probe_angle=x) for x in (beyond, math.pi / 2))
    assert ours == theirs
    with pytest.raises(ValueError, match=r"`probe_angle` must be in \[0, π/2\]"):
        max_margin(2.0, selection=KeepHardest(0.4), probe_angle=math.nextafter(beyond, 2.0))


@pytest.mark.parametrize(
    "call",
    [
        lambda rule: rule.kept_distribution(0.0),
        lambda rule: max_margin(2.0, selection=rule),
        lambda rule: empirical_risk(2.0, loss="square", ridge=0.1, selection=rule),
        lambda rule: bayes_optimal(2.0, selection=rule, knows="rule"),
    ],
    ids=["distribution", "max_margin", "empirical_risk", "bayes"],
)
def test_a_verifier_that_accepts_nothing_is_named(call):
    with pytest.raises(ValueError, match=r"`selection` must keep a part of the pool; got Verified\(.*accepts none"):
        call(Verified(KeepRandom(), 0.0, 1.0))
