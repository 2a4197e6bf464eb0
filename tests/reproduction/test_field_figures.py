"""The papers that followed: figures, the flag that chooses them, and verdicts that turn."""

import sys
from pathlib import Path

import pytest

from perceptron_pruning import cli
from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME
from perceptron_pruning.figures.field.collection import FIGURES, FieldFigure
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction import run
from perceptron_pruning.reproduction.suites import FIELD
from perceptron_pruning.reproduction.table_stores import TableStores

COMMITTED = Path(__file__).parents[2] / "figures" / "field"

every_figure = pytest.mark.parametrize("name", FIGURES, ids=str)


def committed(name):
    return read_table(COMMITTED / f"figure_{name}.csv")


@every_figure
def test_it_is_a_figure(name):
    assert isinstance(FIGURES[name], FieldFigure)


@every_figure
def test_every_verdict_turns(name):
    """What decides a claim are its numbers: simulation or theory beyond one half, other exponents, or the errors of
    other points, turn it."""
    table = committed(name)
    tables = [reflected(table, "simulation"), reflected(table, "theory"), steeper(table), squared(table)]
    tables.append(exchanged(table))
    turned = [verdicts(name, other) for other in tables]
    for place, verdict in verdicts(name, table).items():
        assert any(other[place] != verdict for other in turned), place


def verdicts(name, table):
    """By number and statement."""
    return {(number, claim.statement): claim.verdict for number, claim in enumerate(FIGURES[name].claims(table))}


@every_figure
def test_most_claims_are_confirmed_and_none_against_theory(name):
    told = FIGURES[name].claims(committed(name))
    assert sum(claim.verdict in (CONFIRMED, IN_REGIME) for claim in told) > len(told) / 2
    assert not any(claim.contradicts_theory for claim in told)


def steeper(table):
    """A table whose simulated errors of hard examples have twice the exponent."""
    return [row | ({"simulation": row["simulation"] ** 2} if told_of_hard(row) else {}) for row in table]


def squared(table):
    """A table whose theory has twice the exponent."""
    return [row | ({"theory": row["theory"] ** 2} if row.get("theory") is not None else {}) for row in table]


def exchanged(table):
    """A table whose simulated errors are those of other points: in the opposite order."""
    errors = iter([row["simulation"] for row in table if row["kind"] == "simulation"][::-1])
    return [row | ({"simulation": next(errors)} if row["kind"] == "simulation" else {}) for row in table]


def told_of_hard(row):
    return row["kind"] == "simulation" and row.get("policy") == "hard"


def reflected(table, column):
    """A table whose errors in a column are as far from one half, on the other side."""
    return [row | ({column: 1 - row[column]} if row.get(column) is not None else {}) for row in table]


@every_figure
def test_simulation_has_the_theorys_errors(name):
    scores = [row["z_score"] for row in committed(name) if row["kind"] == "simulation"]
    assert len(scores) >= 6
    assert max(map(abs, scores)) <= 4


def test_work_is_what_is_not_a_table_yet(tmp_path):
    stores = TableStores(tmp_path, FIELD.quick, FIGURES)
    assert stores.work(["kolossov"]) == (FIGURES["kolossov"].SECONDS, 0.0)


def test_flags_exclude_each_other(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["perceptron-pruning", "reproduce", "--field", "--real-data"])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "`--real-data` and `--field` exclude each other" in capsys.readouterr().err


def test_the_flag_chooses_the_suite(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(run, "reproduce", lambda folder, settings, suite, **_: asked.append((suite, settings)) or [])
    assert cli.app(["reproduce", "--field", "--output", str(tmp_path)], result_action="return_value") == 0
    assert asked == [(FIELD, FIELD.quick)]
