"""Max-margin students against an evaluation in another formulation, at 66 digits, over the extremes of the domain."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import replica_theory
from replica_theory import KeepHardest, KeepRandom, max_margin

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "extreme_max_margin.json").read_text())
ROWS, CONSTANTS = REFERENCE["rows"], REFERENCE["constants"]

PROBABILITIES = {
    "bell": lambda z, y: np.exp(-(z**2) / 4),
    "hardness": lambda z, y: 1 / (1 + np.exp(2 * z * y)),
    "lopsided": lambda z, y: (2 + y) / (4 + 4 * np.exp(z / 2)),
    "bell and window": lambda z, y: np.exp(-(z**2) / 8) / 2 + ((z * y > -0.25) & (z * y < 0.75)) / 2,
}


def rule_of(name, arguments):
    if name == "Calibrated":
        arguments = {**arguments, "selection": selection_of(arguments["selection"])}
    if name == "KeepWithProbability":
        arguments = {"probability": PROBABILITIES[arguments["probability"]], "edges": tuple(arguments["edges"])}
    return getattr(replica_theory, name)(**arguments)


def selection_of(rule):
    return rule_of(rule["rule"], {key: value for key, value in rule.items() if key != "rule"})


def solve(row, alpha_factor=1.0):
    angle = math.radians(row["probe_angle_deg"])
    return max_margin(alpha_factor * row["alpha_prune"], selection=selection_of(row["selection"]), probe_angle=angle)


def short(rule):
    """KeepEasiest-0.1-aware, say."""
    words = (short(value) if isinstance(value, dict) else value for value in rule.values())
    shown = ("aware" if word is True else "agnostic" if word is False else word for word in words)
    return "-".join(f"{word:g}" if isinstance(word, float) else str(word) for word in shown if word != [])


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{short(row['selection'])}-{row['probe_angle_deg']:g}deg-a{row['alpha_prune']:g}"
)
def test_agrees_with_an_independent_evaluation(row):
    solution = solve(row)
    rounding = 4 * np.finfo(float).eps * abs(row["alpha_exponent"])  # α off by 4 units in the last place
    error = pytest.approx(row["generalization_error"], rel=max(1e-8, rounding), abs=0)
    assert solution.generalization_error == error
    assert solution.margin == pytest.approx(row["margin"], rel=1e-8, abs=0)
    assert solution.overlap == pytest.approx(row["overlap"], abs=1e-9)
    assert solution.probe_overlap == pytest.approx(row["probe_overlap"], abs=1e-9)


def test_the_references_are_converged_and_cover_the_domain():
    assert len(ROWS) >= 120
    assert max(row["quadrature_change"] for row in ROWS) < 1e-13
    assert all(row["nested_change"] < 1e-13 for row in ROWS if row["probe_angle_deg"] > 0)
    assert {row["probe_angle_deg"] for row in ROWS} >= {0.0, 0.5, 2.0, 10.0, 20.0, 45.0, 70.0, 90.0}
    assert {row["alpha_prune"] for row in ROWS} >= {0.05, 0.5, 1.0, 2.0, 3.0, 10.0, 100.0, 1e3, 1e4, 1e5}
    assert min(row["generalization_error"] for row in ROWS) > 1e-12


def test_rounding_excuses_only_the_transition():
    """At α = 2, f → 0 the error falls within a width f^{4/3} of α: at f = 1e-6 a double of α is too coarse for 1e-8."""
    excused = [row for row in ROWS if 4 * np.finfo(float).eps * abs(row["alpha_exponent"]) > 1e-8]
    assert [(row["alpha_prune"], row["selection"]["keep_fraction"]) for row in excused] == [(2.0, 1e-6)]


def test_a_wrong_alpha_in_the_seventh_digit_would_be_seen():
    row = next(row for row in ROWS if row["selection"]["rule"] == "KeepHardest" and row["probe_angle_deg"] == 10)
    wrong = solve(row, alpha_factor=1 + 1e-7).generalization_error
    assert abs(wrong / row["generalization_error"] - 1) > 1e-8


@pytest.mark.parametrize("alpha", [2.1, 3.0, 5.0], ids="alpha={:g}".format)
def test_vanishing_fraction_of_a_perfect_probe(alpha):
    slope = CONSTANTS[f"error_over_fraction_{alpha:g}"]
    assert max_margin(alpha, selection=KeepHardest(1e-6)).generalization_error == pytest.approx(1e-6 * slope, rel=1e-8)


def test_random_data_in_plenty():
    solution = max_margin(1e5, selection=KeepRandom())
    assert 1e5 * solution.generalization_error == pytest.approx(CONSTANTS["alpha_error"], rel=1e-8)
    stability = solution.margin / math.sin(math.pi * solution.generalization_error)
    assert stability == pytest.approx(CONSTANTS["k"], rel=1e-8)
