"""What else is known of a few rows: their neighbours, and the class that a head sees which was not trained on them."""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.heads import RACED, fit_head
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import SEEN_COMPONENTS
from perceptron_pruning.parallel.blas_threads import one_blas_thread

TRAINED_ON = 20_000  # rows at most that the head is trained on
RIDGE = 1e-2
NEAREST = 3  # neighbours that are named


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """Of m rows.

    Attributes:
        rows: Row numbers, ascending, (m,).
        predicted: Most probable class, (m,); None without labels.
        nearest: The three nearest other rows, nearest first, (m, 3).
    """

    rows: np.ndarray
    predicted: np.ndarray | None
    nearest: np.ndarray

    def place(self, row: int) -> int:
        """Where a row stands among them."""
        return int(np.searchsorted(self.rows, row))


def witnesses_of(rows: np.ndarray, context: ScoringContext) -> Witnesses:
    """Predictions and neighbours of some rows, by distances on at most 128 principal components.

    Args:
        rows: Row numbers.
        context: Embeddings and labels.
    """
    wanted = np.unique(rows)
    with one_blas_thread():
        projection = measure_projection(context.rows, SEEN_COMPONENTS, context.progress)
        inputs = projected(context.rows, projection, context.progress)
        squares = np.einsum("ij,ij->i", inputs, inputs)
        distances = squares - 2 * inputs[wanted] @ inputs.T
        distances[np.arange(wanted.size), wanted] = np.inf
        nearest = distances.argsort(axis=1, kind="stable")[:, : min(NEAREST, len(inputs) - 1)]
        predicted = None if context.classes is None else _predicted(inputs, wanted, context)
    return Witnesses(rows=wanted, predicted=predicted, nearest=nearest)


def _predicted(inputs: np.ndarray, wanted: np.ndarray, context: ScoringContext) -> np.ndarray | None:
    """Classes of the wanted rows by a head trained on others; None if too few are left."""
    classes = context.required_classes
    others = np.setdiff1d(np.arange(len(inputs)), wanted)
    if others.size > TRAINED_ON:
        others = np.random.default_rng([context.settings.seed, 7]).choice(others, TRAINED_ON, replace=False)
    if np.unique(classes[others]).size < 2:
        return None
    head = fit_head(inputs[others], classes[others], n_classes=context.n_classes, ridge=RIDGE, stop=RACED)
    return head.predict(inputs[wanted])
