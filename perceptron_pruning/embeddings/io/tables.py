"""Saved scores read back, from any of the three layouts."""

from pathlib import Path

import numpy as np

from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.parquet import open_parquet
from perceptron_pruning.embeddings.io.released import read_released_scores

NOT_SCORES = ("id", "label")


def read_scores(path: str | Path) -> tuple[np.ndarray, np.ndarray | None, dict[str, np.ndarray]]:
    """Identifiers, labels or None, and metric name → scores of a `.parquet`, `.csv` or `.npz`.

    Raises:
        ValueError: The file is of another kind, or has no scores.
        OSError: It cannot be read.
    """
    path = Path(path)
    readers = {".parquet": _parquet, ".csv": _csv, ".npz": _npz}
    if path.suffix not in readers:
        raise ValueError(f"`{path}` must end in one of {', '.join(readers)}; got {path.suffix or 'no ending'}")
    columns = readers[path.suffix](path)
    scores = {name: values for name, values in columns.items() if name not in NOT_SCORES}
    if not scores:
        raise ValueError(f"`{path}` must have a column of scores; got {', '.join(columns) or 'none'}")
    ids = columns.get("id", np.arange(len(next(iter(scores.values())))))
    return ids, columns.get("label"), scores


def _parquet(path: Path) -> dict[str, np.ndarray]:
    table = open_parquet(path).read()
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    return {name: values.astype(str) if values.dtype == object else values for name, values in columns.items()}


def _npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _csv(path: Path) -> dict[str, np.ndarray]:
    images, scores = read_released_scores(path)
    with path.open(encoding="utf-8-sig") as file:
        labelled = "label" in file.readline().strip().split(",")
    return {"id": images} | ({"label": read_column(f"{path}:label")} if labelled else {}) | scores
