"""One algorithm, two array libraries: NumPy where LAPACK is at hand, JAX on an accelerator.

On a CPU a solve is a few dozen LAPACK and BLAS calls on matrices that fit the cache; calling them
directly is faster than through XLA and needs no compilation. On an accelerator the same code is
traced, compiled and batched.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np
import scipy.linalg


class Arrays(NamedTuple):
    """What the solver needs beyond the functions that both libraries share.

    ``cho_factor`` of a matrix that is not positive definite gives NaN, as compiled code must.
    ``scatter(size, index, values)`` puts values into a vector of zeros.
    """

    xp: Any
    cho_factor: Any
    cho_solve: Any
    while_loop: Any
    scatter: Any


def _cho_factor(matrix: np.ndarray) -> tuple[np.ndarray, bool]:
    try:
        return scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return np.full_like(matrix, np.nan), False


def _cho_solve(factor: tuple[np.ndarray, bool], right: np.ndarray) -> np.ndarray:
    return scipy.linalg.cho_solve(factor, right, check_finite=False)


def _while_loop(condition, body, state):
    while condition(state):
        state = body(state)
    return state


def _scatter(size: int, index: np.ndarray, values: np.ndarray) -> np.ndarray:
    full = np.zeros(size)
    full[index] = values
    return full


NUMPY = Arrays(np, _cho_factor, _cho_solve, _while_loop, _scatter)
JAX = Arrays(
    jnp,
    jax.scipy.linalg.cho_factor,
    jax.scipy.linalg.cho_solve,
    jax.lax.while_loop,
    lambda size, index, values: jnp.zeros(size).at[index].set(values),
)
