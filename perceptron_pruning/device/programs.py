"""Compiled programs of a batch of trials, spread over devices: each loops on its own, nothing is exchanged.

A program is compiled for each bucket of pool and of P, and for each N, loss and size of batch; rules, angles, noise
and ridges are its arguments.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jax.stages import Wrapped

from perceptron_pruning.device.draws import (
    RankedPool,
    kept_plane,
    labelled_pool,
    labelled_rows,
    ranked_pool,
    round_chance,
    trial_key,
)
from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.outcome import Fitted
from perceptron_pruning.device.own_pools import Round, rounds_of
from perceptron_pruning.device.own_probes import OwnProbe, trained
from perceptron_pruning.device.rule import PoolRule
from perceptron_pruning.device.students import program_of
from perceptron_pruning.observables import Observables, observables_of

N_NUMBERS = 15  # of a trial that come back: observables (8 + 4), residual, and two counts of steps
SCALARS = len(Observables._fields) - 1  # the first of them; the direction is the last four
RESIDUAL, INTERIOR_STEPS, EXCHANGE_STEPS = range(SCALARS, SCALARS + 3)  # columns of the numbers


class Scene(NamedTuple):
    """What all trials of a batch share: a seed of 64 bits, θ in radians, η, and μ = N λ."""

    seed: jax.Array | np.uint64
    probe_angle: jax.Array | np.float64
    label_noise: jax.Array | np.float64
    ridge: jax.Array | np.float64


class Layout(NamedTuple):
    """How a batch lies on devices.

    Attributes:
        devices: Indices of JAX's devices.
        lock_step: Trials that run in lock step on each; 0 for all of a device's.
    """

    devices: tuple[int, ...]
    lock_step: int


@lru_cache
def planes_program(n_pool: int, layout: Layout) -> Wrapped:
    """(scene, rule, trials) ↦ kept planes (T, P_bucket, 2), of pools of ``n_pool``."""

    def plane(scene: Scene, rule: PoolRule, trial: jax.Array) -> jax.Array:
        key = trial_key(scene.seed, trial)
        return kept_plane(key, rule, scene.probe_angle, scene.label_noise, n_pool=n_pool)

    return _over_devices(plane, 2, 1, layout)


@lru_cache
def pools_program(n_pool: int, layout: Layout) -> Wrapped:
    """(scene, rule, trials) ↦ ranked pools of ``n_pool``, for a host that sorts."""

    def pool(scene: Scene, rule: PoolRule, trial: jax.Array) -> RankedPool:
        return ranked_pool(trial_key(scene.seed, trial), rule, scene.probe_angle, scene.label_noise, n_pool=n_pool)

    return _over_devices(pool, 2, 1, layout)


@lru_cache
def students_program(student: str, n_features: int, effort: Effort, layout: Layout) -> Wrapped:
    """(scene, trials, planes) ↦ numbers (T, 15) of a student each."""
    fit = program_of(student)

    def numbers(scene: Scene, trial: jax.Array, plane: jax.Array) -> jax.Array:
        rows, kept = labelled_rows(trial_key(scene.seed, trial), plane, n_features=n_features)
        probe = jnp.zeros(n_features).at[:2].set(jnp.stack([jnp.cos(scene.probe_angle), jnp.sin(scene.probe_angle)]))
        return _numbers(fit(rows, kept, scene.ridge, effort=effort), probe, kept)

    return _over_devices(numbers, 1, 2, layout)


@lru_cache
def rounds_program(
    student: str,
    probe_losses: tuple[str, ...],
    n_features: int,
    n_pool: int,
    rerank_pool: bool,
    effort: Effort,
    layout: Layout,
) -> Wrapped:
    """(scene, rules, probes, trials) ↦ numbers (T, rounds, 15) of pools pruned by probes of their own.

    A student is trained after each round; the larger of its residual and its probe's is the round's.
    """
    fit = program_of(student)

    def numbers(scene: Scene, rules: tuple[PoolRule, ...], probes: tuple[OwnProbe, ...], trial: jax.Array) -> jax.Array:
        key, examples = trial_key(scene.seed, trial), rules[0].pool
        pool = labelled_pool(key, examples, scene.label_noise, n_pool=n_pool, n_features=n_features)
        losses = [trained(loss, own.ridge) for loss, own in zip(probe_losses, probes, strict=True)]
        rounds = rounds_of(
            jnp,
            pool,
            jnp.asarray(examples),
            rules,
            [jnp.asarray(own.n_seen) for own in probes],
            losses,
            lambda what, number, size: round_chance(key, what, number, size=size),
            rerank_pool=rerank_pool,
        )
        return jnp.stack([_of_round(fit(one.rows, one.kept, scene.ridge, effort=effort), one) for one in rounds])

    return _over_devices(numbers, 3, 1, layout)


def _of_round(fitted: Fitted, one: Round) -> jax.Array:
    both = fitted._replace(residual=jnp.maximum(fitted.residual, one.residual))
    return _numbers(both, jnp.asarray(one.probe), jnp.asarray(one.kept))


@lru_cache
def pool_program(n_features: int, n_pool: int) -> Wrapped:
    """(scene, examples, trial) ↦ labelled pool (n_pool, N) of a trial, for the host."""

    def pool(scene: Scene, examples: jax.Array, trial: jax.Array) -> jax.Array:
        key = trial_key(scene.seed, trial)
        return labelled_pool(key, examples, scene.label_noise, n_pool=n_pool, n_features=n_features)

    return jax.jit(pool)


@lru_cache
def chance_program(size: int) -> Wrapped:
    """(scene, trial, purpose, round) ↦ uniform numbers (size,), for the host."""
    return jax.jit(
        lambda scene, trial, what, number: round_chance(trial_key(scene.seed, trial), what, number, size=size)
    )


def _numbers(fitted: Fitted, probe: jax.Array, kept: jax.Array) -> jax.Array:
    """The numbers (15,) of a student, given the unit probe (N,) and which rows are kept (P_bucket,)."""
    seen = observables_of(jnp, fitted.weights, probe, fitted.margins, kept, fitted.training_loss)
    counts = fitted.residual, fitted.interior_steps, fitted.exchange_steps
    return jnp.concatenate([jnp.stack([jnp.float64(one) for one in (*seen[:-1], *counts)]), seen.direction])


@lru_cache
def rows_program(n_features: int) -> Wrapped:
    """(scene, trial, plane) ↦ labelled rows (P_bucket, N) of one trial, for the host."""

    def rows(scene: Scene, trial: jax.Array, plane: jax.Array) -> jax.Array:
        return labelled_rows(trial_key(scene.seed, trial), plane, n_features=n_features)[0]

    return jax.jit(rows)


def _over_devices(function: Callable, whole: int, split: int, layout: Layout) -> Wrapped:
    """``function`` of the first ``whole`` arguments and of each element of the ``split`` others."""

    def mapped(*arguments):
        common, each = arguments[:whole], arguments[whole:]
        if layout.lock_step:
            return jax.lax.map(lambda one: function(*common, *one), each, batch_size=layout.lock_step)
        return jax.vmap(lambda *one: function(*common, *one))(*each)

    mesh = Mesh(np.array(jax.devices())[list(layout.devices)], "trials")
    specs = (PartitionSpec(),) * whole + (PartitionSpec("trials"),) * split
    return jax.jit(jax.shard_map(mapped, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("trials"), check_vma=False))
