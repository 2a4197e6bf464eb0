"""JAX under an algorithm that is written once; see `arrays`. Imported by compiled programs alone."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve

from perceptron_pruning.students.arrays import Arrays


class _JaxArrays(Arrays):
    """JAX, to be traced under ``jit``."""

    xp = jnp

    def cho_factor(self, matrix):
        return cho_factor(matrix)[0]

    def cho_solve(self, factor, right):
        return cho_solve((factor, False), right)

    def plus_diagonal(self, matrix, shift):
        return matrix + shift * jnp.eye(len(matrix), dtype=matrix.dtype)

    def choose(self, condition, one, other):
        return jax.tree.map(lambda new, old: jnp.where(condition, new, old), one, other)

    def while_loop(self, condition, body, state):
        return jax.lax.while_loop(condition, body, state)

    def largest(self, values, count):
        return jax.lax.top_k(values, count)[1]


JAX = _JaxArrays()
