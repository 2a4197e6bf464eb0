"""Heads on an accelerator: one matrix product a step for all of them, compiled by JAX."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling, TrainingGroup
from perceptron_pruning.embeddings.runtime.devices import on_local_devices


def train_on_device(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, own: slice, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group, all heads by one product; also whether each was right before each visit,
    (G, M)."""
    seen = masks[:, own].astype(group.rates.dtype)
    ensemble, steps = _train_group(ensemble, group, seen[:, :, None], scaling, momentum)
    return ensemble, np.asarray(steps).reshape(-1, seen.shape[1])[: len(group.classes)]


@partial(jax.jit, donate_argnums=0)
def _train_group(
    ensemble: Ensemble, group: TrainingGroup, masks: jax.Array, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, jax.Array]:
    """Steps through the batches of a group; also whether each head was right before each step, (steps, B, M)."""

    def step(heads: Ensemble, batch: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Ensemble, jax.Array]:
        places, valid, rate = batch
        inputs = scaling.apply(group.values[places].astype(group.rates.dtype))
        residuals, correct = _residuals(heads, inputs, group.classes[places], group.bootstrap[places], valid)
        return _descended(heads, inputs, residuals, masks, rate, momentum), correct

    steps = jnp.asarray(group.batches), jnp.asarray(group.valid), jnp.asarray(group.rates)
    return jax.lax.scan(step, ensemble, steps)


def _residuals(
    heads: Ensemble, inputs: jax.Array, classes: jax.Array, bootstrap: jax.Array, valid: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Residuals r of equation (H1), (B, M, C), and whether each head is right, (B, M)."""
    logits = heads.logits(inputs)
    targets = jax.nn.one_hot(classes, logits.shape[2], dtype=inputs.dtype)[:, None]
    others = jnp.max(jnp.where(targets > 0, -jnp.inf, logits), axis=2)
    correct = jnp.sum(logits * targets, axis=2) > others  # a tie, as at zero weights, is not right
    importance = bootstrap.astype(inputs.dtype) * valid[:, None] / jnp.sum(valid)
    return (jax.nn.softmax(logits) - targets) * importance[:, :, None], correct


def _descended(
    heads: Ensemble, inputs: jax.Array, residuals: jax.Array, masks: jax.Array, rate: jax.Array, momentum: float
) -> Ensemble:
    """The heads after the step of equations (H2) and (H3)."""
    gradient = (inputs.T @ residuals.reshape(len(inputs), -1)).reshape(heads.weights.shape) * masks
    weight_momentum = momentum * heads.weight_momentum + gradient
    bias_momentum = momentum * heads.bias_momentum + residuals.sum(axis=0)
    return Ensemble(
        (heads.weights - rate * weight_momentum).astype(inputs.dtype),
        (heads.bias - rate * bias_momentum).astype(inputs.dtype),
        weight_momentum.astype(inputs.dtype),
        bias_momentum.astype(inputs.dtype),
    )


class DeviceTrainedHeads:
    """Trained heads on JAX's devices.

    Args:
        ensemble: M of them.
        masks: Features that each sees, (d, M).
        scaling: Of their inputs.
    """

    def __init__(self, ensemble: Ensemble, masks: np.ndarray, scaling: InputScaling):
        self.ensemble, self.masks, self.scaling = ensemble, masks, scaling

    def error_lengths(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """‖p − onehot(y)‖₂ and √(‖x‖² + 1), x what a head sees of the row, of every head, (B, M) each.

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        inputs = self.scaling.apply(on_local_devices(values))
        lengths, sizes = _error_lengths(self.ensemble, inputs, classes), _seen_sizes(inputs, self.masks)
        return np.asarray(lengths), np.asarray(sizes)

    def disagreement(self, values: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share of heads that are wrong, entropy of the mean probabilities, mutual information, each (B,).

        Args:
            values: Embeddings, (B, d).
            classes: (B,).
        """
        parts = _disagreement(self.ensemble, self.scaling.apply(on_local_devices(values)), classes)
        wrong, entropy, information = map(np.asarray, parts)
        return wrong, entropy, information


@jax.jit
def _error_lengths(ensemble: Ensemble, inputs: jax.Array, classes: jax.Array) -> jax.Array:
    """‖p − onehot‖₂ of every head, (B, M)."""
    probabilities = jax.nn.softmax(ensemble.logits(inputs))
    targets = jax.nn.one_hot(classes, probabilities.shape[2], dtype=inputs.dtype)[:, None]
    return jnp.sqrt(jnp.sum((probabilities - targets) ** 2, axis=2))


@jax.jit
def _seen_sizes(inputs: jax.Array, masks: jax.Array) -> jax.Array:
    """√(‖x‖² + 1) of what every head sees, (B, M)."""
    return jnp.sqrt(inputs**2 @ masks.astype(inputs.dtype) + 1)


@jax.jit
def _disagreement(ensemble: Ensemble, inputs: jax.Array, classes: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Share of heads that are wrong, entropy of the mean, and mutual information, each (B,)."""
    logits = ensemble.logits(inputs)
    log_probabilities = jax.nn.log_softmax(logits)
    probabilities = jnp.exp(log_probabilities)
    mean = jnp.mean(probabilities, axis=1)
    entropy = -jnp.sum(jax.scipy.special.xlogy(mean, mean), axis=1)
    head_entropies = -jnp.sum(probabilities * log_probabilities, axis=2)
    wrong = jnp.sum(jnp.argmax(logits, axis=2) != classes[:, None], axis=1) / logits.shape[1]
    return wrong, entropy, jnp.maximum(entropy - jnp.mean(head_entropies, axis=1), 0)
