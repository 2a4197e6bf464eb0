"""Moments of forces, row by row, and rows in blocks."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

BLOCK = 1 << 15  # fields in a block of rows


class ForceMoments(NamedTuple):
    """Moments of forces, (n,) each.

    All first derivatives of E f are among them, as fields are Gaussian and ∂f/∂S = f ∂f/∂ω: by m, −E u; by c,
    −c ∂E u/∂m; by S, ½ ∂E f²/∂m.

    Attributes:
        force: E f.
        square: E f².
        slope: E u.
        square_by_mean: ∂E f²/∂m = −2 E f u.
        slope_by_mean: ∂E u/∂m.
    """

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray
    square_by_mean: np.ndarray
    slope_by_mean: np.ndarray

    def weighted(self, weight: np.ndarray) -> "ForceMoments":
        """Those of the loss v ℓ at V, by these at S = v V."""
        double = weight * weight
        return ForceMoments(
            weight * self.force,
            double * self.square,
            weight * self.slope,
            double * self.square_by_mean,
            weight * self.slope_by_mean,
        )


Moments = Callable[[np.ndarray, np.ndarray, np.ndarray], ForceMoments]
"""Moments at means m, standard deviations c > 0 and scales S > 0 of the fields, (n,) each."""


def row_blocks(n: int, nodes: int) -> Iterator[slice]:
    """Slices of rows with so many nodes each."""
    rows = max(1, BLOCK // nodes)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))
