"""What trained heads say of rows, on a host's cores: a tile of rows at a time, each head on what it sees of them."""

import numpy as np
from scipy.special import xlogy

from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling
from perceptron_pruning.embeddings.metrics.host_heads import HostHead, first_places, host_heads, inputs_of, row_sums
from perceptron_pruning.embeddings.runtime.host_tiles import on_tiles


class HostTrainedHeads:
    """Trained heads on the host's cores.

    Args:
        ensemble: M of them.
        masks: Features that each sees, (d, M).
        scaling: Of their inputs.
    """

    def __init__(self, ensemble: Ensemble, masks: np.ndarray, scaling: InputScaling):
        self.heads, self.scaling, self.n_classes = host_heads(ensemble, masks), scaling, ensemble.bias.shape[1]
        self.masks = np.vstack([masks, np.ones(masks.shape[1])]).astype(ensemble.bias.dtype)

    def error_lengths(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """‖p − onehot(y)‖₂ and √(‖x‖² + 1), x what a head sees of the row, of every head, (B, M) each.

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        lengths, sizes = np.empty((2, len(values), len(self.heads)), values.dtype)

        def measure(span: slice) -> None:
            inputs, labels = inputs_of(values[span], self.scaling), classes[span]
            for model, head in enumerate(self.heads):
                logits = _logits(head, inputs)
                flat, starts = logits.reshape(-1), first_places(logits)
                logits -= flat[starts + logits.argmax(axis=1)][:, None]
                odds = np.exp(logits, out=logits)
                sums = row_sums(odds)
                flat[starts + labels] -= sums  # now (p − onehot) Σ odds
                lengths[span, model] = np.sqrt(_sums_of_products(odds, odds)) / sums
            sizes[span] = np.sqrt(np.square(inputs, out=inputs) @ self.masks)

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
            inputs, labels = inputs_of(values[span], self.scaling), classes[span]
            n_wrong, head_entropies = np.zeros(len(labels), int), np.zeros(len(labels), values.dtype)
            mean = np.zeros((len(labels), self.n_classes), values.dtype)
            for head in self.heads:
                logits = _logits(head, inputs)
                best = logits.argmax(axis=1)
                n_wrong += best != labels
                logits -= logits.reshape(-1)[first_places(logits) + best][:, None]
                odds = np.exp(logits)
                sums = row_sums(odds)
                head_entropies += np.log(sums) - _sums_of_products(odds, logits) / sums
                odds /= sums[:, None]
                mean += odds
            mean /= len(self.heads)
            wrong[span], entropy[span] = n_wrong / len(self.heads), -row_sums(xlogy(mean, mean))
            information[span] = np.maximum(entropy[span] - head_entropies / len(self.heads), 0)

        on_tiles(measure, len(values))
        return wrong, entropy, information


def _logits(head: HostHead, inputs: np.ndarray) -> np.ndarray:
    """Of inputs with a one, (B, d + 1), (B, C)."""
    return head.seen(inputs, head.scratch(len(inputs))) @ head.parameters


def _sums_of_products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of every row, (B,)."""
    return np.einsum("ij,ij->i", first, second)
