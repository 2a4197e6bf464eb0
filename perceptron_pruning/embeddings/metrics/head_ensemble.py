"""Many softmax heads trained together by gradient descent: one matrix product a step for the whole ensemble.

Head m has logits x·w_m + b_m, (C,). With bootstrap weights c_im, feature masks s_m ∈ {0, 1}^d, batches 𝓑, a step is::

    r_im = c_im (softmax(x_i·w_m + b_m) − onehot(y_i)) / |𝓑|                 residuals                    (H1)
    v_m ← μ v_m + s_m ⊙ Σ_{i∈𝓑} x_i r_imᵀ,    u_m ← μ u_m + Σ_{i∈𝓑} r_im     momenta of weights and bias  (H2)
    w_m ← w_m − η v_m,    b_m ← b_m − η u_m                                  η falls linearly to zero     (H3)

The heads are made to differ: each sees a random part of the features (of one network, where several are given) and
weighs the examples by a bootstrap of its own. The first head is plain: all features of all networks, all examples once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import GROUP_NUMBERS, RUN_ROWS, HeadSettings


class Ensemble(NamedTuple):
    """M heads with C classes on d features, and the momentum of each.

    Attributes:
        weights: w, (d, M, C), zero where a head does not see a feature.
        bias: b, (M, C).
        weight_momentum, bias_momentum: v and u, of the same shapes.
    """

    weights: jax.Array
    bias: jax.Array
    weight_momentum: jax.Array
    bias_momentum: jax.Array

    def logits(self, inputs: jax.Array) -> jax.Array:
        """x·w + b, (B, M, C), by one matrix product."""
        d, m, c = self.weights.shape
        return (inputs @ self.weights.reshape(d, m * c)).reshape(-1, m, c) + self.bias


@dataclass(frozen=True, kw_only=True)
class HeadSampling:
    """The random draws by which the heads differ.

    Attributes:
        feature_masks: s, whether head m sees feature j, (d, M).
        bootstrap: c, weight of example i for head m, (n, M) uint8.
    """

    feature_masks: np.ndarray
    bootstrap: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Predictions during training, of each example just before the heads learn from it.

    Attributes:
        rows: Row numbers of a group, (G,).
        correct: Whether head m has the example right, (G, M).
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
    """A group of rows, and the batches of gradient descent on them.

    Attributes:
        values: Embeddings, (G, d).
        classes: (G,).
        bootstrap: (G, M).
        batches: Places in the group of the rows of each batch, (steps, B); the last batch is filled up.
        valid: Whether each of them counts, (steps, B).
        rates: η of each step, (steps,).
    """

    values: jax.Array
    classes: jax.Array
    bootstrap: jax.Array
    batches: jax.Array
    valid: jax.Array
    rates: jax.Array


def zero_ensemble(context: ScoringContext) -> Ensemble:
    """All weights and momenta zero."""
    d, m, c = context.rows.n_features, context.settings.heads.n_models, context.n_classes
    zeros = partial(jnp.zeros, dtype=context.rows.dtype)
    return Ensemble(zeros((d, m, c)), zeros((m, c)), zeros((d, m, c)), zeros((m, c)))


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
        bootstrap[:, 1:] = rng.poisson(1.0, (len(context.rows), heads.n_models - 1))
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
    ensemble: Ensemble, sampling: HeadSampling, context: ScoringContext, epoch: int
) -> Iterator[tuple[Ensemble, Visits]]:
    """One pass of gradient descent, (H1)-(H3); yields the heads after every group, and the visits to its rows."""
    heads, n_rows = context.settings.heads, len(context.rows)
    order = list(
        epoch_order(n_rows, context.rows.n_features, heads.batch_rows, seed=context.settings.seed, epoch=epoch)
    )
    masks = jnp.asarray(sampling.feature_masks.astype(context.rows.dtype))[:, :, None]
    scaling, visited = input_scaling(context), 0
    with context.progress.task(f"heads, epoch {epoch + 1}/{heads.epochs}", total=n_rows, unit="row") as advance:
        for rows in order:
            group = _training_group(rows, sampling, context, epoch=epoch, visited=visited)
            ensemble, correct = _train_group(ensemble, group, masks, scaling, heads.momentum)
            yield ensemble, Visits(rows=rows, correct=np.asarray(correct).reshape(-1, heads.n_models)[: len(rows)])
            visited += len(rows)
            advance(len(rows))


def _training_group(
    rows: np.ndarray, sampling: HeadSampling, context: ScoringContext, *, epoch: int, visited: int
) -> TrainingGroup:
    """A group, its rows read in ascending order; ``visited`` rows of the epoch come before it."""
    heads, ascending = context.settings.heads, np.sort(rows)
    batches, valid = _batches(len(rows), heads.batch_rows)
    times = epoch + (visited + np.arange(len(batches)) * heads.batch_rows) / len(context.rows)
    return TrainingGroup(
        values=jnp.asarray(context.rows.take(ascending)),
        classes=jnp.asarray(context.required_classes[ascending]),
        bootstrap=jnp.asarray(sampling.bootstrap[ascending]),
        batches=jnp.asarray(np.searchsorted(ascending, rows)[batches]),
        valid=jnp.asarray(valid),
        rates=jnp.asarray(_learning_rates(heads, times).astype(context.rows.dtype)),
    )


def _learning_rates(heads: HeadSettings, times: np.ndarray) -> np.ndarray:
    """η(t) = η₀ (1 − t/T) at times t in epochs."""
    return heads.learning_rate * (1 - times / heads.epochs)


def _batches(count: int, batch_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places 0..count−1 in batches, (steps, B), and which of them count: the last batch is filled up."""
    steps = -(-count // batch_rows)
    places = np.arange(steps * batch_rows)
    return np.minimum(places, count - 1).reshape(steps, -1), (places < count).reshape(steps, -1)


@partial(jax.jit, donate_argnums=0)
def _train_group(
    ensemble: Ensemble, group: TrainingGroup, masks: jax.Array, scaling: InputScaling, momentum: float
) -> tuple[Ensemble, jax.Array]:
    """Steps through the batches of a group; also whether each head was right before each step, (steps, B, M)."""

    def step(heads: Ensemble, batch: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Ensemble, jax.Array]:
        places, valid, rate = batch
        inputs = scaling.apply(group.values[places])
        residuals, correct = _residuals(heads, inputs, group.classes[places], group.bootstrap[places], valid)
        return _descended(heads, inputs, residuals, masks, rate, momentum), correct

    return jax.lax.scan(step, ensemble, (group.batches, group.valid, group.rates))


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
