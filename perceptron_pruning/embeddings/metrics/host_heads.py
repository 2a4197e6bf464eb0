"""Heads on a host's cores: each multiplies only what it needs, a third of the products of all heads together.

A head multiplies only the features that it sees, of only the rows that its bootstrap has drawn, 63 % of them: the
residuals of the others are zero. The heads share out the cores; what a head computes does not depend on how many there
are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling, TrainingGroup
from perceptron_pruning.embeddings.runtime.standardise import scaled
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

BATCHES_TOGETHER = 16  # that a head goes through while its weights are in the cache


@dataclass(frozen=True, kw_only=True)
class HostHead:
    """A head on the features that it sees, and on a one for its bias; its arrays change as it is trained.

    Attributes:
        number: Of the head among those of this process.
        features: Numbers of the d_m features, ascending, and d, where the one stands, (d_m + 1,).
        parameters: The rows of w and then b, (d_m + 1, C).
        velocity: Those of v and then u, of the same shape.
    """

    number: int
    features: np.ndarray
    parameters: np.ndarray
    velocity: np.ndarray

    def seen(self, inputs: np.ndarray, drawn: np.ndarray, scratch: "_Scratch") -> np.ndarray:
        """What the head sees of the rows that it has drawn, of all inputs (B, d + 1); in scratch, if not all."""
        rows = inputs
        if drawn.size < len(inputs):
            rows = np.take(inputs, drawn, axis=0, out=scratch.rows[: drawn.size], mode="clip")
        if self.features.size == inputs.shape[1]:
            return rows
        return np.take(rows, self.features, axis=1, out=scratch.seen[: drawn.size], mode="wrap")  # the fastest mode


@dataclass(frozen=True, kw_only=True)
class HostBatch:
    """Rows of one step of gradient descent.

    Attributes:
        inputs: Inputs and a one, (B, d + 1).
        classes: (B,).
        drawn: Rows that the bootstrap of each head has drawn, head after head, (D,).
        steps: η c/|𝓑| of equation (H1) of `head_ensemble` for each of those, (D,).
        cuts: Where those of each head begin and the last end, (M + 1,).
        rate: η.
        first: Its first visit among those of the group.
    """

    inputs: np.ndarray
    classes: np.ndarray
    drawn: np.ndarray
    steps: np.ndarray
    cuts: Sequence[int]
    rate: np.floating
    first: int

    def of_head(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows that a head has drawn, and its steps for them."""
        part = slice(self.cuts[number], self.cuts[number + 1])
        return self.drawn[part], self.steps[part]


class _Scratch:
    """Room for steps of a head on so many rows: rows that it has drawn, what it sees of them, logits and a gradient;
    and the flat places at which rows of the logits start."""

    def __init__(self, head: HostHead, n_rows: int, n_inputs: int):
        n_classes, dtype = head.parameters.shape[1], head.parameters.dtype
        self.rows = np.empty((n_rows, n_inputs), dtype)
        self.seen = np.empty((n_rows, head.features.size), dtype)
        self.logits = np.empty((n_rows, n_classes), dtype)
        self.starts = first_places(self.logits)
        self.gradient = np.empty_like(head.parameters)


def host_heads(ensemble: Ensemble, masks: np.ndarray, own: slice) -> list[HostHead]:
    """The heads of an ensemble, each on the features that it sees.

    Args:
        ensemble: Those that this process trains.
        masks: Features that each head of all processes sees, (d, M).
        own: Which of them the ensemble is.
    """
    weights, bias, weight_momentum, bias_momentum = (np.asarray(part) for part in ensemble)
    heads = []
    for number, mask in enumerate(masks.T[own]):
        seen = np.flatnonzero(mask)
        heads.append(
            HostHead(
                number=number,
                features=np.append(seen, mask.size),
                parameters=np.vstack([weights[seen, number], bias[number]]),
                velocity=np.vstack([weight_momentum[seen, number], bias_momentum[number]]),
            )
        )
    return heads


def ensemble_of(heads: Sequence[HostHead], n_features: int) -> Ensemble:
    """The heads as an ensemble, with zeros where a head does not see a feature."""
    shape = n_features + 1, len(heads), heads[0].parameters.shape[1]
    parameters, velocity = np.zeros((2, *shape), heads[0].parameters.dtype)
    for head in heads:
        parameters[head.features, head.number] = head.parameters
        velocity[head.features, head.number] = head.velocity
    return Ensemble(*(part for whole in (parameters, velocity) for part in (whole[:-1], whole[-1])))


def inputs_of(values: np.ndarray, scaling: InputScaling, out: np.ndarray) -> np.ndarray:
    """The inputs of embeddings as they are stored (B, d) and a column of ones, in ``out`` (B, d + 1)."""
    scaled(values, np.asarray(scaling.mean), np.asarray(scaling.unit), out[:, :-1])
    out[:, -1] = 1
    return out


def train_on_host(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, own: slice, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group; also whether each head was right before each visit to a row that it has
    drawn, (G, M)."""
    heads = host_heads(ensemble, masks, own)
    correct = np.zeros((len(heads), len(group.classes)), bool)
    inputs = np.empty((BATCHES_TOGETHER, group.batches.shape[1], len(masks) + 1), group.rates.dtype)
    with one_blas_thread():
        for first in range(0, len(group.batches), BATCHES_TOGETHER):
            numbers = range(first, min(first + BATCHES_TOGETHER, len(group.batches)))
            batches = on_all_cores(partial(_batch, group, scaling), numbers, inputs[: len(numbers)], threads=True)
            on_all_cores(partial(_descend, batches, momentum, correct), heads, threads=True)
    return ensemble_of(heads, len(masks)), correct.T


def _batch(group: TrainingGroup, scaling: InputScaling, number: int, out: np.ndarray) -> HostBatch:
    """A batch of a group, without the places that fill it up; its inputs are in ``out``."""
    places, dtype, rate = group.batches[number][group.valid[number]], group.rates.dtype, group.rates[number]
    bootstrap = group.bootstrap[places].T
    models, drawn = np.nonzero(bootstrap)
    return HostBatch(
        inputs=inputs_of(group.values[places], scaling, out[: len(places)]),
        classes=group.classes[places],
        drawn=drawn,
        steps=bootstrap[models, drawn] * (rate / dtype.type(len(places))),
        cuts=np.searchsorted(models, np.arange(len(bootstrap) + 1)).tolist(),
        rate=rate,
        first=number * group.batches.shape[1],
    )


def _descend(batches: Sequence[HostBatch], momentum: float, correct: np.ndarray, head: HostHead) -> None:
    """A step of a head for each batch; whether it was right before goes into ``correct``, (M, G)."""
    scratch, scale = _Scratch(head, *batches[0].inputs.shape), batches[0].rate.dtype.type(1)
    with np.errstate(over="ignore", invalid="ignore"):  # diverged heads are an error of their scores
        for batch in batches:
            drawn, weights = batch.of_head(head.number)
            seen = head.seen(batch.inputs, drawn, scratch)
            logits = np.matmul(seen, head.parameters, out=scratch.logits[: drawn.size])
            steps, right = _steps(logits, batch.classes[drawn], weights, scratch.starts[: drawn.size])
            correct[head.number, batch.first + drawn] = right
            _move(head, np.matmul(seen.T, steps, out=scratch.gradient), momentum * batch.rate / scale)
            scale = batch.rate
        np.divide(head.velocity, scale, out=head.velocity)


def _steps(
    logits: np.ndarray, classes: np.ndarray, weights: np.ndarray, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """η r of equation (H1) of `head_ensemble`, in place of logits (B, C) whose rows start there; and whether the head
    is right, (B,)."""
    own = starts + classes
    own_logits, others = _own_and_other(logits, starts, own)
    right = own_logits > others  # a tie, as at zero weights, is not right
    return _weighted_errors(logits, own, np.maximum(own_logits, others), weights), right


def _move(head: HostHead, gradient: np.ndarray, decay: np.floating) -> None:
    """(H2) and (H3) in three sweeps: the velocity is η v while a head goes through batches."""
    velocity, parameters = head.velocity, head.parameters
    velocity *= decay
    velocity += gradient
    parameters -= velocity


def _own_and_other(logits: np.ndarray, starts: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logit of the own class and the largest of the others, of (B, C); flat places of rows and own classes, (B,)."""
    flat = logits.reshape(-1)
    own_logits = flat[own]
    flat[own] = -np.inf
    others = flat[starts + logits.argmax(axis=1)]
    flat[own] = own_logits
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
