"""Version space: an entropy evaluated as printed, constants, limits, properties, and sampled version spaces."""

import dataclasses
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr, ndtr, ndtri

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    SaddlePointError,
    paper_information_gain,
    paper_version_space,
    version_space,
)
from replica_theory._version_space.averages import KeptTeacherField
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory._version_space.residual import force_in_students_field, saddle_point_residual
from replica_theory._version_space.saddle_point import saddle_point_equations

ROWS = json.loads((Path(__file__).parents[1] / "reference" / "version_space.json").read_text())["rows"]
RULES = {
    "random": KeepRandom,
    "hard": KeepHardest,
    "easy": KeepEasiest,
    "between": lambda f: KeepBetween(0.2, 0.2 + f),
    "calibrated": lambda f: Calibrated(KeepHardest(f), 0.3),
}
GIBBS_CONSTANT = 0.6246581921385645  # lim α arccos(R)/π of random data
BAYES_CONSTANT = 0.4417000435849083  # lim α arccos(R/√q)/π
TABLE = {1: (0.33835947, 0.25437297), 2: (0.24031159, 0.17453419), 5: (0.11800603, 0.08393517)}


def reference_id(row):
    return f"{row['selection']}-f{row['keep_fraction']:g}-a{row['alpha_prune']:g}"


@pytest.mark.parametrize("row", ROWS, ids=reference_id)
def test_agrees_with_the_entropy_as_printed(row):
    solution = version_space(row["alpha_prune"], selection=RULES[row["selection"]](row["keep_fraction"]))
    for name in ("entropy", "information_gain", "gibbs_error", "center_of_mass_error"):
        assert getattr(solution, name) == pytest.approx(row[name], rel=1e-11), name
    for name in ("overlap", "self_overlap"):
        assert getattr(solution, name) == pytest.approx(row[name], abs=1e-13), name


def test_reference_covers_the_extremes():
    assert len(ROWS) >= 12
    assert min(row["keep_fraction"] for row in ROWS) <= 1e-3
    assert max(row["alpha_prune"] for row in ROWS) >= 1e3
    assert {row["selection"] for row in ROWS} == set(RULES)


@pytest.mark.parametrize("alpha", TABLE, ids="alpha={}".format)
def test_random_data_gives_the_gibbs_and_bayes_errors(alpha):
    solution = version_space(alpha, selection=KeepRandom())
    assert (solution.gibbs_error, solution.center_of_mass_error) == pytest.approx(TABLE[alpha], abs=5e-9)


def test_random_data_at_many_and_at_few_examples():
    many = version_space(1e6, selection=KeepRandom())
    assert 1e6 * many.gibbs_error == pytest.approx(GIBBS_CONSTANT, rel=1e-10)
    assert 1e6 * many.center_of_mass_error == pytest.approx(BAYES_CONSTANT, rel=1e-10)
    assert 1e6 * many.information_gain == pytest.approx(1.0, rel=1e-6)
    few = version_space(1e-7, selection=KeepRandom())
    assert few.information_gain == pytest.approx(math.log(2), rel=1e-6)
    assert few.gibbs_error == pytest.approx(0.5, rel=1e-6)


def test_pruned_data_of_the_derivation():
    solution = version_space(2.0, selection=KeepHardest(0.4))
    assert solution.self_overlap == pytest.approx(0.895942, abs=5e-7)
    assert solution.overlap == pytest.approx(0.848686, abs=5e-7)
    assert solution.information_gain == pytest.approx(0.70546, abs=5e-6)


@pytest.mark.parametrize("f", [0.4, 0.01], ids="f={}".format)
def test_many_hard_examples_leave_the_law_of_random_ones_at_the_same_pool(f):
    solution = version_space(1e5, selection=KeepHardest(f))
    assert 1e5 * solution.gibbs_error == pytest.approx(GIBBS_CONSTANT * f, rel=1e-8)
    assert 1e5 * solution.information_gain == pytest.approx(1.0, rel=1e-5)


def test_vanishing_fraction_has_a_transition_at_gardners_capacity():
    """Below α = 2 hard examples teach nothing, and q is that of random labels: α E h'(b t)² = b²."""
    below, above = (version_space(alpha, selection=KeepHardest(1e-6)) for alpha in (1.5, 2.5))
    assert below.overlap < 1e-5
    assert above.gibbs_error < 1e-5
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    b = math.sqrt(below.self_overlap / (1 - below.self_overlap))
    force = np.exp(-0.5 * (b * nodes) ** 2 - log_ndtr(b * nodes)) / math.sqrt(2 * math.pi)
    assert 1.5 * float(weights @ force**2) / math.sqrt(2 * math.pi) == pytest.approx(b * b, rel=1e-5)
    assert version_space(2.0, selection=KeepHardest(1e-6)).residual < 1e-10


between = st.builds(lambda low, share: KeepBetween(low, low + share * (1 - low)), st.floats(0, 0.9), st.floats(1e-3, 1))
fractions = st.floats(-6.0, 0.0).map(lambda exponent: 10**exponent)
selections = st.one_of(
    st.builds(KeepHardest, fractions, st.booleans()),
    st.builds(KeepEasiest, fractions, st.booleans()),
    between,
    st.builds(lambda f, share: Calibrated(KeepHardest(f), share), fractions, st.floats(0.0, 1.0)),
)
log_alphas = st.floats(math.log(0.05), math.log(1e5))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(log_alphas, selections)
def test_every_example_shrinks_the_version_space(log_alpha, selection):
    alpha, step = math.exp(log_alpha), 1e-4
    solution = version_space([alpha * math.exp(-step), alpha, alpha * math.exp(step)], selection=selection)
    assert np.all(solution.residual < 1e-11)
    assert np.all(solution.information_gain > 0)
    assert np.all(np.diff(solution.entropy) < 0)
    assert np.all(np.diff(solution.gibbs_error) < 0)
    assert np.all(solution.center_of_mass_error < solution.gibbs_error)
    assert np.all(solution.overlap**2 <= solution.self_overlap)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(log_alphas, selections)
def test_information_gain_is_the_slope_of_the_entropy(log_alpha, selection):
    alpha, step = math.exp(log_alpha), np.array([-2e-3, -1e-3, 1e-3, 2e-3])
    if abs(alpha - 2) < 0.05:
        return  # near the transition S varies too fast for differences
    entropy = version_space(alpha * (1 + step), selection=selection).entropy
    slope = float(np.array([1, -8, 8, -1]) @ entropy) / (12e-3 * alpha)
    gain = version_space(alpha, selection=selection).information_gain
    rounding = 1e-12 * float(np.abs(entropy).max()) / alpha
    assert slope == pytest.approx(-gain, rel=2e-7, abs=rounding)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(log_alphas, fractions)
def test_students_agree_with_each_other_more_than_with_the_teacher_on_hard_examples(log_alpha, fraction):
    """The reverse on easy ones: knowing that the examples were easy would allow for more students."""
    alpha = math.exp(log_alpha)
    hard, easy = (version_space(alpha, selection=rule(fraction)) for rule in (KeepHardest, KeepEasiest))
    assert hard.self_overlap >= hard.overlap * (1 - 1e-12)
    assert easy.self_overlap <= easy.overlap * (1 + 1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(log_alphas, st.sampled_from([KeepHardest(1.0), KeepEasiest(1.0), KeepBetween(0, 1), KeepRandom(0.01)]))
def test_random_data_has_the_symmetry_of_student_and_teacher(log_alpha, selection):
    solution = version_space(math.exp(log_alpha), selection=selection)
    assert solution.self_overlap == pytest.approx(solution.overlap, rel=1e-13)
    mean, gibbs = math.pi * solution.center_of_mass_error, math.pi * solution.gibbs_error
    assert math.cos(mean) ** 2 == pytest.approx(math.cos(gibbs), rel=1e-13)  # R²/q = R


@pytest.mark.parametrize("alpha", [0.3, 2.0, 40.0], ids="alpha={}".format)
def test_equivalent_rules_leave_the_same_version_space(alpha):
    g = KeepHardest(0.3).thresholds()[1]
    step = KeepWithProbability(lambda z, y: 1.0 * (np.abs(z) < g), edges=(-g, g))
    mixed = Calibrated(KeepHardest(0.3), 0.2)
    smooth = KeepWithProbability(lambda z, y: 0.8 * (np.abs(z) < g) + 0.2 * 0.3, edges=(-g, g))
    pairs = [
        (KeepHardest(0.3), KeepHardest(0.3, label_aware=True)),
        (KeepHardest(0.3), KeepBetween(0.0, 0.3)),
        (KeepHardest(0.3), step),
        (mixed, smooth),
        (Calibrated(KeepHardest(0.3), 1.0), KeepRandom()),
    ]
    for first, second in pairs:
        errors = [version_space(alpha, selection=rule).gibbs_error for rule in (first, second)]
        assert errors[0] == pytest.approx(errors[1], rel=1e-11)


def test_curve_is_shaped_like_alpha_and_independent_of_order():
    curve = version_space([3.0, 0.5, 40.0], selection=KeepEasiest(0.2))
    assert curve.gibbs_error.shape == curve.entropy.shape == curve.residual.shape == (3,)
    assert list(curve.alpha_prune) == [3.0, 0.5, 40.0]
    single = [version_space(alpha, selection=KeepEasiest(0.2)) for alpha in (3.0, 0.5, 40.0)]
    assert [point.gibbs_error for point in single] == pytest.approx(list(curve.gibbs_error), rel=1e-12)
    assert all(isinstance(value, float) for value in (single[0].gibbs_error, single[0].residual, single[0].entropy))


def test_smooth_rule_agrees_in_both_formulations():
    rule = KeepWithProbability(lambda z, y: np.exp(-(z**2) / 4))
    assert np.all(version_space([0.1, 3.0, 1e3], selection=rule).residual < 1e-11)


# the paper's form


@pytest.mark.parametrize("f", [0.05, 0.4, 0.9], ids="f={}".format)
def test_papers_formula_for_the_hardest(f):
    t, g = np.linspace(-12, 12, 40001), ndtri((1 + f) / 2)
    for R in (0.01, 0.5, 0.97):
        gamma = math.sqrt(R / (1 - R))
        window = ndtr(-gamma * t) - ndtr(-(g + math.sqrt(R) * t) / math.sqrt(1 - R))
        density = np.exp(-t * t / 2) / math.sqrt(2 * math.pi) * (t[1] - t[0])
        formula = -2 / f * float(np.sum(density * window * log_ndtr(-gamma * t)))
        assert paper_information_gain(R, selection=KeepHardest(f)) == pytest.approx(formula, rel=1e-11)


def test_papers_information_gain_tends_to_one_nat_and_to_one_bit():
    fractions = (1e-2, 1e-4, 1e-6)
    one_nat = [1 - paper_information_gain(1 - f, selection=KeepHardest(f)) for f in fractions]
    assert 0 < one_nat[2] < one_nat[1] < one_nat[0]
    assert one_nat[2] < 1e-3
    one_bit = paper_information_gain([1e-12], selection=KeepHardest(0.1))
    assert one_bit == pytest.approx([math.log(2)], rel=1e-5)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(log_alphas)
def test_papers_form_is_exact_on_random_data(log_alpha):
    alpha = math.exp(log_alpha)
    paper, exact = (solve(alpha, selection=KeepRandom()) for solve in (paper_version_space, version_space))
    for name in ("entropy", "information_gain", "gibbs_error", "center_of_mass_error"):
        assert getattr(paper, name) == pytest.approx(getattr(exact, name), rel=1e-10)


@pytest.mark.parametrize(
    ("alpha", "selection"),
    [(5.0, KeepHardest(0.4)), (0.5, KeepHardest(0.8)), (3.0, KeepEasiest(0.2)), (6.0, KeepHardest(0.05))],
    ids=["hard", "mild", "easy", "harder"],
)
def test_papers_form_is_the_maximum_of_its_entropy_and_differs_from_the_exact_one(alpha, selection):
    solution = paper_version_space(alpha, selection=selection)
    assert solution.self_overlap == pytest.approx(solution.overlap, rel=1e-14)
    assert solution.information_gain == pytest.approx(
        paper_information_gain(solution.overlap, selection=selection), rel=1e-9
    )
    spread = 1 - solution.overlap
    nearby = [alike_entropy(1 - spread * math.exp(shift), alpha, selection) for shift in (-1e-3, 0.0, 1e-3)]
    assert nearby[1] == pytest.approx(solution.entropy, rel=1e-9)
    assert nearby[1] > max(nearby[0], nearby[2])
    assert abs(nearby[2] - nearby[0]) < 1e-2 * (2 * nearby[1] - nearby[0] - nearby[2])
    exact = version_space(alpha, selection=selection)
    assert abs(exact.gibbs_error / solution.gibbs_error - 1) > 1e-4


def alike_entropy(R, alpha, selection):
    return 0.5 * math.log(1 - R) + R / 2 - alpha * paper_information_gain(R, selection=selection)


def test_papers_form_is_refused_where_its_entropy_has_no_maximum():
    with pytest.raises(SaddlePointError, match=r"no maximum at alpha_prune = 2\.0") as refused:
        paper_version_space([30.0, 2.0], selection=KeepHardest(0.4))
    assert refused.value.residual > 0.1
    R = np.linspace(1e-4, 1 - 1e-4, 2000)
    entropy = 0.5 * np.log(1 - R) + R / 2 - 2 * paper_information_gain(R, selection=KeepHardest(0.4))
    assert np.all(np.diff(entropy) < 0)


# what can fail


@pytest.mark.parametrize("solve", [version_space, paper_version_space], ids=["exact", "paper"])
@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        (0.0, "`alpha_prune` must be finite and > 0; got 0.0"),
        ([1.0, math.nan], "`alpha_prune` must be finite"),
        ([[1.0]], "`alpha_prune` must be a scalar or 1-D"),
    ],
    ids=["zero", "nan", "2-D"],
)
def test_bad_parameters_are_named(solve, alpha, message):
    with pytest.raises(ValueError, match=message):
        solve(alpha, selection=KeepRandom())
    with pytest.raises(ValueError, match="`selection` must be a rule"):
        solve(1.0, selection=0.4)


@pytest.mark.parametrize("overlap", [0.0, 1.0, -0.1, math.nan], ids=str)
def test_bad_overlap_is_named(overlap):
    with pytest.raises(ValueError, match="`overlap` must be"):
        paper_information_gain(overlap, selection=KeepRandom())


def saddle_point_and_kept(alpha, selection):
    solution, kept = version_space(alpha, selection=selection), selection.kept_distribution(0.0)
    gibbs, mean = (math.tan(math.pi * e) for e in (solution.gibbs_error, solution.center_of_mass_error))
    along = (gibbs**2 - mean**2) ** -0.5
    return OrderParameters(alpha=alpha, along=along, across=along * mean), kept


@pytest.mark.parametrize("selection", [KeepHardest(0.05), KeepEasiest(0.3)], ids=["hard", "easy"])
def test_the_residual_sees_a_small_error(selection):
    point, kept = saddle_point_and_kept(7.0, selection)
    assert saddle_point_residual(kept, point) < 1e-12
    for name in ("alpha", "along", "across"):
        wrong = dataclasses.replace(point, **{name: getattr(point, name) * (1 + 1e-7)})
        assert saddle_point_residual(kept, wrong) > 1e-9
    other = type(selection)(1.02 * selection.keep_fraction).kept_distribution(0.0)
    assert saddle_point_residual(other, point) > 1e-4


def test_slopes_of_the_averages_are_their_differences():
    field = KeptTeacherField(Calibrated(KeepHardest(0.2), 0.3).kept_distribution(0.0))
    for a, b in ((0.3, 0.5), (4.0, 1.0), (2.0, 7.0)):
        average = field.force(a, b)
        for axis, (da, db) in enumerate(((1e-5, 0.0), (0.0, 1e-5))):
            high, low = field.force(a + da, b + db), field.force(a - da, b - db)
            assert average.u_force_gradient[axis] == pytest.approx((high.u_force - low.u_force) / 2e-5, rel=1e-7)
            difference = (high.squared_force - low.squared_force) / 2e-5
            assert average.squared_force_gradient[axis] == pytest.approx(difference, rel=1e-7)
        point = OrderParameters(alpha=1.0, along=a, across=b)
        again = force_in_students_field(field.kept, point)
        assert again == pytest.approx((average.u_force, average.squared_force, average.curvature), rel=1e-12)


def test_jacobian_of_the_saddle_point_is_that_of_differences():
    field = KeptTeacherField(KeepHardest(0.3).kept_distribution(0.0))
    here, step = np.log([1.7, 0.8]), 1e-5
    jacobian = saddle_point_equations(field, 0.5, here)[1]
    for column, direction in zip(jacobian.T, np.eye(2), strict=True):
        ahead, behind = (saddle_point_equations(field, 0.5, here + sign * step * direction)[0] for sign in (1, -1))
        assert column == pytest.approx((ahead - behind) / (2 * step), rel=1e-8)


def test_a_version_space_that_the_second_formulation_does_not_confirm_is_refused(monkeypatch):
    module = sys.modules["replica_theory.version_spaces.version_space"]
    monkeypatch.setattr(module, "saddle_point_residual", lambda kept, point: 1e-3)
    with pytest.raises(SaddlePointError, match="does not confirm") as refused:
        version_space(2.0, selection=KeepHardest(0.2))
    assert refused.value.residual == 1e-3


# sampled version spaces


def sampled_overlaps(selection, alpha, *, n_features, n_trials, sweeps, seed):
    """R of two Markov chains and their q, (sweep, 3, trial): one chain starts at the teacher, one far from it.

    Students are Gaussian vectors restricted to the cone of zero training errors, whose directions
    are uniform on the version space. Each coordinate, given the rest, is normal on an interval.
    """
    rng = np.random.default_rng(seed)
    aligned = np.stack([kept_examples(selection, alpha, n_features, rng) for _ in range(n_trials)])
    columns = np.ascontiguousarray(np.moveaxis(aligned, -1, 0))[:, :, None]
    students = np.stack([np.tile(np.eye(n_features)[0], (n_trials, 1)), trained_perceptrons(aligned)], axis=1)
    students *= math.sqrt(n_features) / np.linalg.norm(students, axis=-1, keepdims=True)
    margins = np.einsum("apn,acn->acp", aligned, students)
    overlaps = []
    for sweep in range(sweeps):
        for j in rng.permutation(n_features):
            step = -margins / columns[j]
            lower = np.max(step, axis=-1, where=columns[j] > 0, initial=-np.inf)
            upper = np.min(step, axis=-1, where=columns[j] < 0, initial=np.inf)
            move = truncated_normal(students[..., j] + lower, students[..., j] + upper, rng) - students[..., j]
            students[..., j] += move
            margins += move[..., None] * columns[j]
        if sweep >= sweeps // 2:
            unit = students / np.linalg.norm(students, axis=-1, keepdims=True)
            overlaps.append((*unit[..., 0].T, (unit[:, 0] * unit[:, 1]).sum(-1)))
    assert margins.min() > -1e-9
    return np.array(overlaps)


def kept_examples(selection, alpha, n_features, rng):
    """Inputs times labels, with the teacher along the first axis."""
    kept = round(alpha * n_features)
    pool = round(kept / selection.keep_fraction)
    field = np.abs(rng.standard_normal(pool))
    examples = rng.standard_normal((kept, n_features))
    examples[:, 0] = field[selection.choose(field, np.ones(pool), count=kept, rng=rng)]
    return examples


def trained_perceptrons(aligned):
    students = aligned.mean(1)
    for _ in range(20000):
        wrong = np.einsum("apn,an->ap", aligned, students) <= 0
        if not wrong.any():
            return students
        students += np.einsum("ap,apn->an", wrong, aligned) / aligned.shape[1]
    raise AssertionError("the perceptrons have not learnt their examples")


def truncated_normal(lower, upper, rng):
    """Normal on an interval, by inversion in the tail where the interval is far out."""
    sign = np.where(lower > 0, -1.0, 1.0)
    low, high = np.where(lower > 0, -upper, lower), np.where(lower > 0, -lower, upper)
    below, above = ndtr(low), ndtr(high)
    draw = sign * ndtri(below + (above - below) * rng.random(lower.shape))
    return np.clip(draw, lower, upper)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selection", "alpha"),
    [(KeepHardest(0.4), 2.0), (KeepEasiest(0.4), 2.0), (KeepRandom(), 2.0), (KeepHardest(0.1), 1.0)],
    ids=["hard", "easy", "random", "harder"],
)
def test_sampled_version_spaces_have_these_overlaps(selection, alpha):
    """At N = 30 and N = 60, joined to N → ∞ by a term in 1/N, which is seen on easy examples."""
    small, large = (
        trial_overlaps(sampled_overlaps(selection, alpha, n_features=n, n_trials=trials, sweeps=25 * n, seed=1))
        for n, trials in ((30, 240), (60, 80))
    )
    theory = version_space(alpha, selection=selection)
    for at_30, at_60, expected in zip(small, large, (theory.overlap, theory.self_overlap), strict=True):
        limit = 2 * at_60.mean() - at_30.mean()
        deviation = math.hypot(2 * standard_error(at_60), standard_error(at_30))
        assert deviation < 0.02
        assert abs(limit - expected) < 3 * deviation
    if not isinstance(selection, KeepRandom):  # a theory with R = q would be rejected
        excess = large[1] - large[0]
        assert abs(excess.mean()) > 4 * standard_error(excess)


def trial_overlaps(draws):
    """(R, q) of each trial, if its chains have forgotten where they started."""
    from_teacher, from_afar, q = draws.mean(axis=0)
    start = from_teacher - from_afar
    assert abs(start.mean()) < 3 * standard_error(start)
    return (from_teacher + from_afar) / 2, q


def standard_error(values):
    return values.std(ddof=1) / math.sqrt(values.size)
