"""Hugging Face datasets in and out. Needs datasets (extra ``hugging-face``)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceptron_pruning.embeddings.adapters.kept_rows import checked_rows
from perceptron_pruning.embeddings.io.rows import Rows

if TYPE_CHECKING:
    from datasets import Dataset  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    from perceptron_pruning.embeddings.scores import Scores


class DatasetShard:
    """A column of embeddings of a dataset, read a block at a time."""

    path: Path | None = None

    def __init__(self, dataset: "Dataset", column: str):
        self.dataset, self.column = dataset.with_format("numpy", columns=[column]), column
        self.name = f"the column {column}"
        if not len(dataset):
            raise ValueError(f"{self.name} must have a row at least; got none")
        first = np.asarray(self.dataset[0][column])
        if first.ndim != 1:
            raise ValueError(f"the column {column} must hold one row of numbers an example; got shape {first.shape}")
        self.shape, self.dtype = (len(dataset), first.size), first.dtype

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop−1, (stop − start, d)."""
        values = self.dataset[start:stop][self.column]
        wrong = [place for place, row in enumerate(values) if np.shape(row) != self.shape[1:]]
        if wrong:
            raise ValueError(f"row {start + wrong[0]} of {self.name} must have {self.shape[1]} numbers")
        return np.stack(list(values))


def embeddings_of(dataset: "Dataset", column: str = "embedding") -> Rows:
    """The embeddings of a dataset, for `score`, `recommend` and their like; read from its files when needed.

    Raises:
        ValueError: There is no such column, or it holds no rows of numbers.

    Example:
        >>> from datasets import Dataset
        >>> from perceptron_pruning.embeddings.adapters.hugging_face import embeddings_of
        >>> rows = embeddings_of(Dataset.from_dict({"embedding": [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]}))
        >>> len(rows), rows.n_features
        (3, 2)
    """
    _check_columns(dataset, column)
    return Rows((DatasetShard(dataset, column),))


def labels_of(dataset: "Dataset", column: str = "label") -> np.ndarray:
    """A column of labels, (n,); names where the dataset has them, and None where it has no label.

    Raises:
        ValueError: There is no such column.

    Example:
        >>> from datasets import Dataset
        >>> from perceptron_pruning.embeddings.adapters.hugging_face import labels_of
        >>> labels_of(Dataset.from_dict({"label": ["cat", "dog"]})).tolist()
        ['cat', 'dog']
    """
    _check_columns(dataset, column)
    values, feature = np.asarray(dataset[column][:]), dataset.features[column]
    names: Any = getattr(feature, "names", None)
    if names is None:
        return values
    return np.array([None if number in (None, -1) else names[number] for number in values.tolist()])


def with_scores(dataset: "Dataset", scores: "Scores") -> "Dataset":
    """The dataset with a column a metric.

    Raises:
        ValueError: The scores are of another number of rows, or the dataset has such a column.

    Example:
        >>> import numpy as np
        >>> from datasets import Dataset
        >>> from perceptron_pruning.embeddings import score
        >>> from perceptron_pruning.embeddings.adapters.hugging_face import embeddings_of, labels_of, with_scores
        >>> rows = np.random.default_rng(0).standard_normal((20, 3))
        >>> dataset = Dataset.from_dict({"embedding": rows.tolist(), "label": (rows[:, 0] > 0).tolist()})
        >>> with_scores(dataset, score(embeddings_of(dataset), labels_of(dataset), metrics="margin")).column_names
        ['embedding', 'label', 'margin']
    """
    for name, values in scores.items():
        if len(values) != len(dataset):
            raise ValueError(f"`scores` must be of the dataset's {len(dataset)} rows; got {len(values)}")
        if name in dataset.column_names:
            raise ValueError(f"`dataset` must have no column {name} yet; remove or rename it")
        dataset = dataset.add_column(name, values)
    return dataset


def kept_part(dataset: "Dataset", kept: np.ndarray) -> "Dataset":
    """The kept rows of a dataset, given by their numbers.

    Raises:
        ValueError: These are no row numbers, one is beyond the dataset, or one occurs twice.

    Example:
        >>> import numpy as np
        >>> from datasets import Dataset
        >>> from perceptron_pruning.embeddings.adapters.hugging_face import kept_part
        >>> kept_part(Dataset.from_dict({"label": ["cat", "dog", "cow"]}), np.array([0, 2]))["label"][:]
        ['cat', 'cow']
    """
    return dataset.select(checked_rows(kept, len(dataset)))


def _check_columns(dataset: "Dataset", column: str) -> None:
    if column not in dataset.column_names:
        raise ValueError(f"`column` must be one of {', '.join(dataset.column_names)}; got {column}")
