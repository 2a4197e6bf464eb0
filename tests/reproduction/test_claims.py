"""Verdicts: they follow from the tables, and turn when the tables are wrong.

The tables are the committed ones of all figures, with every cell that a figure shows, moved onto the theory: simulation
= theory + finite-size term + z × uncertainty, z standard normal.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED
from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.figures.theory import figure_label_aware
from perceptron_pruning.figures.theory.collection import FIGURES
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction import claims
from perceptron_pruning.reproduction.claims.cells import cells_of
from perceptron_pruning.reproduction.claims.rules import labels_help
from perceptron_pruning.reproduction.run import POINTS, read_tables
from perceptron_pruning.reproduction.suites import PAPER
from perceptron_pruning.sweeps.parsing import rule
from replica_theory import EmpiricalRisk, KeepHardest

COMMITTED = Path(__file__).parents[2] / "figures"

AGREES, PARAMETERS, SIZE, SCARCE, ABUNDANT, FLIPS, POWER, FASTER, EXPONENTIAL, SHRINKING = range(10)
TRANSITION, FALLBACK, TELLS, CONSTANT, ALONG, OPTIMAL, LABELS, TRAINED = range(10, 18)
OWN_THEORY, OWN_HALF, OWN_EASY, ROUNDS = range(18, 22)
LAST = ROUNDS  # of those that are simulated; real images come after
PREDICTED = {
    **dict.fromkeys((AGREES, PARAMETERS, SIZE, SCARCE, ABUNDANT, FLIPS, POWER, TRANSITION, FALLBACK), CONFIRMED),
    **dict.fromkeys((SHRINKING, ALONG), CONFIRMED),
    **dict.fromkeys((FASTER, OPTIMAL), IN_REGIME),
    **dict.fromkeys((EXPONENTIAL, CONSTANT, LABELS), REFUTED),
    TELLS: CONFIRMED,
    TRAINED: CONFIRMED,
    OWN_THEORY: CONFIRMED,
    OWN_HALF: IN_REGIME,
    **dict.fromkeys((OWN_EASY, ROUNDS), REFUTED),
}


@pytest.fixture(scope="module")
def committed():
    return read_tables(COMMITTED, PAPER), read_table(COMMITTED / POINTS)


@pytest.fixture(scope="module")
def on_theory(committed):
    """The tables of all figures, and all simulated points, as the theory has them."""
    tables, points = committed
    rng = np.random.default_rng(0)
    moved = {row["cell_seed"]: shifted(row, z) for row, z in zip(points, rng.standard_normal(len(points)), strict=True)}
    tables = {name: [on_theorys_place(row, moved, rng) for row in rows] for name, rows in tables.items()}
    exact = {row["keep_fraction"]: row["alpha_total"] for row in tables["1C"] if row["kind"] == "crossover"}
    tables["1C"] = [row | crossing(row, exact, rng) for row in tables["1C"]]
    return tables, list(moved.values())


def shifted(row, z):
    scale = math.hypot(row["standard_error"], row["finite_size_error"], row.get("theory_error") or 0.0)
    return row | {"simulation": row["theory"] + row["finite_size"] + z * scale, "z_score": float(z)}


def on_theorys_place(row, moved, rng):
    """A row of a figure's table: as its point was moved, or moved by its own standard error."""
    if row.get("kind") not in ("simulation", "extrapolation"):
        return row
    if row.get("theory_error") is not None:  # a pool that its own probe has pruned, which stands in its figure alone
        return shifted(row, float(rng.standard_normal()))
    if row.get("finite_size") is not None:
        return row | {name: moved[row["cell_seed"]][name] for name in ("simulation", "z_score")}
    z = float(rng.standard_normal())
    return row | {"simulation": row["theory"] + z * row["standard_error"], "z_score": z}


def crossing(row, exact, rng):
    if row["kind"] != "simulated crossover":
        return {}
    return {"alpha_total": exact[row["keep_fraction"]] + float(rng.standard_normal()) * row["standard_error"]}


def distorted(both, change, noise=1.0):
    """All simulated errors changed, with their z-scores."""

    def moved(row):
        if row.get("finite_size") is None:
            return row
        changed = row | {"simulation": change(row), "standard_error": noise * row["standard_error"]}
        away = changed["simulation"] - row["theory"] - row["finite_size"]
        return changed | {"z_score": away / math.hypot(changed["standard_error"], row["finite_size_error"])}

    tables, points = both
    return {name: [moved(row) for row in rows] for name, rows in tables.items()}, [moved(row) for row in points]


def judged(tables, points):
    return claims.judge(tables, points)[: LAST + 1]


def test_theory_confirms_itself(on_theory):
    found = judged(*on_theory)
    assert {place: claim.verdict for place, claim in enumerate(found)} == PREDICTED
    for place, claim in enumerate(found):
        assert place == TRAINED or claim.predicted == claim.verdict, claim.statement
        assert not claim.contradicts_theory
    assert found[TRAINED].predicted is None  # on which the theory is silent


def test_no_points_decide_nothing():
    found = claims.judge({}, [])
    assert {claim.verdict for claim in found} == {UNDECIDED}
    assert not any(claim.contradicts_theory for claim in found)


def test_noise_decides_nothing(on_theory):
    """Standard errors that are 300 times as large, at the same z-scores."""

    def noisy(row):
        known = row.get("standard_error") is not None
        return row | {"standard_error": 300 * row["standard_error"]} if known else row

    tables, points = on_theory
    found = judged(
        {name: [noisy(row) for row in rows] for name, rows in tables.items()}, [noisy(row) for row in points]
    )
    theory_alone = {TELLS, CONSTANT, ALONG}
    assert {place: claim.verdict for place, claim in enumerate(found) if place not in theory_alone} == dict.fromkeys(
        set(PREDICTED) - theory_alone, UNDECIDED
    )


# every cell is found by all that names it


def test_a_claim_reads_its_own_cells_beside_those_of_every_figure(committed):
    """Figure B3 has a square loss at 10 % label noise under the same rules, angle and α: it once stood for them."""
    tables, _ = committed
    rows = [row for name in ("B1", "B2", "B3", "label_aware", "2CDE") for row in tables[name]]
    claim = labels_help(rows)
    (measured,) = claim.measurements
    assert "α_prune = 2.5" in claim.setting
    assert measured.effect.value == pytest.approx(-0.057, abs=0.001)
    assert measured.theory == pytest.approx(-0.0694, abs=1e-4)


def test_cells_are_told_apart_by_student_and_label_noise(committed):
    setting = {"selection": KeepHardest(0.4, label_aware=True), "probe_angle": figure_label_aware.ANGLE}
    noisy = cells_of(committed[1], student=EmpiricalRisk("square", 1e4), label_noise=0.1, **setting)
    assert {(row["student"], row["label_noise"]) for row in noisy.values()} == {("square, ridge 10000", 0.1)}
    assert not set(noisy) & set(cells_of(committed[1], **setting))


def test_every_simulated_cell_is_found_in_its_figure(committed):
    """One by one: a key leads to the row that it was made of."""
    tables, _ = committed
    for name in ("1A", "1B", "2CDE", "transition", "label_aware", "optimal_rule", "B1", "B3"):
        for row in (row for row in tables[name] if row["kind"] == "simulation"):
            cells = cells_of(
                tables[name],
                selection=rule(row["rule"]),
                probe_angle=math.radians(row["probe_angle_degrees"]),
                student=student_of(row["student"]),
                label_noise=row["label_noise"],
            )
            assert cells[row["alpha_prune"]] == row


def student_of(label):
    loss, _, ridge = label.partition(", ridge ")
    return EmpiricalRisk(loss, float(ridge)) if ridge else "max_margin"


@pytest.mark.parametrize("other", [{"n_features": 100}, {"cell_seed": 1}], ids=["another N", "simulated twice"])
def test_two_cells_of_one_key_are_refused(committed, other):
    rows = [row for row in committed[0]["label_aware"] if row["kind"] == "simulation"]
    again = rows[0] | {"cell_seed": 2} | other
    with pytest.raises(ValueError, match=r"`rows` must have one cell of Keep.* at α_prune = 0\.5; got two, of N = 200"):
        labels_help([*rows, again])


def test_one_cell_in_two_tables_is_one_cell(committed):
    tables, _ = committed
    assert labels_help([*tables["label_aware"], *tables["label_aware"]]) == labels_help(tables["label_aware"])


# each verdict turns


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
        (SIZE, times(1.5, lambda row: True), CONFIRMED),
        (SCARCE, times(3.0, of_rule("KeepEasiest")), REFUTED),
        (ABUNDANT, times(3.0, of_rule("KeepHardest")), REFUTED),
        (POWER, lambda row: row["simulation"] * row["alpha_prune"] ** -0.5, REFUTED),
        (FASTER, lambda row: row["simulation"] if row["alpha_prune"] < 2 else 0.25, REFUTED),
        (EXPONENTIAL, lambda row: math.exp(-row["alpha_prune"]), CONFIRMED),
        (SHRINKING, lambda row: row["simulation"] if row["alpha_prune"] < 4 else 0.01, REFUTED),
        (TRANSITION, lambda row: 0.3, REFUTED),
        (FALLBACK, times(30.0, lambda row: row["alpha_prune"] == 3 and not row["probe_angle_degrees"]), REFUTED),
        (OPTIMAL, times(2.0, of_rule("KeepWindows")), REFUTED),
        (LABELS, times(0.5, lambda row: "label_aware=True" in row["rule"]), IN_REGIME),
        (TRAINED, times(0.7, lambda row: row["probe"] == "trained"), REFUTED),
        (OWN_THEORY, times(1.2, lambda row: "share" in row["probe"]), REFUTED),
        (OWN_HALF, times(1.5, of_rule("KeepHardest")), REFUTED),
        (OWN_EASY, times(3.0, of_rule("KeepHardest")), CONFIRMED),
        (ROUNDS, times(0.3, lambda row: row.get("rounds") == 3), CONFIRMED),
    ],
    ids=[
        "agreement of all",
        "agreement of some",
        "size, by the extrapolations alone",
        "scarce",
        "abundant",
        "power law",
        "frontier",
        "exponential",
        "shrinking fraction",
        "transition",
        "imperfect probe",
        "optimal rule",
        "labels",
        "trained probe",
        "own probes' theory",
        "half of the pool",
        "easy by an own probe",
        "rounds",
    ],
)
def test_each_verdict_turns_when_the_points_are_wrong(on_theory, place, change, verdict):
    claim = judged(*distorted(on_theory, change))[place]
    assert claim.verdict == verdict
    assert claim.contradicts_theory == (verdict != PREDICTED[place] and place != TRAINED)


def changed(rows, kind, **changes):
    return [
        row | {name: change(row) for name, change in changes.items()} if row["kind"] == kind else row for row in rows
    ]


@pytest.mark.parametrize(
    ("place", "name", "change"),
    [
        (PARAMETERS, "order_parameters", lambda rows: changed(rows, "simulation", z_score=lambda row: 9.0)),
        (SIZE, "finite_size", lambda rows: changed(rows, "extrapolation", simulation=lambda row: 0.9 * row["theory"])),
        (FLIPS, "1C", lambda rows: changed(rows, "simulated crossover", alpha_total=lambda row: 14.0)),
        (FLIPS, "1C", lambda rows: changed(rows, "simulation", simulation=lambda row: abs(row["simulation"]))),
        (FLIPS, "1C", lambda rows: changed(rows, "simulation", simulation=lambda row: -abs(row["simulation"]))),
        (TELLS, "1F", lambda rows: [row | {"information_gain": row["keep_fraction"]} for row in rows]),
        (ALONG, "1F", lambda rows: changed(rows, "shrinking", entropy=lambda row: -math.log(row["alpha_prune"]))),
        (SHRINKING, "transition", lambda rows: changed(rows, "shrinking", theory=lambda row: 1 / row["alpha_prune"])),
    ],
    ids=[
        "order parameters",
        "size",
        "flip elsewhere",
        "hard never helps",
        "hard never hurts",
        "information",
        "along",
        "shrinking",
    ],
)
def test_each_verdict_turns_when_the_table_is_wrong(on_theory, place, name, change):
    tables, points = on_theory
    assert judged(tables | {name: change(tables[name])}, points)[place].verdict == REFUTED


def test_a_gain_that_stays_is_confirmed(on_theory):
    tables, points = on_theory
    constant = [row | {"information_gain": 0.7} for row in tables["1F"]]
    assert judged(tables | {"1F": constant}, points)[CONSTANT].verdict == CONFIRMED


def embedded(errors):
    """Retrained students of three rules at two pools; ``errors[pool][rule]``."""
    return [
        {"kind": MEASURED, "source": "fashion-mnist", "metric": "random" if rule == "random" else "margin"}
        | {"rule": rule, "class_floor": 0.5, "pool_size": pool, "keep_fraction": 0.5, "kept": pool // 2, "seed": seed}
        | {"test_error": error + 0.001 * math.sin(3.0 * seed + len(rule))}
        for pool, rules in errors.items()
        for rule, error in rules.items()
        for seed in range(6)
    ]


FLIP = {
    100: {"random": 0.35, "easy": 0.30, "hard": 0.40},
    5000: {"random": 0.15, "easy": 0.17, "hard": 0.13},
}
NO_FLIP = {
    100: {"random": 0.30, "easy": 0.40, "hard": 0.35},
    5000: {"random": 0.13, "easy": 0.17, "hard": 0.15},
}


@pytest.mark.parametrize(("errors", "verdict"), [(FLIP, IN_REGIME), (NO_FLIP, REFUTED)], ids=["flip", "no flip"])
def test_verdicts_on_embeddings(errors, verdict):
    found = claims.judge({"embeddings": embedded(errors)}, [])
    assert [claim.verdict for claim in found[LAST + 1 :]] == [verdict, verdict]


def test_every_figure_that_is_named_is_there(on_theory):
    assert {claim.figure for claim in claims.judge(*on_theory)} <= {"all", *FIGURES}
