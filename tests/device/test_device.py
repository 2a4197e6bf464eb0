"""Trials in compiled programs: their laws, their students against the CPU's, whatever runs beside them and wherever."""

import math
import os
import subprocess
import sys
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest

from perceptron_pruning import compare, simulate
from perceptron_pruning.device import draws, stages
from perceptron_pruning.device.batches import layout_of
from perceptron_pruning.device.draws import is_order
from perceptron_pruning.device.effort import PATIENT, QUICK
from perceptron_pruning.device.numerics import device_numerics
from perceptron_pruning.device.programs import N_NUMBERS
from perceptron_pruning.device.rule import pool_rule
from perceptron_pruning.device.trials import DeviceSetting, fetched_rows, simulated_on_devices
from perceptron_pruning.observables import observables
from perceptron_pruning.parallel.cores import usable_cores
from perceptron_pruning.sampling import pruned_data
from perceptron_pruning.students.training import train
from replica_theory import (
    Calibrated,
    EmpiricalRisk,
    GradientProbe,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    ProbitNoise,
    TrainedProbe,
    Verified,
)


def gaussian(field, label):
    return np.exp(-(field**2))


def by_label(field, label):
    return np.where(field * label > 0, 0.8, 0.1)


@dataclass(frozen=True)
class OwnRule(KeepHardest):
    """Keeps the hardest but for the very hardest one."""

    def keep(self, margin, *, count, rng):
        return np.sort(np.argsort(margin, kind="stable")[1 : count + 1])


RULES = {
    "hardest": KeepHardest(0.3),
    "easiest, label-aware": KeepEasiest(0.3, label_aware=True),
    "random": KeepRandom(0.5),
    "between": KeepBetween(0.2, 0.6),
    "windows": KeepWindows(((0.0, 0.2), (0.7, 0.8))),
    "calibrated": Calibrated(KeepHardest(0.3), 0.4),
    "probability": KeepWithProbability(gaussian),
    "probability with a jump": KeepWithProbability(by_label, edges=(0.0,)),
    "shipped: calibrated probability": Calibrated(KeepWithProbability(gaussian), 0.3),
    "shipped: verified": Verified(KeepHardest(0.5), 0.9, 0.4),
    "shipped: own": OwnRule(0.3),
}
SHAPED = ProbitNoise(0.5)
SOME_RULES = [
    pytest.param(rule, id=name, marks=() if name in ("hardest", "probability") else pytest.mark.slow)
    for name, rule in RULES.items()
]
STUDENTS = [
    EmpiricalRisk(loss, ridge) for loss in ("square", "logistic", "hinge", "squared_hinge") for ridge in (0.02, 1)
]


def setting(**changes):
    usual = {"selection": KeepHardest(0.3), "probe_angle": 0.3, "n_kept": 16, "n_features": 8, "seed": 3}
    return DeviceSetting(**({**usual, "student": "max_margin", "label_noise": 0.0} | changes))


def largest_difference(result, chosen, places):
    """From the CPU's students of the same rows, over all observables, relative to their size where that is above 1."""
    worst = 0.0
    for place, data in zip(places, fetched_rows(chosen, places), strict=True):
        exact = observables(data, *train(chosen.student, *data))
        for ours, theirs in zip(result.observables, exact, strict=True):
            worst = max(worst, float(np.max(np.abs(ours[place] - theirs) / np.maximum(1, np.abs(theirs)))))
    return worst


@pytest.mark.parametrize("rule", SOME_RULES, ids=str)
def test_students_are_those_of_the_cpu_on_the_same_rows(rule):
    chosen = setting(selection=rule)
    result = simulated_on_devices(chosen, range(32))
    assert result.verified_by == {"quick": 32, "patient": 0, "cpu": 0}
    assert result.residuals.max() < 1e-9
    assert largest_difference(result, chosen, range(4)) < 1e-9


def test_results_do_not_depend_on_batch_order_or_first_trial():
    whole = simulated_on_devices(setting(), range(32)).observables
    order = np.random.default_rng(0).permutation(32)
    shuffled = simulated_on_devices(setting(), order.tolist(), largest_batch=8).observables
    for values, others in zip(whole, shuffled, strict=True):
        assert others == pytest.approx(values[order], rel=1e-12, abs=1e-12)
    assert not np.any(simulated_on_devices(setting(seed=4), range(32)).observables.margin == whole.margin)
    assert not np.any(simulated_on_devices(setting(), range(2**40, 2**40 + 32)).observables.margin == whole.margin)


@pytest.mark.slow
def test_what_pads_the_pool_changes_no_draw():
    """The same trial with P in another bucket begins with the same rows."""
    (few,), (more,) = (list(fetched_rows(setting(selection=KeepRandom(), n_kept=n), [5])) for n in (16, 40))
    assert np.array_equal(more.inputs[:16], few.inputs)


@pytest.mark.slow
def test_coordinates_and_margins_have_their_laws():
    chosen = setting(selection=KeepHardest(0.2), probe_angle=0.3, n_kept=400, n_features=40)
    (data,) = fetched_rows(chosen, [0])
    assert kstest(data.inputs[:, 2:].ravel(), "norm").pvalue > 1e-3
    assert np.all(data.inputs[:, 0] > 0)  # y x along the teacher, without label noise
    field = np.abs(data.inputs[:, :2] @ [math.cos(0.3), math.sin(0.3)])
    assert field.max() == pytest.approx(KeepHardest(0.2).thresholds(0.3)[1], rel=0.1)
    noisy = replace(chosen, label_noise=0.3, selection=KeepRandom(), n_kept=4000)
    (data,) = fetched_rows(noisy, [0])
    assert np.mean(data.inputs[:, 0] < 0) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rule", SOME_RULES, ids=str)
def test_kept_examples_have_the_law_of_the_numpy_draws(rule):
    """Fields of the kept examples on the probe, with label noise: one law in both streams."""
    chosen = setting(selection=rule, label_noise=0.1, n_kept=48, n_features=3)
    probe = np.array([math.cos(0.3), math.sin(0.3), 0.0])
    ours = np.concatenate([data.inputs @ probe for data in fetched_rows(chosen, range(25))])
    size = {"probe_angle": 0.3, "n_kept": 48, "n_features": 3, "label_noise": 0.1, "seed": 0}
    theirs = [pruned_data(rule, trial=trial, **size) for trial in range(100)]
    assert ks_2samp(ours, np.concatenate([d.labels * (d.inputs @ probe) for d in theirs])).pvalue > 1e-3


@pytest.mark.slow
def test_noise_with_a_shape_has_its_law_and_the_cpus_students():
    chosen = setting(label_noise=SHAPED, student=EmpiricalRisk("square", 0.1))
    result = simulated_on_devices(chosen, range(32))
    assert result.verified_by["cpu"] == 0
    assert largest_difference(result, chosen, range(32)) < 1e-9
    wrong = np.concatenate([data.inputs[:, 0] < 0 for data in fetched_rows(chosen, range(32))])
    assert 0.1 < wrong.mean() < 0.5  # the hardest fields |z| are those of most wrong labels


def test_a_probability_that_a_table_misses_is_shipped():
    """A jump that is not declared would be smeared by linear interpolation."""
    assert pool_rule(KeepWithProbability(lambda z, y: np.where(np.abs(z) < 0.7, 0.9, 0.1)), 0.0, 10, 0.0) is None
    jumping = KeepWithProbability(lambda z, y: np.where(np.abs(z) < 0.7, 0.9, 0.1), edges=(-0.7, 0.7))
    rule = pool_rule(jumping, 0.0, 10, 0.0)
    assert rule is not None
    assert np.interp([0.7 - 1e-9, 0.7 + 1e-9], rule.fields, rule.chances[1]) == pytest.approx([0.9, 0.1], abs=1e-6)


@pytest.mark.parametrize(
    ("order", "right"),
    [([2, 0, 3, 1], True), ([2, 3, 0, 1], True), ([2, 0, 1, 3], False), ([2, 0, 0, 1], False), ([2, 2, 3, 1], False)],
    ids=["ascending", "equal ones swapped", "descending", "an equal one twice", "the first twice"],
)
def test_an_order_ascends_and_names_nothing_twice(order, right):
    """Of keys two are equal."""
    assert is_order(np, np.array([1.0, 3.0, 0.5, 1.0]), np.array(order)) == right


def test_a_device_whose_sort_errs_has_no_trial_that_is_verified(monkeypatch):
    """The student of wrong rows would pass its own check."""
    sort = draws.jnp.argsort
    with monkeypatch.context() as patched:
        patched.setattr(draws.jnp, "argsort", lambda keys: sort(keys)[jnp.maximum(jnp.arange(len(keys)) - 1, 0)])
        with device_numerics():
            rule = setting().rule
            plane = draws.kept_plane(draws.trial_key(3, np.uint64(0)), rule, 0.3, 0.0, n_pool=64)
    assert np.isnan(plane[: setting().n_kept]).all()


class Stubborn:
    """Trials that the quick program never verifies; remembers the sizes of the batches."""

    student, n_rounds, n_features, n_kept = "max_margin", 1, 8, 16

    def __init__(self):
        self.sizes = {QUICK: [], PATIENT: []}

    def bytes_of_a_trial(self):
        return 8, 8

    def numbers(self, trials, effort, layout):
        self.sizes[effort].append(len(trials))
        return np.full((len(trials), 1, N_NUMBERS), np.nan if effort is QUICK else 0.0)


def test_a_second_attempt_is_made_in_small_batches():
    trials = Stubborn()
    verified = stages.through_stages(trials, range(200))
    assert verified.verified_by == {"quick": 0, "patient": 200, "cpu": 0}
    n_devices = len(layout_of(8).devices)
    assert trials.sizes[QUICK] == [256]
    assert max(trials.sizes[PATIENT]) == 64 * n_devices


@pytest.mark.slow
def test_what_no_program_verifies_goes_to_the_cpu(monkeypatch):
    expected = simulated_on_devices(setting(), range(8))
    monkeypatch.setattr(stages, "TOLERANCE", -1.0)
    left = simulated_on_devices(setting(), range(8))
    assert left.verified_by == {"quick": 0, "patient": 0, "cpu": 8}
    for ours, exact in zip(expected.observables, left.observables, strict=True):
        assert ours == pytest.approx(exact, rel=1e-9, abs=1e-9)


def test_simulate_names_its_engine_and_has_the_theorys_error():
    result = simulate(2.0, selection=KeepHardest(0.3), probe_angle=0.3, n_features=8, n_trials=32, seed=3, engine="jax")
    assert (result.engine, result.verified_by) == ("jax", {"quick": 32, "patient": 0, "cpu": 0})
    assert np.array_equal(result.margin, simulated_on_devices(setting(), range(32)).observables.margin)
    assert simulate(2.0, selection=KeepRandom(), n_features=8, n_trials=2).engine == "numpy"  # auto on a CPU


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"engine": "cuda"}, "`engine` must be 'auto', 'numpy' or 'jax'; got 'cuda'"),
        ({"probe": TrainedProbe("hinge")}, r"`probe` must be 'exact' or a TrainedProbe of the square, logistic or"),
        ({"probe": TrainedProbe("square", ridge=0)}, r"with a ridge > 0 in the compiled engine.*give engine='numpy'"),
        ({"probe": "trained"}, r"`probe` must be 'exact' or a TrainedProbe.*got 'trained'"),
        ({"probe": GradientProbe(steps=2)}, r"`probe` must be 'exact' or a TrainedProbe.*got GradientProbe"),
        ({"probe": TrainedProbe(), "label_noise": SHAPED}, "`label_noise` must be one chance for all labels"),
        ({"probe": TrainedProbe(), "selection": OwnRule(0.5)}, "`selection` must be a rule of this package"),
        ({"student": EmpiricalRisk("logistic", 0.0)}, "a ridge > 0 and no sample weights in the compiled engine"),
        ({"seed": 2**64}, r"`seed` must be below 2\*\*64 in the compiled engine"),
        ({"memory_budget": 1000}, "`memory_budget` must hold one trial of 20 kept on each of 1 devices"),
    ],
    ids=["engine", "hinge", "no ridge", "perceptron", "steps", "noise", "own rule", "student", "seed", "memory"],
)
def test_refusals(change, message):
    arguments = {"selection": KeepHardest(0.5), "n_features": 10, "n_trials": 2, "engine": "jax"}
    with pytest.raises(ValueError, match=message):
        simulate(2.0, **(arguments | change))


@pytest.mark.slow
@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: f"{student.loss} {student.ridge}")
def test_students_of_a_risk_are_those_of_the_cpu(student):
    for n_kept in (16, 4):
        chosen = setting(student=student, label_noise=0.1, n_kept=n_kept)
        result = simulated_on_devices(chosen, range(32))
        assert result.verified_by["cpu"] == 0
        assert largest_difference(result, chosen, range(6)) < 1e-8


PROBES = [
    pytest.param(TrainedProbe("logistic", 0.1, share=0.5), id="logistic, half"),
    pytest.param(TrainedProbe("square", 0.3), id="square", marks=pytest.mark.slow),
    pytest.param(TrainedProbe("squared_hinge", 0.02, share=0.7), id="squared hinge", marks=pytest.mark.slow),
    pytest.param(TrainedProbe(ridge=math.inf, share=0.3), id="Hebb", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_probes_and_students_of_whole_pools_are_those_of_the_cpu_on_the_same_rows(probe):
    chosen = setting(probe=probe, probe_angle=0.0, label_noise=0.05 if probe.loss == "square" else 0.0)
    if chosen.label_noise:
        chosen = replace(chosen, student=EmpiricalRisk("square", 0.1))
    result = simulated_on_devices(chosen, range(32))
    assert result.verified_by["cpu"] == 0
    assert result.residuals.max() < 1e-9
    assert largest_difference(result, chosen, range(32)) < 1e-9


@pytest.mark.slow
def test_pools_of_trained_probes_do_not_depend_on_batch_order_or_padding():
    chosen = setting(probe=TrainedProbe("logistic", 0.1, share=0.5), probe_angle=0.0)
    whole = simulated_on_devices(chosen, range(32)).observables
    order = np.random.default_rng(0).permutation(32)
    shuffled = simulated_on_devices(chosen, order.tolist(), largest_batch=8).observables
    for values, others in zip(whole, shuffled, strict=True):
        assert others == pytest.approx(values[order], rel=1e-12, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("rule", [KeepHardest(0.3), Calibrated(KeepEasiest(0.4), 0.3)], ids=["hardest", "calibrated"])
def test_trained_probes_have_the_law_of_the_numpy_engine_and_the_theorys_error(rule):
    """The share that trains, the share that a lottery keeps, and the noise are independent draws in both."""
    probe = TrainedProbe("logistic", 0.1, share=0.5)
    cell = {"selection": rule, "probe": probe, "n_features": 40, "n_trials": 400}
    ours, theirs = simulate(2.0, seed=1, engine="jax", **cell), simulate(2.0, seed=2, engine="numpy", **cell)
    assert ours.engine == "jax"
    for name in ("generalization_error", "probe_overlap", "probe_angles", "margin"):
        assert ks_2samp(getattr(ours, name), getattr(theirs, name)).pvalue > 1e-3
    other = simulate(2.0, seed=2, engine="numpy", **(cell | {"probe": replace(probe, share=0.2)}))  # it can fail
    assert ks_2samp(ours.probe_angles, other.probe_angles).pvalue < 1e-6
    assert abs(compare(ours).z_score) < 4


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_both_engines_have_one_law_of_students(rule):
    cell = {"selection": rule, "probe_angle": 0.3, "n_features": 15, "n_trials": 800}
    ours, theirs = simulate(2.0, seed=1, engine="jax", **cell), simulate(2.0, seed=2, engine="numpy", **cell)
    for name in ("generalization_error", "probe_overlap", "margin"):
        assert ks_2samp(getattr(ours, name), getattr(theirs, name)).pvalue > 1e-3
    other = simulate(2.0, seed=2, engine="numpy", **(cell | {"selection": KeepEasiest(0.15)}))  # it can fail
    assert ks_2samp(ours.generalization_error, other.generalization_error).pvalue < 1e-6


@pytest.mark.slow
def test_the_theory_agrees():
    cells = [(KeepHardest(0.2), 0.0, 3.0), (KeepEasiest(0.3), 0.2, 2.0), (Calibrated(KeepHardest(0.3), 0.4), 0.0, 2.0)]
    for rule, angle, alpha in cells:
        result = simulate(alpha, selection=rule, probe_angle=angle, n_features=60, n_trials=256, engine="jax")
        assert abs(compare(result).z_score) < 4


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.5, 2.0, 8.0], ids="{}".format)
def test_factors_in_single_precision_serve(alpha):
    """For devices that factor nothing in double precision; what they refine is verified all the same."""
    chosen = setting(n_kept=round(30 * alpha), n_features=30, selection=KeepHardest(0.2))
    result = simulated_on_devices(chosen, range(64), double_factors=False)
    assert result.verified_by["cpu"] <= 1
    expected = simulated_on_devices(chosen, range(64))
    assert result.observables.margin == pytest.approx(expected.observables.margin, rel=1e-9)


@pytest.mark.slow
def test_examples_without_a_student_are_refused_with_their_certificate():
    with pytest.raises(ValueError, match="are not linearly separable"):
        simulate(6.0, selection=KeepRandom(), n_features=8, n_trials=4, label_noise=0.3, engine="jax")


def test_a_cpu_has_fewer_batched_calls_of_lapack_than_cores():
    assert layout_of(20).lock_step == 32
    assert layout_of(200).lock_step == 3
    assert layout_of(20, side_by_side=usable_cores()).lock_step == (1 if usable_cores() > 1 else 32)


@pytest.mark.slow
def test_one_two_and_four_devices_give_the_same(tmp_path):
    script = (
        "import sys, numpy as np, jax, perceptron_pruning as p\n"
        "from replica_theory import KeepHardest\n"
        "p.use_compilation_cache(sys.argv[1])\n"
        "cell = dict(selection=KeepHardest(0.3), probe_angle=0.2, n_features=20, n_trials=50, engine='jax')\n"
        "r = p.simulate(3.0, **cell)\n"
        "for first in range(50, 1050, 50): p.simulate(3.0, first_trial=first, **cell)\n"
        "print(len(jax.devices()), *map(float.hex, [*r.margin, *r.direction.ravel(), *r.generalization_error]))"
    )
    results = {}
    for count in (1, 2, 4):
        environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={count}"}
        command = [sys.executable, "-c", script, str(tmp_path / "cache")]
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)
        assert run.returncode == 0, run.stderr
        seen, *numbers = run.stdout.split()
        assert int(seen) == count
        results[count] = np.array([float.fromhex(number) for number in numbers])
    for count in (2, 4):
        assert results[count] == pytest.approx(results[1], rel=1e-12, abs=1e-12)
    assert any((tmp_path / "cache").iterdir())
