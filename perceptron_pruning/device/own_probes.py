"""Probes that are trained on the pool which they prune, under ``jit``: the whole pool is on the device.

The probe is the student of a differentiable loss on a random share of the pool (`differentiable.fit`), its residual one
of the trial's. The rule ranks the margins that training left.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.device import differentiable
from perceptron_pruning.device.effort import PATIENT, Effort
from perceptron_pruning.device.own_pools import TrainedOn
from perceptron_pruning.device.rule import pool_rule
from perceptron_pruning.device.students import DIFFERENTIABLE
from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk
from replica_theory.selection import Selection, TrainedProbe

Ridge = jax.Array | np.float64
_HEBB = "hebb"
_ANY = 10  # kept examples of a pool that tells whether a rule is one of numbers


class OwnProbe(NamedTuple):
    """What a program needs of a probe beside its loss.

    Attributes:
        ridge: μ = N λ; 0 of Hebb's probe, which has none.
        n_seen: Examples that it is trained on, a share ψ of those that are left, at least 1.
    """

    ridge: Ridge
    n_seen: jax.Array | np.int32


def check_own_probe(probe: object, selection: Selection) -> None:
    """Whether there is a program for a probe of the pool's own with this rule.

    Raises:
        ValueError: There is none.
    """
    if not isinstance(probe, TrainedProbe) or loss_name(probe) not in (*DIFFERENTIABLE, _HEBB) or probe.ridge == 0:
        raise ValueError(
            "`probe` must be 'exact' or a TrainedProbe of the square, logistic or squared hinge loss with a ridge > 0 "
            f"in the compiled engine; got {probe!r} (give engine='numpy')"
        )
    if pool_rule(selection, 0.0, _ANY, 0.0) is None:
        raise ValueError(
            "`selection` must be a rule of this package for a trained probe in the compiled engine; "
            f"got {selection!r} (give engine='numpy')"
        )


def loss_name(probe: TrainedProbe) -> str:
    """Name of its program: its loss, or "hebb" at an infinite ridge."""
    return _HEBB if math.isinf(probe.ridge) else str(probe.loss)


def own_probe(probe: TrainedProbe, left: int, n_features: int) -> OwnProbe:
    """Its numbers where so many examples are left."""
    ridge = 0.0 if math.isinf(probe.ridge) else n_features * probe.ridge
    return OwnProbe(np.float64(ridge), np.int32(max(1, round(probe.share * left))))


def trained(loss: str, ridge: Ridge, *, effort: Effort = PATIENT) -> Callable[[jax.Array, jax.Array], TrainedOn]:
    """``train(rows, seen)`` of a probe, under ``jit``."""

    def train(rows: jax.Array, seen: jax.Array) -> TrainedOn:
        if loss == _HEBB:
            weights = jnp.where(seen, 1.0, 0.0) @ rows / seen.sum()
            return TrainedOn(weights, rows @ weights, jnp.zeros(()))
        fitted = differentiable.fit(rows, seen, ridge, loss=DIFFERENTIABLE[loss], effort=effort)
        return TrainedOn(fitted.weights, fitted.margins, fitted.residual)

    return train


def trained_by_the_host(probe: TrainedProbe) -> Callable[[np.ndarray, np.ndarray], TrainedOn]:
    """The same by the CPU's solver, which verifies it."""

    def train(rows: np.ndarray, seen: np.ndarray) -> TrainedOn:
        if loss_name(probe) == _HEBB:
            weights = rows[seen].mean(0)
        else:
            weights = fit_empirical_risk(rows[seen], np.ones(seen.sum()), loss=probe.loss, ridge=probe.ridge).weights
        return TrainedOn(weights, rows @ weights, 0.0)

    return train
