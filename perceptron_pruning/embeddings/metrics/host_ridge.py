"""Ridge heads on a host's cores: symmetric products for the moments, triangular ones for the leverages."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles
from perceptron_pruning.embeddings.runtime.standardise import Standardisation

WHITENED_TOGETHER = 128  # columns of L⁻ᵀ, whose rows below the last of them are zero


@dataclass(frozen=True, kw_only=True)
class HostRidgeHead:
    """A `RidgeHead` in the precision of the rows.

    Attributes:
        standardisation: Of the rows.
        weights: Wᵀ, (C, d).
        bias: b, (C,).
        whitener: L⁻ᵀ, (d, d): rows x become x L⁻ᵀ; upper triangular.
        n_rows: n.
    """

    standardisation: Standardisation
    weights: np.ndarray
    bias: np.ndarray
    whitener: np.ndarray
    n_rows: int

    def leverages(self, inputs: np.ndarray) -> np.ndarray:
        """h = 1/n + ‖L⁻¹x‖² of standardised rows (B, d), (B,)."""
        leverages = np.full(len(inputs), 1 / self.n_rows, inputs.dtype)
        for start in range(0, len(self.whitener), WHITENED_TOGETHER):
            stop = start + WHITENED_TOGETHER
            part = inputs[:, :stop] @ self.whitener[:stop, start:stop]
            leverages += np.einsum("ij,ij->i", part, part)
        return leverages

    def all_leverages(self, values: np.ndarray) -> np.ndarray:
        """Of embeddings (B, d), (B,)."""
        parts = on_tiles(lambda span: self.leverages(self.standardisation.apply(values[span])), len(values))
        return np.concatenate([part for _, part in parts])

    def own_changes(self, values: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """h r/(1 − h) at the own class of embeddings (B, d), (B,)."""

        def changes(span: slice) -> np.ndarray:
            inputs, own = self.standardisation.apply(values[span]), classes[span]
            leverages = self.leverages(inputs)
            residuals = 1 - self.bias[own] - np.einsum("ij,ij->i", inputs, self.weights[own])
            return leverages * residuals / (1 - leverages)

        return np.concatenate([part for _, part in on_tiles(changes, len(values))])


def second_moments_on_host(context: ScoringContext) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX, (d, d), and YᵀX, (C, d), of the standardised rows of this process; tiles are added in double precision."""
    width, n_classes = context.rows.n_features, context.n_classes
    gram, class_sums = np.zeros((width, width)), np.zeros((n_classes, width))
    for block in blocks(context.rows, progress=context.progress, label="second moments"):
        values, classes = block.values, context.required_classes[block.span]

        def moments(
            span: slice, values: np.ndarray = values, classes: np.ndarray = classes
        ) -> tuple[np.ndarray, np.ndarray]:
            inputs = context.standardisation.apply(values[span])
            return inputs.T @ inputs, sums_by_class(inputs, classes[span], n_classes)

        for _, (tile_gram, tile_sums) in on_tiles(moments, len(values)):
            gram += tile_gram
            class_sums += tile_sums
    return gram, class_sums


def sums_by_class(values: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Σ of the rows (B, d) of each class, (C, d)."""
    one_hot = np.ones(len(classes), values.dtype), classes, np.arange(len(classes) + 1)
    return csc_array(one_hot, shape=(n_classes, len(classes))) @ values
