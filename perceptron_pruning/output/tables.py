"""Tables behind figures: lists of rows, as CSV; a row leaves empty the columns that it lacks."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def write_table(path: Path, rows: Sequence[Row], *, comments: Sequence[str] = (), digits: int = 12) -> None:
    """Writes rows as CSV after lines of comment, whole or not at all; floats keep so many digits."""
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows({name: _text(value, digits) for name, value in row.items()} for row in rows)
    partial.replace(path)


def read_table(path: Path) -> list[Row]:
    """Reads what `write_table` wrote; numbers come back as numbers, empty cells as None; comments are skipped."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(lines)]


def _text(value: Any, digits: int) -> Any:
    return f"{value:.{digits}g}" if isinstance(value, float) else value


def _value(text: str) -> Any:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text or None
