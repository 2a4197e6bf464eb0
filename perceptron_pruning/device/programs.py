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

from perceptron_pruning.device.draws import kept_places, kept_plane, labelled_pool, labelled_rows, trial_key
from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.outcome import Fitted
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
def students_program(student: str, n_features: int, effort: Effort, layout: Layout) -> Wrapped:
    """(scene, trials, planes) ↦ numbers (T, 15) of a student each."""
    fit = program_of(student)

    def numbers(scene: Scene, trial: jax.Array, plane: jax.Array) -> jax.Array:
        rows, kept = labelled_rows(trial_key(scene.seed, trial), plane, n_features=n_features)
        probe = jnp.zeros(n_features).at[:2].set(jnp.stack([jnp.cos(scene.probe_angle), jnp.sin(scene.probe_angle)]))
        return _numbers(fit(rows, kept, scene.ridge, effort=effort), probe, kept)

    return _over_devices(numbers, 1, 2, layout)


@lru_cache
def own_probe_program(
    student: str, probe_loss: str, n_features: int, n_pool: int, effort: Effort, layout: Layout
) -> Wrapped:
    """(scene, rule, probe, trials) ↦ numbers (T, 15) of a student each, of pools pruned by probes of their own.

    The larger of the residuals of student and probe is the trial's.
    """
    fit, fit_probe = program_of(student), trained(probe_loss)

    def numbers(scene: Scene, rule: PoolRule, own: OwnProbe, trial: jax.Array) -> jax.Array:
        size = {"n_pool": n_pool, "n_features": n_features}
        pool, seen = labelled_pool(trial_key(scene.seed, trial), rule.pool, scene.label_noise, own.n_seen, **size)
        probe = fit_probe(pool, seen, own.ridge)
        chosen = kept_places(jnp, rule, probe.margins, jnp.arange(n_pool) < rule.pool)
        kept = jnp.arange(len(rule.ranks)) < rule.n_kept
        fitted = fit(jnp.where(kept[:, None], pool[chosen], 0.0), kept, scene.ridge, effort=effort)
        both = fitted._replace(residual=jnp.maximum(fitted.residual, probe.residual))
        return _numbers(both, probe.weights / jnp.linalg.norm(probe.weights), kept)

    return _over_devices(numbers, 3, 1, layout)


def _numbers(fitted: Fitted, probe: jax.Array, kept: jax.Array) -> jax.Array:
    """The numbers (15,) of a student, given the unit probe (N,) and which rows are kept (P_bucket,)."""
    seen = observables_of(jnp, fitted.weights, probe, fitted.margins, kept, fitted.training_loss)
    counts = fitted.residual, fitted.interior_steps, fitted.exchange_steps
    return jnp.concatenate([jnp.stack([jnp.float64(one) for one in (*seen[:-1], *counts)]), seen.direction])


@lru_cache
def pool_program(n_features: int, n_pool: int) -> Wrapped:
    """(scene, pool, seen, trial) ↦ labelled pool (n_pool, N) of a trial and which of it a probe sees, for the host."""

    def pool(scene: Scene, examples: jax.Array, n_seen: jax.Array, trial: jax.Array) -> tuple[jax.Array, jax.Array]:
        size = {"n_pool": n_pool, "n_features": n_features}
        return labelled_pool(trial_key(scene.seed, trial), examples, scene.label_noise, n_seen, **size)

    return jax.jit(pool)


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
