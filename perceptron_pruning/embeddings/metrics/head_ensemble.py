"""Many softmax heads trained together by gradient descent: what they see, in which order, and their weights.

Head m has logits x·w_m + b_m, (C,). With bootstrap weights c_im, feature masks s_m ∈ {0, 1}^d, batches 𝓑, a step is::

    r_im = c_im (softmax(x_i·w_m + b_m) − onehot(y_i)) / |𝓑|                 residuals                    (H1)
    v_m ← μ v_m + s_m ⊙ Σ_{i∈𝓑} x_i r_imᵀ,    u_m ← μ u_m + Σ_{i∈𝓑} r_im     momenta of weights and bias  (H2)
    w_m ← w_m − η v_m,    b_m ← b_m − η u_m                                  η falls linearly to zero     (H3)

The heads are made to differ: each sees a random part of the features (of one network, where several are given) and
weighs the examples by a bootstrap of its own. The first head is plain: all features of all networks, all examples once.

Many processes share the heads: each trains some of them on the rows of all, which are gathered group by group. Steps
need no exchange, and a head is the same whoever trains it. The steps are those of `host_heads` or `device_heads`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import DRAWN_ROWS, GROUP_NUMBERS, RUN_ROWS, HeadSettings

Array = jax.Array | np.ndarray  # on a device, or on the host


class Ensemble(NamedTuple):
    """M heads with C classes on d features, and the momentum of each.

    Attributes:
        weights: w, (d, M, C), zero where a head does not see a feature.
        bias: b, (M, C).
        weight_momentum, bias_momentum: v and u, of the same shapes.
    """

    weights: Array
    bias: Array
    weight_momentum: Array
    bias_momentum: Array

    def logits(self, inputs: jax.Array) -> jax.Array:
        """x·w + b, (B, M, C), by one matrix product."""
        d, m, c = self.weights.shape
        return (inputs @ self.weights.reshape(d, m * c)).reshape(-1, m, c) + self.bias


@dataclass(frozen=True, kw_only=True)
class HeadSampling:
    """The random draws by which the heads differ.

    Attributes:
        feature_masks: s, whether head m sees feature j, (d, M).
        bootstrap: c, weight of example i of this process for head m, (n, M) uint8.
    """

    feature_masks: np.ndarray
    bootstrap: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Predictions during training, of each example just before the heads learn from it.

    Attributes:
        rows: Row numbers, in this process, of those of a group that are its own, (G,).
        correct: Whether head m has the example right, (G, M), for all heads; no matter what, where its bootstrap has
            not drawn the example.
    """

    rows: np.ndarray
    correct: np.ndarray


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class InputScaling:
    """Standardised inputs of about unit length: (x − mean)·unit, unit = 1/(s √d).

    Attributes:
        mean: (d,).
        unit: Scalar.
    """

    mean: jax.Array
    unit: jax.Array

    def apply(self, values: jax.Array) -> jax.Array:
        """The inputs of embeddings, (B, d)."""
        return (values - self.mean) * self.unit


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class TrainingGroup:
    """A group of rows of all processes, and the batches of gradient descent on them.

    Attributes:
        values: Embeddings, as narrow as they are stored, (G, d).
        classes: (G,).
        bootstrap: For the heads of this process, (G, M).
        batches: Places in the group of the rows of each batch, (steps, B); the last batch is filled up.
        valid: Whether each of them counts, (steps, B).
        rates: η of each step, in the precision of the arithmetic, (steps,).
    """

    values: np.ndarray
    classes: np.ndarray
    bootstrap: np.ndarray
    batches: np.ndarray
    valid: np.ndarray
    rates: np.ndarray


TrainGroup = Callable[
    [Ensemble, TrainingGroup, np.ndarray, slice, "InputScaling", float],
    tuple[Ensemble, np.ndarray],
]
"""Heads of this process, group, feature masks of all heads (d, M), which of them are this process's, scaling and
momentum → heads after the group's batches, and whether each was right before each visit to a row that it has drawn,
(G, M)."""


def own_heads(context: ScoringContext) -> slice:
    """The heads that this process trains; none where there are more processes than heads."""
    models, group = context.settings.heads.n_models, context.group
    return slice(models * group.rank // group.size, models * (group.rank + 1) // group.size)


def zero_ensemble(context: ScoringContext) -> Ensemble:
    """The heads of this process, all weights and momenta zero."""
    own = own_heads(context)
    d, m, c = context.rows.n_features, own.stop - own.start, context.n_classes
    zeros = partial(jnp.zeros, dtype=context.rows.dtype)
    return Ensemble(zeros((d, m, c)), zeros((m, c)), zeros((d, m, c)), zeros((m, c)))


def gathered(ensemble: Ensemble, context: ScoringContext) -> Ensemble:
    """The heads of all processes, on each."""
    if context.group.size == 1:
        return ensemble

    def joined(values: Array, axis: int) -> jax.Array:
        return jnp.asarray(np.moveaxis(context.group.all_gather(np.moveaxis(np.asarray(values), axis, 0)), 0, axis))

    axes = {name: 1 if name.startswith("weight") else 0 for name in Ensemble._fields}
    return Ensemble(**{name: joined(getattr(ensemble, name), axis) for name, axis in axes.items()})


def input_scaling(context: ScoringContext) -> InputScaling:
    """Mean and unit of the rows, in the precision of the arithmetic."""
    dtype, scale = context.rows.dtype, context.standardisation.scale
    return InputScaling(
        mean=jnp.asarray(context.standardisation.mean.astype(dtype)),
        unit=jnp.asarray(dtype.type(1 / (scale * np.sqrt(context.rows.n_features)))),
    )


def draw_head_sampling(context: ScoringContext) -> HeadSampling:
    """Feature masks and bootstrap weights, the first head's all one."""
    heads, network = context.settings.heads, context.network_of_feature
    rng = np.random.default_rng([context.settings.seed, 3])
    masks = np.ones((len(network), heads.n_models), bool)
    for model in range(1, heads.n_models):
        features = np.flatnonzero(network == model % (network.max() + 1))
        seen = rng.permutation(features)[: max(1, round(heads.subspace * features.size))]
        masks[:, model] = np.isin(np.arange(len(network)), seen)
    bootstrap = np.ones((len(context.rows), heads.n_models), np.uint8)
    if heads.bootstrap:
        for start in range(0, context.first_row, DRAWN_ROWS):  # drawn for the processes before this one
            rng.poisson(1.0, (min(DRAWN_ROWS, context.first_row - start), heads.n_models - 1))
        for start in range(0, len(bootstrap), DRAWN_ROWS):
            part = bootstrap[start : start + DRAWN_ROWS, 1:]
            part[:] = rng.poisson(1.0, part.shape)
    return HeadSampling(feature_masks=masks, bootstrap=bootstrap)


def epoch_order(n_rows: int, n_features: int, batch_rows: int, *, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Row numbers of an epoch in the order of the visits, group after group.

    A group is drawn as short runs of neighbouring rows from everywhere in the file and then shuffled: files are read in
    pieces, and one sorted by class is as good as any. It does not depend on the memory budget.
    """
    rng = np.random.default_rng([seed, 4, epoch])
    size = max(GROUP_NUMBERS // n_features // batch_rows, 1) * batch_rows
    runs = rng.permutation(-(-n_rows // RUN_ROWS))
    runs_of_group = max(1, size // RUN_ROWS)
    for start in range(0, len(runs), runs_of_group):
        firsts = runs[start : start + runs_of_group] * RUN_ROWS
        rows = (firsts[:, None] + np.arange(RUN_ROWS)).ravel()
        yield rng.permutation(rows[rows < n_rows])


def train_epoch(
    ensemble: Ensemble, sampling: HeadSampling, context: ScoringContext, epoch: int, train_group: TrainGroup
) -> Iterator[tuple[Ensemble, Visits]]:
    """One pass of gradient descent, (H1)-(H3); yields this process's heads after every group, and the visits to its
    rows."""
    heads, n_rows, own = context.settings.heads, context.standardisation.n_rows, own_heads(context)
    order = list(
        epoch_order(n_rows, context.rows.n_features, heads.batch_rows, seed=context.settings.seed, epoch=epoch)
    )
    masks, scaling, visited = sampling.feature_masks, input_scaling(context), 0
    room = context.rows.room(min(len(context.rows), max(map(len, order))))
    with context.progress.task(f"heads, epoch {epoch + 1}/{heads.epochs}", total=n_rows, unit="row") as advance:
        for rows in order:
            group = _training_group(rows, sampling, context, room, epoch=epoch, visited=visited)
            correct = np.empty((len(rows), 0), bool)
            if own.stop > own.start:
                ensemble, correct = train_group(ensemble, group, masks, own, scaling, heads.momentum)
            yield ensemble, _own_visits(rows, correct, context)
            visited += len(rows)
            advance(len(rows))


def _own_visits(rows: np.ndarray, correct: np.ndarray, context: ScoringContext) -> Visits:
    """What the heads of all processes said of this process's rows in a group; ``correct`` is from its own heads."""
    if context.group.size == 1:
        return Visits(rows=rows, correct=correct)
    own = _is_own(rows, context)
    return Visits(rows=rows[own] - context.first_row, correct=context.group.all_gather(correct.T).T[own])


def _is_own(rows: np.ndarray, context: ScoringContext) -> np.ndarray:
    """Whether rows of all processes, by number, are this one's."""
    return (rows >= context.first_row) & (rows < context.first_row + len(context.rows))


def _training_group(
    rows: np.ndarray, sampling: HeadSampling, context: ScoringContext, room: np.ndarray, *, epoch: int, visited: int
) -> TrainingGroup:
    """A group, its rows read in ascending order, into a room that all groups share; ``visited`` rows of the epoch come
    before it."""
    heads, ascending, own = context.settings.heads, np.sort(rows), own_heads(context)
    batches, valid = _batches(len(rows), heads.batch_rows)
    times = epoch + (visited + np.arange(len(batches)) * heads.batch_rows) / context.standardisation.n_rows
    here = ascending[_is_own(ascending, context)] - context.first_row
    values, classes, bootstrap = (
        context.group.all_gather(part)  # in the order of the ranks: ascending
        for part in (
            context.rows.take_narrow(here, out=room[: len(here)]),
            context.required_classes[here],
            sampling.bootstrap[here],
        )
    )
    return TrainingGroup(
        values=values,
        classes=classes,
        bootstrap=bootstrap[:, own],
        batches=np.searchsorted(ascending, rows)[batches],
        valid=valid,
        rates=_learning_rates(heads, times).astype(context.rows.dtype),
    )


def _learning_rates(heads: HeadSettings, times: np.ndarray) -> np.ndarray:
    """η(t) = η₀ (1 − t/T) at times t in epochs."""
    return heads.learning_rate * (1 - times / heads.epochs)


def _batches(count: int, batch_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places 0..count−1 in batches, (steps, B), and which of them count: the last batch is filled up."""
    steps = -(-count // batch_rows)
    places = np.arange(steps * batch_rows)
    return np.minimum(places, count - 1).reshape(steps, -1), (places < count).reshape(steps, -1)
