"""Verdicts: they follow from the tables, and turn when the tables are wrong."""

import math

import pytest
from perceptron_pruning.reproduction.cells import point

from perceptron_pruning.reproduction import claims, figure_1a, figure_1b, figure_2
from perceptron_pruning.reproduction.evidence import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED, Effect
from replica_theory import max_margin

NOISE = 0.01  # relative standard error of the made-up cells


def simulated(distort=lambda row: row["theory"], noise=NOISE):
    """Cells that follow the theory, or a distortion of it."""
    rows = []
    for curves, alphas in (
        (figure_1a.CURVES, (0.5, 1.0, 2.0, 3.0, 4.5)),
        (figure_1b.CURVES, (0.6, 2.4, 5.6)),
        (figure_2.CURVES, (0.5, 1.0, 3.0)),
    ):
        for curve in curves:
            errors = max_margin(alphas, selection=curve.selection, probe_angle=curve.probe_angle).generalization_error
            for alpha, error in zip(alphas, errors, strict=True):
                row = point(curve.selection, curve.probe_angle, alpha) | {"theory": float(error)}
                row |= {"simulation": distort(row), "standard_error": noise * float(error)}
                row |= {"z_score": (row["simulation"] - row["theory"]) / row["standard_error"]}
                rows.append(row | {"n_trials": 100, "n_features": 200})
    return rows


def verdicts(rows):
    return [claim.verdict for claim in claims.judge(rows, [])[:6]]


def test_theory_confirms_itself():
    assert verdicts(simulated()) == [CONFIRMED, CONFIRMED, CONFIRMED, CONFIRMED, IN_REGIME, CONFIRMED]


def test_no_cells_decide_nothing():
    assert verdicts([]) == [UNDECIDED] * 6


def test_noise_decides_nothing():
    assert verdicts(simulated(noise=5.0)) == [UNDECIDED] * 6


def only(rule, factor):
    """Multiplies the errors of one rule."""
    return lambda row: row["theory"] * (factor if row["rule"] == rule else 1.0)


def steeper(row):
    return row["theory"] * row["alpha_prune"] ** (-0.5)


@pytest.mark.parametrize(
    ("number", "distort"),
    [
        (0, lambda row: 1.05 * row["theory"]),
        (1, only("KeepEasiest", 3.0)),
        (2, only("KeepHardest", 3.0)),
        (3, steeper),
        (4, lambda row: row["theory"] if row["alpha_prune"] < 2 else 0.25),
        (5, lambda row: row["theory"] if row["alpha_prune"] < 2 or row["probe_angle_degrees"] > 0 else 0.2),
    ],
    ids=["agreement", "scarce", "abundant", "power law", "frontier", "imperfect probe"],
)
def test_each_verdict_turns_when_the_data_are_wrong(number, distort):
    assert verdicts(simulated(distort))[number] == REFUTED


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
    assert [claim.verdict for claim in claims.judge([], embedded(errors))[6:]] == [verdict, verdict]


def test_few_seeds_widen_the_interval():
    assert Effect(1.0, 0.45).verdict() == CONFIRMED
    assert Effect(1.0, 0.45, degrees_of_freedom=2).verdict() == UNDECIDED
    assert Effect(-1.0, 0.1).verdict() == REFUTED
    assert Effect(math.nan, 0.1).verdict() == UNDECIDED
