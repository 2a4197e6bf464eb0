"""One column of a table: labels, identifiers, scores."""

import csv
import io
from pathlib import Path

import numpy as np

from perceptron_pruning.embeddings.io.npy import DAMAGED_ARCHIVE, only_name
from perceptron_pruning.embeddings.io.parquet import parquet_column

INDEX_NAMES = ("", "Unnamed: 0", "index")  # headers of the index that pandas writes
SUFFIXES = (".npy", ".npz", ".csv", ".tsv", ".txt", ".parquet")


def split_name(spec: str | Path) -> tuple[Path, str | None]:
    """File and name of `FILE:NAME`; name None for `FILE`, also where the file's own name has a colon."""
    text = str(spec)
    path, colon, name = text.rpartition(":")
    if colon and not Path(text).exists() and len(path) > 1:
        return Path(path), name
    return Path(text), None


def read_column(spec: str | Path) -> np.ndarray:
    """Values of a column, (n,): `FILE` or `FILE:COLUMN`, or a folder of Parquet files with `:COLUMN`.

    Raises:
        ValueError: No such column, several to choose from, or values missing; the row is named.
        OSError: The file cannot be read.
    """
    path, name = split_name(spec)
    if path.is_dir():
        parts = sorted(path.glob("*.parquet"))
        if not parts:
            raise ValueError(f"`{path}` must hold *.parquet files; got none")
        return np.concatenate([parquet_column(part, name) for part in parts])
    if path.suffix not in SUFFIXES:
        raise ValueError(f"`{path}` must end in one of {', '.join(SUFFIXES)}; got {path.suffix or 'no ending'}")
    if path.suffix == ".parquet":
        return parquet_column(path, name)
    if path.suffix in (".npy", ".npz"):
        return _numpy_column(path, name)
    return _text_column(path, name)


def _numpy_column(path: Path, name: str | None) -> np.ndarray:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if path.suffix == ".npz":
                with loaded as archive:
                    chosen = archive.files[0] if name is None and len(archive.files) == 1 else name
                    names, values = archive.files, archive[chosen] if chosen in archive.files else None
            else:
                names, values = [], loaded
    except (*DAMAGED_ARCHIVE, OSError, ValueError) as error:
        raise ValueError(f"`{path}` cannot be read as a NumPy file: {error}") from error
    if path.suffix == ".npz":
        only_name(names, name, path)
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"`{path}` must have shape (n,); got {values.shape}")
    return values


def _text_column(path: Path, name: str | None) -> np.ndarray:
    """A column of a delimited file with or without a header, or the lines of a `.txt`, (n,)."""
    if path.suffix == ".txt":
        return as_numbers(_text(path).splitlines())
    delimiter = "\t" if path.suffix == ".tsv" else ","
    table = [row for row in csv.reader(io.StringIO(_text(path), newline=""), delimiter=delimiter) if row]
    if name is None and _is_headless(table):
        width, place, rows, column = len(table[0]), len(table[0]) - 1, table, "last"
        if width == 2 and not _counts_rows(table):
            raise ValueError(f"`{path}` must have a header to choose from its 2 columns; it has none")
    else:
        header, rows = (table[0] if table else []), table[1:]
        width, place = len(header), _place(header, rows, name, path)
        column = header[place]
    for number, row in enumerate(rows):
        if len(row) != width or row[place] == "":
            raise ValueError(f"row {number} of `{path}` must have {width} values, column {column} filled")
    return as_numbers([row[place] for row in rows])


def _place(header: list[str], rows: list[list[str]], name: str | None, path: Path) -> int:
    """Number of the column: the named one, the only one, or of two the one beside pandas' index."""
    if name is None and len(header) == 2 and (header[0] in INDEX_NAMES or _counts_rows(rows)):
        return 1
    return header.index(only_name(header, name, path))


def _is_headless(table: list[list[str]]) -> bool:
    """Whether the first row holds data: one or two columns, and a number, or a value that comes again, in the last.

    A column called by a number, or like one of its own values, must be asked for by name.
    """
    if not table or len(table[0]) > 2 or table[0][0] in INDEX_NAMES:
        return False
    first = table[0][-1]
    return _is_number(first) or any(row[-1] == first for row in table[1:])


def _counts_rows(rows: list[list[str]]) -> bool:
    """Whether the first column counts the rows, from 0 or from 1."""
    start = rows[0][0] if rows and rows[0] else ""
    return start in ("0", "1") and all(row[:1] == [str(int(start) + k)] for k, row in enumerate(rows))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(path: Path) -> str:
    """A text in UTF-8, with or without a byte order mark.

    Raises:
        ValueError: It is in another encoding; the first byte that shows it is named.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"`{path}` must be UTF-8; byte {error.start} is not (iconv -f latin1 -t utf-8)") from error


def as_numbers(values: list[str]) -> np.ndarray:
    """Integers or floats where all values are; text otherwise."""
    texts = np.array(values)
    for kind in (np.int64, np.float64):
        try:
            return texts.astype(kind)
        except (ValueError, OverflowError):
            continue
    return texts
