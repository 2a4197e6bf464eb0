"""Parquet: embeddings in a list column or a column a feature; plain columns. Needs pyarrow (extra ``embeddings``)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perceptron_pruning.embeddings.io.npy import only_name

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BATCH_ROWS = 8192  # rows of a list column that are unpacked at a time


def pyarrow_parquet():
    """The module ``pyarrow.parquet``.

    Raises:
        ValueError: pyarrow is not installed; the message names the extra.
    """
    try:
        import pyarrow.parquet
    except ImportError as missing:
        raise ValueError('Parquet needs pyarrow: pip install "perceptron-pruning[embeddings]"') from missing
    return pyarrow.parquet


def open_parquet(path: Path) -> "ParquetFile":
    """The opened file.

    Raises:
        ValueError: It is no Parquet file, or it is truncated.
    """
    from pyarrow import ArrowInvalid

    try:
        return pyarrow_parquet().ParquetFile(path)
    except ArrowInvalid as error:
        raise ValueError(f"`{path}` is no Parquet file, or it is truncated: {error}") from error


def parquet_column(path: Path, name: str | None) -> np.ndarray:
    """A column without missing values, (n,); the only one if no name is given."""
    file = open_parquet(path)
    column = file.read(columns=[only_name(file.schema_arrow.names, name, path)]).column(0)
    if column.null_count:
        row = int(np.flatnonzero(column.is_null().to_numpy())[0])
        raise ValueError(f"row {row} of `{path}` has no {name}; {column.null_count} are missing")
    values = column.to_numpy()
    return values.astype(str) if values.dtype == object else values


NOT_FEATURES = ("id", "index", "image", "image_path", "label", "class", "target", "y", "__index_level_0__")


def wide_columns(path: Path) -> list[str]:
    """The columns of a file that has no list column: one a feature, but for identifiers and labels by name.

    Raises:
        ValueError: One of the others holds no numbers.
    """
    import pyarrow as pa

    fields = list(open_parquet(path).schema_arrow)
    if any(_is_list(field.type) for field in fields):
        return []
    features = [field for field in fields if field.name.lower() not in NOT_FEATURES]
    for field in features:
        if not (pa.types.is_floating(field.type) or pa.types.is_integer(field.type)):
            raise ValueError(
                f"`{path}` must have a list column, or numbers in every column but {', '.join(NOT_FEATURES[:-1])}; "
                f"got {field.type} in {field.name}"
            )
    return [field.name for field in features]


def wide_shape(path: Path, names: list[str]) -> tuple[int, int, np.dtype]:
    """Rows, width and common dtype of the columns of a file.

    Raises:
        ValueError: There are no rows.
    """
    file = open_parquet(path)
    if not file.metadata.num_rows:
        raise ValueError(f"`{path}` must have rows; got none")
    kinds = [np.dtype(file.schema_arrow.field(name).type.to_pandas_dtype()) for name in names]
    return file.metadata.num_rows, len(names), np.result_type(*kinds)


def wide_batches(path: Path, names: list[str]) -> Iterator[np.ndarray]:
    """The columns side by side as arrays of at most 8192 rows, (rows, features), in their common precision.

    Raises:
        ValueError: A value is missing; its row and column are named.
    """
    start = 0
    for batch in open_parquet(path).iter_batches(BATCH_ROWS, columns=names):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.null_count:
                row = start + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
                raise ValueError(f"row {row} of `{path}` has no {name}")
        values = dict(zip(batch.schema.names, batch.columns, strict=True))
        yield np.column_stack([values[name].to_numpy(zero_copy_only=False) for name in names])
        start += len(batch)


def _is_list(kind: object) -> bool:
    import pyarrow as pa

    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def list_column(path: Path, name: str | None) -> tuple[str, int, int, np.dtype]:
    """Name, rows, width and dtype of the list column of numbers of a file."""
    file = open_parquet(path)
    lists = {field.name: field.type.value_type for field in file.schema_arrow if _is_list(field.type)}
    name = only_name(lists, name, path)
    dtype = np.dtype(lists[name].to_pandas_dtype())
    first = next(file.iter_batches(1, columns=[name]), None)
    if first is None or first.column(0)[0].as_py() is None:
        raise ValueError(f"`{path}` must have rows, the first with a value in {name}")
    return name, file.metadata.num_rows, len(first.column(0)[0]), dtype


def list_batches(path: Path, name: str, width: int) -> Iterator[np.ndarray]:
    """The lists as arrays of at most 8192 rows, (rows, width).

    Raises:
        ValueError: A row is missing or has another width; the row is named.
    """
    start = 0
    for batch in open_parquet(path).iter_batches(BATCH_ROWS, columns=[name]):
        column = batch.column(0)
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(~(lengths == width))
        if wrong.size:
            raise ValueError(f"row {start + wrong[0]} of `{path}` must have {width} numbers; got {lengths[wrong[0]]}")
        yield column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
        start += len(column)
