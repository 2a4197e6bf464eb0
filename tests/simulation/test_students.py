"""Students of any risk on pruned, noisy data: the sampler's law, reproducibility, and agreement with the theory."""

import itertools
import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.stats import ks_2samp

from perceptron_pruning import InfeasibleError, compare, fit_empirical_risk, simulate
from perceptron_pruning.sampling import kept_plane, pruned_data, trained_perceptron
from replica_theory import (
    Calibrated,
    EmpiricalRisk,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    Verified,
    curated_risk,
    empirical_risk,
)

TEN, TWENTY, FORTY = (math.radians(degrees) for degrees in (10, 20, 40))
LOGISTIC = EmpiricalRisk("logistic", ridge=0.1)


def full_matrix_run(rule, angle, noise, n_kept, n_features, rng):
    """Pruning as a real run does it: label the whole pool, flip labels, rank by the probe, keep, train."""
    pool = rng.standard_normal((round(n_kept / rule.keep_fraction), n_features))
    probe = np.zeros(n_features)
    probe[:2] = math.cos(angle), math.sin(angle)
    labels = np.sign(pool[:, 0]) * np.where(rng.random(len(pool)) < noise, -1, 1)
    margin = labels * (pool @ probe) if rule.label_aware else np.abs(pool @ probe)
    order = np.argsort(margin)
    kept = order[:n_kept] if isinstance(rule, KeepHardest) else order[-n_kept:]
    weights = fit_empirical_risk(pool[kept], labels[kept], loss="logistic", ridge=0.1).weights
    return math.atan2(np.linalg.norm(weights[1:]), weights[0]) / math.pi


@pytest.mark.parametrize("rule", [KeepHardest(0.4, True), KeepEasiest(0.4, True), KeepHardest(0.4)], ids=str)
def test_sampler_has_the_law_of_pruning_the_full_matrix_of_noisy_labels(rule):
    rng = np.random.default_rng(21)
    full = [full_matrix_run(rule, TWENTY, 0.15, 30, 15, rng) for _ in range(400)]
    exact = simulate(
        2.0, selection=rule, probe_angle=TWENTY, n_features=15, n_trials=400, seed=6, student=LOGISTIC, label_noise=0.15
    )
    assert ks_2samp(full, exact.generalization_error).pvalue > 1e-3


def test_a_share_of_labels_is_flipped_before_label_aware_rules_see_them():
    inputs, labels = kept_plane(
        KeepRandom(), probe_angle=0.3, n_kept=40_000, rng=np.random.default_rng(0), label_noise=0.2
    )
    assert np.mean(labels != np.sign(inputs[:, 0])) == pytest.approx(0.2, abs=0.01)
    rule = KeepHardest(0.3, label_aware=True)
    inputs, labels = kept_plane(rule, probe_angle=0.0, n_kept=40_000, rng=np.random.default_rng(1), label_noise=0.2)
    flipped = labels != np.sign(inputs[:, 0])
    assert flipped.mean() == pytest.approx(0.2 / 0.3, abs=0.01)  # every flipped label is wrong, and so the hardest
    assert (labels * inputs[:, 0]).max() == pytest.approx(rule.thresholds(0.0, 0.2)[1], abs=0.01)


def test_noise_of_one_half_tells_nothing_and_none_draws_no_chance():
    size = {"probe_angle": 0.3, "n_kept": 400, "n_features": 10, "seed": 3, "trial": 1}
    clean, noisy = (pruned_data(KeepEasiest(0.5), label_noise=noise, **size) for noise in (0.0, 0.5))
    assert np.array_equal(clean.inputs[:, :2], noisy.inputs[:, :2])
    assert np.array_equal(clean.labels, np.sign(clean.inputs[:, 0]))
    assert abs(np.mean(noisy.labels == clean.labels) - 0.5) < 0.1


def test_observables_are_those_of_the_student_trained_by_hand():
    weight = lambda margin: 1 + margin**2  # noqa: E731
    student = EmpiricalRisk("squared_hinge", 0.2, sample_weight=weight)
    rule = KeepEasiest(0.5, label_aware=True)
    result = simulate(
        2.0, selection=rule, probe_angle=0.4, n_features=20, n_trials=4, seed=8, student=student, label_noise=0.1
    )
    data = pruned_data(rule, probe_angle=0.4, n_kept=40, n_features=20, seed=8, trial=2, label_noise=0.1)
    importance = weight(data.labels * (data.inputs @ data.probe))
    fit = fit_empirical_risk(data.inputs, data.labels, loss="squared_hinge", ridge=0.2, sample_weight=importance)
    norm = np.linalg.norm(fit.weights)
    assert result.norm[2] == pytest.approx(norm, rel=1e-9)
    assert result.overlap[2] == pytest.approx(fit.weights[0] / norm, rel=1e-9)
    assert result.margin[2] == pytest.approx((data.labels * (data.inputs @ fit.weights)).min() / norm, rel=1e-9)
    assert result.training_loss[2] == pytest.approx(fit.training_loss, rel=1e-9)
    assert result.training_error[2] == fit.training_error
    assert result.noisy_test_error == pytest.approx(0.1 + 0.8 * result.generalization_error)
    assert (result.student, result.label_noise) == (student, 0.1)


def test_directions_are_components_in_the_plane_and_outside_it():
    for options in ({"probe_angle": 0.4}, {"probe_angle": 0.0}, {"probe": "trained"}):
        result = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=5, student=LOGISTIC, **options)
        assert np.linalg.norm(result.direction, axis=1) == pytest.approx(1, rel=1e-12)
        along, across, beside, rest = result.direction.T
        assert along == pytest.approx(result.probe_overlap, abs=1e-12)
        angles = result.probe_angles
        assert np.cos(angles) * along + np.sin(angles) * across == pytest.approx(result.overlap, abs=1e-12)
        assert np.all(rest >= 0)
        assert np.any(beside < 0)


def test_error_against_a_third_direction():
    result = simulate(2.0, selection=KeepHardest(0.5), probe_angle=0.4, n_features=20, n_trials=30, student=LOGISTIC)
    teacher = result.error_against(teacher_overlap=1.0, probe_overlap=math.cos(0.4))
    assert teacher == pytest.approx(result.generalization_error, rel=1e-7)
    probe = result.error_against(teacher_overlap=math.cos(0.4), probe_overlap=1.0)
    assert np.cos(math.pi * probe) == pytest.approx(result.probe_overlap, abs=1e-9)
    outside = result.error_against(teacher_overlap=0.0, probe_overlap=0.0)
    assert np.cos(math.pi * outside) == pytest.approx(result.direction[:, 2], abs=1e-12)
    with pytest.raises(ValueError, match="must be cosines of one unit vector"):
        result.error_against(teacher_overlap=1.0, probe_overlap=0.0)


def test_results_do_not_depend_on_what_runs_beside(monkeypatch):
    arguments = {"selection": KeepHardest(0.5, True), "probe_angle": 0.3, "n_features": 15, "n_trials": 5}
    arguments |= {"student": EmpiricalRisk("hinge", 0.1, sample_weight=np.cosh), "label_noise": 0.1}
    alone = simulate(2.0, **arguments)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers:
        spread = simulate(2.0, executor=workers, **arguments)
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    batched = simulate(2.0, memory_budget=80_000, **arguments)
    for name in ("generalization_error", "margin", "training_loss", "training_error", "norm", "direction"):
        assert np.array_equal(getattr(spread, name), getattr(alone, name))
        assert getattr(batched, name) == pytest.approx(getattr(alone, name), rel=1e-8, abs=1e-9)


def test_max_margin_students_of_noisy_labels_exist_below_the_separability_threshold():
    arguments = {"selection": KeepRandom(), "n_features": 40, "n_trials": 60, "label_noise": 0.1}
    separable = simulate(1.2, **arguments)
    assert np.all(separable.training_error == 0)
    assert np.all(separable.margin > 0)
    assert abs(compare(separable).z_score) < 4
    hinge = simulate(1.2, student=EmpiricalRisk("hinge", 0.0), **arguments)
    assert hinge.generalization_error == pytest.approx(separable.generalization_error, rel=1e-6)
    with pytest.raises(InfeasibleError, match="not linearly separable"):
        simulate(6.0, **arguments)


def test_trained_probes_see_the_noisy_labels():
    options = {"selection": KeepHardest(0.4), "n_features": 20, "n_trials": 3, "seed": 4, "probe": "trained"}
    result = simulate(2.0, student=LOGISTIC, label_noise=0.2, **options)
    rng = np.random.default_rng([4, 1])  # trial 1 again, by hand
    pool = rng.standard_normal((100, 20))
    labels = np.sign(pool[:, 0]) * np.where(rng.random(100) < 0.2, -1, 1)
    probe = trained_perceptron(pool, labels, epochs=3, rng=rng)
    kept = np.sort(np.argsort(np.abs(pool @ probe))[:40])
    fit = fit_empirical_risk(pool[kept], labels[kept], loss="logistic", ridge=0.1)
    assert result.norm[1] == pytest.approx(np.linalg.norm(fit.weights), rel=1e-9)


def huber(margin_scale):
    class Huber:
        def value(self, field):
            short = np.maximum(1 - field, 0)
            return np.where(short < margin_scale, short**2 / (2 * margin_scale), short - margin_scale / 2)

        def proximal(self, omega, scale):
            inner = (margin_scale * omega + scale) / (margin_scale + scale)
            return np.where(omega > 1, omega, np.where(inner > 1 - margin_scale, inner, omega + scale))

    return Huber()


SHORT = [
    (EmpiricalRisk("square", 0.1), KeepHardest(0.4), 0.0, 0.0, 2.0),
    (EmpiricalRisk("square", 0.0), KeepHardest(0.5, True), TWENTY, 0.1, 3.0),
    (LOGISTIC, KeepHardest(0.4), TWENTY, 0.1, 2.0),
    (EmpiricalRisk("logistic", 0.01), KeepEasiest(0.5, True), TWENTY, 0.2, 2.0),
    (EmpiricalRisk("hinge", 0.1), KeepHardest(0.5, True), TWENTY, 0.1, 2.0),
    (EmpiricalRisk("hinge", 0.0), KeepRandom(), 0.0, 0.1, 4.0),
    (EmpiricalRisk("squared_hinge", 0.3), Verified(KeepRandom(), 0.9, 0.2), FORTY, 0.3, 2.0),
    (EmpiricalRisk("logistic", 0.2, sample_weight=np.cosh), KeepBetween(0.2, 0.7), TEN, 0.1, 2.0),
    (EmpiricalRisk(huber(0.5), 0.1), Calibrated(KeepHardest(0.3), 0.4), TWENTY, 0.1, 1.5),
]


def cell(student, rule, angle, noise, alpha, *, seed, n_features, n_trials):
    return simulate(
        alpha,
        selection=rule,
        probe_angle=angle,
        n_features=n_features,
        n_trials=n_trials,
        seed=seed,
        student=student,
        label_noise=noise,
    )


def report(comparisons, capsys):
    z = np.array([one.z_score for one in comparisons])
    plain = np.array([one.difference / one.standard_error for one in comparisons])
    with capsys.disabled():
        print(
            f"\n{len(z)} cells, largest |z| {np.abs(z).max():.2f} (without finite-size term {np.abs(plain).max():.2f})"
        )
        print(f"z: mean {z.mean():+.2f}, standard deviation {z.std(ddof=1):.2f}")
    return z


def test_theory_agrees_with_small_simulations(capsys):
    simulations = [cell(*one, seed=index, n_features=60, n_trials=100) for index, one in enumerate(SHORT)]
    comparisons = [compare(one) for one in simulations]
    assert np.abs(report(comparisons, capsys)).max() < 4
    for comparison in comparisons:  # a test that could not fail would prove nothing
        assert comparison.standard_error < 0.05 * comparison.theory
        assert abs(comparison.finite_size) + comparison.finite_size_error < 0.05 * comparison.theory


def test_norm_training_loss_and_training_error_are_the_theorys():
    student, rule, angle, noise, alpha = SHORT[2]
    simulation = cell(student, rule, angle, noise, alpha, seed=3, n_features=200, n_trials=60)
    theory = empirical_risk(alpha, loss="logistic", ridge=0.1, selection=rule, probe_angle=angle, label_noise=noise)
    for name in ("norm", "training_loss", "training_error", "overlap", "probe_overlap"):
        values = getattr(simulation, name)
        error = values.std(ddof=1) / math.sqrt(len(values)) + 0.005 * abs(getattr(theory, name))
        assert abs(values.mean() - getattr(theory, name)) < 3 * error, name
        assert error < 0.05 * abs(getattr(theory, name)), name


def test_third_direction_agrees_with_the_theory_of_curated_data():
    """Labels from a generator, selection by an oracle that sees them, test on the truth."""
    rule, generator, oracle = Verified(KeepHardest(0.6), 0.9, 0.3), 0.5, 0.4
    theory = curated_risk(
        8.0, loss="logistic", ridge=0.1, selection=rule, generator_angle=generator, oracle_angle=oracle
    )
    simulation = cell(
        LOGISTIC, rule, theory.mutual_angle, 0.0, theory.student.alpha_prune, seed=5, n_features=100, n_trials=60
    )
    third = compare(simulation, teacher_overlap=math.cos(generator), probe_overlap=math.cos(oracle))
    assert abs(third.z_score) < 4
    assert third.theory == pytest.approx(theory.generalization_error, rel=0.01)  # whole examples
    assert abs(third.theory - simulation.generalization_error.mean()) > 0.02
    with pytest.raises(ValueError, match=r"must be given together; got teacher_overlap=0\.5"):
        compare(simulation, teacher_overlap=0.5)


def test_wrong_theories_are_rejected(monkeypatch):
    """The wrong ridge, loss, noise, rule, probe; a rule that sees clean labels."""
    right = {"selection": KeepHardest(0.4, True), "probe_angle": TWENTY, "label_noise": 0.1, "ridge": 0.1}
    right |= {"loss": "logistic", "sample_weight": None}
    simulation = cell(LOGISTIC, right["selection"], TWENTY, 0.1, 4.0, seed=2, n_features=120, n_trials=150)
    assert abs(compare(simulation).z_score) < 4
    wrong = [
        {"ridge": 0.5},
        {"loss": "square"},
        {"label_noise": 0.07},
        {"label_noise": 0.0},
        {"selection": KeepHardest(0.4)},
        {"selection": KeepHardest(0.33, True)},
        {"probe_angle": FORTY},
        {"sample_weight": lambda margin: np.exp(-margin)},
    ]
    for change in wrong:
        monkeypatch.setattr(
            "perceptron_pruning.comparison.empirical_risk",
            lambda alpha, change=change, **_: empirical_risk(alpha, **(right | change)),
        )
        assert not compare(simulation).agrees, change


LOSSES = [("square", 0.3), ("logistic", 0.01), ("hinge", 0.1), ("squared_hinge", 0.05)]
PLACES = [
    (KeepHardest(0.4), 0.0, 0.0, 2.0),
    (KeepHardest(0.4), TWENTY, 0.1, 3.0),
    (KeepEasiest(0.4), TWENTY, 0.1, 1.0),
    (KeepHardest(0.5, True), TWENTY, 0.1, 2.0),
    (KeepEasiest(0.5, True), FORTY, 0.2, 2.0),
    (KeepEasiest(0.3, True), 0.0, 0.3, 1.0),
    (KeepBetween(0.2, 0.6, True), TEN, 0.05, 2.0),
    (KeepRandom(), 0.0, 0.1, 4.0),
    (Verified(KeepRandom(), 0.9, 0.2), FORTY, 0.3, 2.0),
]
EXTREMES = [
    (EmpiricalRisk("square", 0.0), KeepHardest(0.4), TWENTY, 0.1, 3.0),
    (EmpiricalRisk("square", 0.0), KeepEasiest(0.4), TWENTY, 0.1, 0.5),
    (EmpiricalRisk("hinge", 0.0), KeepHardest(0.5, True), TWENTY, 0.0, 2.0),
    (EmpiricalRisk("hinge", 0.0), KeepRandom(), 0.0, 0.2, 4.0),
    (EmpiricalRisk("squared_hinge", 0.0), KeepEasiest(0.5, True), TWENTY, 0.0, 2.0),
    (EmpiricalRisk("logistic", 0.0), KeepHardest(0.5), TWENTY, 0.2, 6.0),
    (EmpiricalRisk("logistic", 100.0), KeepHardest(0.4, True), TWENTY, 0.0, 2.0),
    (EmpiricalRisk("logistic", 0.1, sample_weight=np.cosh), KeepEasiest(0.5, True), TWENTY, 0.1, 2.0),
    (EmpiricalRisk(huber(0.5), 0.1), Calibrated(KeepHardest(0.3), 0.4), TWENTY, 0.1, 1.5),
]


@pytest.mark.slow
def test_theory_agrees_over_losses_rules_angles_and_noise(capsys):
    """45 settings, N = 400, 50 trials."""
    cells = [(EmpiricalRisk(*loss), *place) for loss, place in itertools.product(LOSSES, PLACES)] + EXTREMES
    simulations = [cell(*one, seed=100 + index, n_features=400, n_trials=50) for index, one in enumerate(cells)]
    comparisons = [compare(one) for one in simulations]
    assert np.abs(report(comparisons, capsys)).max() < 4
    assert max(one.standard_error / one.theory for one in comparisons) < 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"student": "hebb"}, "`student` must be 'max_margin' or an EmpiricalRisk"),
        ({"student": "logistic"}, "`student` must be 'max_margin' or an EmpiricalRisk"),
        ({"label_noise": 0.7}, "`label_noise` must be in"),
        ({"student": EmpiricalRisk("logistic", 0.0)}, "`ridge` must be > 0 for separable examples"),
        ({"student": EmpiricalRisk("square", math.inf)}, "`ridge` must be finite"),
    ],
    ids=str,
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"alpha_prune": 1.0, "selection": KeepRandom(), "n_features": 10, "n_trials": 2} | change)
