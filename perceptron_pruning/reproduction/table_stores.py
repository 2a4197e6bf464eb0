"""Figures whose tables are made at one go, each on all cores: what is kept of them is the table itself."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from perceptron_pruning.figures.field.collection import FieldFigure
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.output.tables import Row


@dataclass(frozen=True)
class TableData:
    """The table of one figure."""

    rows: list[Row]

    def table(self) -> list[Row]:
        """It."""
        return self.rows

    def points(self) -> list[Row]:
        """None: simulated points are rows of the table."""
        return []


class TableStores:
    """The stores of a folder; see `Stores`. Nothing but tables is kept."""

    def __init__(self, folder: Path, settings: Settings, figures: Mapping[str, FieldFigure]):
        self._settings, self._figures = settings, figures

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        """What is not a table yet is not done."""
        return sum(self._figures[name].SECONDS for name in names), 0.0

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> TableData:
        rows = self._figures[name].compute(self._settings)
        bar.update(self._figures[name].SECONDS)
        return TableData(rows)
