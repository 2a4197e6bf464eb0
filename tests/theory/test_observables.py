"""Margins, support vectors and errors by difficulty: they add up, agree with the saddle point, and with trials."""

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from own_losses import HuberHinge
from scipy.integrate import quad

from perceptron_pruning import fit_empirical_risk, fit_max_margin
from replica_theory import (
    EmpiricalRisk,
    KeepBetween,
    KeepHardest,
    KeepRandom,
    empirical_risk,
    max_margin,
    observables,
)

STUDENTS = {
    "max-margin": {},
    "hinge": {"loss": "hinge", "ridge": 0.2, "label_noise": 0.1},
    "logistic": {"loss": "logistic", "ridge": 0.05, "label_noise": 0.1},
    "square": {"loss": "square", "ridge": 0.3},
    "squared-hinge": {"loss": "squared_hinge", "ridge": 0.1, "label_noise": 0.2},
    "own": {"loss": HuberHinge(), "ridge": 0.1, "label_noise": 0.1},
    "interpolating": {"loss": "square", "ridge": 0.0},
    "hebb": {"loss": "logistic", "ridge": math.inf},
}
RULE = KeepHardest(0.4)


def seen(name, angle, rule=RULE):
    return observables(0.8, selection=rule, probe_angle=angle, **STUDENTS[name])


@pytest.mark.parametrize("angle", [0.0, 0.3], ids=["perfect", "17deg"])
@pytest.mark.parametrize("name", STUDENTS, ids=str)
def test_everything_adds_up(name, angle):
    solution = seen(name, angle)
    at = 1 / solution._margins.norm
    ends = sorted({-12.0, -3.0, 0.0, 0.3, at, at + 3.0, 30.0})
    density = sum(
        quad(lambda u: float(solution.margin_density(u)), *piece, limit=300, epsabs=1e-9)[0] for piece in pairwise(ends)
    )
    assert density + solution.share_at_margin == pytest.approx(1.0, abs=2e-6)
    up_to = quad(lambda u: float(solution.margin_density(u)), -12.0, 0.3, points=[0.0, min(at, 0.3)], limit=300)[0]
    up_to += solution.share_at_margin if at <= 0.3 else 0.0
    assert solution.share_up_to(0.3) == pytest.approx(up_to, abs=2e-6)
    errors = solution.error_by_difficulty([0.0, 0.2, 0.5, 1.0])
    assert errors @ [0.2, 0.3, 0.5] == pytest.approx(solution.generalization_error, rel=1e-8)
    if name != "max-margin":
        training = empirical_risk(0.8, selection=RULE, probe_angle=angle, **STUDENTS[name]).training_error
        assert solution.share_up_to(0.0) == pytest.approx(training, rel=1e-9, abs=1e-12)


def test_support_vectors_of_the_unpruned_max_margin_student():
    for alpha, share in ((3.0, 0.897), (10.0, 0.988)):
        solution = observables(alpha, selection=KeepRandom())
        assert solution.support_vectors == pytest.approx(share, abs=6e-4)
        assert solution.norm == pytest.approx(1 / max_margin(alpha, selection=KeepRandom()).margin, rel=1e-8)
        assert solution.share_at_margin == solution.support_share
        assert solution.margin_density(0.99 / solution.norm) == 0
        assert solution.share_up_to(1 / solution.norm) == pytest.approx(solution.support_share)


def test_where_hinges_pull_is_what_the_scale_says():
    """α (1 − E ∂p/∂ω) = 1 − λV, and ∂p/∂ω vanishes at margin 1 alone."""
    setting = {"loss": "hinge", "ridge": 0.2, "label_noise": 0.1, "selection": RULE, "probe_angle": 0.3}
    scale = empirical_risk(2.0, **setting).scale
    assert 2.0 * observables(2.0, **setting).share_at_margin == pytest.approx(1 - 0.2 * scale, rel=1e-9)


def test_the_training_margin_of_the_square_loss_is_gaussian_without_pruning():
    solution = observables(3.0, selection=KeepRandom(), loss="square", ridge=0.5, label_noise=0.5)
    x = np.linspace(-1.0, 1.5, 7)
    student = empirical_risk(3.0, selection=KeepRandom(), loss="square", ridge=0.5, label_noise=0.5)
    V, norm = student.scale, student.norm
    mean, deviation = V / (1 + V) / norm, 1 / (1 + V)  # u = (ω + V)/(1 + V), ω ~ N(0, norm²), as labels are random
    expected = np.exp(-0.5 * ((x - mean) / deviation) ** 2) / math.sqrt(2 * math.pi) / deviation
    assert solution.margin_density(x) == pytest.approx(expected, rel=1e-9)


def test_solutions_pickle_and_bad_arguments_are_named():
    solution = seen("square", 0.3)
    assert pickle.loads(pickle.dumps(solution)) == solution
    with pytest.raises(ValueError, match="`quantiles` must be two or more, ascending"):
        solution.error_by_difficulty([0.5, 0.2])
    with pytest.raises(ValueError, match='`ridge` must be 0 for loss="max_margin"'):
        observables(1.0, selection=RULE, ridge=0.1)


def sampled(rng, *, n, alpha, angle, rule, noise):
    """Inputs of a kept set and its labels, clean test fields aside: probe along the first axis."""
    pool = round(alpha * n / rule.keep_fraction)
    x = rng.standard_normal((pool, n))
    labels = np.sign(math.cos(angle) * x[:, 0] + math.sin(angle) * x[:, 1]) * np.where(rng.random(pool) < noise, -1, 1)
    rows = rule.choose(x[:, 0], labels, count=round(alpha * n), rng=rng)
    return x[rows], labels[rows]


def counted(rng, *, n, alpha, angle, rule, noise, student):
    """Support share, share up to margin 0.7, and errors in three slices, of one trial."""
    x, y = sampled(rng, n=n, alpha=alpha, angle=angle, rule=rule, noise=noise)
    if student is None:
        w = np.asarray(fit_max_margin(x, y).weights)
        margins = y * (x @ w) / np.linalg.norm(w)
        support = np.mean(margins < margins.min() * (1 + 1e-6))
    else:
        w = np.asarray(fit_empirical_risk(x, y, loss=student.loss, ridge=student.ridge).weights)
        margins = y * (x @ w) / np.linalg.norm(w)
        support = np.mean(y * (x @ w) < 1 + 1e-6)
    z, v, h = rng.standard_normal((3, 200_000))
    field = w[0] * z + w[1] * v + np.linalg.norm(w[2:]) * h
    wrong = field * (math.cos(angle) * z + math.sin(angle) * v) < 0
    ranks = np.searchsorted([0.2533471, 0.6744898], np.abs(z))
    return [support, np.mean(margins <= 0.7), *(wrong[ranks == k].mean() for k in range(3))]


def check_by_trials(setting, *, n, trials):
    rng = np.random.default_rng(5)
    alpha, angle, rule, noise, student = setting
    rows = [counted(rng, n=n, alpha=alpha, angle=angle, rule=rule, noise=noise, student=student) for _ in range(trials)]
    mean, error = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / math.sqrt(trials)
    named = {} if student is None else {"loss": student.loss, "ridge": student.ridge, "label_noise": noise}
    theory = observables(alpha, selection=rule, probe_angle=angle, **named)
    slices = theory.error_by_difficulty([0.0, 0.2, 0.5, 1.0])
    expected = np.array([theory.support_share, float(theory.share_up_to(0.7)), *slices])
    assert np.all(error < 0.04 * (expected + 0.02))
    assert np.all(np.abs(mean - expected) < 4 * error + 1.5 * expected / n)
    flat = np.abs(mean[2:] - theory.generalization_error) / error[2:]
    assert flat.max() > 8  # errors do depend on difficulty


MAX_MARGIN = (2.0, 0.3, KeepHardest(0.4), 0.0, None)
HINGE = (2.0, 0.3, KeepBetween(0.2, 0.7, True), 0.1, EmpiricalRisk("hinge", 0.2))


def test_trials_have_the_margins_and_the_errors_of_the_theory():
    check_by_trials(MAX_MARGIN, n=120, trials=80)


@pytest.mark.slow
@pytest.mark.parametrize("setting", [MAX_MARGIN, HINGE], ids=["max-margin", "hinge"])
def test_more_trials_have_them_too(setting):
    check_by_trials(setting, n=300, trials=60)
