"""Exact draws of pruned data by counter: every number is a function of (seed, trial, its place) alone.

As in `perceptron_pruning.sampling`, the pool is drawn as its two components in the plane of teacher and probe, and the
other N − 2 coordinates for kept examples alone. Rows are labelled, y x: their other coordinates are symmetric, so that
the label does not change their law. What padding adds to an array does not change what was there before.
"""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.device.rule import PoolRule
from perceptron_pruning.students.arrays import Array

Number = jax.Array | np.uint64 | np.int32 | np.float64 | int
_GENERATOR = "threefry2x32"
_POOL, _NOISE, _CHANCE, _COORDINATES, _WHOLE_POOL, _ROUNDS = range(6)  # what a trial's key is folded with


def trial_key(seed: Number, trial: jax.Array) -> jax.Array:
    """The key of a trial, both numbers of 64 bits."""
    key = jax.random.key(seed, impl=_GENERATOR)
    words = jnp.uint32(trial >> 32), jnp.uint32(trial & 0xFFFFFFFF)
    return jax.random.fold_in(jax.random.fold_in(key, words[0]), words[1])


def kept_plane(key: jax.Array, rule: PoolRule, probe_angle: Number, label_noise: Number, *, n_pool: int) -> jax.Array:
    """Components of y x along the teacher and across it, (P_bucket, 2), of the kept; NaN if too few passed.

    Zero beyond P, which no example is. ``n_pool`` examples are drawn, at least the rule's pool.
    """
    draw, uniform = (
        lambda what: jax.random.fold_in(key, what),
        lambda what: jax.random.uniform(jax.random.fold_in(key, what), (n_pool,), jnp.float64),
    )
    plane = jax.random.normal(draw(_POOL), (n_pool, 2), jnp.float64)
    label = jnp.where(uniform(_NOISE) < label_noise, -1.0, 1.0) * jnp.sign(plane[:, 0])
    field = plane[:, 0] * jnp.cos(probe_angle) + plane[:, 1] * jnp.sin(probe_angle)
    chance = jnp.where(label > 0, *(jnp.interp(field, rule.fields, rule.chances[sign]) for sign in (1, 0)))
    candidate = (jnp.arange(n_pool) < rule.pool) & (uniform(_CHANCE) < chance)
    chosen = kept_places(jnp, rule, label * field, candidate)
    rows = (plane * label[:, None])[chosen]
    counted = (jnp.arange(len(rule.ranks)) < rule.n_kept)[:, None]
    return jnp.where(counted, jnp.where(candidate[chosen][:, None], rows, jnp.nan), 0.0)


def kept_places(xp: ModuleType, rule: PoolRule, margins: Array, candidate: Array) -> Array:
    """Places in the pool of the ranks that the rule keeps (P_bucket,), in either array library.

    Args:
        xp: `numpy` or `jax.numpy`.
        rule: The rule.
        margins: y z of the pool, (n_pool,).
        candidate: Which of them may be kept, (n_pool,).
    """
    margin = rule.absolute * xp.abs(margins) + rule.signed * margins
    margin = xp.where(xp.arange(len(margin)) < rule.lottery, -xp.inf, margin)
    return xp.argsort(xp.where(candidate, margin, xp.inf), stable=True)[rule.ranks]


def labelled_pool(key: jax.Array, pool: Number, label_noise: Number, *, n_pool: int, n_features: int) -> jax.Array:
    """y x of a whole pool, zero beyond it, (n_pool, N)."""
    rows = jax.random.normal(jax.random.fold_in(key, _WHOLE_POOL), (n_pool, n_features), jnp.float64)
    chance = jax.random.uniform(jax.random.fold_in(key, _NOISE), (n_pool,), jnp.float64)
    label = jnp.where(chance < label_noise, -1.0, 1.0) * jnp.sign(rows[:, 0])
    return jnp.where(jnp.arange(n_pool) < pool, label, 0.0)[:, None] * rows


def round_chance(key: jax.Array, what: Number, number: Number, *, size: int) -> jax.Array:
    """Uniform numbers (size,) for a purpose in a round of pruning."""
    of_round = jax.random.fold_in(jax.random.fold_in(key, _ROUNDS), number)
    return jax.random.uniform(jax.random.fold_in(of_round, what), (size,), jnp.float64)


def labelled_rows(key: jax.Array, plane: jax.Array, *, n_features: int) -> tuple[jax.Array, jax.Array]:
    """y x of the kept examples (P_bucket, N), zero beyond P, and which they are (P_bucket,)."""
    kept = plane[:, 0] != 0
    shape = (len(plane), n_features - 2)
    rest = jax.random.normal(jax.random.fold_in(key, _COORDINATES), shape, jnp.float64)
    return jnp.concatenate([plane, jnp.where(kept[:, None], rest, 0.0)], axis=1), kept
