"""Heads on a host's cores: each multiplies only what it needs, about 2/5 of the products of all heads together.

A head multiplies only the features that it sees. Its gradient takes only the rows that its bootstrap has drawn, 63 % of
them: the residuals of the others are zero. The heads share out the cores; what a head computes does not depend on how
many there are.
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

    def seen(self, inputs: np.ndarray, scratch: np.ndarray) -> np.ndarray:
        """What this head sees of inputs with a one, (B, d + 1), (B, d_m + 1); in scratch, if it sees a part."""
        if self.features.size == self.n_features + 1:
            return inputs
        return np.take(inputs, self.features, axis=1, out=scratch[: len(inputs)], mode="clip")

    def scratch(self, n_rows: int) -> np.ndarray:
        """Room for what it sees of so many rows."""
        return np.empty((n_rows, self.features.size), self.parameters.dtype)


@dataclass(frozen=True, kw_only=True)
class HostBatch:
    """Rows of one step of gradient descent.

    Attributes:
        inputs: Inputs and a one, (B, d + 1).
        classes: (B,).
        drawn: Rows that the bootstrap of each head has drawn, (B_m,) each.
        steps: η c/|𝓑| of equation (H1) of `head_ensemble` for those rows, (B_m,) each.
        rate: η.
        span: Its visits among those of the group.
    """

    inputs: np.ndarray
    classes: np.ndarray
    drawn: Sequence[np.ndarray]
    steps: Sequence[np.ndarray]
    rate: np.floating
    span: slice


class _Scratch:
    """Room for a step of a head on so many rows: what it sees and logits, of all rows and of those drawn, and its
    gradient; and the flat places at which rows of the logits start."""

    def __init__(self, head: HostHead, n_rows: int):
        n_classes, dtype = head.parameters.shape[1], head.parameters.dtype
        self.seen, self.drawn = head.scratch(n_rows), head.scratch(n_rows)
        self.logits, self.residuals = np.empty((2, n_rows, n_classes), dtype)
        self.starts = first_places(self.logits)
        self.gradient = np.empty_like(head.parameters)


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


def inputs_of(values: np.ndarray, scaling: InputScaling, out: np.ndarray | None = None) -> np.ndarray:
    """The inputs of embeddings (B, d) and a column of ones, (B, d + 1); in ``out``, if given."""
    inputs = np.empty((len(values), values.shape[1] + 1), values.dtype) if out is None else out
    np.multiply(values - np.asarray(scaling.mean), np.asarray(scaling.unit), out=inputs[:, :-1])
    inputs[:, -1] = 1
    return inputs


def train_on_host(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group; also whether each head was right before each visit, (G, M)."""
    heads = host_heads(ensemble, masks)
    correct = np.empty((len(heads), len(group.classes)), bool)
    inputs = np.empty((BATCHES_TOGETHER, group.batches.shape[1], len(masks) + 1), group.rates.dtype)
    with one_blas_thread():
        for first in range(0, len(group.batches), BATCHES_TOGETHER):
            numbers = range(first, min(first + BATCHES_TOGETHER, len(group.batches)))
            batches = on_all_cores(partial(_batch, group, scaling), numbers, inputs[: len(numbers)], threads=True)
            on_all_cores(partial(_descend, batches, momentum), range(len(heads)), heads, correct, threads=True)
    return ensemble_of(heads), correct.T


def _batch(group: TrainingGroup, scaling: InputScaling, number: int, out: np.ndarray) -> HostBatch:
    """A batch of a group, without the places that fill it up; its inputs are in ``out``."""
    places, dtype, rate = group.batches[number][group.valid[number]], group.rates.dtype, group.rates[number]
    first = number * group.batches.shape[1]
    bootstrap = group.bootstrap[places].T
    models, rows = np.nonzero(bootstrap)
    cuts = np.searchsorted(models, np.arange(1, len(bootstrap)))
    return HostBatch(
        inputs=inputs_of(in_precision(group.values[places], dtype), scaling, out[: len(places)]),
        classes=group.classes[places],
        drawn=np.split(rows, cuts),
        steps=np.split(bootstrap[models, rows] * (rate / dtype.type(len(places))), cuts),
        rate=rate,
        span=slice(first, first + len(places)),
    )


def _descend(batches: Sequence[HostBatch], momentum: float, model: int, head: HostHead, correct: np.ndarray) -> None:
    """A step of a head for each batch; whether it was right before goes into ``correct``, (G,)."""
    parameters, velocity, scratch = head.parameters, head.velocity, _Scratch(head, len(batches[0].inputs))
    scale = velocity.dtype.type(1)
    with np.errstate(over="ignore", invalid="ignore"):  # diverged heads are an error of their scores
        for batch in batches:
            inputs, steps, correct[batch.span] = _steps(head, batch, model, scratch)
            velocity *= momentum * batch.rate / scale  # η v from here on: (H2) and (H3) in three sweeps
            velocity += np.matmul(inputs.T, steps, out=scratch.gradient)
            parameters -= velocity
            scale = batch.rate
        velocity /= scale


def _steps(
    head: HostHead, batch: HostBatch, model: int, scratch: _Scratch
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the rows that the bootstrap has drawn, what the head sees, (B_m, d_m + 1), and η r of equation (H1) of
    `head_ensemble`, (B_m, C); and whether the head is right, of all rows, (B,)."""
    inputs, own, drawn = head.seen(batch.inputs, scratch.seen), batch.classes, batch.drawn[model]
    logits = np.matmul(inputs, head.parameters, out=scratch.logits[: len(inputs)])
    starts = scratch.starts[: len(inputs)]
    own_logits, others = _own_and_other(logits, starts, own)
    largest = np.maximum(own_logits, others)
    if drawn.size < len(inputs):
        inputs = np.take(inputs, drawn, axis=0, out=scratch.drawn[: drawn.size], mode="clip")
        logits = np.take(logits, drawn, axis=0, out=scratch.residuals[: drawn.size], mode="clip")
        own, largest = own[drawn], largest[drawn]
    steps = _weighted_errors(logits, starts[: drawn.size] + own, largest, batch.steps[model])
    return inputs, steps, own_logits > others  # a tie, as at zero weights, is not right


def _own_and_other(logits: np.ndarray, starts: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logit of the own class and the largest of the others, of (B, C) whose rows start there, (B,) each."""
    flat, places = logits.reshape(-1), starts + own
    own_logits = flat[places]
    flat[places] = -np.inf
    others = flat[starts + logits.argmax(axis=1)]
    flat[places] = own_logits
    return own_logits, others


def _weighted_errors(logits: np.ndarray, own: np.ndarray, largest: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weight times softmax(logits) − onehot, in place of logits (B, C); own classes as flat places, (B,)."""
    logits -= largest[:, None]
    np.exp(logits, out=logits)
    logits *= (weights / row_sums(logits))[:, None]
    logits.reshape(-1)[own] -= weights
    return logits


def first_places(values: np.ndarray) -> np.ndarray:
    """Flat places of the first number of every row of (B, C), (B,)."""
    return np.arange(0, values.size, values.shape[1])


def row_sums(values: np.ndarray) -> np.ndarray:
    """Of (B, C), (B,); twice as fast as `sum` where rows are short."""
    return np.einsum("ij->i", values)
