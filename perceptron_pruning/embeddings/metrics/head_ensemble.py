"""Many softmax heads trained together: one matrix product a step for the whole ensemble.

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

from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.embeddings.runtime.settings import HeadSettings

RUN_ROWS = 8
GROUP_NUMBERS = 2**25


class Ensemble(NamedTuple):
    """M heads with C classes on d features, and the momentum of each.

    Attributes:
        weights: (d, M, C), zero where a head does not see a feature.
        bias: (M, C).
        weight_momentum, bias_momentum: Like them.
    """

    weights: jax.Array
    bias: jax.Array
    weight_momentum: jax.Array
    bias_momentum: jax.Array

    def logits(self, inputs):
        """x·w + b, (B, M, C), by one matrix product."""
        d, m, c = self.weights.shape
        return (inputs @ self.weights.reshape(d, m * c)).reshape(-1, m, c) + self.bias


@dataclass(frozen=True, kw_only=True)
class Differences:
    """How the heads differ.

    Attributes:
        sees: Whether head m sees feature j, (d, M).
        bootstrap: Weight of example i for head m, (n, M) uint8.
    """

    sees: np.ndarray
    bootstrap: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Visits:
    """What an epoch saw, group by group, each example before the heads learned from it.

    Attributes:
        rows: (G,) row numbers.
        correct: Whether head m had it right, (G, M).
    """

    rows: np.ndarray
    correct: np.ndarray


def empty_ensemble(pool: Pool) -> Ensemble:
    """All weights zero."""
    d, m, c = pool.rows.n_features, pool.settings.heads.n_models, pool.n_classes
    zeros = partial(jnp.zeros, dtype=pool.rows.dtype)
    return Ensemble(zeros((d, m, c)), zeros((m, c)), zeros((d, m, c)), zeros((m, c)))


def differences(pool: Pool) -> Differences:
    """Draws what each head sees and how it weighs the examples."""
    heads, backbone = pool.settings.heads, pool.backbone_of_feature
    rng = np.random.default_rng([pool.settings.seed, 3])
    sees = np.ones((len(backbone), heads.n_models), bool)
    for model in range(1, heads.n_models):
        own = np.flatnonzero(backbone == model % (backbone.max() + 1))
        kept = rng.permutation(own)[: max(1, round(heads.subspace * own.size))]
        sees[:, model] = np.isin(np.arange(len(backbone)), kept)
    bootstrap = np.ones((len(pool.rows), heads.n_models), np.uint8)
    if heads.bootstrap:
        bootstrap[:, 1:] = rng.poisson(1.0, (len(pool.rows), heads.n_models - 1))
    return Differences(sees=sees, bootstrap=bootstrap)


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


def train_epoch(ensemble: Ensemble, differ: Differences, pool: Pool, epoch: int) -> Iterator[tuple[Ensemble, Visits]]:
    """One pass of gradient descent with momentum; after every group the heads as they are, and what was visited."""
    heads = pool.settings.heads
    order = list(
        epoch_order(len(pool.rows), pool.rows.n_features, heads.batch_rows, seed=pool.settings.seed, epoch=epoch)
    )
    mean = pool.statistics.mean.astype(pool.rows.dtype)
    unit = pool.rows.dtype.type(1 / (pool.statistics.scale * np.sqrt(pool.rows.n_features)))
    sees = jnp.asarray(differ.sees.astype(pool.rows.dtype))[:, :, None]
    visited = 0
    with pool.progress.task(f"heads, epoch {epoch + 1}/{heads.epochs}", total=len(pool.rows), unit="row") as advance:
        for rows in order:
            batches, valid = _batches(len(rows), heads.batch_rows)
            rates = _rates(heads, epoch + (visited + np.arange(len(batches)) * heads.batch_rows) / len(pool.rows))
            ascending = np.sort(rows)
            ensemble, correct = _train_group(
                ensemble, pool.rows.take(ascending), pool.labelled[ascending], differ.bootstrap[ascending],
                np.searchsorted(ascending, rows)[batches], valid, rates.astype(pool.rows.dtype), sees, mean, unit,
                heads.momentum,
            )  # fmt: skip
            yield ensemble, Visits(rows=rows, correct=np.asarray(correct).reshape(-1, heads.n_models)[: len(rows)])
            visited += len(rows)
            advance(len(rows))


def _rates(heads: HeadSettings, time: np.ndarray) -> np.ndarray:
    """Learning rate at these times in epochs: falls linearly to zero."""
    return heads.learning_rate * (1 - time / heads.epochs)


def _batches(count: int, batch_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Places 0..count−1 as (steps, batch), and which of them are there: the last batch is filled up."""
    steps = -(-count // batch_rows)
    places = np.arange(steps * batch_rows)
    return np.minimum(places, count - 1).reshape(steps, -1), (places < count).reshape(steps, -1)


@partial(jax.jit, donate_argnums=0)
def _train_group(ensemble, values, classes, bootstrap, batches, valid, rates, sees, mean, unit, momentum):
    """Steps through the batches of a group; returns the heads and who was right before each step, (steps, B, M)."""
    d, m, c = ensemble.weights.shape

    def step(heads: Ensemble, batch):
        places, there, rate = batch
        inputs = (values[places] - mean) * unit
        own = classes[places]
        logits = heads.logits(inputs)
        targets = jax.nn.one_hot(own, c, dtype=inputs.dtype)[:, None]
        correct = jnp.sum(logits * targets, axis=2) >= jnp.max(logits, axis=2)
        importance = bootstrap[places].astype(inputs.dtype) * there[:, None] / jnp.sum(there)
        residual = (jax.nn.softmax(logits) - targets) * importance[:, :, None]
        slope = (inputs.T @ residual.reshape(-1, m * c)).reshape(d, m, c) * sees
        weight_momentum = momentum * heads.weight_momentum + slope
        bias_momentum = momentum * heads.bias_momentum + residual.sum(axis=0)
        moved = Ensemble(
            (heads.weights - rate * weight_momentum).astype(inputs.dtype),
            (heads.bias - rate * bias_momentum).astype(inputs.dtype),
            weight_momentum.astype(inputs.dtype),
            bias_momentum.astype(inputs.dtype),
        )
        return moved, correct

    return jax.lax.scan(step, ensemble, (batches, valid, rates))
