"""What the adapter for embeddings does on the device, one of each kind; measured by `accelerator.py`.

| | on the device | comes back |
|---|---|---|
| k-means | assignment and sums; up to 256 MiB the rows stay there | each step: sums, counts, a distance a row |
| heads | all gradient steps of all heads | whether each was right at each visit; errors a row and head |
| softmax students | nothing: SciPy's L-BFGS on the CPU | |
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from perceptron_pruning.embeddings import score
from perceptron_pruning.embeddings.io.rows import array_rows
from perceptron_pruning.embeddings.metrics.kmeans import fit_kmeans
from perceptron_pruning.embeddings.metrics.softmax_head import fit_softmax
from perceptron_pruning.embeddings.runtime.settings import HeadSettings, KMeansSettings, ScoreSettings
from perceptron_pruning.output.tables import Row


def kmeans(n_features: int, rows: int, clusters: int, steps: int) -> Row:
    """Seconds a step of Lloyd's algorithm, and of the same step by NumPy on the CPU."""
    values = np.random.default_rng(0).standard_normal((rows, n_features), dtype=np.float32)
    settings, centroids = KMeansSettings(n_clusters=clusters, iterations=steps, tolerance=0), values[:clusters]
    (_, first), (_, seconds) = (
        timed(lambda: fit_kmeans(array_rows(values), settings, centroids=centroids.copy())) for _ in range(2)
    )
    return {
        "compile_seconds": first - seconds,
        "seconds": seconds / steps,
        "numpy_seconds": timed(lambda: numpy_step(values, centroids))[1],
        "bytes_back": 8 * clusters * (n_features + 1) + 8 + 4 * rows,
    }


def numpy_step(values: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The means of the rows that are nearest to each centroid, (k, d)."""
    nearest = (values @ centroids.T - 0.5 * (centroids**2).sum(1)).argmax(1)
    order = np.argsort(nearest, kind="stable")
    counts = np.bincount(nearest, minlength=len(centroids))
    sums = np.zeros(centroids.shape)
    filled = np.flatnonzero(counts)
    sums[filled] = np.add.reduceat(values[order], (np.cumsum(counts) - counts)[filled], dtype=np.float64)
    return sums / np.maximum(counts, 1)[:, None]


def heads(n_features: int, rows: int, models: int) -> Row:
    """EL2N of ten classes, by two epochs of all heads together."""
    values, labels = classes(rows, n_features)
    settings = ScoreSettings(heads=HeadSettings(n_models=models))
    (_, first), (_, seconds) = (
        timed(lambda: score(values, labels, metrics=["el2n"], settings=settings)) for _ in range(2)
    )
    visits, errors = 2 * rows * models, 4 * rows * models
    return {"compile_seconds": first - seconds, "seconds": seconds, "bytes_back": visits + errors}


def softmax_student(n_features: int, rows: int) -> Row:
    """A head trained to convergence, as the adapter's experiments do."""
    values, labels = classes(rows, n_features)
    return {"seconds": timed(lambda: fit_softmax(values, labels, n_classes=10, ridge=1e-3))[1], "bytes_back": 0}


def classes(rows: int, n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten Gaussian classes: rows, single precision, and labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(rows) % 10
    means = rng.standard_normal((10, n_features), dtype=np.float32)
    return means[labels] + rng.standard_normal((rows, n_features), dtype=np.float32), labels


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Result and wall seconds."""
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun
