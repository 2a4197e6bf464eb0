"""Cross-entropy of a softmax head on a tile of rows, and its gradient, by two products of single-threaded BLAS."""

import numpy as np

from perceptron_pruning.embeddings.metrics.host_ridge import sums_by_class

LossSums = tuple[float, np.ndarray]
"""Σ of the loss over rows, and of its gradient, (d + 1, C)."""


def loss_sums(inputs: np.ndarray, classes: np.ndarray, parameters: np.ndarray) -> LossSums:
    """Σ −ln p(y | x) and Σ (x, 1) (p − onehot(y))ᵀ, with p = softmax((x, 1)·parameters).

    Args:
        inputs: Rows x with a one at the end, (B, d + 1).
        classes: y, (B,).
        parameters: The rows of W and then b, (d + 1, C), in the precision of the inputs.
    """
    logits = inputs @ parameters
    flat, starts = logits.reshape(-1), np.arange(0, logits.size, logits.shape[1])
    logits -= flat[starts + logits.argmax(axis=1)][:, None]  # faster than `max`
    own = starts + classes
    own_logits = float(flat[own].sum(dtype=float))
    odds = np.exp(logits, out=logits)
    normaliser = np.einsum("ij->i", odds)
    loss = float(np.log(normaliser).sum(dtype=float)) - own_logits
    odds *= (1 / normaliser)[:, None]
    flat[own] -= 1  # now p − onehot(y)
    return loss, inputs.T @ odds


def loss_sums_at_zero(inputs: np.ndarray, classes: np.ndarray, n_classes: int) -> LossSums:
    """As `loss_sums` at parameters 0, where p = 1/C and sums over classes take the place of the products.

    Args:
        inputs: Rows x with a one at the end, (B, d + 1).
        classes: y, (B,).
        n_classes: C.
    """
    by_class = sums_by_class(inputs, classes, n_classes).T
    return len(inputs) * float(np.log(n_classes)), by_class.sum(axis=1, keepdims=True) / n_classes - by_class
