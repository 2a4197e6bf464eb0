"""Verdicts: they follow from the tables, and turn when the tables are wrong."""

import math
from dataclasses import replace

import numpy as np
import pytest

from perceptron_pruning.evidence.effect import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED, Effect
from perceptron_pruning.figures.theory import FIGURES
from perceptron_pruning.figures.theory.settings import FULL
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.reproduction import claims
from perceptron_pruning.sweeps import Cell
from replica_theory import KeepEasiest, KeepHardest, crossover, max_margin

NOISE = 0.005  # relative standard error of the made-up points
ALPHAS_TOTAL = (2.0, 4.0, 5.0, 7.0, 10.0, 14.0)
SETTINGS = replace(FULL, alphas=(1.0, 2.0, 3.0, 5.0), alphas_total=ALPHAS_TOTAL)
SIMULATED = ("1A", "1B", "2CDE", "transition", "label_aware", "trained_probe")

AGREES, PARAMETERS, SIZE, SCARCE, ABUNDANT, FLIPS, POWER, FASTER, EXPONENTIAL, TRANSITION, FALLBACK = range(11)
TELLS, CONSTANT, OPTIMAL, LABELS, TRAINED = range(11, 16)
PREDICTED = {
    **dict.fromkeys((AGREES, PARAMETERS, SIZE, SCARCE, ABUNDANT, FLIPS, POWER, TRANSITION, FALLBACK), CONFIRMED),
    **dict.fromkeys((FASTER, TELLS, OPTIMAL), IN_REGIME),
    **dict.fromkeys((EXPONENTIAL, CONSTANT, LABELS), REFUTED),
    TELLS: CONFIRMED,
    TRAINED: CONFIRMED,
}


def dot(rule, degrees, alpha, noise=NOISE, **more):
    """A point on the theory."""
    error = max_margin(alpha, selection=rule, probe_angle=math.radians(degrees)).generalization_error
    row = {"kind": "simulation", "rule": repr(rule), "keep_fraction": rule.keep_fraction}
    row |= {"probe_angle_degrees": float(degrees), "alpha_prune": alpha, "alpha_total": alpha / rule.keep_fraction}
    row |= {"theory": error, "simulation": error, "standard_error": noise * error}
    row |= {"finite_size": 0.0, "finite_size_error": noise * error / 2}
    row |= {"probe": "exact", "statistic": "mean", "n_features": 200, "n_trials": 100, "seed": 0}
    return row | more


@pytest.fixture(scope="module")
def points():
    """Points that follow the theory, with a little scatter."""
    cells = dict.fromkeys(cell for name in SIMULATED for cell in FIGURES[name].cells(SETTINGS))
    rows = [point_of(cell) for cell in cells]
    scatter = np.random.default_rng(0).standard_normal(len(rows))
    return [shifted(row, z) for row, z in zip(rows, scatter, strict=True)]


def point_of(cell: Cell):
    return dot(cell.selection, round(math.degrees(cell.probe_angle), 9), cell.alpha_prune, probe=cell.probe)


def shifted(row, z):
    scale = math.hypot(row["standard_error"], row["finite_size_error"])
    return row | {"simulation": row["theory"] + z * scale, "z_score": float(z)}


def distorted(rows, change, noise=1.0):
    """Points with their errors changed, and their z-scores."""
    moved = [row | {"simulation": change(row), "standard_error": noise * row["standard_error"]} for row in rows]
    return [
        row
        | {"z_score": (row["simulation"] - row["theory"]) / math.hypot(row["standard_error"], row["finite_size_error"])}
        for row in moved
    ]


@pytest.fixture(scope="module")
def tables():
    """Tables of the figures that claims read, following the theory."""
    found = {"1F": FIGURES["1F"].compute(SETTINGS, Simulated())}
    sizes = [dot(KeepHardest(0.4), 0, 3.0, n_features=n, setting="hard") for n in (100, 200)]
    limits = [row | {"kind": "extrapolation", "z_score": 0.5} for row in sizes]
    found["finite_size"] = sizes + limits
    found["order_parameters"] = [row | {"z_score": z} for row, z in zip(sizes, (0.3, -1.0), strict=True)]
    exact = {f: crossover(KeepHardest(f), KeepEasiest(f)) for f in (0.2, 0.4)}
    crossings = [{"kind": "crossover", "keep_fraction": f, "alpha_total": alpha} for f, alpha in exact.items()]
    found["1C"] = [*crossings, *(row | {"kind": "simulated crossover", "standard_error": 0.1} for row in crossings)]
    found["1C"] += [dot(KeepHardest(f), 0, f * alpha) for f in exact for alpha in ALPHAS_TOTAL]
    ends = [dot(rule(0.4), 20, 2.0) for rule in (KeepHardest, KeepEasiest)]
    best = {"theory": 0.9 * ends[1]["theory"], "simulation": 0.9 * ends[1]["theory"], "rule": "KeepWindows(...)"}
    found["optimal_rule"] = [*ends, ends[0] | best]
    return found


def verdicts(tables, points):
    return [claim.verdict for claim in claims.judge(tables, points)[: TRAINED + 1]]


def test_theory_confirms_itself(tables, points):
    judged = claims.judge(tables, points)[: TRAINED + 1]
    assert {place: claim.verdict for place, claim in enumerate(judged)} == PREDICTED
    for claim in judged[:TRAINED]:
        assert claim.predicted == claim.verdict, claim.claim
        assert not claim.contradicts_theory
    assert judged[TRAINED].predicted == ""  # on which the theory is silent


def test_no_points_decide_nothing():
    judged = claims.judge({}, [])
    assert {claim.verdict for claim in judged} == {UNDECIDED}
    assert not any(claim.contradicts_theory for claim in judged)


def test_noise_decides_nothing(tables, points):
    found = verdicts(tables, distorted(points, lambda row: row["simulation"], noise=200.0))
    decided = (AGREES, SCARCE, ABUNDANT, POWER, FASTER, TRANSITION, FALLBACK, LABELS, TRAINED)
    assert {found[place] for place in decided} == {UNDECIDED}


def times(factor, when):
    """Multiplies some errors."""
    return lambda row: row["simulation"] * (factor if when(row) else 1.0)


def of_rule(name):
    return lambda row: row["rule"].startswith(name)


@pytest.mark.parametrize(
    ("place", "change", "verdict"),
    [
        (AGREES, times(1.05, lambda row: True), REFUTED),
        (AGREES, times(1.5, lambda row: row["alpha_prune"] == 5.0), REFUTED),
        (SCARCE, times(3.0, of_rule("KeepEasiest")), REFUTED),
        (ABUNDANT, times(3.0, of_rule("KeepHardest")), REFUTED),
        (POWER, lambda row: row["simulation"] * row["alpha_prune"] ** -0.5, REFUTED),
        (FASTER, lambda row: row["simulation"] if row["alpha_prune"] < 2 else 0.25, REFUTED),
        (EXPONENTIAL, lambda row: math.exp(-row["alpha_prune"]), CONFIRMED),
        (TRANSITION, lambda row: 0.3, REFUTED),
        (FALLBACK, times(30.0, lambda row: row["alpha_prune"] == 3 and not row["probe_angle_degrees"]), REFUTED),
        (LABELS, times(0.5, lambda row: "label_aware=True" in row["rule"]), IN_REGIME),
        (TRAINED, times(0.7, lambda row: row["probe"] == "trained"), REFUTED),
    ],
    ids=[
        "agreement of all",
        "agreement of some",
        "scarce",
        "abundant",
        "power law",
        "frontier",
        "exponential",
        "transition",
        "imperfect probe",
        "labels",
        "trained probe",
    ],
)
def test_each_verdict_turns_when_the_points_are_wrong(tables, points, place, change, verdict):
    judged = claims.judge(tables, distorted(points, change))
    assert judged[place].verdict == verdict
    assert judged[place].contradicts_theory == (place != TRAINED)


def changed(rows, kind, **values):
    return [row | values if row["kind"] == kind else row for row in rows]


@pytest.mark.parametrize(
    ("place", "name", "change"),
    [
        (PARAMETERS, "order_parameters", lambda rows: changed(rows, "simulation", z_score=9.0)),
        (SIZE, "finite_size", lambda rows: changed(rows, "extrapolation", z_score=-9.0)),
        (FLIPS, "1C", lambda rows: changed(rows, "simulated crossover", alpha_total=14.0)),
        (FLIPS, "1C", lambda rows: [row for row in rows if row["kind"] != "simulated crossover"]),
        (TELLS, "1F", lambda rows: [row | {"information_gain": row["keep_fraction"]} for row in rows]),
        (OPTIMAL, "optimal_rule", lambda rows: [*rows[:2], rows[2] | {"simulation": 0.4}]),
    ],
    ids=["order parameters", "size", "flip elsewhere", "no flip", "information", "optimal rule"],
)
def test_each_verdict_turns_when_the_table_is_wrong(tables, points, place, name, change):
    assert verdicts(tables | {name: change(tables[name])}, points)[place] == REFUTED


def test_a_gain_that_stays_is_confirmed(tables, points):
    constant = [row | {"information_gain": 0.7} for row in tables["1F"]]
    assert verdicts(tables | {"1F": constant}, points)[CONSTANT] == CONFIRMED


def embedded(errors):
    """Points of three rules at two pools; ``errors[pool][rule]``."""
    return [
        {
            "metric": "margin",
            "pool_size": pool,
            "kept": pool // 2,
            "selection": rule,
            "keep_fraction": 0.5,
            "seed": seed,
            "test_error": error + 0.001 * math.sin(3.0 * seed + len(rule)),
        }
        for pool, rules in errors.items()
        for rule, error in rules.items()
        for seed in range(6)
    ]


FLIP = {
    100: {"KeepRandom": 0.35, "KeepEasiest": 0.30, "KeepHardest": 0.40},
    5000: {"KeepRandom": 0.15, "KeepEasiest": 0.17, "KeepHardest": 0.13},
}
NO_FLIP = {
    100: {"KeepRandom": 0.30, "KeepEasiest": 0.40, "KeepHardest": 0.35},
    5000: {"KeepRandom": 0.13, "KeepEasiest": 0.17, "KeepHardest": 0.15},
}


@pytest.mark.parametrize(("errors", "verdict"), [(FLIP, IN_REGIME), (NO_FLIP, REFUTED)], ids=["flip", "no flip"])
def test_verdicts_on_embeddings(errors, verdict):
    judged = claims.judge({"embeddings": embedded(errors)}, [])
    assert [claim.verdict for claim in judged[TRAINED + 1 :]] == [verdict, verdict]


def test_few_seeds_widen_the_interval():
    assert Effect(1.0, 0.45).verdict() == CONFIRMED
    assert Effect(1.0, 0.45, degrees_of_freedom=2).verdict() == UNDECIDED
    assert Effect(-1.0, 0.1).verdict() == REFUTED
    assert Effect(math.nan, 0.1).verdict() == UNDECIDED
