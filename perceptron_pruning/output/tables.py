"""Tables as lists of rows, written to and read from CSV; a row's cell is empty in the columns that it lacks."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perceptron_pruning.output.atomic import write_text_atomically

Row = dict[str, Any]  # column → a number, a text, or None


class TableError(ValueError):
    """A file that is no table as it was written: damaged, cut, or another thing; the message names it.

    Args:
        path: The file; or several, of which one is.
        why: What is wrong with it.
    """

    def __init__(self, path: Path | str, why: str):
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return (
            f"`{self.path}` is damaged: {self.why}; put a whole copy in its place, or remove it and make it anew by "
            "the command that wrote it"
        )


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
    """Reads what `write_table` wrote; numbers come back as numbers, empty cells as None; comments are skipped.

    Raises:
        TableError: It is no such table: not text, empty, cut within a line, or with rows that do not fit its header.
        OSError: The file cannot be read; the message names it.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        lines = csv.reader(line for line in io.StringIO(text, newline="") if not line.startswith("#"))
        header, *rows = [cells for cells in lines if cells] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(path, str(error)) from error
    if not text.endswith("\n"):
        raise TableError(path, "it ends within a line" if text else "it is empty")
    for number, cells in enumerate(rows, 1):
        if len(cells) != len(header):
            raise TableError(path, f"row {number} has {len(cells)} cells for {len(header)} columns")
    return [dict(zip(header, map(_value, cells), strict=True)) for cells in rows]


def _text(value: object, digits: int) -> object:
    return f"{value:.{digits}g}" if isinstance(value, float) else value


def _value(text: str) -> int | float | str | None:
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text or None
