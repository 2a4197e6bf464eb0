"""Inverses of Gram matrices in double precision, with or without a factorisation in double precision.

Where a device factors in single precision only, its inverse of G + δ begins Newton–Schulz's iteration, which needs
products alone and converges quadratically as long as ‖1 − G X‖ < 1, here δ/(δ + least eigenvalue)::

    X ← X (2 − G X)                                                                         (V1)

References:
    Schulz 1933; Ben-Israel 1966.
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

_SHIFT = 1e-6  # δ relative to the largest diagonal element
_STEPS = 30  # of (V1) at most
_DONE = 1e-10  # largest element of 1 − G X at which it ends


def inverse(gram: jax.Array, *, double_factors: bool) -> jax.Array:
    """G⁻¹ (S, S) of a symmetric positive definite G; not finite where G is (nearly) singular."""
    if double_factors:
        return _by_cholesky(gram)
    shifted = gram + _SHIFT * jnp.diag(gram).max() * jnp.eye(len(gram))
    return _by_newton_schulz(gram, _by_cholesky(shifted.astype(jnp.float32)).astype(jnp.float64))


def _by_cholesky(gram: jax.Array) -> jax.Array:
    root = solve_triangular(jnp.linalg.cholesky(gram), jnp.eye(len(gram), dtype=gram.dtype), lower=True)
    return root.T @ root


def _by_newton_schulz(gram: jax.Array, first: jax.Array) -> jax.Array:
    identity = jnp.eye(len(gram))

    def step(state):
        estimate, residual, steps = state
        better = estimate + estimate @ residual
        better = 0.5 * (better + better.T)
        return better, identity - gram @ better, steps + 1

    start = first, identity - gram @ first, 0
    estimate, residual, _ = jax.lax.while_loop(
        lambda state: (jnp.abs(state[1]).max() > _DONE) & (state[2] < _STEPS), step, start
    )
    return jnp.where(jnp.abs(residual).max() <= _DONE, estimate, jnp.nan)
