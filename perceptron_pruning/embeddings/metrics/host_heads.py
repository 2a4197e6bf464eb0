"""Heads on a host's cores: each multiplies only what it needs, about 2/5 of the products of all heads together.

A head multiplies only the features that it sees. Its gradient takes only the rows that its bootstrap has drawn, 63 % of
them: the residuals of the others are zero. The heads share out the cores; what a head computes does not depend on how
many there are.

To pick features out of rows takes an eighth as long as to multiply them. Two heads that see half of the features each
share a quarter of them, and so pairs of heads pick together: in the order of those that the first alone sees, both, and
the second alone, each sees neighbours. The order, and with it the rounding, is that of the pair even where a process
trains only one of the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from perceptron_pruning.embeddings.io.precision import in_precision
from perceptron_pruning.embeddings.metrics.head_ensemble import Ensemble, InputScaling, TrainingGroup
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

BATCHES_TOGETHER = 16  # that a pair of heads goes through while its weights are in the cache


@dataclass(frozen=True, kw_only=True)
class HostHead:
    """A head on the features that it sees, and on a one for its bias; its arrays change as it is trained.

    Attributes:
        number: Of the head among those of this process.
        features: Numbers of the d_m features, and d, where the one stands, (d_m + 1,).
        columns: Where they are among those that its pair picks.
        parameters: The rows of w and then b, in the order of the features, (d_m + 1, C).
        velocity: Those of v and then u, of the same shape.
    """

    number: int
    features: np.ndarray
    columns: slice
    parameters: np.ndarray
    velocity: np.ndarray


@dataclass(frozen=True, kw_only=True)
class HostPair:
    """Heads that pick their features together: two, or one of them, or the plain head by itself.

    Attributes:
        features: Numbers of the features that any of them sees, and d, (d_p + 1,).
        heads: Those that this process trains.
    """

    features: np.ndarray
    heads: Sequence[HostHead]

    @cached_property
    def sees_all(self) -> bool:
        """Whether the features are all up to the last, in their order, as the plain head's are."""
        return bool((self.features == np.arange(self.features.size)).all())

    def seen(self, inputs: np.ndarray, scratch: np.ndarray) -> np.ndarray:
        """What the pair sees of inputs with a one, (B, d + 1), (B, d_p + 1); in scratch, if not all in their order."""
        if self.sees_all:
            return inputs
        return np.take(inputs, self.features, axis=1, out=scratch[: len(inputs)], mode="wrap")  # the fastest mode


@dataclass(frozen=True, kw_only=True)
class HostBatch:
    """Rows of one step of gradient descent.

    Attributes:
        inputs: Inputs and a one, (B, d + 1).
        classes: (B,).
        drawn: Rows that the bootstrap of each head has drawn, head after head, (D,).
        places: Their numbers among the rows of all heads, head after head, (D,).
        steps: η c/|𝓑| of equation (H1) of `head_ensemble` for each of those, (D,).
        cuts: Where those of each head begin and the last end, (M + 1,).
        rate: η.
        span: Its visits among those of the group.
    """

    inputs: np.ndarray
    classes: np.ndarray
    drawn: np.ndarray
    places: np.ndarray
    steps: np.ndarray
    cuts: Sequence[int]
    rate: np.floating
    span: slice

    def drawn_by(self, first: int, last: int) -> slice:
        """Where the rows that neighbouring heads have drawn are, by the heads' numbers."""
        return slice(self.cuts[first], self.cuts[last + 1])


class _Scratch:
    """Room for steps of a pair on so many rows: what it sees and logits, of all rows and of those drawn, and the
    gradient of a head; and the flat places at which rows of the logits start."""

    def __init__(self, pair: HostPair, n_rows: int):
        longest = max((head.parameters for head in pair.heads), key=len)
        n_classes, dtype = longest.shape[1], longest.dtype
        self.seen, self.drawn = np.empty((2, n_rows, len(pair.features)), dtype)
        self.logits, self.residuals = np.empty((2, len(pair.heads) * n_rows, n_classes), dtype)
        self.starts = first_places(self.logits)
        self.gradient = np.empty_like(longest)


def host_pairs(ensemble: Ensemble, masks: np.ndarray, own: slice) -> list[HostPair]:
    """The heads of an ensemble, each on the features that it sees: the plain head, and the others two by two.

    Args:
        ensemble: Those that this process trains.
        masks: Features that each head of all processes sees, (d, M).
        own: Which of them the ensemble is.
    """
    pairs = []
    for number in range((own.start + 1) // 2, own.stop // 2 + 1):
        models = range(max(2 * number - 1, 0), min(2 * number + 1, masks.shape[1]))
        features, columns = _features_of_pair(masks[:, models.start], masks[:, models.stop - 1])
        heads = [
            _host_head(ensemble, model - own.start, features, seen)
            for model, seen in zip(models, columns, strict=False)
            if own.start <= model < own.stop
        ]
        pairs.append(HostPair(features=features, heads=heads))
    return pairs


def _features_of_pair(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Features that two masks (d,) let see, and d, in an order in which each mask's are neighbours; and where."""
    alone, both, other = (np.flatnonzero(part) for part in (first & ~second, first & second, second & ~first))
    features = np.concatenate([alone, both, [first.size], other])
    return features, (slice(0, features.size - other.size), slice(alone.size, features.size))


def _host_head(ensemble: Ensemble, number: int, features: np.ndarray, columns: slice) -> HostHead:
    """A head of an ensemble, its rows in the order of the features."""
    weights, bias, weight_momentum, bias_momentum = (np.asarray(part) for part in ensemble)
    seen = features[columns]

    def in_order(of_features: np.ndarray, of_one: np.ndarray) -> np.ndarray:
        return np.vstack([of_features[:, number], of_one[number]])[seen]

    return HostHead(
        number=number,
        features=seen,
        columns=columns,
        parameters=in_order(weights, bias),
        velocity=in_order(weight_momentum, bias_momentum),
    )


def ensemble_of(pairs: Sequence[HostPair], n_features: int) -> Ensemble:
    """The heads as an ensemble, with zeros where a head does not see a feature."""
    heads = [head for pair in pairs for head in pair.heads]
    shape = n_features + 1, len(heads), heads[0].parameters.shape[1]
    parameters, velocity = np.zeros((2, *shape), heads[0].parameters.dtype)
    for head in heads:
        parameters[head.features, head.number] = head.parameters
        velocity[head.features, head.number] = head.velocity
    return Ensemble(*(part for whole in (parameters, velocity) for part in (whole[:-1], whole[-1])))


def inputs_of(values: np.ndarray, scaling: InputScaling, out: np.ndarray | None = None) -> np.ndarray:
    """The inputs of embeddings (B, d) and a column of ones, (B, d + 1); in ``out``, if given."""
    inputs = np.empty((len(values), values.shape[1] + 1), values.dtype) if out is None else out
    np.multiply(values - np.asarray(scaling.mean), np.asarray(scaling.unit), out=inputs[:, :-1])
    inputs[:, -1] = 1
    return inputs


def train_on_host(
    ensemble: Ensemble, group: TrainingGroup, masks: np.ndarray, own: slice, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, np.ndarray]:
    """Steps through the batches of a group; also whether each head was right before each visit, (G, M)."""
    pairs = host_pairs(ensemble, masks, own)
    correct = np.empty((own.stop - own.start, len(group.classes)), bool)
    inputs = np.empty((BATCHES_TOGETHER, group.batches.shape[1], len(masks) + 1), group.rates.dtype)
    with one_blas_thread():
        for first in range(0, len(group.batches), BATCHES_TOGETHER):
            numbers = range(first, min(first + BATCHES_TOGETHER, len(group.batches)))
            batches = on_all_cores(partial(_batch, group, scaling), numbers, inputs[: len(numbers)], threads=True)
            on_all_cores(partial(_descend, batches, momentum, correct), pairs, threads=True)
    return ensemble_of(pairs, len(masks)), correct.T


def _batch(group: TrainingGroup, scaling: InputScaling, number: int, out: np.ndarray) -> HostBatch:
    """A batch of a group, without the places that fill it up; its inputs are in ``out``."""
    places, dtype, rate = group.batches[number][group.valid[number]], group.rates.dtype, group.rates[number]
    first = number * group.batches.shape[1]
    bootstrap = group.bootstrap[places].T
    models, drawn = np.nonzero(bootstrap)
    return HostBatch(
        inputs=inputs_of(in_precision(group.values[places], dtype), scaling, out[: len(places)]),
        classes=group.classes[places],
        drawn=drawn,
        places=models * len(places) + drawn,
        steps=bootstrap[models, drawn] * (rate / dtype.type(len(places))),
        cuts=np.searchsorted(models, np.arange(len(bootstrap) + 1)).tolist(),
        rate=rate,
        span=slice(first, first + len(places)),
    )


def _descend(batches: Sequence[HostBatch], momentum: float, correct: np.ndarray, pair: HostPair) -> None:
    """A step of each head of a pair for each batch; whether they were right before goes into ``correct``, (M, G)."""
    scratch, scale = _Scratch(pair, len(batches[0].inputs)), batches[0].rate.dtype.type(1)
    first, last = pair.heads[0].number, pair.heads[-1].number
    with np.errstate(over="ignore", invalid="ignore"):  # diverged heads are an error of their scores
        for batch in batches:
            seen, of_pair = pair.seen(batch.inputs, scratch.seen), batch.drawn_by(first, last)
            steps, correct[first : last + 1, batch.span] = _steps(pair, batch, of_pair, seen, scratch)
            for head in pair.heads:
                part = batch.drawn_by(head.number, head.number)
                own_steps = steps[part.start - of_pair.start : part.stop - of_pair.start]
                gradient = _gradient(head, batch.drawn[part], seen, own_steps, scratch)
                _move(head, gradient, momentum * batch.rate / scale)
            scale = batch.rate
        for head in pair.heads:
            np.divide(head.velocity, scale, out=head.velocity)


def _steps(
    pair: HostPair, batch: HostBatch, of_pair: slice, seen: np.ndarray, scratch: _Scratch
) -> tuple[np.ndarray, np.ndarray]:
    """η r of equation (H1) of `head_ensemble` for the rows that a pair has drawn, head after head, (D_p, C); and
    whether each head is right, of all rows, (1 or 2, B)."""
    n_rows, n_heads = len(seen), len(pair.heads)
    logits, starts = scratch.logits[: n_heads * n_rows], scratch.starts[: n_heads * n_rows]
    for head, of_head in zip(pair.heads, logits.reshape(n_heads, n_rows, -1), strict=True):
        np.matmul(seen[:, head.columns], head.parameters, out=of_head)
    own = np.tile(batch.classes, n_heads)
    own_logits, others = _own_and_other(logits, starts, own)
    drawn = batch.places[of_pair] - pair.heads[0].number * n_rows
    steps = _weighted_errors(
        np.take(logits, drawn, axis=0, out=scratch.residuals[: drawn.size], mode="clip"),
        starts[: drawn.size] + own[drawn],
        np.maximum(own_logits, others)[drawn],
        batch.steps[of_pair],
    )
    return steps, (own_logits > others).reshape(n_heads, n_rows)  # a tie, as at zero weights, is not right


def _gradient(head: HostHead, drawn: np.ndarray, seen: np.ndarray, steps: np.ndarray, scratch: _Scratch) -> np.ndarray:
    """η Σ x rᵀ of equation (H2) over the rows that a head has drawn, (d_m + 1, C)."""
    if drawn.size < len(seen):
        seen = np.take(seen, drawn, axis=0, out=scratch.drawn[: drawn.size], mode="clip")
    return np.matmul(seen[:, head.columns].T, steps, out=scratch.gradient[: len(head.parameters)])


def _move(head: HostHead, gradient: np.ndarray, decay: np.floating) -> None:
    """(H2) and (H3) in three sweeps: the velocity is η v while a head goes through batches."""
    velocity, parameters = head.velocity, head.parameters
    velocity *= decay
    velocity += gradient
    parameters -= velocity


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
