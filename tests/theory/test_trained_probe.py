"""Probes that were trained on the pool which they prune: another evaluation, limits, and what training changes."""

import dataclasses
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit

from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    SaddlePointError,
    TrainedProbe,
    Verified,
    empirical_risk,
    max_margin,
)
from replica_theory._trained_probe import student as student_module
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import minimiser
from replica_theory._trained_probe.newton import _stepped
from replica_theory._trained_probe.probe import train_probe
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory._trained_probe.pruning import Pruning
from replica_theory.losses.named import LOSSES
from replica_theory.losses.ridgeless import HardMargin

ROWS = json.loads((Path(__file__).parents[1] / "reference" / "trained_probe.json").read_text())["rows"]
HEBB = TrainedProbe(ridge=math.inf)
PROBES = [
    HEBB,
    TrainedProbe("square", 0.5),
    TrainedProbe("logistic", 0.1),
    TrainedProbe("hinge", 0.2, share=0.6),
    TrainedProbe("squared_hinge", 0.01),
]
STUDENTS = [("max_margin", 0.0), ("square", 0.3), ("logistic", 0.05), ("hinge", 0.1), ("squared_hinge", 0.02)]
RIDGELESS = [("square", 0.0), ("hinge", 0.0), ("hinge", math.inf)]


def solve(alpha_prune, student, selection, probe, *, noise=0.0):
    """The solution for a student (loss, ridge) and a probe, or a probe's angle."""
    (loss, ridge), setting = student, {"selection": selection}
    setting |= {"probe": probe} if isinstance(probe, TrainedProbe) else {"probe_angle": probe}
    if loss == "max_margin":
        return max_margin(alpha_prune, **setting)
    return empirical_risk(alpha_prune, loss=loss, ridge=ridge, label_noise=noise, **setting)


def rule_of(row):
    if row["steepness"]:
        steepness = row["steepness"]
        return KeepWithProbability(lambda z, y: expit(-steepness * (np.abs(z) - 1)), edges=(0.0,))
    rule = KeepWindows(tuple(map(tuple, row["windows"])), row["label_aware"])
    return Calibrated(rule, row["random_share"]) if row["random_share"] else rule


def name_of(row):
    rule = f"q{row['steepness']:g}" if row["steepness"] else "+".join("{:g}-{:g}".format(*w) for w in row["windows"])
    aware = "aware" if row["label_aware"] else "agnostic"
    return f"{row['probe']}{row['probe_ridge']}-{rule}-{aware}-{row['student']}-a{row['alpha_total']:g}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_students_are_those_of_another_evaluation(row):
    probe = TrainedProbe(row["probe"], float(row["probe_ridge"]), row["share"], row["ties"])
    student, alpha = (row["student"], row["ridge"]), row["alpha_total"] * row["keep_fraction"]
    solution = solve(alpha, student, rule_of(row), probe, noise=row["label_noise"])
    norm = 1 / solution.margin if row["student"] == "max_margin" else solution.norm
    assert solution.probe_angle == pytest.approx(row["probe_angle"], abs=1e-11)
    assert solution.generalization_error == pytest.approx(row["generalization_error"], abs=2e-9)
    assert solution.probe_overlap == pytest.approx(row["probe_overlap"], abs=2e-8)
    assert norm == pytest.approx(row["norm"], rel=1e-7)


def test_references_agree_among_themselves_and_cover_every_probe_and_student():
    assert len(ROWS) >= 60
    assert max(row["agreement"] for row in ROWS) < 1e-11
    assert {row["probe"] for row in ROWS} == set(LOSSES)
    assert {row["student"] for row in ROWS} == {"max_margin", *LOSSES}


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("student", STUDENTS + RIDGELESS, ids=str)
@pytest.mark.parametrize("probe", PROBES, ids=str)
@pytest.mark.parametrize("selection", [KeepHardest(1.0), KeepRandom(0.5)], ids=["all", "random half"])
def test_a_rule_that_does_not_ask_the_probe_leaves_a_student_of_random_data(student, probe, selection):
    found, expected = solve(2.5, student, selection, probe), solve(2.5, student, KeepRandom(), 0.0)
    assert found.generalization_error == pytest.approx(expected.generalization_error, abs=1e-9)
    if student[0] == "max_margin":
        assert found.margin == pytest.approx(expected.margin, abs=1e-9)
    else:
        assert found.training_loss == pytest.approx(expected.training_loss, abs=1e-9)
        assert found.training_error == pytest.approx(expected.training_error, abs=1e-7)


def independent(probe_angle, selection, *, noise=0.0):
    """A pool that is pruned by a probe which was trained on nobody in it."""
    probe = train_probe(LOSSES["logistic"], alpha=3.0, ridge=0.1, share=1.0, label_noise=noise)
    along, outside = probe.norm * np.array([math.cos(probe_angle)]), probe.norm * math.sin(probe_angle)
    stranger = dataclasses.replace(probe.student, along=along, outside=outside)
    probe = dataclasses.replace(probe, student=stranger, share=0.0)
    margins = TrainedMargins(probe)
    pieces, fraction = selection.kept_pieces(margins)
    return PrunedPool(probe=probe, margins=margins, intervals=tuple(margins.intervals(pieces)), keep_fraction=fraction)


@pytest.mark.parametrize("degrees", [10.0, 30.0], ids="{}deg".format)
@pytest.mark.parametrize("aware", [False, True], ids=["agnostic", "aware"])
@pytest.mark.parametrize("keep", [KeepHardest, KeepEasiest], ids=["hard", "easy"])
@pytest.mark.parametrize("student", STUDENTS, ids=str)
def test_a_probe_that_knows_nobody_in_the_pool_is_the_independent_one(student, keep, aware, degrees):
    selection, angle = keep(0.4, aware), math.radians(degrees)
    pool, hard = independent(angle, selection), student[0] == "max_margin"
    training = pool.training(HardMargin() if hard else LOSSES[student[0]], 1.0 if hard else student[1])
    found = minimiser(training, order=12, trusted=0.0)
    (A, r), probe = found.along, pool.probe
    error = math.atan2(math.hypot(r * probe.sine, found.outside), A + r * probe.cosine) / math.pi
    assert found.reaction == pytest.approx([0.0], abs=1e-12)
    assert error == pytest.approx(solve(1.2, student, selection, angle).generalization_error, abs=1e-11)


@pytest.mark.parametrize(("alpha", "fraction"), [(3.0, 0.3), (10.0, 0.11), (30.0, 0.04)], ids=str)
def test_the_support_vectors_of_a_max_margin_probe_make_the_probe_again(alpha, fraction):
    probe = TrainedProbe("hinge", ridge=0.0)
    found = max_margin(alpha * fraction, selection=KeepHardest(fraction), probe=probe)
    everything = max_margin(alpha, selection=KeepRandom())
    assert found.generalization_error == pytest.approx(everything.generalization_error, abs=1e-11)
    assert found.margin == pytest.approx(everything.margin, rel=1e-12)
    assert found.scaling_exponent == pytest.approx(everything.scaling_exponent, rel=1e-4)
    assert found.probe_overlap == 1.0


@pytest.mark.parametrize("ridge", [1e-3, 5e-3, 0.02], ids=str)
def test_a_hinge_probe_without_violations_is_the_max_margin_probe(ridge):
    selection = KeepHardest(0.73)
    soft, hard = (max_margin(0.8, selection=selection, probe=TrainedProbe("hinge", value)) for value in (ridge, 0.0))
    assert soft.probe_angle == pytest.approx(hard.probe_angle, abs=1e-11)
    assert soft.generalization_error == pytest.approx(hard.generalization_error, abs=1e-11)


def test_students_are_found_while_violations_of_a_hinge_probe_set_in():
    """Where next to no example is short of margin 1, the max-margin student on the hardest is all but the probe."""
    ridges = np.geomspace(0.02, 0.2, 25)
    probes = [TrainedProbe("hinge", ridge) for ridge in ridges]
    found = [max_margin(0.8, selection=KeepHardest(0.555), probe=probe) for probe in probes]
    errors = np.array([solution.generalization_error for solution in found])
    off = np.array([1 - solution.probe_overlap for solution in found])
    assert off[0] < 1e-9 < 1e-2 < off[-1]
    assert np.all(np.diff(off) > -1e-12)
    assert np.max(np.abs(np.diff(errors))) < 0.01


def test_fewer_than_the_support_vectors_do_not():
    found = max_margin(10.0 * 0.09, selection=KeepHardest(0.09), probe=TrainedProbe("hinge", ridge=0.0))
    assert found.generalization_error > 0.3


@pytest.mark.parametrize("loss", ["square", "logistic", "hinge", "squared_hinge"], ids=str)
@pytest.mark.parametrize("off", [0.0, 1e-6, 1e-3, -1e-3, 0.1], ids="{:g}".format)
def test_a_student_like_its_probe_is_it(loss, off):
    ridge = 0.1 * (1 + off)
    found = solve(3.0, (loss, ridge), KeepHardest(1.0), TrainedProbe(loss, 0.1))
    expected = solve(3.0, (loss, ridge), KeepRandom(), 0.0)
    assert found.generalization_error == pytest.approx(expected.generalization_error, abs=2e-9)
    assert found.norm == pytest.approx(expected.norm, rel=1e-8)
    assert found.training_loss == pytest.approx(expected.training_loss, rel=1e-8)
    assert found.probe_overlap >= 1 - off**2


def test_a_student_next_to_the_support_vector_transition_leaves_the_probe_smoothly():
    fractions = np.array([0.7, 0.55, 0.52, 0.51, 0.505, 0.495, 0.485, 0.475])  # n_sv/α = .49
    probe = TrainedProbe("squared_hinge", 0.1)
    distances = [
        1 - solve(3.0 * f, ("squared_hinge", 0.1), KeepHardest(f), probe).probe_overlap for f in fractions.tolist()
    ]
    assert np.all(np.diff(distances) > -1e-11)
    assert distances[0] < 1e-10 < distances[-1] < 1e-5


def test_the_ridge_of_a_squared_hinge_probe_falls_to_the_max_margin_one_ranked_by_its_dual():
    probes = [TrainedProbe("squared_hinge", ridge, ties="dual") for ridge in (1e-5, 1e-7, 0.0)]
    errors = [max_margin(0.6, selection=KeepHardest(0.2), probe=probe).generalization_error for probe in probes]
    assert errors[1] == pytest.approx(errors[2], abs=2e-4)
    assert abs(errors[1] - errors[2]) < abs(errors[0] - errors[2])


@pytest.mark.parametrize(
    ("loss", "alpha", "noise", "keep"),
    [
        ("square", 0.6, 0.1, KeepEasiest),
        ("square", 2.0, 0.1, KeepEasiest),
        ("hinge", 1.0, 0.0, KeepEasiest),
        ("logistic", 9.0, 0.3, KeepHardest),
    ],
    ids=str,
)
def test_ridgeless_students_are_limits(loss, alpha, noise, keep):
    limit, near = (solve(alpha, (loss, ridge), keep(0.5), TrainedProbe(), noise=noise) for ridge in (0.0, 1e-7))
    assert near.generalization_error == pytest.approx(limit.generalization_error, abs=1e-5)


def test_noisy_labels_that_their_own_probe_separates_have_a_max_margin_student():
    easy = solve(2.0, ("hinge", 0.0), KeepEasiest(0.5, label_aware=True), TrainedProbe(), noise=0.2)
    assert easy.training_error == 0.0
    assert easy.norm < math.inf
    random = solve(4.0, ("hinge", 0.0), KeepRandom(0.5), TrainedProbe(), noise=0.2)
    assert random.training_error > 0.0
    with pytest.raises(ValueError, match="`ridge` must be > 0 where the kept labels are separable"):
        solve(2.0, ("logistic", 0.0), KeepEasiest(0.5, label_aware=True), TrainedProbe(), noise=0.2)


# ---------------------------------------------------------------- what training changes


def test_hard_pruning_by_its_own_probe_is_nearly_lossless():
    for alpha, fraction, own, foreign in ((3.0, 0.5, 0.1431, 0.2595), (10.0, 0.2, 0.0501, 0.2691)):
        solution = max_margin(alpha * fraction, selection=KeepHardest(fraction), probe=TrainedProbe("logistic", 0.01))
        stranger = max_margin(alpha * fraction, selection=KeepHardest(fraction), probe_angle=solution.probe_angle)
        assert solution.generalization_error == pytest.approx(own, abs=5e-5)
        assert stranger.generalization_error == pytest.approx(foreign, abs=5e-5)


@pytest.mark.parametrize(
    ("keep", "errors"),
    [(KeepHardest, (0.2335, 0.2254, 0.1776, 0.1550, 0.1456)), (KeepEasiest, (0.2306, 0.2487, 0.2427, 0.2175, 0.1960))],
    ids=["hard", "easy"],
)
def test_the_share_of_the_pool_that_the_probe_saw(keep, errors):
    found = [
        max_margin(1.5, selection=keep(0.5), probe=TrainedProbe(share=share)).generalization_error
        for share in (0.1, 0.25, 0.5, 0.75, 1.0)
    ]
    assert found == pytest.approx(errors, abs=5.1e-5)


@pytest.mark.parametrize(
    ("keep", "aware", "alpha", "own", "foreign"),
    [
        (KeepHardest, True, 10.0, 0.1504, 0.4377),
        (KeepHardest, False, 10.0, 0.1042, 0.1282),
        (KeepEasiest, True, 10.0, 0.1378, 0.1286),
        (KeepEasiest, True, 3.0, 0.2407, 0.2251),
    ],
    ids=str,
)
def test_memorised_mistakes(keep, aware, alpha, own, foreign):
    student, selection = ("logistic", 0.05), keep(0.5, aware)
    found = solve(alpha / 2, student, selection, TrainedProbe(), noise=0.1)
    stranger = solve(alpha / 2, student, selection, found.probe_angle, noise=0.1)
    assert [found.generalization_error, stranger.generalization_error] == pytest.approx([own, foreign], abs=5.1e-5)


def test_today_s_theory_of_an_independent_probe_is_another_one():
    found = max_margin(2.0, selection=KeepHardest(0.4), probe=TrainedProbe())
    stranger = max_margin(2.0, selection=KeepHardest(0.4), probe_angle=found.probe_angle)
    assert stranger.generalization_error / found.generalization_error > 1.5


def test_the_constraint_counts_examples_that_are_not_kept():
    """With M from the kept alone, the easiest mistake, the error would be another one."""
    pruning = Pruning(
        loss=LOSSES["logistic"], ridge=0.1, share=1.0, ties="random", selection=KeepEasiest(0.5), label_noise=0.0
    )
    pool = pruning.of_total(3.0)
    training = pool.training(LOSSES["square"], 0.3)
    kept = float(training.field(minimiser(training), 12).kept[2])  # E[k G²] in units of E G²
    wrong = dataclasses.replace(training.learners, force_overlaps=np.array([[kept]]))
    right, mistaken = (minimiser(dataclasses.replace(training, learners=which)) for which in (training.learners, wrong))
    assert kept < 0.9
    assert abs(mistaken.outside / right.outside - 1) > 1e-3


# ---------------------------------------------------------------- ties


@pytest.mark.parametrize("ties", ["random", "dual"], ids=str)
def test_a_quantile_among_tied_margins_keeps_its_share(ties):
    probe = TrainedProbe("hinge", 0.05, ties=ties)
    for fraction in (0.1, 0.3, 0.45, 0.7):
        pool = Pruning(
            loss=LOSSES["hinge"], ridge=0.05, share=1.0, ties=ties, selection=KeepHardest(fraction), label_noise=0.0
        ).of_total(2.0)
        fields = pool.fields(pool.probe.as_student(0.2), LOSSES["square"], 20)
        assert fields.moments(0.0)[0, 0] == pytest.approx(fraction, abs=1e-10)
    hard, easy = (solve(0.8, ("square", 0.3), keep(0.4), probe) for keep in (KeepHardest, KeepEasiest))
    assert hard.generalization_error != pytest.approx(easy.generalization_error, abs=1e-3)


@pytest.mark.parametrize("ties", ["random", "dual"], ids=str)
@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.7], ids=str)
def test_a_verifier_accepts_by_the_sign_of_the_margin_among_tied_ones_too(ties, fraction):
    probe = TrainedProbe("hinge", 0.16, ties=ties)
    pool = Pruning.by(probe, Verified(KeepHardest(fraction), 0.9, 0.4), label_noise=0.1).of_total(0.5)
    hardest = Pruning.by(probe, KeepHardest(fraction), label_noise=0.1).of_total(0.5)
    upper = KeepHardest(fraction).kept_pieces(hardest.margins)[0][-1].upper
    mistakes = hardest.margins.share_below(0.0, label_aware=True) - hardest.margins.share_below(
        -upper, label_aware=True
    )
    assert pool.keep_fraction == pytest.approx(0.9 * (fraction - mistakes) + 0.4 * mistakes, abs=1e-12)


def test_tied_margins_by_the_dual_variable_are_another_rule_than_by_chance():
    random, dual = (
        max_margin(0.8, selection=KeepHardest(0.4), probe=TrainedProbe("hinge", 0.05, ties=ties)).generalization_error
        for ties in ("random", "dual")
    )
    assert abs(random - dual) > 1e-3
    smooth = (
        max_margin(0.8, selection=KeepHardest(0.4), probe=TrainedProbe("logistic", ties=ties)).generalization_error
        for ties in ("random", "dual")
    )
    assert math.isclose(*smooth, rel_tol=1e-15)


# ---------------------------------------------------------------- rules


def test_rules_that_say_the_same_are_the_same():
    probe, student = TrainedProbe(share=0.7), ("logistic", 0.05)
    same = [
        (KeepHardest(0.4), KeepBetween(0.0, 0.4)),
        (KeepBetween(0.2, 0.5, True), KeepWindows(((0.2, 0.5),), True)),
        (KeepHardest(0.4), KeepWindows(((0.0, 0.15), (0.15, 0.4)))),
        (KeepHardest(0.4), Calibrated(KeepHardest(0.4), 0.0)),
        (KeepRandom(0.4), Calibrated(KeepHardest(0.4), 1.0)),
        (KeepHardest(0.4), Verified(KeepHardest(0.4), 1.0, 1.0)),
    ]
    for one, other in same:
        errors = [solve(1.2, student, rule, probe, noise=0.1).generalization_error for rule in (one, other)]
        assert errors[0] == pytest.approx(errors[1], abs=1e-10), one


def test_a_rule_by_probability_is_asked_at_the_field_of_the_unit_norm_probe():
    ranked = solve(1.2, ("square", 0.3), KeepHardest(0.4), TrainedProbe())
    pool = Pruning(
        loss=LOSSES["logistic"], ridge=0.1, share=1.0, ties="random", selection=KeepHardest(0.4), label_noise=0.0
    ).of_total(3.0)
    threshold = pool.margins.quantile(0.4, 0.6, label_aware=False) / pool.probe.norm
    rule = KeepWithProbability(lambda z, y: 1.0 * (np.abs(z) < threshold), edges=(-threshold, threshold))
    asked = solve(1.2, ("square", 0.3), rule, TrainedProbe())
    assert asked.generalization_error == pytest.approx(ranked.generalization_error, abs=1e-9)
    assert asked.probe_angle == pytest.approx(ranked.probe_angle, abs=1e-9)


def test_a_verifier_keeps_a_fraction_that_depends_on_training():
    unpruned = {"loss": "logistic", "ridge": 0.1, "selection": KeepRandom(), "label_noise": 0.2}
    kept = lambda alpha: alpha * (1 - empirical_risk(alpha, **unpruned).training_error)  # noqa: E731
    pool = brentq(lambda alpha: kept(alpha) - 1.0, 0.5, 5.0)
    found = solve(1.0, ("logistic", 0.05), Verified(KeepRandom(), 1.0, 0.0), TrainedProbe(), noise=0.2)
    expected = math.pi * empirical_risk(pool, **unpruned).generalization_error
    assert found.probe_angle == pytest.approx(expected, abs=1e-8)


def test_a_rule_of_one_s_own_must_say_what_it_keeps_of_other_margins():
    class Mine(KeepRandom):
        def kept_pieces(self, margins):
            raise ValueError("`selection` must have a method kept_pieces")

        def kept_distribution(self, probe_angle, label_noise=0.0):
            return KeepRandom(0.5).kept_distribution(probe_angle, label_noise)

    with pytest.raises(ValueError, match="`selection` must have a method kept_pieces"):
        max_margin(1.0, selection=Mine(0.5), probe=TrainedProbe())


# ---------------------------------------------------------------- properties over the domain

EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)
logarithmic = lambda low, high: st.floats(math.log(low), math.log(high)).map(math.exp)  # noqa: E731
probes = st.builds(
    TrainedProbe,
    st.sampled_from(sorted(LOSSES)),
    st.one_of(st.just(math.inf), logarithmic(1e-4, 100.0)),
    st.one_of(st.just(1.0), st.floats(0.05, 1.0)),
    st.sampled_from(["random", "dual"]),
)
rules = st.one_of(
    st.builds(KeepHardest, logarithmic(0.02, 1.0).map(lambda f: min(f, 1.0)), st.booleans()),
    st.builds(KeepEasiest, logarithmic(0.02, 1.0).map(lambda f: min(f, 1.0)), st.booleans()),
)
alphas = logarithmic(0.3, 100.0)


@EXAMPLES
@given(alpha=alphas, probe=probes, selection=rules, student=st.sampled_from(STUDENTS), noise=st.floats(0.0, 0.3))
def test_every_student_is_confirmed_and_a_direction(alpha, probe, selection, student, noise):
    noise = 0.0 if student[0] == "max_margin" else noise
    found = solve(alpha * selection.keep_fraction, student, selection, probe, noise=noise)
    assert found.residual <= 1e-9
    assert 0 < found.generalization_error < 1
    assert -1 <= found.probe_overlap <= 1 + 1e-12
    assert 0 < found.probe_angle < math.pi
    if student[0] != "max_margin":
        assert np.linalg.norm(found.direction) == pytest.approx(1.0, abs=1e-14)
        assert 0 <= found.training_error <= 1 + 1e-12


@EXAMPLES
@given(alpha=alphas, probe=probes, student=st.sampled_from(STUDENTS))
def test_a_probe_never_changes_a_student_of_everything(alpha, probe, student):
    found, expected = solve(alpha, student, KeepHardest(1.0), probe), solve(alpha, student, KeepRandom(), 0.0)
    assert found.generalization_error == pytest.approx(expected.generalization_error, abs=2e-9)


@EXAMPLES
@given(alpha=alphas, probe=probes, selection=rules)
def test_curves_are_points(alpha, probe, selection):
    alphas = alpha * selection.keep_fraction * np.array([1.5, 1.0, 1.2])
    curve = solve(alphas, ("logistic", 0.05), selection, probe)
    points = [solve(alpha, ("logistic", 0.05), selection, probe).generalization_error for alpha in alphas.tolist()]
    assert curve.generalization_error == pytest.approx(points, abs=1e-8)


def test_the_scaling_exponent_is_the_slope_of_the_curve():
    for alpha, selection in ((1.5, KeepHardest(0.5)), (2.0, KeepEasiest(0.4, True))):
        alphas = alpha * np.exp([-1e-3, 0.0, 1e-3])
        curve = max_margin(alphas, selection=selection, probe=TrainedProbe())
        slope = np.diff(np.log(curve.generalization_error[::2]))[0] / 2e-3
        assert curve.scaling_exponent[1] == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("loss", ["square", "logistic", "hinge", "squared_hinge"], ids=str)
def test_newton_s_jacobian_is_the_derivative_of_the_equations(loss):
    pruning = Pruning(
        loss=LOSSES["logistic"], ridge=0.1, share=0.8, ties="random", selection=KeepHardest(0.6), label_noise=0.1
    )
    training = pruning.of_total(2.0).training(LOSSES[loss], 0.2)
    student = minimiser(training)
    student = dataclasses.replace(student, along=1.1 * student.along, outside=0.9 * student.outside)
    jacobian = training.equations(student, 16).jacobian
    for column in range(5):
        step = np.zeros(5)
        step[column] = 1e-6
        ahead, back = (training.equations(_stepped(student, sign * step), 16).difference for sign in (1, -1))
        assert (ahead - back) / 2e-6 == pytest.approx(jacobian[:, column], rel=1e-5, abs=1e-6)


# ---------------------------------------------------------------- the doors


def test_solutions_carry_their_inputs_and_the_angle_that_training_reaches():
    probe, alphas = TrainedProbe("square", 0.5), np.array([1.0, 2.0])
    solution = max_margin(alphas, selection=KeepHardest(0.5), probe=probe)
    unpruned = empirical_risk(2 * alphas, loss="square", ridge=0.5, selection=KeepRandom())
    assert solution.probe == probe
    assert solution.probe_angle == pytest.approx(math.pi * unpruned.generalization_error, abs=1e-11)
    assert np.cos(math.pi * solution.generalization_error) == pytest.approx(solution.overlap, abs=1e-15)
    assert solution.residual.max() <= 1e-9
    assert "probe=TrainedProbe(loss='square'" in repr(solution)
    copy = pickle.loads(pickle.dumps(solution))
    assert copy.generalization_error.tolist() == solution.generalization_error.tolist()
    assert max_margin(1.0, selection=KeepHardest(0.5), probe_angle=0.1).probe is None


def test_an_error_against_a_third_direction_knows_the_trained_angle():
    solution = empirical_risk([1.0, 2.0], loss="logistic", ridge=0.05, selection=KeepHardest(0.5), probe=TrainedProbe())
    single = empirical_risk(2.0, loss="logistic", ridge=0.05, selection=KeepHardest(0.5), probe=TrainedProbe())
    angle = single.probe_angle
    assert single.error_against(teacher_overlap=1.0, probe_overlap=math.cos(angle)) == pytest.approx(
        single.generalization_error, abs=1e-9
    )
    assert solution.error_against(teacher_overlap=0.5, probe_overlap=0.3)[1] == pytest.approx(
        single.error_against(teacher_overlap=0.5, probe_overlap=0.3), abs=1e-9
    )


def test_sample_weights_that_are_constant_are_a_ridge():
    setting = {"loss": "logistic", "selection": KeepHardest(0.5), "probe": TrainedProbe()}
    weighted = empirical_risk(1.0, ridge=0.2, sample_weight=lambda m: 2.0 + 0 * m, **setting)
    plain = empirical_risk(1.0, ridge=0.1, **setting)
    assert weighted.generalization_error == pytest.approx(plain.generalization_error, abs=1e-10)
    assert weighted.training_loss == pytest.approx(2 * plain.training_loss, rel=1e-9)


def test_a_loss_of_one_s_own_is_the_named_one():
    class Mine:
        def value(self, field):
            return LOSSES["squared_hinge"].value(field)

        def proximal(self, omega, scale):
            return LOSSES["squared_hinge"].proximal(omega, scale)

    setting = {"ridge": 0.1, "selection": KeepHardest(0.5), "probe": TrainedProbe()}
    own, named = (empirical_risk(1.0, loss=loss, **setting) for loss in (Mine(), "squared_hinge"))
    assert own.generalization_error == pytest.approx(named.generalization_error, abs=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "max_margin"}, '`loss` of a trained probe must be one of "square", "logistic"'),
        ({"ridge": -1.0}, "`ridge` must be >= 0; got -1.0"),
        ({"share": 0.0}, r"`share` must be in \(0, 1\]; got 0.0"),
        ({"share": 1.5}, r"`share` must be in \(0, 1\]; got 1.5"),
        ({"ties": "first"}, '`ties` must be "random" or "dual"; got \'first\''),
    ],
    ids=["loss", "ridge", "no share", "share", "ties"],
)
def test_bad_probes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        TrainedProbe(**arguments)


@pytest.mark.parametrize(
    "solver",
    [max_margin, lambda *a, **k: empirical_risk(*a, loss="square", ridge=0.1, **k)],
    ids=["max_margin", "risk"],
)
def test_a_probe_and_its_angle_cannot_both_be_given(solver):
    with pytest.raises(ValueError, match="`probe_angle` must be left out with a trained `probe`"):
        solver(1.0, selection=KeepHardest(0.5), probe=TrainedProbe(), probe_angle=0.3)
    with pytest.raises(ValueError, match="`probe` must be a TrainedProbe or None; got 'trained'"):
        solver(1.0, selection=KeepHardest(0.5), probe="trained")


def test_a_square_probe_that_fits_every_label_cannot_rank():
    with pytest.raises(ValueError, match="`probe` must have a ridge > 0 to rank what it was trained on"):
        max_margin(0.4, selection=KeepHardest(0.5), probe=TrainedProbe("square", 0.0))


def test_a_student_that_the_second_evaluation_does_not_confirm_is_refused(monkeypatch):
    monkeypatch.setattr(student_module, "triangular_residual", lambda *arguments: 1e-3)
    with pytest.raises(SaddlePointError, match="does not confirm") as refused:
        max_margin(1.0, selection=KeepHardest(0.5), probe=TrainedProbe())
    assert refused.value.residual == 1e-3
