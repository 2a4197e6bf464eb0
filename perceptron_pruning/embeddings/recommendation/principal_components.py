"""Principal components of rows that are read in blocks, with one common scale.

With m the mean of the rows and V the first k eigenvectors of their covariance::

    x → Vᵀ(x − m)/s,   s² = mean square of the k components

Where the rows have no more than k features they are only centred and scaled: a rotation would change no student here.
"""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.process_group import SingleProcess
from perceptron_pruning.embeddings.runtime.progress import Progress
from perceptron_pruning.embeddings.runtime.standardise import check_varied, measure_standardisation


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Rows → inputs of the students.

    Attributes:
        mean: m, (d,).
        axes: V/s, (d, k).
    """

    mean: np.ndarray
    axes: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(n, d) → (n, k) float32."""
        return ((values - self.mean.astype(values.dtype)) @ self.axes.astype(values.dtype)).astype(np.float32)


def measure_projection(rows: Rows, n_components: int, progress: Progress) -> Projection:
    """The projection onto at most ``n_components`` principal components, by two passes over the rows.

    Raises:
        ValueError: A number is not finite, or all rows are equal.
    """
    standardisation = measure_standardisation(rows, group=SingleProcess(), progress=progress)
    check_varied(standardisation)
    mean, d = standardisation.mean, rows.n_features
    if d <= n_components:
        return Projection(mean=mean, axes=np.eye(d) / standardisation.scale)
    covariance = np.zeros((d, d))
    for block in blocks(rows, progress=progress, label="covariance"):
        centred = standardisation.apply(block.values)
        covariance += centred.T @ centred
    variances, axes = np.linalg.eigh(covariance / len(rows))
    scale = np.sqrt(variances[-n_components:].mean()) * standardisation.scale
    return Projection(mean=mean, axes=axes[:, : -n_components - 1 : -1] / scale)


def projected(rows: Rows, projection: Projection, progress: Progress) -> np.ndarray:
    """All rows through the projection, (n, k) float32."""
    inputs = np.empty((len(rows), projection.axes.shape[1]), np.float32)
    for block in blocks(rows, progress=progress, label="principal components"):
        inputs[block.span] = projection.apply(block.values)
    return inputs
