"""What a program makes of a trial."""

from typing import NamedTuple

import jax


class Fitted(NamedTuple):
    """A student under ``jit``, unverified.

    Attributes:
        weights: w, (N,).
        margins: y w·x of all rows, (P,).
        training_loss: Mean (weighted) loss of the kept examples.
        residual: Largest residual of the conditions of optimality on all rows, gap included; NaN where all was lost.
        interior_steps: Steps of an interior point, or Hessians of Newton's method.
        exchange_steps: Steps of the active set, or exchanges of a partition.
    """

    weights: jax.Array
    margins: jax.Array
    training_loss: jax.Array
    residual: jax.Array
    interior_steps: jax.Array
    exchange_steps: jax.Array
