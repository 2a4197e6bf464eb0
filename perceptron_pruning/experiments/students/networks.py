"""Networks of one recipe, trained by Adam for a fixed number of steps: one compiled program for sets of every size."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

DECAY_1, DECAY_2, TINY = 0.9, 0.999, 1e-8  # Adam's β₁, β₂ and ε, as published
_SCANNED = 50  # steps of one compiled call, whose batches are in memory at once
_SHOWN = 500  # rows of one compiled call of a trained network

Array = np.ndarray | jax.Array
BodyT = TypeVar("BodyT")  # a tree of arrays: the parameters of all layers but the head
Head = tuple[Array, Array]  # weights (width, C) and bias (C,)


@dataclass(frozen=True, kw_only=True)
class Network(ABC, Generic[BodyT]):
    """body → features → linear head, under cross-entropy with decoupled weight decay on all that is no bias or gain.

    The number of steps does not depend on how much is kept: a smaller set is seen more often, as in the paper.
    Batches are drawn with replacement, all chance from the seed. The head starts normal with variance 1/width, the
    learning rate falls to zero along a half cosine, and arithmetic is in single precision.

    References:
        Kingma & Ba 2015 (Adam); Loshchilov & Hutter 2019 (decoupled decay).
    """

    needs_images: ClassVar[bool] = False

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float

    @abstractmethod
    def start(self, rng: np.random.Generator, inputs: np.ndarray) -> tuple[BodyT, int]:
        """An untrained body for inputs of this shape, and the width of its features."""

    @staticmethod
    @abstractmethod
    def features(body: BodyT, inputs: jax.Array) -> jax.Array:
        """(n, width)."""

    @abstractmethod
    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        """Rough time of `fit` on one core."""

    def fit(self, inputs: np.ndarray, labels: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
        """Trains from scratch; gives inputs → logits (n, C)."""
        rng = np.random.default_rng(seed)
        body, head = self.trained(*self.untrained(rng, inputs, labels), inputs, labels, rng)
        return lambda rows: self.represent(body, rows) @ np.asarray(head[0]) + np.asarray(head[1])

    def untrained(self, rng: np.random.Generator, inputs: np.ndarray, labels: np.ndarray) -> tuple[BodyT, Head]:
        """Body and head before training."""
        body, width = self.start(rng, inputs)
        return body, new_head(rng, width, int(labels.max()) + 1)

    def trained(
        self, body: BodyT, head: Head, inputs: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[BodyT, Head]:
        """Body and head after all steps on inputs (n, …) with labels (n,) in 0..C−1.

        Raises:
            ArithmeticError: A weight is no longer finite.
        """
        drawn = rng.integers(len(inputs), size=(self.steps, self.batch))
        inputs = np.asarray(inputs, np.float32)
        rates = self.learning_rate * (1 + np.cos(np.pi * np.arange(self.steps) / self.steps)) / 2
        network = jax.tree.map(jnp.asarray, (body, head))
        zero = jax.tree.map(jnp.zeros_like, network)
        state = network, zero, zero, jnp.float32(0)
        for first in range(0, self.steps, _SCANNED):
            rows = drawn[first : first + _SCANNED]
            state = _after(
                state,
                self.shown(rng, inputs[rows]),
                jnp.asarray(labels[rows]),
                jnp.asarray(rates[first : first + _SCANNED], jnp.float32),
                self.weight_decay,
                features=self.features,
            )
        network = jax.tree.map(np.asarray, state[0])
        if not all(np.isfinite(part).all() for part in jax.tree.leaves(network)):
            raise ArithmeticError("the network diverged; a smaller `learning_rate` may help")
        return network

    def shown(self, rng: np.random.Generator, batches: np.ndarray) -> np.ndarray:
        """Batches (steps, batch, …) as training sees them: as they are, or changed at random."""
        return batches

    def represent(self, body: BodyT, inputs: np.ndarray) -> np.ndarray:
        """Features of rows (n, …): (n, width), computed in blocks of one shape."""
        blocks = []
        for first in range(0, len(inputs), _SHOWN):
            block = np.asarray(inputs[first : first + _SHOWN], np.float32)
            padded = np.concatenate([block, np.zeros((_SHOWN - len(block), *block.shape[1:]), np.float32)])
            blocks.append(np.asarray(_features(body, padded, features=self.features))[: len(block)])
        return np.concatenate(blocks)


def new_head(rng: np.random.Generator, width: int, n_classes: int) -> Head:
    """A head before training: weights normal with variance 1/width, bias 0."""
    return normal(rng, width, n_classes, variance=1 / width), np.zeros(n_classes, np.float32)


def normal(rng: np.random.Generator, *shape: int, variance: float) -> np.ndarray:
    """Single-precision normal numbers."""
    return rng.normal(0, np.sqrt(variance), shape).astype(np.float32)


def _loss(network: tuple[BodyT, Head], inputs: jax.Array, labels: jax.Array, features: Callable) -> jax.Array:
    body, (weights, bias) = network
    logits = features(body, inputs) @ weights + bias
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))


@partial(jax.jit, static_argnames="features")
def _features(body: object, inputs: jax.Array, *, features: Callable) -> jax.Array:
    return features(body, inputs)


@partial(jax.jit, static_argnames="features")
def _after(state, batches, labels, rates, weight_decay, *, features):
    """Adam's state (network, mean, square, count) after batches (steps, batch, …)."""

    def step(state, batch):
        network, mean, square, count = state
        inputs, own, rate = batch
        slope = jax.grad(_loss)(network, inputs, own, features)
        mean = jax.tree.map(lambda m, g: DECAY_1 * m + (1 - DECAY_1) * g, mean, slope)
        square = jax.tree.map(lambda s, g: DECAY_2 * s + (1 - DECAY_2) * g * g, square, slope)
        count = count + 1

        def moved(weights, m, s):
            direction = m / (1 - DECAY_1**count) / (jnp.sqrt(s / (1 - DECAY_2**count)) + TINY)
            return weights - rate * (direction + (weight_decay * weights if weights.ndim > 1 else 0.0))

        return (jax.tree.map(moved, network, mean, square), mean, square, count), None

    return jax.lax.scan(step, state, (batches, labels, rates))[0]
