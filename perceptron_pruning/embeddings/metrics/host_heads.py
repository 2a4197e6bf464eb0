"""Heads on a host's cores: each multiplies only the features that it sees, which takes half of the products.

Rows run along the last axis of all arrays, so that sums over classes add long vectors. The heads share out the cores;
what a head computes does not depend on how many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.precision import in_precision
from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling, TrainingGroup
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

BATCHES_TOGETHER = 16  # that a head goes through while its weights are in the cache


@dataclass(frozen=True, kw_only=True)
class HostHead:
    """A head on the d_m features that it sees; its arrays change as it is trained.

    Attributes:
        features: Their numbers, ascending, (d_m,).
        n_features: d.
        weights: w, (d_m, C).
        bias: b, (C,).
        weight_momentum, bias_momentum: v and u, of the same shapes.
    """

    features: np.ndarray
    n_features: int
    weights: np.ndarray
    bias: np.ndarray
    weight_momentum: np.ndarray
    bias_momentum: np.ndarray

    def seen(self, columns: np.ndarray) -> np.ndarray:
        """The inputs of this head, (d_m, B), of rows as columns, (d, B)."""
        return columns if self.features.size == self.n_features else columns[self.features]

    def logits(self, seen: np.ndarray) -> np.ndarray:
        """xᵀw + b, (C, B)."""
        logits = self.weights.T @ seen
        logits += self.bias[:, None]
        return logits


@dataclass(frozen=True, kw_only=True)
class HostBatch:
    """Rows of one step of gradient descent, as columns.

    Attributes:
        columns: Inputs, (d, B).
        own: Places of the labels in (C, B), flat.
        importance: Bootstrap weight over the rows of the batch, (M, B).
        rate: η.
        span: Its visits among those of the group.
    """

    columns: np.ndarray
    own: np.ndarray
    importance: np.ndarray
    rate: np.floating
    span: slice


def host_heads(ensemble: Ensemble, masks: np.ndarray) -> list[HostHead]:
    """The heads of an ensemble, each on the features that its mask, a column of (d, M), lets it see."""
    weights, bias, weight_momentum, bias_momentum = (np.asarray(part) for part in ensemble)
    heads = []
    for model, mask in enumerate(masks.T):
        features = np.flatnonzero(mask)
        heads.append(
            HostHead(
                features=features,
                n_features=mask.size,
                weights=weights[features, model],
                bias=bias[model].copy(),
                weight_momentum=weight_momentum[features, model],
                bias_momentum=bias_momentum[model].copy(),
            )
        )
    return heads


def ensemble_of(heads: Sequence[HostHead]) -> Ensemble:
    """The heads as an ensemble, with zeros where a head does not see a feature."""
    shape = heads[0].n_features, len(heads), heads[0].bias.size
    weights, weight_momentum = np.zeros((2, *shape), heads[0].bias.dtype)
    for model, head in enumerate(heads):
        weights[head.features, model] = head.weights
        weight_momentum[head.features, model] = head.weight_momentum
    return Ensemble(
        jnp.asarray(weights),
        jnp.asarray(np.stack([head.bias for head in heads])),
        jnp.asarray(weight_momentum),
        jnp.asarray(np.stack([head.bias_momentum for head in heads])),
    )


def columns_of(values: np.ndarray, scaling: InputScaling) -> np.ndarray:
    """The inputs of embeddings (B, d) as columns, (d, B)."""
    return np.ascontiguousarray(((values - np.asarray(scaling.mean)) * np.asarray(scaling.unit)).T)


def train_on_host(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group; also whether each head was right before each visit, (G, M)."""
    heads = host_heads(ensemble, masks)
    correct = np.empty((len(heads), len(group.classes)), bool)
    with one_blas_thread():
        for first in range(0, len(group.batches), BATCHES_TOGETHER):
            numbers = range(first, min(first + BATCHES_TOGETHER, len(group.batches)))
            batches = on_all_cores(lambda number: _batch(group, scaling, number), numbers, threads=True)

            def descend(model: int, batches: list[HostBatch] = batches) -> None:
                with np.errstate(over="ignore", invalid="ignore"):  # diverged heads are an error of their scores
                    for batch in batches:
                        correct[model, batch.span] = _descend(heads[model], model, batch, momentum)

            on_all_cores(descend, range(len(heads)), threads=True)
    return ensemble_of(heads), correct.T


def _batch(group: TrainingGroup, scaling: InputScaling, number: int) -> HostBatch:
    """A batch of a group, without the places that fill it up."""
    places, dtype = group.batches[number][group.valid[number]], group.rates.dtype
    classes, first = group.classes[places], number * group.batches.shape[1]
    importance = group.bootstrap[places].T.astype(dtype)
    importance /= dtype.type(len(places))
    return HostBatch(
        columns=columns_of(in_precision(group.values[places], dtype), scaling),
        own=classes * len(places) + np.arange(len(places)),
        importance=importance,
        rate=group.rates[number],
        span=slice(first, first + len(places)),
    )


def _descend(head: HostHead, model: int, batch: HostBatch, momentum: float) -> np.ndarray:
    """One step of a head, equations (H1)-(H3) of `head_ensemble`; whether it was right before, (B,)."""
    seen = head.seen(batch.columns)
    odds = head.logits(seen)
    flat = odds.reshape(-1)
    own = flat[batch.own]
    flat[batch.own] = -np.inf
    others = odds.max(axis=0)
    correct = own > others  # a tie, as at zero weights, is not right
    largest = np.maximum(own, others)
    odds -= largest
    np.exp(odds, out=odds)
    own_odds = np.exp(own - largest)
    normaliser = odds.sum(axis=0) + own_odds
    importance = batch.importance[model]
    odds *= importance / normaliser
    flat[batch.own] = (own_odds / normaliser - 1) * importance  # now the residuals r
    _move(head.weights, head.weight_momentum, seen @ odds.T, batch.rate, momentum)
    _move(head.bias, head.bias_momentum, odds.sum(axis=1), batch.rate, momentum)
    return correct


def _move(
    parameters: np.ndarray, velocity: np.ndarray, gradient: np.ndarray, rate: np.floating, momentum: float
) -> None:
    """v ← μ v + gradient and w ← w − η v, in place."""
    velocity *= momentum
    velocity += gradient
    np.multiply(velocity, rate, out=gradient)
    parameters -= gradient
