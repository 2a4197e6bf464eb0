"""Ridge heads in closed form: memorization of every example, exactly, from one fit.

References:
    Feldman & Zhang 2020, arXiv:2008.03703 (memorization, influence).
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from perceptron_pruning.embeddings.metrics.host_ridge import HostRidgeHead, second_moments_on_host
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.checkpoint import load_everywhere
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.devices import full_precision, is_host, on_local_devices


@dataclass(frozen=True, kw_only=True)
class RidgeHead:
    """One-hot regression with intercept, minimising Σ ‖y_i − b − Wᵀx_i‖² + λ n ‖W‖² on standardised rows.

    With G = XᵀX + λ n I = L Lᵀ of the centred rows, W = G⁻¹XᵀY, and the leverage of a row is h = 1/n + ‖L⁻¹x‖².

    Attributes:
        weights: W, (d, C).
        bias: b = class shares, (C,).
        whitener: L⁻¹, (d, d).
        n_rows: n.
    """

    weights: np.ndarray
    bias: np.ndarray
    whitener: np.ndarray
    n_rows: int


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class DeviceScaling:
    """The standardisation (x − m)/s on the device, in the precision of the arithmetic.

    Attributes:
        mean: m, (d,).
        scale: s.
    """

    mean: jax.Array
    scale: jax.Array

    @classmethod
    def of(cls, context: ScoringContext) -> "DeviceScaling":
        """The standardisation of the rows."""
        dtype, measured = context.rows.dtype, context.standardisation
        return cls(mean=jnp.asarray(measured.mean.astype(dtype)), scale=jnp.asarray(dtype.type(measured.scale)))

    def apply(self, values: jax.Array) -> jax.Array:
        """(x − m)/s."""
        return (values - self.mean) / self.scale


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class DeviceRidgeHead:
    """A `RidgeHead` on the device, in the precision of the arithmetic.

    Attributes:
        scaling: Standardisation of the rows.
        weights: W, (d, C).
        bias: b, (C,).
        whitener: L⁻ᵀ, (d, d): rows x become x L⁻ᵀ.
        mean_leverage: 1/n, the part of the leverage that the intercept gives.
    """

    scaling: DeviceScaling
    weights: jax.Array
    bias: jax.Array
    whitener: jax.Array
    mean_leverage: jax.Array

    @classmethod
    def of(cls, head: RidgeHead, context: ScoringContext) -> "DeviceRidgeHead":
        """The head in the precision of the rows."""

        def placed(values: np.ndarray) -> jax.Array:
            return jnp.asarray(values.astype(context.rows.dtype))

        return cls(
            scaling=DeviceScaling.of(context),
            weights=placed(head.weights),
            bias=placed(head.bias),
            whitener=placed(head.whitener.T),
            mean_leverage=placed(np.array(1 / head.n_rows)),
        )

    def inputs(self, values: jax.Array) -> jax.Array:
        """Standardised rows, (B, d)."""
        return self.scaling.apply(values)

    def leverages(self, inputs: jax.Array) -> jax.Array:
        """h = 1/n + ‖L⁻¹x‖², (B,)."""
        return self.mean_leverage + jnp.sum((inputs @ self.whitener) ** 2, axis=1)

    def all_leverages(self, values: np.ndarray) -> np.ndarray:
        """Of embeddings (B, d), (B,)."""
        return np.asarray(self.leverages(self.inputs(on_local_devices(values))))

    def own_changes(self, values: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """h r/(1 − h) at the own class of embeddings (B, d), (B,)."""
        return np.asarray(_own_changes(self, on_local_devices(values), classes))


def on_this_machine(head: RidgeHead, context: ScoringContext) -> DeviceRidgeHead | HostRidgeHead:
    """The head where its rows are multiplied, in their precision."""
    if not is_host():
        return DeviceRidgeHead.of(head, context)
    dtype = context.rows.dtype
    return HostRidgeHead(
        standardisation=context.standardisation,
        weights=np.ascontiguousarray(head.weights.T.astype(dtype)),
        bias=head.bias.astype(dtype),
        whitener=np.ascontiguousarray(head.whitener.T.astype(dtype)),
        n_rows=head.n_rows,
    )


def memorization(context: ScoringContext) -> dict[str, np.ndarray]:
    """f_i − f₋ᵢ at the own class: the score of i with it in training minus without, for all i from one fit.

    Leave-one-out in closed form: f₋ᵢ = f_i − h r/(1 − h) with residual r = 1 − f_i at the own class, so that::

        memorization_i = h_i r_i / (1 − h_i)
    """
    fitted = fit_ridge(context)
    scores = np.empty(len(context.rows))
    with full_precision():
        head = on_this_machine(fitted, context)
        for block in blocks(context.rows, progress=context.progress, label="leave-one-out"):
            scores[block.span] = head.own_changes(block.values, context.required_classes[block.span])
    return {"memorization": scores}


def leverage(context: ScoringContext) -> np.ndarray:
    """Leverage h of every row, (n,) in (0, 1): ∂f_i/∂y_i of its own fit."""
    fitted = fit_ridge(context)
    leverages = np.empty(len(context.rows))
    with full_precision():
        head = on_this_machine(fitted, context)
        for block in blocks(context.rows, progress=context.progress, label="leverage"):
            leverages[block.span] = head.all_leverages(block.values)
    return leverages


def fit_ridge(context: ScoringContext) -> RidgeHead:
    """The head fitted to all rows: one pass for the second moments, one Cholesky factor.

    Single-precision rows are multiplied in single precision and their blocks added in double; the rest is in double.
    """
    gram, class_sums = _second_moments(context)
    n_rows = context.standardisation.n_rows
    factor = np.linalg.cholesky(gram + context.settings.ridge.ridge * n_rows * np.eye(len(gram)))
    return RidgeHead(
        weights=cho_solve((factor, True), class_sums.T),
        bias=context.required_class_sizes / n_rows,
        whitener=solve_triangular(factor, np.eye(len(gram)), lower=True),
        n_rows=n_rows,
    )


def _second_moments(context: ScoringContext) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX, (d, d), and YᵀX, (C, d), of the standardised rows of all processes."""
    stored = load_everywhere(context.checkpoint, "second_moments", context.group)
    if stored:
        return stored["gram"], stored["class_sums"]
    with full_precision():
        moments = (second_moments_on_host if is_host() else _moments_on_device)(context)
        gram, class_sums = (context.group.all_sum(part) for part in moments)
    context.checkpoint.save("second_moments", gram=gram, class_sums=class_sums)
    return gram, class_sums


def _moments_on_device(context: ScoringContext) -> tuple[np.ndarray, np.ndarray]:
    width = context.rows.n_features
    moments = jnp.zeros((width, width), jnp.float64), jnp.zeros((context.n_classes, width), jnp.float64)
    scaling = DeviceScaling.of(context)
    for block in blocks(context.rows, progress=context.progress, label="second moments"):
        classes = context.required_classes[block.span]
        moments = _add_moments(moments, scaling, on_local_devices(block.values), classes)
        jax.block_until_ready(moments)  # otherwise the blocks of many steps wait in memory
    gram, class_sums = moments
    return np.asarray(gram), np.asarray(class_sums)


@partial(jax.jit, donate_argnums=0)
def _add_moments(
    moments: tuple[jax.Array, jax.Array], scaling: DeviceScaling, values: jax.Array, classes: jax.Array
) -> tuple[jax.Array, jax.Array]:
    gram, class_sums = moments
    inputs = scaling.apply(values)
    return gram + inputs.T @ inputs, class_sums + jax.ops.segment_sum(inputs, classes, len(class_sums))


@jax.jit
def _own_changes(head: DeviceRidgeHead, values: jax.Array, classes: jax.Array) -> jax.Array:
    """h r/(1 − h) of every row at its own class, (B,)."""
    inputs = head.inputs(values)
    leverages = head.leverages(inputs)
    residuals = 1 - head.bias[classes] - jnp.sum(inputs * head.weights.T[classes], axis=1)
    return leverages * residuals / (1 - leverages)
