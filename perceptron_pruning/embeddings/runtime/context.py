"""What every metric is computed from: the rows, their classes, a test set, and who computes."""

from dataclasses import dataclass, field

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows, SideBySide
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, NoCheckpoint
from perceptron_pruning.embeddings.runtime.process_group import Alone, World
from perceptron_pruning.embeddings.runtime.progress import Progress, Silent
from perceptron_pruning.embeddings.runtime.settings import ScoreSettings
from perceptron_pruning.embeddings.runtime.standardise import Statistics


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Embeddings to be scored.

    Attributes:
        rows: Of this process.
        statistics: Mean and scale over all processes.
        classes: (n,) integers 0..C−1, or None.
        class_names: The labels behind them, (C,).
        class_sizes: Examples of each class over all processes, (C,).
        test_rows, test_classes: For influence; classes are numbered like those of the pool.
        settings: How the metrics are computed.
        world, progress, checkpoint: Who computes, who is told, where it is kept.
    """

    rows: Rows
    statistics: Statistics
    settings: ScoreSettings
    classes: np.ndarray | None = None
    class_names: np.ndarray | None = None
    class_sizes: np.ndarray | None = None
    test_rows: Rows | None = None
    test_classes: np.ndarray | None = None
    world: World = field(default_factory=Alone)
    progress: Progress = field(default_factory=Silent)
    checkpoint: Checkpoint = field(default_factory=NoCheckpoint)

    @property
    def n_classes(self) -> int:
        """C; 0 without labels."""
        return 0 if self.class_names is None else len(self.class_names)

    @property
    def labelled(self) -> np.ndarray:
        """The classes, for a metric that cannot do without."""
        if self.classes is None:
            raise ValueError("`labels` must be given for this metric; got None")
        return self.classes

    @property
    def counts(self) -> np.ndarray:
        """Examples of each class over all processes, for a metric that cannot do without."""
        if self.class_sizes is None:
            raise ValueError("`labels` must be given for this metric; got None")
        return self.class_sizes

    @property
    def tested(self) -> tuple[Rows, np.ndarray]:
        """The test set, for a metric that cannot do without."""
        if self.test_rows is None or self.test_classes is None:
            raise ValueError("`test_embeddings` and `test_labels` must be given for this metric; got None")
        return self.test_rows, self.test_classes

    @property
    def n_clusters(self) -> int:
        """k of the prototypes: as set, or the number of classes, or 10."""
        return self.settings.kmeans.n_clusters or self.n_classes or UNLABELLED_CLUSTERS

    @property
    def backbone_of_feature(self) -> np.ndarray:
        """Number of the network that each feature comes from, (d,)."""
        widths = self.rows.widths if isinstance(self.rows, SideBySide) else (self.rows.n_features,)
        return np.repeat(np.arange(len(widths)), widths)


UNLABELLED_CLUSTERS = 10
