"""Metrics from the nearest rows: disagreement of their labels, and the Shapley value of a row for its neighbours.

Distances are those of at most 128 principal components, in one common scale. A row i is judged by its M nearest other
rows, nearest first; with K = 10 and y the labels::

    knn_disagreement   share of the K nearest whose label is not y_i                                           (1)
    knn_shapley        s_j summed over the rows i in whose list row j stands:                                  (2)
                       s_M = 1[y_M = y_i]/M,   s_m = s_{m+1} + (1[y_m = y_i] − 1[y_{m+1} = y_i]) min(K, m)/(K m)

(2) is the exact Shapley value of row j, in a K-nearest-neighbour classifier tested on all other rows, where M = n − 1;
of rows beyond the list it is below 1/M. Here M = 100. High = keep: a row that misleads its neighbours has a negative
value, though it is hard.

References:
    Jia et al. 2019, arXiv:1908.08619 (Theorems 1 and 2).
"""

import numpy as np

from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import LISTED_NEIGHBOURS, NEIGHBOURS, SEEN_COMPONENTS
from perceptron_pruning.parallel.blas_threads import one_blas_thread

BLOCK = 1024  # rows whose distances to all others are held at a time


def neighbour_metrics(context: ScoringContext) -> dict[str, np.ndarray]:
    """Both, (n,) each; high = keep."""
    classes = context.required_classes
    with one_blas_thread():
        projection = measure_projection(context.rows, SEEN_COMPONENTS, context.progress)
        inputs = projected(context.rows, projection, context.progress)
        nearest = nearest_rows(inputs, min(LISTED_NEIGHBOURS, len(inputs) - 1))
    agrees = classes[nearest] == classes[:, None]
    values = shapley_values(agrees, NEIGHBOURS)
    return {
        "knn_disagreement": 1 - agrees[:, :NEIGHBOURS].mean(axis=1),
        "knn_shapley": np.bincount(nearest.ravel(), weights=values.ravel(), minlength=len(classes)),
    }


def nearest_rows(inputs: np.ndarray, count: int) -> np.ndarray:
    """The nearest other rows of every row, nearest first, (n, count)."""
    squares = np.einsum("ij,ij->i", inputs, inputs)
    nearest = np.empty((len(inputs), count), np.int64)
    for start in range(0, len(inputs), BLOCK):
        block = inputs[start : start + BLOCK]
        distances = squares - 2 * block @ inputs.T
        own = np.arange(len(block))
        distances[own, start + own] = np.inf
        chosen = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.take_along_axis(distances, chosen, axis=1).argsort(axis=1, kind="stable")
        nearest[start : start + BLOCK] = np.take_along_axis(chosen, order, axis=1)
    return nearest


def shapley_values(agrees: np.ndarray, neighbours: int) -> np.ndarray:
    """s of equation (2), (n, M), from whether each listed row has the label of the row it is listed for, (n, M)."""
    count = agrees.shape[1]
    right = agrees.astype(float)
    rank = np.arange(1, count)
    steps = (right[:, :-1] - right[:, 1:]) * np.minimum(neighbours, rank) / (neighbours * rank)
    last = right[:, -1:] / max(count, neighbours)
    return np.cumsum(np.hstack([steps, last])[:, ::-1], axis=1)[:, ::-1]
