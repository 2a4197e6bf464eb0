"""How long each figure took, through any number of interruptions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptron_pruning.output.tables import Row, TableError, read_table, write_table

STAGES = ("simulation", "theory", "drawing")


class Timings:
    """Seconds of each figure's stages, in a file that is written after every stage, however it ends.

    Raises:
        TableError: The file is there, and is no such table.
    """

    def __init__(self, path: Path):
        self._path = path
        self._rows = _by_figure(path) if path.exists() else {}

    @property
    def rows(self) -> list[Row]:
        """One row a figure."""
        return list(self._rows.values())

    @contextmanager
    def measured(self, figure: str, stage: str, *, more: bool = False) -> Iterator[None]:
        """Times what is within; ``more`` adds to what earlier runs took of the same stage."""
        before, started = self._row(figure)[stage] if more else 0.0, time.perf_counter()
        try:
            yield
        finally:
            self.note(figure, stage, before + time.perf_counter() - started)

    def note(self, figure: str, stage: str, seconds: float) -> None:
        """Notes what a stage took, wherever it ran."""
        self._row(figure)[stage] = round(seconds, 2)
        write_table(self._path, self.rows)

    def _row(self, figure: str) -> Row:
        return self._rows.setdefault(figure, {"figure": figure} | dict.fromkeys(STAGES, 0.0))


def _by_figure(path: Path) -> dict[str, Row]:
    rows = read_table(path)
    for number, row in enumerate(rows, 1):
        if row.keys() != {"figure", *STAGES} or not all(isinstance(row[stage], int | float) for stage in STAGES):
            raise TableError(path, f"row {number} must be a figure and its seconds of {', '.join(STAGES)}; got {row}")
    return {str(row["figure"]): row for row in rows}
