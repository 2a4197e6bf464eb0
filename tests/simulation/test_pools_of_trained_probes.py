"""Finite students on pools that their own probe has pruned, against the theory for N → ∞.

Finite-size terms fall as 1/N. Means over pools at two dimensions N and 2N give a line in 1/N, whose value at N = ∞ is
held against the theory.
"""

import math

import numpy as np
import pytest

from perceptron_pruning import fit_empirical_risk, fit_max_margin
from replica_theory import KeepEasiest, KeepHardest, TrainedProbe, empirical_risk, max_margin, pruning_rounds


def pool(alpha, n_features, rng, noise):
    """Folded examples y x, (P, N), of a teacher along the first axis."""
    inputs = rng.standard_normal((round(alpha * n_features), n_features))
    flips = np.where(rng.random(len(inputs)) < noise, -1.0, 1.0)
    return inputs * (np.sign(inputs[:, 0]) * flips)[:, None]


def trained(folded, loss, ridge):
    """Weights of a student of these folded examples."""
    labels = np.ones(len(folded))
    if loss == "max_margin":
        return fit_max_margin(folded, labels).weights
    if math.isinf(ridge):
        return folded.mean(0)
    return fit_empirical_risk(folded, labels, loss=loss, ridge=ridge).weights


def pruned(folded, probe, selection, rng):
    """The probe's weights, and what it keeps of the pool on a share of which it was trained."""
    seen = folded[rng.permutation(len(folded))[: round(probe.share * len(folded))]]
    weights = trained(seen, probe.loss, probe.ridge)
    margins = folded @ weights
    if probe.loss == "hinge" and probe.ties == "random":  # equal to the solver's accuracy only
        margins = margins + np.where(np.abs(margins - 1) < 1e-6, 1e-5 * rng.random(len(margins)), 0.0)
    count = round(selection.keep_fraction * len(folded))
    return weights, folded[selection.keep(selection.margin(margins, np.ones(len(folded))), count=count, rng=rng)]


def angle(weights, other=None):
    """To the teacher, or to other weights."""
    if other is None:
        return math.atan2(np.linalg.norm(weights[1:]), weights[0])
    return math.acos(weights @ other / np.linalg.norm(weights) / np.linalg.norm(other))


def simulated(alpha, rounds, student, *, noise, n_features, n_pools, seed):
    """Test error, probe's angle and overlap with the probe of each pool, (n_pools, 3), after the last round."""
    rows = []
    for trial in range(n_pools):
        rng = np.random.default_rng([seed, n_features, trial])
        kept, probe = pool(alpha, n_features, rng, noise), np.zeros(n_features)
        for trained_probe, selection in rounds:
            probe, kept = pruned(kept, trained_probe, selection, rng)
        weights = trained(kept, *student)
        rows.append((angle(weights) / math.pi, angle(probe), math.cos(angle(weights, probe))))
    return np.array(rows)


def z_scores(alpha, rounds, student, theory, *, noise=0.0, n_features, n_pools, seed=0):
    """(line in 1/N at N = ∞ − theory)/standard error of error, angle and overlap, and the relative standard errors."""
    setting = {"noise": noise, "n_pools": n_pools, "seed": seed}
    small, large = (simulated(alpha, rounds, student, n_features=n, **setting) for n in (n_features, 2 * n_features))
    limit = 2 * large.mean(0) - small.mean(0)
    error = np.sqrt((4 * large.var(0, ddof=1) + small.var(0, ddof=1)) / n_pools)
    return (limit - theory) / error, error / np.abs(theory)


def predicted(alpha, probe, selection, student, noise=0.0):
    kept, setting = alpha * selection.keep_fraction, {"selection": selection, "probe": probe}
    if student[0] == "max_margin":
        solution = max_margin(kept, **setting)
    else:
        solution = empirical_risk(kept, loss=student[0], ridge=student[1], label_noise=noise, **setting)
    return np.array([solution.generalization_error, solution.probe_angle, solution.probe_overlap]), solution


SETTINGS = [
    (3.0, TrainedProbe("logistic", 0.1), KeepHardest(0.5), ("max_margin", 0.0), 0.0),
    (3.0, TrainedProbe("square", 0.5, share=0.6), KeepHardest(0.4), ("square", 0.3), 0.1),
    (2.0, TrainedProbe("square", math.inf), KeepEasiest(0.5), ("logistic", 0.05), 0.0),
    (3.0, TrainedProbe("logistic", 0.1), KeepEasiest(0.5, label_aware=True), ("logistic", 0.05), 0.1),
    (2.0, TrainedProbe("hinge", 0.2), KeepHardest(0.4), ("square", 0.3), 0.0),
    (2.0, TrainedProbe("squared_hinge", 0.05), KeepHardest(0.4, label_aware=True), ("hinge", 0.1), 0.1),
]


def test_a_square_probe_s_pool_is_that_of_the_theory():
    alpha, probe, selection, student, noise = SETTINGS[1]
    theory, _ = predicted(alpha, probe, selection, student, noise)
    z, precision = z_scores(alpha, [(probe, selection)], student, theory, noise=noise, n_features=60, n_pools=240)
    assert np.all(precision < 0.03)
    assert np.all(np.abs(z) < 4)


def test_the_theory_of_an_independent_probe_at_the_same_angle_is_rejected():
    alpha, probe, selection, student = 3.0, TrainedProbe("square", 0.1), KeepHardest(0.4), ("square", 0.1)
    theory, solution = predicted(alpha, probe, selection, student)
    stranger = empirical_risk(
        alpha * 0.4, loss="square", ridge=0.1, selection=selection, probe_angle=solution.probe_angle
    )
    wrong = np.array([stranger.generalization_error, solution.probe_angle, stranger.probe_overlap])
    setting = {"n_features": 60, "n_pools": 60}
    right_z, _ = z_scores(alpha, [(probe, selection)], student, theory, **setting)
    wrong_z, _ = z_scores(alpha, [(probe, selection)], student, wrong, **setting)
    assert np.all(np.abs(right_z) < 4)
    assert abs(wrong_z[0]) > 8


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "probe", "selection", "student", "noise"), SETTINGS, ids=str)
def test_pools_of_every_probe_are_those_of_the_theory(alpha, probe, selection, student, noise):
    theory, _ = predicted(alpha, probe, selection, student, noise)
    z, precision = z_scores(alpha, [(probe, selection)], student, theory, noise=noise, n_features=100, n_pools=200)
    assert np.all(precision < 0.03)
    assert np.all(np.abs(z) < 4)


@pytest.mark.slow
def test_two_rounds_are_those_of_the_theory():
    rounds = [(TrainedProbe(), KeepHardest(0.6)), (TrainedProbe("square", 0.5), KeepHardest(0.6))]
    last = pruning_rounds(4.0, rounds=rounds)[-1]
    theory = np.array([last.generalization_error, last.probe_angle, last.probe_overlap])
    z, precision = z_scores(4.0, rounds, ("max_margin", 0.0), theory, n_features=100, n_pools=200)
    assert np.all(precision < 0.02)
    assert np.all(np.abs(z) < 4)
