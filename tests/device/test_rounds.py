"""Rounds of pruning in compiled programs: the CPU's probes and students of the same pools, and NumPy's law."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from perceptron_pruning import simulate_rounds
from perceptron_pruning.device.own_pools import TrainedOn, rounds_of
from perceptron_pruning.device.rounds import OwnPools, rounds_on_devices
from perceptron_pruning.device.rule import pool_rule
from perceptron_pruning.observables import observables
from perceptron_pruning.students.training import train
from replica_theory import Calibrated, EmpiricalRisk, GradientProbe, KeepEasiest, KeepHardest, KeepRandom, TrainedProbe

LOGISTIC = TrainedProbe("logistic", 0.1, share=0.6)
TWICE = ((LOGISTIC, KeepHardest(0.5)), (TrainedProbe("square", 0.3), Calibrated(KeepEasiest(0.5), 0.4)))
POOLS = OwnPools(
    rounds=TWICE, n_pool=64, sizes=(32, 16), n_features=8, seed=3, student=EmpiricalRisk("square", 0.1), label_noise=0.1
)


@pytest.mark.slow
@pytest.mark.parametrize("rerank", [False, True], ids=["what is left", "the whole pool"])
@pytest.mark.parametrize("student", ["max_margin", POOLS.student], ids=["max margin", "square"])
def test_every_round_is_the_cpus_on_the_same_pool(rerank, student):
    noise = POOLS.label_noise if student != "max_margin" else 0.0
    pools = replace(POOLS, student=student, label_noise=noise, rerank_pool=rerank)
    if rerank:
        pools = replace(pools, sizes=(32, 32))
    verified = rounds_on_devices(pools, range(32))
    assert verified.verified_by["cpu"] == 0
    for trial in range(12):
        for number, data in enumerate(pools.fetched(np.uint64(trial))):
            exact = observables(data, *train(student, *data))
            for ours, theirs in zip(verified.observables(number), exact, strict=True):
                assert np.asarray(ours)[trial] == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.slow
def test_rounds_have_the_law_of_the_numpy_engine():
    """Lotteries and shares of later rounds are drawn anew: first places of the pool are not kept twice."""
    rounds = [(LOGISTIC, Calibrated(KeepHardest(0.5), 0.5)), (TrainedProbe("square", 0.3, share=0.5), KeepRandom(0.5))]
    cell = {"rounds": rounds, "n_features": 24, "n_trials": 600}
    ours = simulate_rounds(6.0, seed=1, engine="jax", **cell)
    theirs = simulate_rounds(6.0, seed=2, engine="numpy", **cell)
    assert ours[1].engine == "jax"
    assert sum(ours[1].verified_by.values()) == 600
    for one, other in zip(ours, theirs, strict=True):
        assert one.alpha_prune == other.alpha_prune
        for name in ("generalization_error", "probe_angles", "probe_overlap", "norm"):
            assert ks_2samp(getattr(one, name), getattr(other, name)).pvalue > 1e-3
    assert ks_2samp(ours[0].generalization_error, theirs[1].generalization_error).pvalue < 1e-6  # it can fail


def test_lotteries_of_two_rounds_are_independent():
    """Keep a half at random, twice, of a pool whose rows are numbered: of the first round's half any may be next."""
    rng = np.random.default_rng(0)
    pool = np.arange(1.0, 65.0)[:, None] * np.ones(2)
    rules = [pool_rule(KeepRandom(0.5), 0.0, size, 0.0, pool=2 * size) for size in (32, 16)]
    flat = [lambda rows, seen: TrainedOn(np.ones(2), np.zeros(len(rows)), 0.0)] * 2
    seen = np.zeros(33)
    for _ in range(200):
        chance = lambda what, number, size: rng.random(size)  # noqa: E731
        _, second = rounds_of(np, pool, 64, rules, [1, 1], flat, chance)
        seen[second.rows[:16, 0].astype(int)] += 1
    assert seen[0] == 0
    assert np.all(np.abs(seen[1:] - 100) < 6 * math.sqrt(50))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rounds": [(GradientProbe(steps=2), KeepHardest(0.5))]}, "`probe` must be 'exact' or a TrainedProbe"),
        ({"rounds": [(TrainedProbe("hinge"), KeepHardest(0.5))]}, "the square, logistic or squared hinge loss"),
        ({"student": EmpiricalRisk("square", 0.0)}, "`student` must be 'max_margin' or a named loss with a ridge > 0"),
        ({"seed": 2**64}, r"`seed` must be below 2\*\*64"),
        ({"engine": "cuda"}, "`engine` must be 'auto', 'numpy' or 'jax'"),
        ({"executor": ThreadPoolExecutor(1)}, "`executor` must be left out with engine='jax'"),
        ({"memory_budget": 1000}, "`memory_budget` must hold one trial"),
    ],
    ids=["steps", "hinge", "student", "seed", "engine", "executor", "memory"],
)
def test_refusals(change, message):
    arguments = {"rounds": [(TrainedProbe(), KeepHardest(0.5))], "n_features": 10, "n_trials": 2, "engine": "jax"}
    with pytest.raises(ValueError, match=message):
        simulate_rounds(2.0, **(arguments | change))
