"""A two-layer network in NumPy, small enough to be trained a hundred times."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

DECAY_OF_MEAN, DECAY_OF_SQUARE, TINY = 0.9, 0.99, 1e-8  # of Adam


@dataclass(frozen=True, kw_only=True)
class TwoLayerRecipe:
    """x → W₂ relu(W₁x + b₁) + b₂, cross-entropy, Adam with a step that falls linearly in the second half.

    Attributes:
        width: Hidden units.
        steps: Of Adam.
        batch: Rows of a step.
        learning_rate: At the start.
        weight_decay: Ridge on both weight matrices, in units of the loss.
    """

    width: int = 128
    steps: int = 1000
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        """Inputs (n, d) and labels (n,) in 0..C−1, all there → function of inputs to (n, C)."""
        rng = np.random.default_rng(seed)
        inputs = np.asarray(inputs, dtype=np.float32)
        weights = self._start(rng, inputs.shape[1], int(labels.max()) + 1)
        means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
        for step, batch in enumerate(self._batches(rng, len(inputs)), start=1):
            rate = self.learning_rate * min(1.0, 2 * (1 - step / (self.steps + 1)))
            for number, gradient in enumerate(self._gradients(weights, inputs[batch], labels[batch])):
                means[number] += (1 - DECAY_OF_MEAN) * (gradient - means[number])
                squares[number] += (1 - DECAY_OF_SQUARE) * (gradient**2 - squares[number])
                mean = means[number] / (1 - DECAY_OF_MEAN**step)
                size = np.sqrt(squares[number] / (1 - DECAY_OF_SQUARE**step)) + TINY
                weights[number] -= np.float32(rate) * mean / size
        return lambda rows: _forward(weights, np.asarray(rows, dtype=np.float32))[1]

    def _start(self, rng: np.random.Generator, d: int, n_classes: int) -> list[np.ndarray]:
        first = rng.normal(size=(d, self.width)) * np.sqrt(2 / d)
        second = rng.normal(size=(self.width, n_classes)) / np.sqrt(self.width)
        return [w.astype(np.float32) for w in (first, np.zeros(self.width), second, np.zeros(n_classes))]

    def _batches(self, rng: np.random.Generator, n_rows: int):
        """``steps`` batches of row numbers, every row once before any comes again."""
        size, order = min(self.batch, n_rows), np.empty(0, dtype=int)
        for _ in range(self.steps):
            if order.size < size:
                order = rng.permutation(n_rows)
            batch, order = order[:size], order[size:]
            yield batch

    def _gradients(self, weights: list[np.ndarray], inputs: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
        """Of the mean cross-entropy and the decay, by W₁, b₁, W₂, b₂."""
        hidden, logits = _forward(weights, inputs)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        residual = odds / odds.sum(axis=1, keepdims=True)
        residual[np.arange(len(labels)), labels] -= 1
        residual /= len(labels)
        below = (residual @ weights[2].T) * (hidden > 0)
        return [
            inputs.T @ below + self.weight_decay * weights[0],
            below.sum(axis=0),
            hidden.T @ residual + self.weight_decay * weights[2],
            residual.sum(axis=0),
        ]


def _forward(weights: list[np.ndarray], inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hidden units (n, width) and logits (n, C)."""
    hidden = np.maximum(inputs @ weights[0] + weights[1], 0)
    return hidden, hidden @ weights[2] + weights[3]
