"""Tables as lists of rows, written to and read from CSV; a row's cell is empty in the columns that it lacks."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perceptron_pruning.output.atomic import write_text_atomically

Row = dict[str, Any]  # column → a number, a text, or None


def write_table(path: Path, rows: Sequence[Row], *, comments: Sequence[str] = (), digits: int = 12) -> None:
    """Writes rows as CSV, whole or not at all.

    Args:
        path: The file, replaced if it exists.
        rows: Column name → value; the columns are those of all rows, in order of first appearance.
        comments: Lines above the header, each written after "# ".
        digits: Significant digits of floats; 17 keep every bit.

    Raises:
        OSError: The file cannot be written; the message names it.
    """
    text = io.StringIO(newline="")
    text.writelines(f"# {comment}\n" for comment in comments)
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: _text(value, digits) for name, value in row.items()} for row in rows)
    write_text_atomically(path, text.getvalue())


def read_table(path: Path) -> list[Row]:
    """Reads what `write_table` wrote; numbers come back as numbers, empty cells as None; comments are skipped."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(lines)]


def _text(value: object, digits: int) -> object:
    return f"{value:.{digits}g}" if isinstance(value, float) else value


def _value(text: str) -> int | float | str | None:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text or None
