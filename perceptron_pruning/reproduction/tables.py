"""Tables behind figures: lists of rows with the same columns, as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Writes rows as CSV, whole or not at all; floats keep twelve digits."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)
    partial.replace(path)


def read_table(path: Path) -> list[Row]:
    """Reads what `write_table` wrote; numbers come back as numbers, empty cells as None."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _text(value: Any) -> Any:
    return f"{value:.12g}" if isinstance(value, float) else value


def _value(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text or None
