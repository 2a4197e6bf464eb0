"""Max-margin theory: an independent solver's values, limits, symmetries, and properties over the domain."""

import itertools
import json
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr, owens_t

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    KeptDistribution,
    Piece,
    SaddlePointError,
    Selection,
    Verified,
    max_margin,
)
from replica_theory._max_margin.continuation import solve_student, solve_students
from replica_theory._max_margin.residual import largest_residual
from replica_theory._max_margin.saddle_point import saddle_point_equations
from replica_theory._numerics.gaussian import squared_ramp

ROWS = json.loads((Path(__file__).parents[1] / "reference" / "max_margin.json").read_text())["rows"]
LARGE_ALPHA_CONSTANT = 0.5004889317774185  # lim α ε of random data


def reference_selection(row):
    fraction = row["keep_fraction"]
    if row["selection"] == "random":
        return KeepRandom(fraction)
    return {"hard": KeepHardest, "easy": KeepEasiest}[row["selection"]](fraction, row["label_aware"])


def reference_id(row):
    aware = "aware" if row["label_aware"] else "agnostic"
    return f"{row['selection']}-{aware}-f{row['keep_fraction']}-{row['probe_angle_deg']:g}deg-a{row['alpha_prune']}"


def error(alpha, selection, degrees=0.0):
    return max_margin(alpha, selection=selection, probe_angle=math.radians(degrees)).generalization_error


@pytest.mark.parametrize("row", ROWS, ids=reference_id)
def test_agrees_with_an_independent_solver(row):
    solution = max_margin(
        row["alpha_prune"],
        selection=reference_selection(row),
        probe_angle=math.radians(row["probe_angle_deg"]),
    )
    assert solution.generalization_error == pytest.approx(row["generalization_error"], rel=1e-10)
    assert solution.margin == pytest.approx(row["margin"], rel=1e-10)
    assert solution.overlap == pytest.approx(row["overlap"], abs=1e-10)
    assert solution.probe_overlap == pytest.approx(row["probe_overlap"], abs=1e-10)
    assert solution.residual < 1e-11


selections = st.one_of(
    st.builds(KeepHardest, st.floats(0.01, 1.0), st.booleans()),
    st.builds(KeepEasiest, st.floats(0.01, 1.0), st.booleans()),
    st.builds(
        lambda low, share, aware: KeepBetween(low, low + share * (1 - low), aware),
        st.floats(0.0, 0.9),
        st.floats(0.05, 1.0),
        st.booleans(),
    ),
    st.builds(lambda f, share: Calibrated(KeepHardest(f), share), st.floats(0.01, 1.0), st.floats(0.0, 1.0)),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.floats(-1.3, 3.0), selections, st.floats(0.5, 90.0))
def test_solution_meets_the_papers_equations_and_error_falls_with_alpha(log_alpha, selection, degrees):
    alpha = 10**log_alpha
    solution = max_margin([alpha, 1.3 * alpha], selection=selection, probe_angle=math.radians(degrees))
    assert np.all(solution.residual < 1e-9)
    assert np.all((solution.generalization_error > 0) & (solution.margin > 0))
    if isinstance(selection, KeepHardest) and not selection.label_aware:
        assert solution.generalization_error[1] < solution.generalization_error[0]


@pytest.mark.parametrize("f", [0.1, 0.5, 1.0], ids="f={}".format)
def test_fixed_fraction_law_at_large_alpha(f):
    assert 1e5 * error(1e5, KeepHardest(f)) == pytest.approx(LARGE_ALPHA_CONSTANT * f, rel=1e-8)


@pytest.mark.parametrize("degrees", [5.0, 20.0], ids="{}deg".format)
def test_fixed_fraction_law_of_an_imperfect_probe(degrees):
    f, sine = 0.4, math.sin(math.radians(degrees))
    g = KeepHardest(f).thresholds()[1]
    strip = math.erf(g / sine / math.sqrt(2))  # 2 Φ(g / sin θ) − 1
    assert 1e5 * error(1e5, KeepHardest(f), degrees) == pytest.approx(LARGE_ALPHA_CONSTANT * f / strip, rel=1e-4)


def test_vanishing_fraction_of_an_imperfect_probe():
    overlap = max_margin(3.0, selection=KeepRandom()).overlap
    limit = math.acos(math.sin(math.radians(30)) * overlap) / math.pi
    assert error(3.0, KeepHardest(1e-6), 30) == pytest.approx(limit, rel=1e-5)


def test_transition_of_a_perfect_probe_at_gardners_capacity():
    assert error(1.8, KeepHardest(1e-6)) > 0.49
    for alpha in (2.1, 3.0, 5.0):
        assert error(alpha, KeepHardest(1e-6)) == pytest.approx(1e-6 * vanishing_fraction_slope(alpha), rel=1e-6)


def vanishing_fraction_slope(alpha):
    """lim ε/f as f → 0 above the transition: kept margins are uniform on (0, f √(π/2)).

    In units s of the student's own field they fill (0, x); the best x maximises k/x subject to
    (α/x) ∫_0^x Q(k − s) ds = 1, and ε = f √(π/2) / (π x). Evaluated by adaptive quadrature.
    """

    def shortfall(k, x):
        points = sorted({0.0, x, *(min(max(k + shift, 0.0), x) for shift in (-8, -4, -2, 0, 2, 4, 8))})
        ramp = lambda s: float(squared_ramp(np.float64(k - s))[0])  # noqa: E731
        return sum(quad(ramp, a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(points)) / x

    def affordable(log_x):
        x = math.exp(log_x)
        return -brentq(lambda k: alpha * shortfall(k, x) - 1, -5, x + 5, xtol=1e-13) / x

    best = minimize_scalar(affordable, bounds=(-1.0, 5.0), method="bounded", options={"xatol": 1e-9})
    return math.sqrt(math.pi / 2) / (math.pi * math.exp(best.x))


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest], ids=["hard", "easy"])
def test_right_angle_probe_knows_nothing(rule):
    assert error(2.5, rule(0.3), 90) == pytest.approx(error(2.5, KeepRandom()), rel=1e-12)


@pytest.mark.parametrize(
    "selection", [KeepHardest(1.0), KeepEasiest(1.0, True), KeepRandom(0.3), KeepBetween(0, 1)], ids=str
)
def test_keeping_all_or_at_random_forgets_rule_and_probe(selection):
    assert error(2.5, selection, 25) == pytest.approx(error(2.5, KeepRandom()), rel=1e-12)


@pytest.mark.parametrize("rule", [KeepHardest, KeepEasiest], ids=["hard", "easy"])
def test_perfect_probe_joins_a_nearly_perfect_one_and_does_not_need_labels(rule):
    assert error(3.0, rule(0.3), 1e-4) == pytest.approx(error(3.0, rule(0.3)), rel=1e-5)
    assert error(3.0, rule(0.3, True)) == pytest.approx(error(3.0, rule(0.3)), rel=1e-13)


def test_crossovers_of_hard_easy_and_random():
    for f, hard_easy, hard_random in ((0.2, 10.3408, 8.7994), (0.4, 5.7554, 3.8822)):
        alpha = f * hard_easy
        assert error(alpha, KeepHardest(f)) == pytest.approx(error(alpha, KeepEasiest(f)), rel=1e-4)
        alpha = f * hard_random
        assert error(alpha, KeepHardest(f)) == pytest.approx(error(alpha, KeepRandom(f)), rel=1e-4)


def test_a_two_percent_error_in_the_pruning_term_would_be_seen():
    row = next(row for row in ROWS if row["selection"] == "hard" and row["keep_fraction"] == 0.15)
    wrong = error(row["alpha_prune"], KeepHardest(1.02 * row["keep_fraction"]), row["probe_angle_deg"])
    assert abs(wrong / row["generalization_error"] - 1) > 1e-6


@pytest.mark.parametrize("degrees", [0.0, 15.0], ids="{}deg".format)
def test_probability_rule_reproduces_a_threshold(degrees):
    g = KeepHardest(0.3).thresholds()[1]
    rule = KeepWithProbability(lambda z, y: 1.0 * (np.abs(z) < g), edges=(-g, g))
    assert rule.keep_fraction == pytest.approx(0.3, rel=1e-12)
    assert error(2.0, rule, degrees) == pytest.approx(error(2.0, KeepHardest(0.3), degrees), rel=1e-10)


class Staircase(Selection):
    """exp(−m²/4) in steps of constant value: pieces with closed-form moments, unlike a smooth rule's."""

    def __init__(self, steps):
        self.edges = np.linspace(-8, 8, steps + 1)

    def kept_distribution(self, probe_angle, label_noise=0.0):
        values = np.exp(-(((self.edges[1:] + self.edges[:-1]) / 2) ** 2) / 4)
        mass = np.diff([ndtr(m) - 2 * owens_t(m, 1 / math.tan(probe_angle)) for m in self.edges])
        triples = zip(self.edges[:-1], self.edges[1:], values, strict=True)
        pieces = tuple(Piece(lower=a, upper=b, probability=float(v)) for a, b, v in triples)
        return KeptDistribution(pieces=pieces, keep_fraction=float(values @ mass), probe_angle=probe_angle)

    def keep(self, margin, *, count, rng):
        raise AssertionError("the theory has no pool to rank")


def test_smooth_probability_rule_is_the_limit_of_a_staircase():
    smooth = error(2.0, KeepWithProbability(lambda z, y: np.exp(-(z**2) / 4)), 20)
    coarse, fine = (error(2.0, Staircase(steps), 20) for steps in (40, 80))
    assert abs(fine / smooth - 1) > 1e-5
    assert fine + (fine - coarse) / 3 == pytest.approx(smooth, rel=1e-5)  # Richardson: steps err by h²


def test_calibration_interpolates():
    rule = KeepHardest(0.2)
    assert error(3.0, Calibrated(rule, 0.0), 10) == pytest.approx(error(3.0, rule, 10), rel=1e-12)
    assert error(3.0, Calibrated(rule, 1.0), 10) == pytest.approx(error(3.0, KeepRandom()), rel=1e-12)


def test_curve_is_shaped_like_alpha_and_independent_of_order():
    curve = max_margin([3.0, 0.5, 40.0], selection=KeepHardest(0.2)).generalization_error
    assert curve.shape == (3,)
    assert [error(a, KeepHardest(0.2)) for a in (3.0, 0.5, 40.0)] == pytest.approx(list(curve), rel=1e-11)
    assert isinstance(error(3.0, KeepRandom()), float)


@pytest.mark.parametrize(
    ("alpha", "angle", "message"),
    [
        (0.0, 0.0, "`alpha_prune` must be finite and > 0; got 0.0"),
        (-1.0, 0.0, "`alpha_prune` must be finite and > 0"),
        (math.nan, 0.0, "`alpha_prune` must be finite"),
        ([1.0, math.inf], 0.0, "`alpha_prune` must be finite"),
        ([[1.0]], 0.0, "`alpha_prune` must be a scalar or 1-D"),
        ([], 0.0, "`alpha_prune` must have an entry; got an empty array"),
        (1.0, -0.1, r"`probe_angle` must be in \[0, π/2\]"),
        (1.0, 20.0, "convert degrees"),
        (1.0, math.nan, "`probe_angle` must be"),
    ],
    ids=["zero", "negative", "nan", "inf", "2-D", "empty", "negative angle", "degrees", "nan angle"],
)
def test_bad_parameters_are_named(alpha, angle, message):
    with pytest.raises(ValueError, match=message):
        max_margin(alpha, selection=KeepRandom(), probe_angle=angle)


@pytest.mark.parametrize("call", [lambda: error(1.0, 0.5), lambda: Calibrated(0.5, 0.5)], ids=["theory", "mixture"])
def test_a_number_is_not_a_rule(call):
    with pytest.raises(ValueError, match=r"`selection` must be a rule such as KeepHardest\(0.5\); got 0.5"):
        call()


def test_a_student_that_the_equations_do_not_confirm_is_refused(monkeypatch):
    module = sys.modules["replica_theory.max_margin"]  # the name itself is the function
    monkeypatch.setattr(module, "largest_residual", lambda kept, students: 1e-3)
    with pytest.raises(SaddlePointError, match="do not confirm") as refused:
        max_margin(2.0, selection=KeepHardest(0.2))
    assert refused.value.residual == 1e-3


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2], ids="{} rad".format)
@pytest.mark.parametrize("rule", [KeepHardest(0.3), KeepEasiest(0.4, True), Calibrated(KeepHardest(0.3), 0.2)], ids=str)
def test_jacobian_of_the_saddle_point_is_the_residuals_slope(rule, angle):
    """At a student that solves (S1)–(S3), where a term of the Jacobian that is left out vanishes."""
    kept, step = rule.kept_distribution(angle), 1e-6
    student = solve_student(kept, 3.0).students
    equations = saddle_point_equations(kept, student)
    for number, unit in enumerate(np.diag([1.0, equations.k_unit, 1.0, 1.0])):
        if angle == 0 and number == 3:
            continue  # the angle is exactly 0 there
        above, below = (
            saddle_point_equations(kept, student.stepped(*(sign * step * unit).tolist())).residual for sign in (1, -1)
        )
        slope = (np.array(above) - np.array(below)) / (2 * step)
        columns = (1.0, 0.0, 0.0), *equations.jacobian
        assert columns[number] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_one_student_in_numbers_is_one_of_many_in_arrays():
    """Where extended numbers are needed, too."""
    for kept in (KeepHardest(0.3).kept_distribution(0.2), KeepBetween(0.5, 0.5005).kept_distribution(0.0)):
        alone, together = solve_student(kept, 3.0), solve_students(kept, np.array([1.0, 3.0]))[1]
        one, other = alone.students, together.students
        assert [float(one.k), float(one.length)] == pytest.approx([float(other.k), float(other.length)], rel=1e-11)
        assert alone.tangent == pytest.approx(together.tangent, rel=1e-7)
        residuals = largest_residual(kept, one), largest_residual(kept, alone.as_arrays.students)[0]
        assert residuals == pytest.approx((0.0, 0.0), abs=1e-12)


def test_verified_labels_of_a_perfect_probe_are_all_right():
    """An edge of the rule at z = 0 then coincides with the label's boundary."""
    verified = Verified(KeepHardest(0.5), 0.8, 0.2)
    assert error(2.0, verified) == pytest.approx(error(2.0, KeepHardest(0.5)), rel=1e-12)
    assert error(2.0, verified, 1e-7) == pytest.approx(error(2.0, verified), rel=1e-6)


def test_a_student_does_not_depend_on_what_was_asked_before():
    """Found from the tangent at the last student of its law, it is the one that is found afresh."""
    rule, angle, alphas = KeepHardest(0.37, label_aware=True), 0.31, [0.7, 0.9, 2.0, 5.0, 4.0]
    in_turn = [max_margin(alpha, selection=rule, probe_angle=angle) for alpha in alphas]
    for alpha, student in zip(alphas, in_turn, strict=True):
        afresh = solve_students(rule.kept_distribution(angle), np.array([alpha]))
        assert student.generalization_error == pytest.approx(afresh.students.generalization_error[0], rel=1e-12)
        assert student.scaling_exponent == pytest.approx(afresh.scaling_exponent[0], rel=1e-8)


def test_a_rule_whose_function_changes_is_asked_again():
    width = [0.2]
    rule = KeepWithProbability(lambda z, y: np.exp(-np.abs(z) / width[0]))
    narrow = max_margin(2.0, selection=KeepWithProbability(rule.probability), probe_angle=0.2)
    width[0] = 2.0
    wide = max_margin(2.0, selection=KeepWithProbability(rule.probability), probe_angle=0.2)
    assert abs(narrow.generalization_error - wide.generalization_error) > 1e-3


def test_threads_that_ask_one_rule_get_each_their_own_student():
    rule, angle, alphas = KeepEasiest(0.43), 0.27, np.geomspace(0.8, 3.0, 12).tolist()
    wanted = max_margin(alphas, selection=rule, probe_angle=angle).generalization_error

    def error(alpha: float) -> float:
        return max_margin(alpha, selection=rule, probe_angle=angle).generalization_error

    with ThreadPoolExecutor(max_workers=4) as threads:
        for _ in range(5):
            np.testing.assert_allclose(list(threads.map(error, alphas)), wanted, rtol=1e-11)
