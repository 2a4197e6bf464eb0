"""Sums of rows by class and distances to class means, on a host's cores."""

import numpy as np

from perceptron_pruning.embeddings.metrics.host_ridge import sums_by_class
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles


def own_distances_on_host(rows: np.ndarray, means: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """‖x − mean of its class‖, (n,)."""

    def distances(span: slice) -> np.ndarray:
        difference = rows[span] - means[classes[span]]
        return np.sqrt(np.einsum("ij,ij->i", difference, difference))

    return np.concatenate([part for _, part in on_tiles(distances, len(rows))])


def class_sums_on_host(rows: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Σ of the rows of each class, (C, d), tiles added in double precision."""
    total = np.zeros((n_classes, rows.shape[1]))
    for _, sums in on_tiles(lambda span: sums_by_class(rows[span], classes[span], n_classes), len(rows)):
        total += sums
    return total
