"""What is no number is refused with one clear error, before the work."""

import math
import pickle

import numpy as np
import pytest

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    Verified,
    bayes_optimal,
    empirical_risk,
    max_margin,
    observables,
    optimal_reserve,
    optimal_ridge,
    optimal_selection,
    optimal_weights,
    pareto_frontier,
    version_space,
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
    "dates": np.array(["2020"], dtype="M8[Y]"),
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


@pytest.mark.parametrize("alpha", [1e-300, 1e-21, 1e101], ids=str)
def test_ranges_of_alpha_are_said(alpha):
    for call in (
        lambda: max_margin([1.0, alpha], selection=KeepHardest(0.5)),
        lambda: version_space(alpha, selection=KeepHardest(0.5)),
        lambda: empirical_risk(alpha, loss="logistic", ridge=0.1, selection=KeepRandom()),
    ):
        with pytest.raises(ValueError, match=r"`alpha_prune` must be in \[1e-20, 1e\+100\]; got"):
            call()
    with pytest.raises(ValueError, match="`alpha_prune` must be at most 1e"):
        bayes_optimal(1e10, selection=KeepHardest(0.5), knows="rule")


SOLUTIONS = {
    "max_margin": lambda alpha: max_margin(alpha, selection=KeepHardest(0.5)),
    "risk": lambda alpha: empirical_risk(alpha, loss="square", ridge=0.1, selection=KeepHardest(0.5)),
    "bayes": lambda alpha: bayes_optimal(alpha, selection=KeepHardest(0.5), knows="probe"),
    "version space": lambda alpha: version_space(alpha, selection=KeepHardest(0.5)),
    "ridge": lambda alpha: optimal_ridge(alpha, loss="square", selection=KeepRandom()),
    "frontier": lambda alpha: pareto_frontier(alpha, min_keep_fraction=0.3),
}


@pytest.mark.parametrize("solve", SOLUTIONS.values(), ids=SOLUTIONS)
def test_solutions_own_their_arrays_compare_hash_pickle_and_print_briefly(solve):
    alpha = np.linspace(1.0, 2.0, 9)
    first, again, other = solve(alpha), solve(alpha.copy()), solve(alpha + 0.1)
    assert first == again == pickle.loads(pickle.dumps(first))
    assert first != other
    assert hash(first) == hash(again)
    assert "<array (9,), from" in repr(first)
    alpha[0] = 7.0
    assert first == again
    name = "alpha_prune" if hasattr(first, "alpha_prune") else "alpha_total"
    with pytest.raises(ValueError, match="read-only"):
        getattr(first, name)[0] = 7.0


def test_a_probability_that_is_no_function_is_refused():
    with pytest.raises(ValueError, match="`probability` must be a function"):
        KeepWithProbability(None)  # pyright: ignore[reportArgumentType]


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


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(lambda alpha: optimal_selection(alpha, keep_fraction=0.3), id="selection"),
        pytest.param(lambda alpha: optimal_weights(alpha, loss="square", ridge=0.1), id="weights"),
        pytest.param(lambda alpha: optimal_reserve(alpha, selection=KeepHardest(0.3)), id="reserve"),
        pytest.param(lambda alpha: observables(alpha, selection=KeepHardest(0.3)), id="observables"),
    ],
)
def test_several_alphas_are_refused_where_one_is_asked_for(asked):
    with pytest.raises(ValueError, match=r"`alpha_(total|prune)` must be a single number; got shape \(2,\)"):
        asked([1.0, 2.0])


def test_a_frontier_of_no_rule_is_refused():
    with pytest.raises(ValueError, match="`rule` must make a rule of a fraction, as KeepHardest"):
        pareto_frontier(1.0, min_keep_fraction=0.5, rule=0.3)
