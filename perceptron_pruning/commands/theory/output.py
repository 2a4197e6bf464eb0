"""Tables and pictures, in the format of their suffix, each with what made it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from perceptron_pruning.commands.preflight import check_file
from perceptron_pruning.commands.theory.request import Request
from perceptron_pruning.output.atomic import temporary_beside, write_json_atomically
from perceptron_pruning.output.provenance import PACKAGE, provenance
from perceptron_pruning.output.tables import Row, write_table

PICTURES = (".png", ".svg", ".pdf")
_KEY = "perceptron-pruning theory"


def check_output(output: Path) -> None:
    """Raises a `ValueError` unless the file can be written, before anything is computed."""
    if output.suffix not in (*_TABLES, *PICTURES):
        raise ValueError(f"`--output` must end in {', '.join((*_TABLES, *PICTURES))}; got {output}")
    check_file(output, "--output")
    if output.suffix == ".parquet":
        _pyarrow()


def write(output: Path, rows: Sequence[Row], request: Request, column: str) -> None:
    """Writes a table, or draws one of its columns, whole or not at all."""
    about = {name: value for name, value in asdict(request).items() if value is not None}
    about |= provenance(PACKAGE, "numpy", "scipy")
    if output.suffix in PICTURES:
        from perceptron_pruning.commands.theory.picture import draw
        from perceptron_pruning.output.style import save_picture

        save_picture(draw(rows, request, column), output, about=f"{_KEY} {json.dumps(about)}")
    else:
        _TABLES[output.suffix](output, rows, about)


def _write_csv(output: Path, rows: Sequence[Row], about: Row) -> None:
    write_table(output, rows, comments=[_KEY, json.dumps(about)], digits=17)


def _write_json(output: Path, rows: Sequence[Row], about: Row) -> None:
    write_json_atomically(output, {_KEY: about, "rows": rows})


def _write_parquet(output: Path, rows: Sequence[Row], about: Row) -> None:
    pyarrow, parquet = _pyarrow()
    table = pyarrow.Table.from_pylist(list(rows))
    with temporary_beside(output) as temporary:
        parquet.write_table(table.replace_schema_metadata({_KEY: json.dumps(about)}), temporary)


def _pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            '`--output` ending in .parquet needs one more package: pip install "perceptron-pruning[parquet]"'
        ) from None
    return pyarrow, pyarrow.parquet


_TABLES: dict[str, Callable[[Path, Sequence[Row], Row], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}


def readable(rows: Sequence[Row]) -> str:
    """The table in aligned columns, six digits."""
    cells = [list(rows[0]), *([_short(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.rjust, line, widths)) for line in cells)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
