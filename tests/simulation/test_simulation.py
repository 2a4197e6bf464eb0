"""The sampler and the simulator: exact laws, reproducibility, and agreement with the theory."""

import math
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from perceptron_pruning import compare, fit_max_margin, simulate
from perceptron_pruning.sampling import kept_plane, pruned_data, trained_perceptron
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWithProbability,
    max_margin,
)

TWENTY = math.radians(20)


def full_matrix_run(selection, angle, n_kept, n_features, rng):
    """Pruning as a real run does it: draw the whole pool, rank it by the probe, keep, train."""
    pool = rng.standard_normal((round(n_kept / selection.keep_fraction), n_features))
    probe = np.zeros(n_features)
    probe[:2] = math.cos(angle), math.sin(angle)
    labels = np.sign(pool[:, 0])
    margin = labels * (pool @ probe) if selection.label_aware else np.abs(pool @ probe)
    order = np.argsort(margin)
    kept = order[:n_kept] if isinstance(selection, KeepHardest) else order[-n_kept:]
    weights = fit_max_margin(pool[kept], labels[kept]).weights
    return math.atan2(np.linalg.norm(weights[1:]), weights[0]) / math.pi


@pytest.mark.parametrize("rule", [KeepHardest(0.3), KeepEasiest(0.3), KeepHardest(0.3, True)], ids=str)
def test_sampler_has_the_law_of_pruning_the_full_matrix(rule):
    """Two samples of test errors, one from full matrices and one from the exact sampler: one law."""
    rng = np.random.default_rng(11)
    full = [full_matrix_run(rule, TWENTY, 30, 15, rng) for _ in range(400)]
    exact = simulate(2.0, selection=rule, probe_angle=TWENTY, n_features=15, n_trials=400, seed=5)
    assert ks_2samp(full, exact.generalization_error).pvalue > 1e-3


def test_orthogonal_coordinates_are_standard_normal_and_margins_are_ranked():
    inputs, labels, _ = pruned_data(KeepHardest(0.2), probe_angle=TWENTY, n_kept=400, n_features=40, seed=0, trial=0)
    assert inputs.shape == (400, 40)
    assert np.array_equal(labels, np.sign(inputs[:, 0]))
    assert kstest(inputs[:, 2:].ravel(), "norm").pvalue > 1e-3
    threshold = KeepHardest(0.2).thresholds(TWENTY)[1]
    field = np.abs(inputs[:, :2] @ [math.cos(TWENTY), math.sin(TWENTY)])
    assert field.max() == pytest.approx(threshold, rel=0.1)


def test_chance_rules_keep_as_many_as_are_asked_for():
    rule = KeepWithProbability(lambda z, y: 0.1 * np.exp(-(z**2)))
    components, _ = kept_plane(rule, probe_angle=0.0, n_kept=500, rng=np.random.default_rng(0))
    assert components.shape == (500, 2)
    # weight exp(−z²) narrows a unit normal to variance 1/3
    assert kstest(components[:, 0] * math.sqrt(3), "norm").pvalue > 1e-3


def test_a_trial_depends_on_seed_and_number_alone():
    few = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=3, seed=9)
    many = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=7, seed=9)
    other = simulate(2.0, selection=KeepHardest(0.5), n_features=20, n_trials=3, seed=10)
    assert np.array_equal(few.generalization_error, many.generalization_error[:3])
    assert not np.any(few.generalization_error == other.generalization_error)


def test_observables_belong_together():
    result = simulate(2.0, selection=KeepEasiest(0.5), probe_angle=0.3, n_features=30, n_trials=5)
    assert np.cos(math.pi * result.generalization_error) == pytest.approx(result.overlap, rel=1e-12)
    assert np.all(np.abs(result.probe_overlap) <= 1)
    assert np.all(result.margin > 0)
    assert (result.n_kept, result.alpha_prune) == (60, 2.0)


def test_results_do_not_depend_on_what_runs_beside(monkeypatch):
    def run(cores, **options):
        monkeypatch.setattr("perceptron_pruning.parallel.cores.usable_cores", lambda: cores)
        return simulate(3.0, selection=KeepHardest(0.5), n_features=30, n_trials=6, seed=3, **options)

    alone = run(1)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as workers:
        others = run(4), run(2, memory_budget=150_000), run(1, executor=workers)
    for other in others:
        assert np.array_equal(other.generalization_error, alone.generalization_error)


@pytest.mark.parametrize("label_aware", [False, True], ids=["agnostic", "aware"])
def test_trained_probe_is_ranked_by_and_reported(label_aware):
    rule = KeepHardest(0.4, label_aware)
    result = simulate(2.0, selection=rule, n_features=20, n_trials=30, seed=4, probe="trained", probe_epochs=4)
    assert (result.probe, result.probe_epochs, result.probe_angles.shape) == ("trained", 4, (30,))
    assert result.probe_angle == pytest.approx(result.probe_angles.mean())
    rng = np.random.default_rng([4, 7])  # trial 7 again, by hand
    pool = rng.standard_normal((100, 20))
    labels = np.sign(pool[:, 0])
    probe = trained_perceptron(pool, labels, epochs=4, rng=rng)
    margin = labels * (pool @ probe) if label_aware else np.abs(pool @ probe)
    kept = np.sort(np.argsort(margin)[:40])
    weights = fit_max_margin(pool[kept], labels[kept]).weights
    assert result.margin[7] == pytest.approx(1 / np.linalg.norm(weights), rel=1e-9)
    assert result.probe_angles[7] == pytest.approx(math.acos(probe[0]), rel=1e-9)
    assert result.probe_overlap[7] == pytest.approx(weights @ probe / np.linalg.norm(weights), rel=1e-9)


def test_perceptron_learns_from_more_examples_and_separates_when_trained_long():
    rng = np.random.default_rng(0)

    def trained(n_examples, epochs):
        inputs = rng.standard_normal((n_examples, 20))
        labels = np.sign(inputs[:, 0])
        probe = trained_perceptron(inputs, labels, epochs=epochs, rng=rng)
        return math.acos(probe[0]), np.mean(labels * (inputs @ probe) > 0)

    assert trained(60, 500)[1] == 1  # Rosenblatt's theorem
    few, many = (np.mean([trained(n, 3)[0] for _ in range(10)]) for n in (40, 2000))
    assert many < 0.5 * few


def report(comparisons, capsys):
    """Prints the distribution of z, which is more than a pass."""
    z = np.array([c.z_score for c in comparisons])
    plain = np.array([c.difference / c.standard_error for c in comparisons])
    with capsys.disabled():
        print(
            f"\n{len(z)} cells, largest |z| {np.abs(z).max():.2f} (without finite-size term {np.abs(plain).max():.2f})"
        )
        print(f"z: mean {z.mean():+.2f}, standard deviation {z.std(ddof=1):.2f}; quantiles 5, 25, 50, 75, 95 %:")
        print(np.round(np.quantile(z, [0.05, 0.25, 0.5, 0.75, 0.95]), 2))
    return z


RULES = [KeepHardest(0.2), KeepEasiest(0.2), KeepHardest(0.5), KeepEasiest(0.5), KeepRandom()]


def test_theory_agrees_with_small_simulations(capsys):
    cells = [
        (KeepHardest(0.2), 0.0, 3.0),
        (KeepEasiest(0.2), 0.0, 1.5),
        (KeepHardest(0.5), TWENTY, 3.0),
        (KeepEasiest(0.5, label_aware=True), TWENTY, 2.0),
        (KeepHardest(0.5, label_aware=True), TWENTY, 2.0),
        (KeepBetween(0.2, 0.6), math.radians(10), 2.0),
        (Calibrated(KeepHardest(0.3), 0.4), 0.0, 2.0),
        (KeepWithProbability(lambda z, y: np.exp(-(z**2))), TWENTY, 1.5),
        (KeepRandom(), 0.0, 1.0),
    ]
    comparisons = [
        compare(simulate(alpha, selection=rule, probe_angle=angle, n_features=60, n_trials=150, seed=index))
        for index, (rule, angle, alpha) in enumerate(cells)
    ]
    z = report(comparisons, capsys)
    assert np.abs(z).max() < 4
    for comparison in comparisons:  # a test that could not fail would prove nothing
        assert comparison.standard_error < 0.04 * comparison.theory
        assert abs(comparison.finite_size) + comparison.finite_size_error < 0.05 * comparison.theory


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0, 10, 20], ids="{}deg".format)
def test_theory_agrees_at_the_papers_size(degrees, capsys):
    comparisons = [
        compare(simulate(alpha, selection=rule, probe_angle=math.radians(degrees), n_trials=100, seed=1000 + index))
        for index, (rule, alpha) in enumerate((rule, alpha) for rule in RULES for alpha in (0.5, 1.5, 3.0, 6.0))
    ]
    assert np.abs(report(comparisons, capsys)).max() < 4


def test_wrong_theories_are_rejected(monkeypatch):
    """The wrong rule, the wrong probe, and a fraction wrong by a sixth."""
    simulation = simulate(4.0, selection=KeepHardest(0.3), probe_angle=TWENTY, n_features=120, n_trials=200, seed=2)
    assert abs(compare(simulation).z_score) < 4
    wrong = [
        {"selection": KeepHardest(0.25), "probe_angle": TWENTY},
        {"selection": KeepHardest(0.3), "probe_angle": math.radians(15)},
        {"selection": KeepHardest(0.3, label_aware=True), "probe_angle": TWENTY},
        {"selection": KeepEasiest(0.3), "probe_angle": TWENTY},
        {"selection": KeepRandom(), "probe_angle": TWENTY},
    ]
    for parameters in wrong:
        monkeypatch.setattr(
            "perceptron_pruning.comparison.max_margin",
            lambda alpha, parameters=parameters, **_: max_margin(alpha, **parameters),
        )
        assert not compare(simulation).agrees, parameters


def test_comparison_reports_its_parts():
    simulation = simulate(2.0, selection=KeepRandom(), n_features=40, n_trials=50)
    comparison = compare(simulation)
    assert comparison.simulation is simulation
    assert comparison.theory == pytest.approx(0.18847861, rel=1e-7)
    assert comparison.difference == pytest.approx(simulation.generalization_error.mean() - comparison.theory)
    assert comparison.standard_error == pytest.approx(simulation.generalization_error.std(ddof=1) / math.sqrt(50))
    assert comparison.z_score == pytest.approx(
        (comparison.difference - comparison.finite_size)
        / math.hypot(comparison.standard_error, comparison.finite_size_error)
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha_prune": 0.0}, "`alpha_prune` must be finite and > 0"),
        ({"alpha_prune": [1.0, 2.0]}, "`alpha_prune` must be a single number"),
        ({"alpha_prune": 1e-3}, "at least 1 example"),
        ({"probe_angle": 2.0}, "`probe_angle` must be"),
        ({"n_features": 2}, "`n_features` must be an integer >= 3; got 2"),
        ({"n_trials": 0}, "`n_trials` must be an integer >= 1; got 0"),
        ({"n_trials": 1.5}, "`n_trials` must be an integer"),
        ({"probe": "guessed"}, "`probe` must be 'exact', 'trained', a TrainedProbe or a GradientProbe; got 'guessed'"),
        ({"probe": "trained", "probe_angle": 0.1}, "`probe_angle` must be left out with probe='trained'"),
        ({"probe_epochs": 0}, "`probe_epochs` must be an integer >= 1"),
        ({"memory_budget": 100}, "`memory_budget` must hold one trial of 10 kept of 10; got 100 bytes"),
        ({"selection": "hard"}, "`selection` must be a rule"),
        ({"seed": -1}, "`seed` must be an integer >= 0"),
    ],
    ids=str,
)
def test_refusals(change, message):
    with pytest.raises(ValueError, match=message):
        simulate(**{"alpha_prune": 1.0, "selection": KeepRandom(), "n_features": 10, "n_trials": 2} | change)


def test_one_trial_has_no_standard_error():
    with pytest.raises(ValueError, match="n_trials >= 2"):
        compare(simulate(1.0, selection=KeepRandom(), n_features=10, n_trials=1))
