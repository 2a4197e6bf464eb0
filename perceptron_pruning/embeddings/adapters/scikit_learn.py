"""`DataPruner`: pruning as a scikit-learn estimator. Needs scikit-learn (extra ``sklearn``)."""

from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as missing:
    raise ImportError('`DataPruner` needs scikit-learn: pip install "perceptron-pruning[sklearn]"') from missing

from perceptron_pruning.embeddings.keep import check_class_floor, keep
from perceptron_pruning.embeddings.metrics.registry import METRICS, family_of
from perceptron_pruning.embeddings.recommend import recommend
from perceptron_pruning.embeddings.runtime.settings import check_seed
from perceptron_pruning.embeddings.score import score
from replica_theory.errors import check_keep_fraction


class DataPruner(BaseEstimator):
    """Chooses the rows of a labelled pool that are worth training on.

    Args:
        keep_fraction: f in (0, 1]; None asks `recommend` for fraction and rule.
        metric: What ranks the rows, one of `score`'s that need no test set; the hardest are kept.
        class_floor: Share of its proportional quota that each class is sure of, in [0, 1].
        tolerance: Test error that `recommend` may lose, in (0, 1).
        random_state: Seed, an integer of at least 0.

    Attributes:
        support_: Whether each row is kept, (n,).
        scores_: The metric, (n,), high = hard; None where `recommend` chose.
        recommendation_: What `recommend` said, or None.
        n_features_in_: d.

    Example:
        >>> from perceptron_pruning.embeddings.adapters.scikit_learn import DataPruner
        >>> from sklearn.datasets import load_digits
        >>> rows, labels = load_digits(return_X_y=True)
        >>> few, their_labels = DataPruner(keep_fraction=0.3).fit_resample(rows, labels)
        >>> few.shape
        (539, 64)
    """

    def __init__(
        self,
        keep_fraction: float | None = 0.5,
        metric: str = "margin_label_agnostic",
        class_floor: float = 0.5,
        tolerance: float = 0.005,
        random_state: int = 0,
    ):
        self.keep_fraction = keep_fraction
        self.metric = metric
        self.class_floor = class_floor
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "DataPruner":
        """Scores the rows and chooses.

        Args:
            X: (n, d), dense and finite.
            y: Labels, (n,), two classes at least.

        Raises:
            ValueError: A parameter is out of range, or the inputs do not match or are not finite.
        """
        rows, labels = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        labels, seed = np.asarray(labels), check_seed(self.random_state, "random_state")
        if self.keep_fraction is None:
            self.scores_ = None
            self.recommendation_ = recommend(rows, labels, tolerance=self.tolerance, seed=seed)
            kept = self.recommendation_.kept
        else:
            check_keep_fraction(self.keep_fraction)  # before the work, like the floor
            check_class_floor(self.class_floor)
            self.recommendation_ = None
            self.scores_ = score(rows, labels, metrics=[self._one_metric()], seed=seed)[self.metric]
            kept = keep(
                self.scores_,
                keep_fraction=self.keep_fraction,
                labels=labels,
                class_floor=self.class_floor,
                seed=seed,
            )
        self.support_ = np.isin(np.arange(len(rows)), kept)
        return self

    def _one_metric(self) -> str:
        possible = [name for name in METRICS if not family_of(name).test_set]
        if self.metric not in possible:
            raise ValueError(f"`metric` must be one of {', '.join(possible)}; got {self.metric!r}")
        return self.metric

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Whether each row of the pool is kept, (n,), or the numbers of those that are.

        Example:
            >>> from sklearn.datasets import load_digits
            >>> from perceptron_pruning.embeddings.adapters.scikit_learn import DataPruner
            >>> rows, labels = load_digits(return_X_y=True)
            >>> int(DataPruner(keep_fraction=0.2).fit(rows[:500], labels[:500]).get_support().sum())
            100
        """
        check_is_fitted(self, "support_")
        return np.flatnonzero(self.support_) if indices else self.support_

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Fits, and returns the kept rows and their labels; of a pandas frame a frame.

        Example:
            >>> from sklearn.datasets import load_digits
            >>> from perceptron_pruning.embeddings.adapters.scikit_learn import DataPruner
            >>> rows, labels = load_digits(return_X_y=True)
            >>> few, their_labels = DataPruner(keep_fraction=0.2).fit_resample(rows[:500], labels[:500])
            >>> few.shape, their_labels.shape
            ((100, 64), (100,))
        """
        kept = self.fit(X, y).get_support(indices=True)
        return _taken(X, kept), _taken(y, kept)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _taken(values: Any, kept: np.ndarray) -> Any:
    return values.iloc[kept] if hasattr(values, "iloc") else np.asarray(values)[kept]
