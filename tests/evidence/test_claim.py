"""A claim's verdict is a function of its printed numbers: recomputed here from the rows alone, by a second reading."""

import math
from itertools import groupby
from pathlib import Path

import pytest

from perceptron_pruning.evidence.claim import Allowance, Claim, Measurement, as_text
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED, Criterion
from perceptron_pruning.output.tables import read_table, write_table

FIGURES = Path(__file__).parents[2] / "figures"


def measured(value, criterion: Criterion = "above", **more):
    return Measurement(quantity="gain", effect=Effect(value=value, standard_error=1.0), criterion=criterion, **more)


HOLDS, FAILS, OPEN = measured(3.0), measured(-3.0), measured(1.0)
MEANS_NOTHING = measured(1.0, precondition=True)


@pytest.mark.parametrize(
    ("measurements", "verdict"),
    [
        ((), UNDECIDED),
        ((HOLDS, HOLDS), CONFIRMED),
        ((HOLDS, OPEN), UNDECIDED),
        ((HOLDS, OPEN, FAILS), REFUTED),
        ((HOLDS, MEANS_NOTHING), UNDECIDED),
        ((FAILS, MEANS_NOTHING), REFUTED),
    ],
    ids=["nothing", "all hold", "one is open", "one fails", "precondition", "fails whatever the precondition"],
)
def test_a_claim_is_judged_by_all_its_measurements(measurements, verdict):
    assert Claim(statement="s", measurements=measurements).verdict == verdict


def test_a_claim_that_is_tested_in_part_is_confirmed_in_that_regime():
    claim = Claim(statement="s", measurements=(measured(3.0, theory=2.0),), limited=True)
    assert claim.verdict == claim.predicted == IN_REGIME


@pytest.mark.parametrize(
    ("measurements", "asserted", "predicted"),
    [
        ((measured(3.0, theory=2.0),), False, CONFIRMED),
        ((measured(3.0, theory=-2.0),), False, REFUTED),
        ((measured(3.0, theory=2.0), HOLDS), False, None),
        ((measured(3.0, theory=2.0), MEANS_NOTHING), False, CONFIRMED),
        ((HOLDS,), True, CONFIRMED),
        ((), False, None),
    ],
    ids=["positive", "negative", "silent on one", "precondition", "its own statement", "nothing"],
)
def test_the_theory_predicts_a_verdict_by_its_own_numbers(measurements, asserted, predicted):
    assert Claim(statement="s", measurements=measurements, asserted=asserted).predicted == predicted


def test_a_verdict_contradicts_the_theory_only_where_both_decide():
    against = Claim(statement="s", measurements=(measured(-3.0, theory=2.0),))
    undecided = Claim(statement="s", measurements=(measured(1.0, theory=2.0),))
    silent = Claim(statement="s", measurements=(FAILS,))
    assert [claim.contradicts_theory for claim in (against, undecided, silent)] == [True, False, False]


def test_a_rule_that_helps_at_both_ends_reads_otherwise_than_one_that_hurts_at_both():
    helps, hurts = (
        Claim(statement="s", measurements=(measured(gain, "hurts"), measured(gain, "helps"))) for gain in (3.0, -3.0)
    )
    assert helps.verdict == hurts.verdict == REFUTED
    assert helps.measured.count("(helps)") == hurts.measured.count("(hurts)") == 2


def test_allowances_are_for_comparisons_alone():
    with pytest.raises(ValueError, match="`allowances` must be empty unless `criterion` is 'equal'; got 'above'"):
        measured(1.0, allowances=(Allowance(name="n", size=1.0, source="s"),))


def test_allowances_are_printed_with_their_source():
    allowance = Allowance(name="interpolation", size=0.25, source="1/16 of the gap")
    claim = Claim(
        statement="it crosses",
        measurements=(measured(10.6, "equal", reference=10.3, theory=10.3, allowances=(allowance,)),),
    )
    assert "allowance 0.25 for interpolation (1/16 of the gap), z = +0.3 (equal to 10.3: confirmed)" in as_text([claim])
    (row,) = claim.rows
    assert (row["allowance"], row["allows_for"]) == (0.25, "interpolation (1/16 of the gap)")


def outcome_by_hand(row):
    """The verdict of one row of claims.csv, from its numbers alone."""
    low, high, r = row["low"], row["high"], row["reference"]
    if row["degrees_of_freedom"] < 4:
        return "undecided"
    if row["criterion"] == "equal":
        z = (row["measured"] - r) / math.hypot(row["standard_error"], row["allowance"])
        return "confirmed" if abs(z) <= row["largest_z"] else "refuted"
    holds, fails = {
        "above": (low > r, high < r),
        "below": (high < r, low > r),
        "within": (low > -r and high < r, low > r or high < -r),
        "helps": (low > 0, high < 0),
        "hurts": (high < 0, low > 0),
    }[row["criterion"]]
    return "confirmed" if holds else "refuted" if fails else "undecided"


def verdict_by_hand(rows):
    """The verdict of a claim, from its rows."""
    rows = [row for row in rows if row["quantity"] is not None]
    outcomes = {(row["role"], outcome_by_hand(row)) for row in rows}
    if ("test", "refuted") in outcomes:
        return "refuted"
    if not rows or any(outcome != "confirmed" for _, outcome in outcomes):
        return "undecided"
    return "confirmed" if rows[0]["scope"] == "whole" else "confirmed in this regime"


def claims_in(rows):
    return [list(part) for _, part in groupby(rows, key=lambda row: (row["claim"], row["setting"]))]


@pytest.mark.parametrize("folder", [FIGURES, FIGURES / "real_data"], ids=["theory", "real data"])
def test_every_committed_verdict_follows_from_its_row(folder):
    claims = claims_in(read_table(folder / "claims.csv"))
    assert len(claims) > 20
    for rows in claims:
        assert {row["verdict"] for row in rows} == {verdict_by_hand(rows)}, rows[0]["claim"]


def test_a_verdict_that_does_not_follow_is_found_out(tmp_path):
    claims = [Claim(statement="s", measurements=(HOLDS,)), Claim(statement="t", measurements=(FAILS, MEANS_NOTHING))]
    write_table(tmp_path / "claims.csv", [row for claim in claims for row in claim.rows])
    first, second = claims_in(read_table(tmp_path / "claims.csv"))
    assert (verdict_by_hand(first), verdict_by_hand(second)) == (CONFIRMED, REFUTED)
    first[0]["low"] = -1.0
    assert verdict_by_hand(first) == UNDECIDED != first[0]["verdict"]


def test_a_claim_without_numbers_has_a_row():
    (row,) = Claim(statement="s", measurements=()).rows
    assert (row["claim"], row["verdict"]) == ("s", UNDECIDED)
