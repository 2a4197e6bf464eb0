"""Metrics from the nearest rows: disagreement of their labels, and the Shapley value of a row for its neighbours.

Distances are those of at most 128 principal components, in one common scale. A row i is judged by its M nearest other
rows, nearest first; with K = 10 and y the labels::

    knn_disagreement   share of the K nearest whose label is not y_i                                           (1)
    knn_shapley        s_j summed over the rows i in whose list row j stands:                                  (2)
                       s_M = 1[y_M = y_i]/M,   s_m = s_{m+1} + (1[y_m = y_i] − 1[y_{m+1} = y_i]) min(K, m)/(K m)

(2) is the exact Shapley value of row j, in a K-nearest-neighbour classifier tested on all other rows, where M = n − 1;
of rows beyond the list it is below 1/M. Here M = 100. High = keep: a row that misleads its neighbours has a negative
value, though it is hard. Of equally near rows the earlier one is nearer.

Many processes: each lists the neighbours of its own rows, while the rows of all pass by, a process's at a time.

References:
    Jia et al. 2019, arXiv:1908.08619 (Theorems 1 and 2).
"""

import numpy as np

from perceptron_pruning.embeddings.metrics.nearest import NearestRows
from perceptron_pruning.embeddings.recommendation.principal_components import measure_projection, projected
from perceptron_pruning.embeddings.runtime.checkpoint import load_step_everywhere, save_step
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import (
    LISTED_NEIGHBOURS,
    NEIGHBOURS,
    PASSING_ROWS,
    SEEN_COMPONENTS,
)
from perceptron_pruning.parallel.blas_threads import one_blas_thread

ADDED_EXACTLY = 2.0**40  # values are added as multiples of its inverse, exactly in any order


def neighbour_metrics(context: ScoringContext) -> dict[str, np.ndarray]:
    """Both, (n,) each; high = keep."""
    with one_blas_thread():
        projection = measure_projection(
            context.rows, SEEN_COMPONENTS, context.progress, context.tiling, context.standardisation
        )
        inputs = projected(context.rows, projection, context.progress, context.tiling)
        nearest = _listed_rows(inputs, context)
    own = context.required_classes
    classes = context.group.all_gather(own.astype(np.min_scalar_type(context.n_classes)))
    agrees = classes[nearest] == own[:, None]
    return {
        "knn_disagreement": 1 - agrees[:, :NEIGHBOURS].mean(axis=1),
        "knn_shapley": _credited(nearest, shapley_values(agrees, NEIGHBOURS), context),
    }


def _listed_rows(inputs: np.ndarray, context: ScoringContext) -> np.ndarray:
    """Numbers, among the rows of all processes, of the nearest other rows of every row, nearest first, (n, M)."""
    group, n_rows = context.group, context.standardisation.n_rows
    found = NearestRows(inputs, min(LISTED_NEIGHBOURS, n_rows - 1), context.tiling)
    done, stored = load_step_everywhere(context.checkpoint, "neighbours", group)
    if done:
        found.keys = stored["keys"]
    lengths = group.all_gather(np.array([len(inputs)]))
    with context.progress.task("neighbours", total=n_rows, unit="row") as advance:
        for source in range(group.size):
            first, count = int(lengths[:source].sum()), int(lengths[source])
            for start in range(0, count if source >= done else 0, PASSING_ROWS):
                passing = group.broadcast(inputs[start : start + PASSING_ROWS], source)
                found.meet(passing, first + start)
                advance(len(passing))
            if source >= done:
                save_step(context.checkpoint, "neighbours", source + 1, group, keys=found.keys)
    return found.rows()


def _credited(nearest: np.ndarray, values: np.ndarray, context: ScoringContext) -> np.ndarray:
    """Sum of the values with which each row of this process is listed anywhere, (n,).

    Args:
        nearest: Row numbers, (n, M).
        values: Theirs, (n, M).
    """
    group, own = context.group, np.empty(0, np.int64)
    whole, ends = np.rint(values * ADDED_EXACTLY), np.cumsum(group.all_gather(np.array([len(nearest)])))
    for rank, end in enumerate(ends):
        first = int(ends[rank - 1]) if rank else 0
        listed = (nearest >= first) & (nearest < end)
        sums = np.bincount(nearest[listed] - first, weights=whole[listed], minlength=int(end) - first)
        total = group.all_sum(sums.astype(np.int64))
        own = total if rank == group.rank else own
    return own / ADDED_EXACTLY


def shapley_values(agrees: np.ndarray, neighbours: int) -> np.ndarray:
    """s of equation (2), (n, M), from whether each listed row has the label of the row it is listed for, (n, M)."""
    count = agrees.shape[1]
    right = agrees.astype(float)
    rank = np.arange(1, count)
    steps = (right[:, :-1] - right[:, 1:]) * np.minimum(neighbours, rank) / (neighbours * rank)
    last = right[:, -1:] / max(count, neighbours)
    return np.cumsum(np.hstack([steps, last])[:, ::-1], axis=1)[:, ::-1]
