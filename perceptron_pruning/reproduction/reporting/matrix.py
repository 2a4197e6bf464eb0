"""Predictions × where they are tested: theory, simulation, and each real source, from the verdicts of claims.csv."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from perceptron_pruning.evidence.claim import SIMULATION, THEORY
from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED
from perceptron_pruning.figures.real_data.sources import NAMES, PAIRS_OF_CLASSES
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.reporting.predictions import PREDICTIONS, Prediction, prediction_of

LETTERS = {CONFIRMED: "C", IN_REGIME: "P", REFUTED: "R", UNDECIDED: "U"}
MEANINGS = {
    "C": "confirmed",
    "P": "confirmed in part: in the regime that was tested",
    "R": "refuted",
    "U": "undecided",
}
_COLUMNS = (THEORY, SIMULATION, *NAMES.values(), PAIRS_OF_CLASSES)


@dataclass(frozen=True)
class Cell:
    """The verdicts on one prediction in one place.

    Attributes:
        counts: How many rows have each verdict.
        own: Whether the report itself has these rows; else another one, beside it.
    """

    counts: Mapping[str, int]
    own: bool = True

    @property
    def total(self) -> int:
        """Rows."""
        return sum(self.counts.values())

    @property
    def confirmed(self) -> int:
        """Rows that are confirmed, in whole or in their regime."""
        return self.counts.get(CONFIRMED, 0) + self.counts.get(IN_REGIME, 0)

    @property
    def verdict(self) -> str | None:
        """The verdict that all rows share; None where they differ."""
        if self.confirmed == self.total:
            return IN_REGIME if self.counts.get(IN_REGIME) else CONFIRMED
        return next((verdict for verdict, count in self.counts.items() if count == self.total), None)

    @property
    def badge(self) -> str:
        """The letter of the verdict, or confirmed rows of all."""
        return LETTERS[self.verdict] if self.verdict else f"{self.confirmed}/{self.total}"

    def __str__(self) -> str:
        named = [f"{self.counts[verdict]} {verdict}" for verdict in LETTERS if self.counts.get(verdict)]
        return f"{', '.join(named)} of {self.total} row{'s' * (self.total > 1)}" if self.total > 1 else named[0][2:]


@dataclass(frozen=True)
class Matrix:
    """Cells by prediction and column.

    Attributes:
        cells: Those that have rows.
        n_rows: Claims and settings behind all of them.
    """

    cells: Mapping[tuple[Prediction, str], Cell]
    n_rows: int

    @property
    def columns(self) -> list[str]:
        """Theory, simulation, then the real sources."""
        given = dict.fromkeys(column for _, column in self.cells)
        return [column for column in _COLUMNS if column in given] + [c for c in given if c not in _COLUMNS]

    @property
    def predictions(self) -> list[Prediction]:
        """In the order of their questions; those that no list names come last."""
        given = dict.fromkeys(prediction for prediction, _ in self.cells)
        return [p for p in PREDICTIONS if p in given] + [p for p in given if p not in PREDICTIONS]


def matrix_of(rows: Iterable[Row], beside: Iterable[Row] = ()) -> Matrix:
    """The matrix of a report's claims, with those of another beside it where it has none itself.

    Args:
        rows: Rows of claims.csv.
        beside: Those of another report.
    """
    own_rows, other_rows = verdict_rows(rows), verdict_rows(beside)
    own, other = _counted(own_rows), _counted(other_rows)
    cells = {place: Cell(counts, own=False) for place, counts in other.items()}
    return Matrix(cells | {place: Cell(counts) for place, counts in own.items()}, len(own_rows) + len(other_rows))


def verdict_rows(rows: Iterable[Row]) -> list[Row]:
    """One row of claims.csv for every claim, setting and what it is tested on."""
    seen: dict[tuple[object, ...], Row] = {}
    for row in rows:
        seen.setdefault((row["claim"], row["setting"], row["tested_on"]), row)
    return list(seen.values())


def short(column: str) -> str:
    """The last words of a column's name: "EfficientNet"."""
    return {PAIRS_OF_CLASSES: "pairs"}.get(column, column.rpartition(", ")[2])


def slug(*words: str) -> str:
    """Words as the name of an anchor."""
    return "-".join(re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-") for word in words)


def place_of(row: Row) -> tuple[Prediction, str]:
    """Where a row's verdict is told."""
    return prediction_of(str(row["claim"])), str(row["tested_on"])


def _counted(rows: Sequence[Row]) -> dict[tuple[Prediction, str], Counter[str]]:
    counts: dict[tuple[Prediction, str], Counter[str]] = {}
    for place, verdict in _verdicts(rows):
        counts.setdefault(place, Counter())[verdict] += 1
    return counts


def _verdicts(rows: Sequence[Row]) -> Iterator[tuple[tuple[Prediction, str], str]]:
    """Every verdict with its place, and what the theory says by itself where it says something."""
    for row in rows:
        prediction, column = place_of(row)
        yield (prediction, column), row["verdict"]
        if row["predicted"] and column != THEORY:
            yield (prediction, THEORY), row["predicted"]
