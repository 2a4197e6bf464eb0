"""The third direction, verifiers and the best ridge: special cases, samples, and refusals."""

import math

import numpy as np
import pytest

from replica_theory import (
    Calibrated,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    Verified,
    curated_risk,
    curation_diagram,
    empirical_risk,
    max_margin,
    optimal_ridge,
)

SQUARE = {"loss": "square", "ridge": 0.1}


def test_a_perfect_generator_is_the_teacher():
    rule, angle = KeepHardest(0.4), 0.35
    ours = curated_risk(5.0, selection=rule, generator_angle=0.0, oracle_angle=angle, **SQUARE)
    expected = empirical_risk(2.0, selection=rule, probe_angle=angle, **SQUARE)
    assert ours.mutual_angle == pytest.approx(angle, rel=1e-14)
    assert ours.generalization_error == pytest.approx(expected.generalization_error, rel=1e-12)


def test_targets_on_generator_and_oracle_give_their_overlaps():
    solution = empirical_risk(2.0, selection=KeepHardest(0.4), probe_angle=0.35, **SQUARE)
    c = math.cos(0.35)
    on_teacher = solution.error_against(teacher_overlap=1.0, probe_overlap=c)
    on_probe = solution.error_against(teacher_overlap=c, probe_overlap=1.0)
    assert on_teacher == pytest.approx(solution.generalization_error, rel=1e-7)
    assert math.cos(math.pi * on_probe) == pytest.approx(solution.probe_overlap, rel=1e-7)
    assert solution.error_against(teacher_overlap=0.0, probe_overlap=0.0) == pytest.approx(0.5, rel=1e-13)


def sampled_curation(rng, *, n, alpha_total, rule, angles, ridge):
    """Ridge regression on one curated sample; directions from their cosines, in three dimensions."""
    generator_angle, oracle_angle = angles
    truth = np.zeros(n)
    truth[0] = 1.0
    generator, oracle = np.zeros((2, n))
    generator[[0, 1]] = math.cos(generator_angle), math.sin(generator_angle)
    oracle[[0, 2]] = math.cos(oracle_angle), math.sin(oracle_angle)
    pool = rng.standard_normal((round(alpha_total * n), n))
    labels = np.sign(pool @ generator)
    mutual = math.acos(float(generator @ oracle))
    count = round(rule.kept_distribution(mutual).keep_fraction * len(pool))
    rows = rule.choose(pool @ oracle, labels, count=count, rng=rng)
    inputs, kept = pool[rows], labels[rows]
    student = np.linalg.solve(inputs.T @ inputs / n + ridge * np.eye(n), inputs.T @ kept / n)
    return math.acos(student @ truth / np.linalg.norm(student)) / math.pi


@pytest.mark.parametrize(
    "rule",
    [KeepHardest(0.4), KeepEasiest(0.4), Verified(KeepHardest(0.5), 0.9, 0.2), Verified(KeepRandom(), 1.0, 0.0)],
    ids=str,
)
def test_curated_samples_agree_with_the_theory(rule):
    rng, angles = np.random.default_rng(4), (0.5, 0.3)
    sampled = [sampled_curation(rng, n=250, alpha_total=5.0, rule=rule, angles=angles, ridge=0.1) for _ in range(30)]
    expected = curated_risk(5.0, selection=rule, generator_angle=angles[0], oracle_angle=angles[1], **SQUARE)
    spread = np.std(sampled, ddof=1) / math.sqrt(len(sampled))
    assert spread < 0.015 * expected.generalization_error
    assert abs(np.mean(sampled) - expected.generalization_error) < 4 * spread


def test_verifier_of_a_perfect_probe_sees_right_and_wrong_labels():
    """Feng et al.: right labels are kept with φ and wrong ones with ψ, so that noise falls to ηψ/(ηψ + (1−η)φ)."""
    rule, noise = Verified(KeepRandom(), 0.9, 0.2), 0.2
    kept = rule.kept_distribution(0.0, noise)
    assert kept.keep_fraction == pytest.approx(0.8 * 0.9 + 0.2 * 0.2, rel=1e-13)
    left = noise * 0.2 / kept.keep_fraction
    verified = empirical_risk(2.0, selection=rule, label_noise=noise, **SQUARE)
    plain = empirical_risk(2.0, selection=KeepRandom(), label_noise=left, **SQUARE)
    assert verified.generalization_error == pytest.approx(plain.generalization_error, rel=1e-12)


@pytest.mark.parametrize("rule", [KeepHardest(0.3), KeepEasiest(0.3, True), Calibrated(KeepHardest(0.3), 0.5)], ids=str)
def test_a_verifier_that_accepts_all_changes_nothing(rule):
    ours, theirs = Verified(rule, 1.0, 1.0).kept_distribution(0.4, 0.1), rule.kept_distribution(0.4, 0.1)
    margins = np.linspace(-4, 4, 200)
    assert ours(margins) == pytest.approx(theirs(margins), abs=1e-15)
    assert ours.keep_fraction == pytest.approx(theirs.keep_fraction, rel=1e-12)
    assert Verified(rule, 0.5, 0.5).keep_fraction == pytest.approx(0.15, rel=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Verified(KeepRandom(), 1.1, 0.0), r"`accept_right` must be in \[0, 1\]; got 1.1"),
        (lambda: Verified(KeepRandom(), 1.0, math.nan), r"`accept_wrong` must be in \[0, 1\]; got nan"),
        (lambda: Verified(KeepRandom(), 0.0, 0.0), "must not both be 0"),
        (lambda: Verified(0.5, 1.0, 0.0), "`selection` must be a rule"),
        (lambda: Verified(KeepRandom(), 1.0, 0.0).keep_fraction, "depends on its angle and on label noise"),
        (
            lambda: curated_risk(1.0, selection=KeepRandom(), generator_angle=2.0, oracle_angle=0, **SQUARE),
            "`generator_angle`",
        ),
        (
            lambda: curated_risk(
                1.0, selection=KeepRandom(), generator_angle=0.1, oracle_angle=0.1, mutual_angle=0.5, **SQUARE
            ),
            r"`mutual_angle` must be in \[0, 0.2\], between the difference and the sum",
        ),
    ],
    ids=["right", "wrong", "both", "rule", "fraction", "angle", "triangle"],
)
def test_bad_parameters_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_good_generators_and_large_pools_call_for_hard_examples():
    """Dohmatob et al. 2025: less is more where the generator is good and data abound; else keep the easy ones."""
    diagram = curation_diagram(
        [0.05, 1.2], [0.5, 20.0], oracle_angle=0.1, keep_fractions=(0.2, 0.5), **SQUARE | {"ridge": 1e-3}
    )
    assert diagram.rule.tolist() == [["easy", "hard"], ["easy", "easy"]]
    assert diagram.errors.shape == (2, 3, 2, 2)
    assert np.all(diagram.generalization_error <= diagram.errors[:, -1].min(0))
    assert np.allclose(diagram.errors[0, -1], diagram.errors[1, -1], rtol=1e-10)  # all is all


@pytest.mark.parametrize("alpha", [0.5, 2.0, 20.0], ids=str)
def test_best_ridge_of_the_square_loss_on_random_data(alpha):
    best = optimal_ridge(alpha, loss="square", selection=KeepRandom())
    assert best.ridge == pytest.approx(math.pi / 2 - 1, rel=1e-6)


@pytest.mark.parametrize(
    ("alpha", "rule", "angle"),
    [
        (7.71822943456604, KeepEasiest(0.12799921566623929), 0.14931638051129442),
        (1.7461620369592161, KeepEasiest(0.017611007596489016), 0.0),
        (14.579094197551697, KeepEasiest(0.5763208185396037, True), 0.0),
    ],
    ids=["1e-24", "1e-15", "1e-11"],
)
def test_best_ridge_of_separable_logistic_students_is_below_the_sampled_ones(alpha, rule, angle):
    options = {"selection": rule, "probe_angle": angle}
    best = optimal_ridge(alpha, loss="logistic", **options)
    assert best.ridge < 1e-10
    for factor in (1e-2, 1e2):
        neighbour = empirical_risk(alpha, loss="logistic", ridge=best.ridge * factor, **options)
        assert best.generalization_error < neighbour.generalization_error
    assert best.generalization_error < max_margin(alpha, **options).generalization_error


@pytest.mark.parametrize("alpha", [0.5, 2.0], ids="a={}".format)
def test_logistic_students_of_tiny_ridge_approach_the_max_margin_student_like_an_inverse_logarithm(alpha):
    limit = max_margin(alpha, selection=KeepRandom()).generalization_error
    near, far = (
        limit - empirical_risk(alpha, loss="logistic", ridge=ridge, selection=KeepRandom()).generalization_error
        for ridge in (1e-9, 1e-18)
    )
    assert 0 < far < near
    assert far == pytest.approx(near / 2, rel=0.2)


def test_best_ridge_is_better_than_its_neighbours_and_says_when_it_is_a_limit():
    options = {"loss": "hinge", "selection": KeepRandom()}
    best = optimal_ridge([1.0, 3.0], label_noise=0.1, **options)
    for factor in (0.9, 1.1):
        neighbours = [
            empirical_risk(a, ridge=factor * r, label_noise=0.1, **options).generalization_error
            for a, r in zip(best.alpha_prune, best.ridge, strict=True)
        ]
        assert np.all(neighbours > best.generalization_error)
    assert optimal_ridge(2.0, loss="square", selection=KeepHardest(0.4)).ridge == 0.0
