"""A set of scores with its inputs and settings, and the files it is written to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from perceptron_pruning.embeddings.io.released import write_released_csv
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, FolderCheckpoint, NoCheckpoint
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.manifest import manifest
from perceptron_pruning.output.atomic import temporary_beside, write_atomically, write_json_atomically

if TYPE_CHECKING:
    from pandas import DataFrame

SUFFIXES = (".parquet", ".csv", ".npz")


@dataclass(frozen=True, kw_only=True)
class Scores(Mapping[str, np.ndarray]):
    """Metric name → scores, (n,) float64, high = keep.

    Attributes:
        scores: Metric name → scores.
        ids: Identifiers of the rows, or None: row numbers.
        labels: Labels of the rows, or None.
        context: Embeddings, labels, test set and settings that they were computed from.
        origins: Metric name → built-in metric, or qualified name of a function of one's own.
        seconds: Wall time of each family of metrics, s.
        checkpoint: Finished work that `score` was asked to leave.

    Example:
        >>> from perceptron_pruning.embeddings import load_fashion_mnist, score
        >>> data = load_fashion_mnist()
        >>> scores = score(data.train_embeddings[:300], data.train_labels[:300], metrics=["margin", "random"])
        >>> list(scores), scores["margin"].shape, scores.to_frame().shape
        (['margin', 'random'], (300,), (300, 3))
    """

    scores: dict[str, np.ndarray]
    ids: np.ndarray | None
    labels: np.ndarray | None
    context: ScoringContext = field(repr=False)
    origins: dict[str, str]
    seconds: dict[str, float]
    checkpoint: Checkpoint = field(default_factory=NoCheckpoint, repr=False)

    def __getitem__(self, metric: str) -> np.ndarray:
        return self.scores[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def row_ids(self) -> np.ndarray:
        """Identifiers, (n,); without them the numbers of the rows, counted over all processes."""
        return np.arange(self.context.rows.start, self.context.rows.stop) if self.ids is None else self.ids

    def to_frame(self) -> "DataFrame":
        """A pandas frame: the metrics as columns, after the label where there is one, indexed by the identifiers.

        Raises:
            ImportError: pandas is not installed.

        Example:
            >>> from perceptron_pruning.embeddings import load_fashion_mnist, score
            >>> data = load_fashion_mnist()
            >>> scores = score(data.train_embeddings[:300], data.train_labels[:300], metrics="random")
            >>> list(scores.to_frame().columns)
            ['label', 'random']
        """
        try:
            import pandas as pd
        except ImportError as missing:
            raise ImportError("`to_frame` needs pandas: pip install pandas") from missing
        columns = ({} if self.labels is None else {"label": self.labels}) | self.scores
        return pd.DataFrame(columns, index=pd.Index(self.row_ids, name="id"))

    def discard_checkpoint(self) -> None:
        """Deletes the finished work that `score` was asked to leave: the scores are in place."""
        if isinstance(self.checkpoint, FolderCheckpoint):
            self.checkpoint.remove()

    def save(self, path: str | Path) -> Path:
        """Writes the scores and, beside them, the manifest `NAME.json`: inputs, settings, versions.

        Args:
            path: `.parquet` (columns id, label and the metrics), `.csv` (the layout of the authors' released
                ImageNet scores) or `.npz`. Under several processes each writes a part: `NAME-00000-of-00002`.

        Returns:
            The path that was written. Nothing is left half-written.

        Raises:
            ValueError: The ending is none of these.
            OSError: It cannot be written.

        Example:
            >>> from pathlib import Path
            >>> from tempfile import mkdtemp
            >>> from perceptron_pruning.embeddings import load_fashion_mnist, score
            >>> data = load_fashion_mnist()
            >>> scores = score(data.train_embeddings[:300], data.train_labels[:300], metrics="random")
            >>> path = Path(mkdtemp()) / "scores.csv"
            >>> _ = scores.save(path)
            >>> path.exists()
            True
        """
        group = self.context.group
        path = part_path(Path(path), group.rank, group.size)
        if path.suffix not in SUFFIXES:
            raise ValueError(f"`path` must end in one of {', '.join(SUFFIXES)}; got {path}")
        columns = {"id": self.row_ids} | ({} if self.labels is None else {"label": self.labels}) | self.scores
        WRITERS[path.suffix](path, columns)
        content = manifest(self.context, metrics=self.origins, seconds=self.seconds)
        write_json_atomically(path.with_name(path.name + ".json"), content)
        return path


def part_path(path: Path, rank: int, size: int) -> Path:
    """The path; of several processes, NAME-RANK-of-SIZE for the part of this one."""
    return path if size == 1 else path.with_name(f"{path.stem}-{rank:05d}-of-{size:05d}{path.suffix}")


def write_parquet(path: Path, columns: dict[str, np.ndarray]) -> None:
    """Writes columns of equal length as a Parquet file, whole or not at all."""
    from perceptron_pruning.embeddings.io.parquet import pyarrow_parquet

    parquet = pyarrow_parquet()
    import pyarrow as pa

    with temporary_beside(path) as temporary:
        parquet.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), temporary)


def _write_npz(path: Path, columns: dict[str, np.ndarray]) -> None:
    write_atomically(path, lambda file: np.savez(file, **columns))  # pyright: ignore[reportArgumentType]


WRITERS = {".parquet": write_parquet, ".csv": write_released_csv, ".npz": _write_npz}
