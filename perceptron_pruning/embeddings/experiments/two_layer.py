"""A two-layer network of one recipe: trained by Adam for a fixed number of steps, in one compiled program."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

DECAY_1, DECAY_2, TINY = 0.9, 0.999, 1e-8  # of Adam, as published


@dataclass(frozen=True, kw_only=True)
class TwoLayer:
    """x → W₂ relu(W₁x + b₁) + b₂ under cross-entropy with decoupled weight decay.

    The number of steps does not depend on how much is kept: a smaller set is seen more often, as in the paper.
    Batches are drawn with replacement, all chance from the seed. Weights start normal with variance 2/fan-in (1/fan-in
    in the second layer), the learning rate falls to zero along a half cosine, and arithmetic is in single precision.

    References:
        Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (decoupled decay).
    """

    width: int = 128
    steps: int = 600
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        rng = np.random.default_rng(seed)
        n_classes = int(labels.max()) + 1
        start = [
            rng.normal(0, np.sqrt(2 / inputs.shape[1]), (inputs.shape[1], self.width)).astype(np.float32),
            np.zeros(self.width, np.float32),
            rng.normal(0, np.sqrt(1 / self.width), (self.width, n_classes)).astype(np.float32),
            np.zeros(n_classes, np.float32),
        ]
        drawn = rng.integers(len(inputs), size=(self.steps, self.batch))
        rates = self.learning_rate * (1 + np.cos(np.pi * np.arange(self.steps) / self.steps)) / 2
        found = _trained(
            [jnp.asarray(part) for part in start],
            jnp.asarray(inputs[drawn], jnp.float32),
            jnp.asarray(labels[drawn]),
            jnp.asarray(rates, jnp.float32),
            self.weight_decay,
        )
        network = [np.asarray(part, np.float64) for part in found]
        if not all(np.isfinite(part).all() for part in network):
            raise ArithmeticError("the two-layer network diverged; a smaller `learning_rate` may help")
        return lambda rows: np.maximum(rows @ network[0] + network[1], 0) @ network[2] + network[3]

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        return 0.1 + 4e-10 * self.steps * self.batch * n_features * self.width


def _loss(network, inputs, labels):
    first, bias, second, last = network
    logits = jax.nn.relu(inputs @ first + bias) @ second + last
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


@partial(jax.jit, static_argnums=4)
def _trained(network, batches, labels, rates, weight_decay):
    """Adam over batches (steps, batch, d): one compilation serves sets of every size."""

    def step(state, batch):
        network, mean, square, count = state
        inputs, own, rate = batch
        slope = jax.grad(_loss)(network, inputs, own)
        mean = jax.tree.map(lambda m, g: DECAY_1 * m + (1 - DECAY_1) * g, mean, slope)
        square = jax.tree.map(lambda s, g: DECAY_2 * s + (1 - DECAY_2) * g * g, square, slope)
        count = count + 1

        def moved(weights, m, s):
            direction = m / (1 - DECAY_1**count) / (jnp.sqrt(s / (1 - DECAY_2**count)) + TINY)
            return weights - rate * (direction + (weight_decay * weights if weights.ndim == 2 else 0.0))

        return (jax.tree.map(moved, network, mean, square), mean, square, count), None

    zero = jax.tree.map(jnp.zeros_like, network)
    return jax.lax.scan(step, (network, zero, zero, jnp.float32(0)), (batches, labels, rates))[0][0]
