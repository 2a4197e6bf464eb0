"""What trained heads say of rows, on a host's cores: a tile of rows at a time, each head on what it sees of them.

Inputs lie by features and logits by classes: what a head sees is then copied a feature at a time, four times as fast.
"""

import numpy as np
from scipy.special import xlogy

from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling
from perceptron_pruning.embeddings.metrics.host_heads import HostHead, host_heads, inputs_of
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles


class HostTrainedHeads:
    """Trained heads on the host's cores.

    Args:
        ensemble: M of them.
        masks: Features that each sees, (d, M).
        scaling: Of their inputs.
    """

    def __init__(self, ensemble: Ensemble, masks: np.ndarray, scaling: InputScaling):
        self.heads, self.scaling = host_heads(ensemble, masks, slice(0, masks.shape[1])), scaling
        self.n_classes = ensemble.bias.shape[1]
        self.masks = np.vstack([masks, np.ones(masks.shape[1])]).astype(ensemble.bias.dtype)

    def error_lengths(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """‖p − onehot(y)‖₂ and √(‖x‖² + 1), x what a head sees of the row, of every head, (B, M) each.

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        lengths, sizes = np.empty((2, len(values), len(self.heads)), values.dtype)

        def measure(span: slice) -> None:
            inputs, own = _inputs(values[span], self.scaling), _own_places(classes[span])
            for model, head in enumerate(self.heads):
                logits = _logits(head, inputs)
                logits -= logits.max(axis=0)
                odds = np.exp(logits, out=logits)
                sums = odds.sum(axis=0)
                odds[own] -= sums  # now (p − onehot) Σ odds
                lengths[span, model] = np.sqrt(_sums_of_products(odds, odds)) / sums
            sizes[span] = np.sqrt(np.square(inputs, out=inputs).T @ self.masks)

        on_tiles(measure, len(values))
        return lengths, sizes

    def disagreement(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share of heads that are wrong, entropy of the mean probabilities, mutual information, each (B,).

        With logits z − max z and odds o = exp(z − max z), the entropy of one head is ln Σ o − Σ o (z − max z) / Σ o.

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        wrong, (entropy, information) = np.empty(len(values)), np.empty((2, len(values)), values.dtype)

        def measure(span: slice) -> None:
            inputs, own = _inputs(values[span], self.scaling), _own_places(classes[span])
            n_wrong, head_entropies = np.zeros(inputs.shape[1], int), np.zeros(inputs.shape[1], values.dtype)
            mean = np.zeros((self.n_classes, inputs.shape[1]), values.dtype)
            for head in self.heads:
                logits = _logits(head, inputs)
                largest = logits.max(axis=0)
                n_wrong += ~(logits[own] >= largest)  # of logits that are no numbers, too
                logits -= largest
                odds = np.exp(logits)
                sums = odds.sum(axis=0)
                head_entropies += np.log(sums) - _sums_of_products(odds, logits) / sums
                odds /= sums
                mean += odds
            mean /= len(self.heads)
            wrong[span], entropy[span] = n_wrong / len(self.heads), -xlogy(mean, mean).sum(axis=0)
            information[span] = np.maximum(entropy[span] - head_entropies / len(self.heads), 0)

        on_tiles(measure, len(values))
        return wrong, entropy, information


def _inputs(values: np.ndarray, scaling: InputScaling) -> np.ndarray:
    """The inputs of embeddings (B, d) by features, and a one as the last, (d + 1, B)."""
    rows = np.empty((len(values), values.shape[1] + 1), values.dtype)
    return np.ascontiguousarray(inputs_of(values, scaling, rows).T)


def _logits(head: HostHead, inputs: np.ndarray) -> np.ndarray:
    """Of inputs by features, (d + 1, B), by classes, (C, B)."""
    return head.parameters.T @ np.take(inputs, head.features, axis=0, mode="clip")


def _own_places(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the own classes (B,) in an array by classes, (C, B)."""
    return classes, np.arange(len(classes))


def _sums_of_products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Over the classes, of (C, B), (B,)."""
    return np.einsum("ij,ij->j", first, second)
