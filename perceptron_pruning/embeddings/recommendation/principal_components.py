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
from perceptron_pruning.embeddings.runtime.standardise import (
    Standardisation,
    check_varied,
    coarse,
    measure_standardisation,
)
from perceptron_pruning.embeddings.runtime.tiling import ExactSum, Tiling


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


def measure_projection(
    rows: Rows,
    n_components: int,
    progress: Progress,
    tiling: Tiling | None = None,
    standardisation: Standardisation | None = None,
) -> Projection:
    """The projection onto at most ``n_components`` principal components, by at most two passes over the rows.

    Args:
        rows: (n, d) of this process.
        n_components: k.
        progress: Told of the passes.
        tiling: Of the rows of many processes: then their projection is that of one process, bit for bit.
        standardisation: Of the rows, where it was measured.

    Raises:
        ValueError: A number is not finite, or all rows are equal.
    """
    group = SingleProcess() if tiling is None else tiling.group
    standardisation = standardisation or measure_standardisation(rows, group=group, progress=progress)
    check_varied(standardisation)
    if tiling is not None:
        standardisation = coarse(standardisation)
    mean, d = standardisation.mean, rows.n_features
    if d <= n_components:
        return Projection(mean=mean, axes=np.eye(d) / standardisation.scale)
    variances, axes = np.linalg.eigh(_covariance(rows, standardisation, progress, tiling))
    scale = np.sqrt(variances[-n_components:].mean()) * standardisation.scale
    return Projection(mean=mean, axes=group.broadcast(axes[:, : -n_components - 1 : -1] / scale, source=0))


def _covariance(rows: Rows, standardisation: Standardisation, progress: Progress, tiling: Tiling | None) -> np.ndarray:
    """Of the standardised rows, (d, d)."""
    total, exact = np.zeros((rows.n_features, rows.n_features)), ExactSum((rows.n_features, rows.n_features))
    for block in blocks(rows, progress=progress, label="covariance"):
        centred = standardisation.apply(block.values)
        if tiling is None:
            total += centred.T @ centred
            continue
        for span in tiling.spans(block.start, block.stop):
            tile = centred[span.start - block.start : span.stop - block.start]
            exact.add((tile.T @ tile)[None])
    return (total if tiling is None else exact.total(tiling.group)) / standardisation.n_rows


def projected(rows: Rows, projection: Projection, progress: Progress, tiling: Tiling | None = None) -> np.ndarray:
    """All rows of this process through the projection, (n, k) float32; tile by tile if there is a tiling."""
    inputs = np.empty((len(rows), projection.axes.shape[1]), np.float32)
    for block in blocks(rows, progress=progress, label="principal components"):
        for span in [block.span] if tiling is None else tiling.spans(block.start, block.stop):
            inputs[span] = projection.apply(block.values[span.start - block.start : span.stop - block.start])
    return inputs
