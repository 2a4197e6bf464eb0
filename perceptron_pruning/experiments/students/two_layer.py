"""A two-layer network on embeddings."""

from dataclasses import dataclass

import jax
import numpy as np

from perceptron_pruning.experiments.students.networks import Array, Network, normal

Body = tuple[Array, Array]  # W₁ (d, width) and b₁ (width,)


@dataclass(frozen=True, kw_only=True)
class TwoLayer(Network[Body]):
    """x → W₂ relu(W₁x + b₁) + b₂; W₁ starts normal with variance 2/fan-in."""

    width: int = 128
    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2

    def start(self, rng: np.random.Generator, inputs: np.ndarray) -> tuple[Body, int]:
        n_features = inputs.shape[1]
        weights = normal(rng, n_features, self.width, variance=2 / n_features)
        return (weights, np.zeros(self.width, np.float32)), self.width

    @staticmethod
    def features(body: Body, inputs: jax.Array) -> jax.Array:
        weights, bias = body
        return jax.nn.relu(inputs @ weights + bias)

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        return 0.1 + 4e-10 * self.steps * self.batch * n_features * self.width
