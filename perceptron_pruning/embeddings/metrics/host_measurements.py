"""What trained heads say of rows, on a host's cores: a tile of rows at a time, each head on what it sees of them."""

import numpy as np
from scipy.special import xlogy

from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling
from perceptron_pruning.embeddings.metrics.host_heads import columns_of, host_heads
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles

TILE_ROWS = 256  # whose inputs stay in the cache while all heads pass


class HostTrainedHeads:
    """Trained heads on the host's cores.

    Args:
        ensemble: M of them.
        masks: Features that each sees, (d, M).
        scaling: Of their inputs.
    """

    def __init__(self, ensemble: Ensemble, masks: np.ndarray, scaling: InputScaling):
        self.heads, self.scaling, self.n_classes = host_heads(ensemble, masks), scaling, ensemble.bias.shape[1]

    def error_lengths(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """‖p − onehot(y)‖₂ and √(‖x‖² + 1), x what a head sees of the row, of every head, (B, M) each.

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        lengths, sizes = np.empty((2, len(values), len(self.heads)), values.dtype)

        def measure(span: slice) -> None:
            columns, labels = columns_of(values[span], self.scaling), classes[span]
            for model, head in enumerate(self.heads):
                seen = head.seen(columns, head.scratch(len(labels)))
                errors, _, normaliser = _odds(head.parameters.T @ seen)
                errors /= normaliser
                errors[labels, np.arange(len(labels))] -= 1
                lengths[span, model] = np.sqrt(_sums_of_products(errors, errors))
                sizes[span, model] = np.sqrt(_sums_of_products(seen, seen))

        on_tiles(measure, len(values), tile_rows=TILE_ROWS)
        return lengths, sizes

    def disagreement(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share of heads that are wrong, entropy of the mean probabilities, mutual information, each (B,).

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        wrong, (entropy, information) = np.empty(len(values)), np.empty((2, len(values)), values.dtype)

        def measure(span: slice) -> None:
            columns, labels = columns_of(values[span], self.scaling), classes[span]
            n_wrong, head_entropies = np.zeros(len(labels), int), np.zeros(len(labels), values.dtype)
            mean = np.zeros((self.n_classes, len(labels)), values.dtype)
            for head in self.heads:
                logits = head.parameters.T @ head.seen(columns, head.scratch(len(labels)))
                n_wrong += logits.argmax(axis=0) != labels
                log_probabilities = logits.copy()
                probabilities, largest, normaliser = _odds(logits)
                probabilities /= normaliser
                log_probabilities -= largest + np.log(normaliser)
                head_entropies -= _sums_of_products(probabilities, log_probabilities)
                mean += probabilities
            mean /= len(self.heads)
            wrong[span], entropy[span] = n_wrong / len(self.heads), -xlogy(mean, mean).sum(axis=0)
            information[span] = np.maximum(entropy[span] - head_entropies / len(self.heads), 0)

        on_tiles(measure, len(values), tile_rows=TILE_ROWS)
        return wrong, entropy, information


def _odds(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """exp(logits − largest), in place of logits (C, B), the largest, and the sum over classes, (B,)."""
    largest = logits.max(axis=0)
    logits -= largest
    np.exp(logits, out=logits)
    return logits, largest, logits.sum(axis=0)


def _sums_of_products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of every column, (B,)."""
    return np.einsum("ij,ij->j", first, second)
