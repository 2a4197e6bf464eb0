"""Heads on a host's cores: each multiplies only the features that it sees, which takes half of the products.

Rows run along the last axis of all arrays, so that sums over classes add long vectors. The heads share out the cores;
what a head computes does not depend on how many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.precision import in_precision
from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling, TrainingGroup
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

BATCHES_TOGETHER = 16  # that a head goes through while its weights are in the cache


@dataclass(frozen=True, kw_only=True)
class HostHead:
    """A head on the features that it sees, and on a one for its bias; its arrays change as it is trained.

    Attributes:
        features: Numbers of the d_m features, ascending, and d, where the one stands, (d_m + 1,).
        n_features: d.
        parameters: The rows of w and then b, (d_m + 1, C).
        velocity: Those of v and then u, of the same shape.
    """

    features: np.ndarray
    n_features: int
    parameters: np.ndarray
    velocity: np.ndarray

    def seen(self, columns: np.ndarray, scratch: np.ndarray) -> np.ndarray:
        """The inputs of this head, (d_m + 1, B), of rows as columns, (d + 1, B); in scratch, if it sees a part."""
        if self.features.size == self.n_features + 1:
            return columns
        seen = _part(scratch, self.features.size, columns.shape[1])
        return np.take(columns, self.features, axis=0, out=seen, mode="clip")

    def scratch(self, n_rows: int) -> np.ndarray:
        """Room for what it sees of so many rows."""
        return np.empty(self.features.size * n_rows, self.parameters.dtype)


@dataclass(frozen=True, kw_only=True)
class HostBatch:
    """Rows of one step of gradient descent, as columns.

    Attributes:
        columns: Inputs and a row of ones, (d + 1, B).
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
        seen = np.flatnonzero(mask)
        heads.append(
            HostHead(
                features=np.append(seen, mask.size),
                n_features=mask.size,
                parameters=np.vstack([weights[seen, model], bias[model]]),
                velocity=np.vstack([weight_momentum[seen, model], bias_momentum[model]]),
            )
        )
    return heads


def ensemble_of(heads: Sequence[HostHead]) -> Ensemble:
    """The heads as an ensemble, with zeros where a head does not see a feature."""
    shape = heads[0].n_features + 1, len(heads), heads[0].parameters.shape[1]
    parameters, velocity = np.zeros((2, *shape), heads[0].parameters.dtype)
    for model, head in enumerate(heads):
        parameters[head.features, model] = head.parameters
        velocity[head.features, model] = head.velocity
    return Ensemble(*(jnp.asarray(part) for whole in (parameters, velocity) for part in (whole[:-1], whole[-1])))


def columns_of(values: np.ndarray, scaling: InputScaling, out: np.ndarray | None = None) -> np.ndarray:
    """The inputs of embeddings (B, d) as columns, and a row of ones, (d + 1, B); in ``out``, if given."""
    columns = np.empty((values.shape[1] + 1, len(values)), values.dtype) if out is None else out
    inputs = values - np.asarray(scaling.mean)
    inputs *= np.asarray(scaling.unit)
    columns[:-1], columns[-1] = inputs.T, 1
    return columns


def train_on_host(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group; also whether each head was right before each visit, (G, M)."""
    heads = host_heads(ensemble, masks)
    correct = np.empty((len(heads), len(group.classes)), bool)
    columns = np.empty((BATCHES_TOGETHER, len(masks) + 1, group.batches.shape[1]), group.rates.dtype)
    with one_blas_thread():
        for first in range(0, len(group.batches), BATCHES_TOGETHER):
            numbers = range(first, min(first + BATCHES_TOGETHER, len(group.batches)))
            batches = on_all_cores(partial(_batch, group, scaling), numbers, columns[: len(numbers)], threads=True)
            on_all_cores(partial(_descend, batches, momentum), range(len(heads)), heads, correct, threads=True)
    return ensemble_of(heads), correct.T


def _batch(group: TrainingGroup, scaling: InputScaling, number: int, out: np.ndarray) -> HostBatch:
    """A batch of a group, without the places that fill it up; its columns are in ``out``."""
    places, dtype = group.batches[number][group.valid[number]], group.rates.dtype
    classes, first = group.classes[places], number * group.batches.shape[1]
    importance = group.bootstrap[places].T.astype(dtype)
    importance /= dtype.type(len(places))
    return HostBatch(
        columns=columns_of(in_precision(group.values[places], dtype), scaling, out[:, : len(places)]),
        own=classes * len(places) + np.arange(len(places)),
        importance=importance,
        rate=group.rates[number],
        span=slice(first, first + len(places)),
    )


def _descend(batches: Sequence[HostBatch], momentum: float, model: int, head: HostHead, correct: np.ndarray) -> None:
    """A step of a head for each batch; whether it was right before goes into ``correct``, (G,)."""
    n_rows, parameters, velocity = batches[0].columns.shape[1], head.parameters, head.velocity
    seen, odds = head.scratch(n_rows), np.empty(parameters.shape[1] * n_rows, parameters.dtype)
    gradient = np.empty_like(parameters)
    with np.errstate(over="ignore", invalid="ignore"):  # diverged heads are an error of their scores
        for batch in batches:
            inputs = head.seen(batch.columns, seen)
            residuals, correct[batch.span] = _residuals(head, inputs, batch.own, batch.importance[model], odds)
            np.matmul(inputs, residuals.T, out=gradient)
            velocity *= momentum
            velocity += gradient
            np.multiply(velocity, batch.rate, out=gradient)
            parameters -= gradient


def _residuals(
    head: HostHead, inputs: np.ndarray, own: np.ndarray, importance: np.ndarray, scratch: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals r of equation (H1) of `head_ensemble`, (C, B), and whether the head is right, (B,)."""
    odds = _part(scratch, head.parameters.shape[1], inputs.shape[1])
    np.matmul(head.parameters.T, inputs, out=odds)
    flat = odds.reshape(-1)
    own_logits = flat[own]
    flat[own] = -np.inf
    others = odds.max(axis=0)
    correct = own_logits > others  # a tie, as at zero weights, is not right
    largest = np.maximum(own_logits, others)
    odds -= largest
    np.exp(odds, out=odds)
    own_odds = np.exp(own_logits - largest)
    scale = importance / (odds.sum(axis=0) + own_odds)
    odds *= scale
    flat[own] = own_odds * scale - importance
    return odds, correct


def _part(scratch: np.ndarray, n_rows: int, n_columns: int) -> np.ndarray:
    """The beginning of flat scratch as an array of this shape."""
    return scratch[: n_rows * n_columns].reshape(n_rows, n_columns)
