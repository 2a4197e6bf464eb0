"""One interior point, two array libraries: NumPy where LAPACK is at hand, JAX on an accelerator.

On a CPU a solve is a few dozen LAPACK and BLAS calls on matrices that fit the cache; calling them
directly is faster than through XLA and needs no compilation. On an accelerator the same code is
traced, compiled and batched.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np
from scipy.linalg import get_lapack_funcs

_LAPACK = {
    np.dtype(kind): get_lapack_funcs(("potrf", "potrs"), dtype=np.dtype(kind)) for kind in (np.float32, np.float64)
}


class Arrays(NamedTuple):
    """What the solver needs beyond the functions that both libraries share.

    ``cho_factor`` of a matrix that is not positive definite gives NaN, as compiled code must; it may
    destroy the matrix. ``largest(values, count)`` are indices, in any order. ``scatter(size, index,
    values)`` puts values into a vector of zeros.
    """

    xp: Any
    cho_factor: Any
    cho_solve: Any
    while_loop: Any
    largest: Any
    scatter: Any


def _cho_factor(matrix: np.ndarray) -> np.ndarray:
    potrf, _ = _LAPACK[matrix.dtype]
    factor, failed = potrf(matrix.T, lower=True, overwrite_a=True, clean=False)  # .T: in LAPACK's order, in place
    return np.full_like(factor, np.nan) if failed else factor


def _cho_solve(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    _, potrs = _LAPACK[factor.dtype]
    return potrs(factor, right, lower=True)[0]


def _while_loop(condition, body, state):
    while condition(state):
        state = body(state)
    return state


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    return np.argpartition(values, len(values) - count)[-count:]


def _scatter(size: int, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    full = np.zeros(size)
    full[index] = values
    return full


NUMPY = Arrays(np, _cho_factor, _cho_solve, _while_loop, _largest, _scatter)
JAX = Arrays(
    jnp,
    jax.scipy.linalg.cho_factor,
    jax.scipy.linalg.cho_solve,
    jax.lax.while_loop,
    lambda values, count: jax.lax.top_k(values, count)[1],
    lambda size, index, values: jnp.zeros(size).at[index].set(values),
)
