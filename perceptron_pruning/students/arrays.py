"""The array library under an algorithm that is written once: NumPy with LAPACK, or JAX.

On a CPU a solve is a few dozen LAPACK and BLAS calls on matrices that fit the cache; calling them
directly is faster than through XLA and needs no compilation. In the compiled engine the same code is
traced and batched (`jax_arrays`, which alone imports JAX).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from scipy.linalg import get_lapack_funcs

if TYPE_CHECKING:
    import jax

    Array: TypeAlias = np.ndarray | jax.Array
else:
    Array = np.ndarray  # or JAX's, where that is loaded

State = TypeVar("State")

_LAPACK = {
    np.dtype(kind): get_lapack_funcs(("potrf", "potrs"), dtype=np.dtype(kind)) for kind in (np.float32, np.float64)
}


class Arrays(ABC):
    """What an algorithm needs beyond the functions that NumPy and JAX share.

    Attributes:
        xp: The namespace of the shared functions, `numpy` or `jax.numpy`.
    """

    xp: ModuleType

    @abstractmethod
    def cho_factor(self, matrix: Array) -> Array:
        """Cholesky factor of a symmetric matrix, which may be overwritten; NaN unless it is positive definite."""

    @abstractmethod
    def cho_solve(self, factor: Array, right: Array) -> Array:
        """M⁻¹ b from the factor of M."""

    @abstractmethod
    def plus_diagonal(self, matrix: Array, shift: Array | float) -> Array:
        """M + shift I for a square matrix, which may be overwritten."""

    @abstractmethod
    def choose(self, condition: Array | bool, one: State, other: State) -> State:
        """One state, a named tuple, where a scalar condition holds, else the other."""

    @abstractmethod
    def while_loop(
        self, condition: Callable[[State], Array | bool], body: Callable[[State], State], state: State
    ) -> State:
        """The state after as many turns of the body as the condition holds before."""

    @abstractmethod
    def largest(self, values: Array, count: int) -> Array:
        """Indices of the largest values, (count,), in any order."""


class _NumpyArrays(Arrays):
    """NumPy, and LAPACK in place."""

    xp = np

    def cho_factor(self, matrix):
        potrf, _ = _LAPACK[matrix.dtype]
        factor, failed = potrf(matrix.T, lower=True, overwrite_a=True, clean=False)  # .T: column-major, as LAPACK's
        return np.full_like(factor, np.nan) if failed else factor

    def cho_solve(self, factor, right):
        _, potrs = _LAPACK[factor.dtype]
        return potrs(factor, right, lower=True)[0]

    def plus_diagonal(self, matrix, shift):
        np.einsum("ii->i", matrix)[:] += shift  # a view of the diagonal
        return matrix

    def choose(self, condition, one, other):
        return one if condition else other

    def while_loop(self, condition, body, state):
        while condition(state):
            state = body(state)
        return state

    def largest(self, values, count):
        return np.argpartition(values, len(values) - count)[-count:]


NUMPY = _NumpyArrays()


def accelerator_present() -> bool:
    """Whether JAX has anything better than a CPU; imports JAX."""
    import jax

    return jax.default_backend() != "cpu"
