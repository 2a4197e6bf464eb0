"""The context of scoring: everything that a metric is computed from and with."""

from dataclasses import dataclass, field

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.io.side_by_side import SideBySide
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, NoCheckpoint
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup, SingleProcess
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import DEFAULT_CLUSTERS, ScoreSettings
from perceptron_pruning.embeddings.runtime.standardise import Standardisation
from perceptron_pruning.embeddings.runtime.tiling import Tiling, tiling_of


@dataclass(frozen=True, kw_only=True)
class ScoringContext:
    """Embeddings to be scored, with labels, test set and settings.

    Attributes:
        rows: Embeddings of this process, (n, d).
        standardisation: Mean and scale over the rows of all processes.
        settings: How the metrics are computed.
        classes: Classes 0..C−1 of the rows, (n,), or None.
        class_names: Labels of the classes, (C,), or None.
        class_sizes: Examples of each class over all processes, (C,), or None.
        test_rows, test_classes: Test set for influence, classes numbered like those of the rows; or None.
        group: Process group.
        progress: Progress reporter.
        checkpoint: Checkpoint store.
    """

    rows: Rows
    standardisation: Standardisation
    settings: ScoreSettings
    classes: np.ndarray | None = None
    class_names: np.ndarray | None = None
    class_sizes: np.ndarray | None = None
    test_rows: Rows | None = None
    test_classes: np.ndarray | None = None
    group: ProcessGroup = field(default_factory=SingleProcess)
    progress: Progress = field(default_factory=NoProgress)
    checkpoint: Checkpoint = field(default_factory=NoCheckpoint)

    @property
    def first_row(self) -> int:
        """Number of this process's first row among those of all processes."""
        return self.tiling.first_row

    @property
    def tiling(self) -> Tiling:
        """The rows of all processes in tiles."""
        return tiling_of(self.rows, self.standardisation.n_rows, self.group)

    @property
    def n_classes(self) -> int:
        """C; 0 without labels."""
        return 0 if self.class_names is None else len(self.class_names)

    @property
    def labels(self) -> np.ndarray | None:
        """Labels of the rows as they were given, (n,), or None."""
        return None if self.classes is None or self.class_names is None else self.class_names[self.classes]

    @property
    def required_classes(self) -> np.ndarray:
        """`classes`, or a `ValueError` without labels."""
        if self.classes is None:
            raise ValueError("`labels` must be given for this metric; got None")
        return self.classes

    @property
    def required_class_sizes(self) -> np.ndarray:
        """`class_sizes`, or a `ValueError` without labels."""
        if self.class_sizes is None:
            raise ValueError("`labels` must be given for this metric; got None")
        return self.class_sizes

    @property
    def required_test_set(self) -> tuple[Rows, np.ndarray]:
        """`test_rows` and `test_classes`, or a `ValueError` without them."""
        if self.test_rows is None or self.test_classes is None:
            raise ValueError("`test_embeddings` and `test_labels` must be given for this metric; got None")
        return self.test_rows, self.test_classes

    @property
    def n_clusters(self) -> int:
        """k of the prototypes: as set, or the number of classes, or 10 without labels."""
        return self.settings.kmeans.n_clusters or self.n_classes or DEFAULT_CLUSTERS

    @property
    def network_of_feature(self) -> np.ndarray:
        """Number of the network that each feature comes from, (d,)."""
        widths = self.rows.widths if isinstance(self.rows, SideBySide) else (self.rows.n_features,)
        return np.repeat(np.arange(len(widths)), widths)
