"""Students of differentiable losses under ``jit``: Newton's method, its next step and the duality gap as residuals."""

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.device.effort import Effort
from perceptron_pruning.device.outcome import Fitted
from perceptron_pruning.students.empirical_risk.newton import DifferentiableLoss, newton
from perceptron_pruning.students.jax_arrays import JAX

_QUICK_HESSIANS, _PATIENT_HESSIANS = 25, 80


def fit(
    rows: jax.Array, kept: jax.Array, ridge: jax.Array | np.float64, *, loss: DifferentiableLoss, effort: Effort
) -> Fitted:
    """The student of labelled rows (P, N), some of them padding; μ = ``ridge`` > 0, N times λ."""
    importance = jnp.where(kept, 1.0, 0.0)
    most = _QUICK_HESSIANS if effort.precision == "float32" else _PATIENT_HESSIANS
    point = newton(JAX, loss, rows, importance, ridge, jnp.zeros(rows.shape[1]), most=most)
    weights, margins = jnp.asarray(point.weights), jnp.asarray(point.margins)
    losses = importance @ loss.value(margins)
    force = ridge * weights + (importance * loss.derivative(margins)) @ rows  # μ w − Aᵀβ
    gap = force @ force / (2 * ridge) / (losses + 0.5 * ridge * (weights @ weights))  # (R3)
    return Fitted(
        weights=weights,
        margins=margins,
        training_loss=losses / kept.sum(),
        residual=jnp.maximum(jnp.asarray(point.error), gap),
        interior_steps=jnp.int32(point.steps),
        exchange_steps=jnp.int32(0),
    )
