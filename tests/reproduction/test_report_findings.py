"""What a report opens with follows from the verdicts alone: the sentences, and the matrix of where they hold."""

from dataclasses import replace
from pathlib import Path

import pytest

from perceptron_pruning.evidence.claim import DATA, SIMULATION, THEORY, Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED
from perceptron_pruning.figures.real_data.sources import NAMES, PAIRS_OF_CLASSES
from perceptron_pruning.output.tables import read_table
from perceptron_pruning.reproduction.reporting.findings import findings
from perceptron_pruning.reproduction.reporting.matrix import Cell, matrix_of, verdict_rows
from perceptron_pruning.reproduction.reporting.predictions import FURTHER, PREDICTIONS, QUESTIONS, prediction_of

FIGURES = Path(__file__).parents[2] / "figures"
EASY, HARD, FLIP = (
    "When data are scarce, keep the easy",
    "When data abound, keep the hard",
    "The optimal strategy flips",
)


def claim(statement, value, *, on=SIMULATION, theory=None, setting="here", **rest):
    """Confirmed for a value of 9, refuted for −9, undecided for 0."""
    number = Measurement(
        quantity="gain", effect=Effect(value=value, standard_error=1.0), criterion="above", theory=theory
    )
    return Claim(statement=statement, measurements=(number,), setting=setting, tested_on=on, **rest)


def matrix(*claims, beside=()):
    return matrix_of(*([row for c in some for row in c.rows] for some in (claims, beside)))


def test_sentences_follow_from_the_verdicts():
    claims = [claim(EASY, 9.0, theory=1.0), claim(HARD, -9.0), claim(FLIP, 0.0), claim(FLIP, 0.0, on=NAMES["wordnet"])]
    asked, answer, worth = findings(matrix(*claims), claims, "Some claims, held against theory.")
    assert asked == "Some claims, held against theory: 3 predictions, 4 verdicts."
    assert answer == (
        "Which examples are worth keeping? In simulation yes to easy when data are scarce, no to hard when data "
        "abound, undecided: the flip with pool size; on real data undecided: the flip with pool size."
    )
    assert worth.startswith("No verdict contradicts the theory's own prediction; of 4 measured effects 2 are decided")


@pytest.mark.parametrize(
    ("values", "told"),
    [((9.0, 9.0), "yes to"), ((9.0, -9.0), "in part to"), ((-9.0, 0.0), "no to"), ((0.0, 0.0), "undecided:")],
    ids=["all", "some", "none", "open"],
)
def test_a_turned_verdict_turns_the_sentence(values, told):
    claims = [claim(HARD, value, setting=str(number)) for number, value in enumerate(values)]
    assert f"In simulation {told} hard when data abound" in findings(matrix(*claims), claims, "Asked.")[1]


def test_what_contradicts_theory_is_named():
    claims = [claim(HARD, -9.0, theory=1.0)]
    assert findings(matrix(*claims), claims, "Asked.")[-1].startswith(f"Against the theory's own prediction: {HARD}")


def test_cells_count_rows_and_say_theory_alone():
    table = matrix(claim(HARD, 9.0, theory=1.0), claim(HARD, -9.0, setting="there"), claim(EASY, 9.0, on=THEORY))
    assert table.columns == [THEORY, SIMULATION]
    hard, easy = prediction_of(HARD), prediction_of(EASY)
    assert table.predictions == [easy, hard]
    assert table.cells[hard, SIMULATION].badge == "1/2"
    assert str(table.cells[hard, SIMULATION]) == "1 confirmed, 1 refuted of 2 rows"
    assert table.cells[hard, THEORY].badge == table.cells[easy, THEORY].badge == "C"
    assert (easy, SIMULATION) not in table.cells


def test_another_report_fills_the_cells_that_are_empty():
    table = matrix(claim(HARD, 9.0), beside=(claim(HARD, -9.0), claim(HARD, -9.0, on=DATA)))
    assert (table.cells[prediction_of(HARD), SIMULATION].badge, table.cells[prediction_of(HARD), DATA].badge) == (
        "C",
        "R",
    )
    assert [table.cells[prediction_of(HARD), column].own for column in (SIMULATION, DATA)] == [True, False]


@pytest.mark.parametrize(
    ("counts", "badge"),
    [
        ({CONFIRMED: 2}, "C"),
        ({CONFIRMED: 1, IN_REGIME: 1}, "P"),
        ({REFUTED: 3}, "R"),
        ({UNDECIDED: 1}, "U"),
        ({REFUTED: 1, UNDECIDED: 1}, "0/2"),
    ],
    ids=["confirmed", "in part", "refuted", "undecided", "mixed"],
)
def test_badges(counts, badge):
    assert Cell(counts).badge == badge


def test_a_claim_of_ones_own_has_its_own_row():
    own = prediction_of("More examples help")
    assert (own.name, own.question) == ("More examples help", FURTHER)
    assert matrix(replace(claim(HARD, 9.0), statement="More examples help")).predictions == [own]


def committed_rows():
    return [
        row for folder in (FIGURES, FIGURES / "real_data") for row in verdict_rows(read_table(folder / "claims.csv"))
    ]


def test_every_committed_claim_belongs_to_a_prediction_and_a_column():
    rows = committed_rows()
    columns = {THEORY, SIMULATION, PAIRS_OF_CLASSES, *NAMES.values()}
    assert {row["tested_on"] for row in rows} <= columns
    assert {prediction_of(row["claim"]) for row in rows} == set(PREDICTIONS)
    beginnings = [beginning for prediction in PREDICTIONS for beginning in prediction.statements]
    assert all(any(row["claim"].startswith(beginning) for row in rows) for beginning in beginnings)
    assert {prediction.question for prediction in PREDICTIONS} == set(QUESTIONS)
