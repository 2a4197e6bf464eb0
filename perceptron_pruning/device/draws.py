"""Exact draws of pruned data by counter: every number is a function of (seed, trial, its place) alone.

As in `perceptron_pruning.sampling`, the pool is drawn as its two components in the plane of teacher and probe, and the
other N − 2 coordinates for kept examples alone. Rows are labelled, y x: their other coordinates are symmetric, so that
the label does not change their law. What padding adds to an array does not change what was there before.
"""

from types import ModuleType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.device.rule import PoolRule
from perceptron_pruning.students.arrays import Array

Number = jax.Array | np.uint64 | np.int32 | np.float64 | int
_GENERATOR = "threefry2x32"
_BEYOND = 2.0**40  # keys beyond all margins and places
_POOL, _NOISE, _CHANCE, _COORDINATES, _WHOLE_POOL, _ROUNDS = range(6)  # what a trial's key is folded with


def trial_key(seed: Number, trial: jax.Array) -> jax.Array:
    """The key of a trial, both numbers of 64 bits."""
    key = jax.random.key(seed, impl=_GENERATOR)
    words = jnp.uint32(trial >> 32), jnp.uint32(trial & 0xFFFFFFFF)
    return jax.random.fold_in(jax.random.fold_in(key, words[0]), words[1])


class RankedPool(NamedTuple):
    """The examples of a pool, and by what they are ranked.

    Attributes:
        plane: Components of y x along the teacher and across it, (n_pool, 2); NaN of those that may not be kept.
        keys: No two are equal, (n_pool,): the least is that of rank 0.
    """

    plane: Array
    keys: Array


def ranked_pool(key: jax.Array, rule: PoolRule, probe_angle: Number, label_noise: Number, *, n_pool: int) -> RankedPool:
    """``n_pool`` examples, at least the rule's pool; those beyond it may not be kept."""

    def uniform(what: int) -> jax.Array:
        return jax.random.uniform(jax.random.fold_in(key, what), (n_pool,), jnp.float64)

    def noisy(label: jax.Array) -> jax.Array:
        return jnp.where(uniform(_NOISE) < label_noise, -label, label)

    plane = jax.random.normal(jax.random.fold_in(key, _POOL), (n_pool, 2), jnp.float64)
    label = jax.lax.cond(jnp.asarray(label_noise) > 0, noisy, lambda label: label, jnp.sign(plane[:, 0]))
    field = plane[:, 0] * jnp.cos(probe_angle) + plane[:, 1] * jnp.sin(probe_angle)
    candidate = jnp.arange(n_pool) < rule.pool
    if rule.is_by_chance:
        chance = jnp.where(label > 0, *(jnp.interp(field, rule.fields, rule.chances[sign]) for sign in (1, 0)))
        candidate &= uniform(_CHANCE) < chance
    rows = jnp.where(candidate[:, None], plane * label[:, None], jnp.nan)
    return RankedPool(rows, rank_keys(jnp, rule, label * field, candidate))


def kept_plane(key: jax.Array, rule: PoolRule, probe_angle: Number, label_noise: Number, *, n_pool: int) -> jax.Array:
    """Components of y x along the teacher and across it, (P_bucket, 2), of the kept; NaN if too few passed.

    NaN also where the device's sort erred. Zero beyond P, which no example is. ``n_pool`` examples are drawn, at least
    the rule's pool.
    """
    pool = ranked_pool(key, rule, probe_angle, label_noise, n_pool=n_pool)
    order = jnp.argsort(pool.keys)
    return jnp.where(is_order(jnp, pool.keys, order), chosen_plane(jnp, rule, pool.plane, order), jnp.nan)


def chosen_plane(xp: ModuleType, rule: PoolRule, plane: Array, order: Array) -> Array:
    """Of the ranks that the rule keeps, zero beyond P, (P_bucket, 2), given the places in the order of the ranks."""
    counted = (xp.arange(len(rule.ranks)) < rule.n_kept)[:, None]
    return xp.where(counted, plane[order[rule.ranks]], 0.0)


def is_order(xp: ModuleType, keys: Array, order: Array) -> Array:
    """Whether keys ascend in this order, of which no place comes twice. A student's check cannot see a wrong sort."""
    ranked = keys[order]
    apart = (ranked[1:] == ranked[:-1]) & (order[1:] != order[:-1])
    return ((ranked[1:] > ranked[:-1]) | apart).all()


def rank_keys(xp: ModuleType, rule: PoolRule, margins: Array, candidate: Array) -> Array:
    """What examples are ranked by: the margin, after all of the lottery and before all that may not be kept.

    Args:
        xp: `numpy` or `jax.numpy`.
        rule: The rule.
        margins: y z of the pool, (n_pool,).
        candidate: Which of them may be kept, (n_pool,).
    """
    place = xp.arange(len(margins)) * 1.0
    by_place = 1.0 - rule.absolute - rule.signed
    key = rule.absolute * xp.abs(margins) + rule.signed * margins + by_place * place
    return xp.where(candidate, xp.where(place < rule.lottery, place - _BEYOND, key), place + _BEYOND)


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
