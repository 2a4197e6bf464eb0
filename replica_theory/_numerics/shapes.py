"""Scalar in, scalar out: results shaped like the α that were asked for."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

FloatOrArray: TypeAlias = float | np.ndarray  # a number where α is a number, an array where it is 1-D


def shaped_like(alphas: np.ndarray, values: Sequence[float] | np.ndarray) -> FloatOrArray:
    """One value per α as a float where α is 0-D, and as an array of its own where it is 1-D."""
    column = np.array(values, dtype=float)
    return column if alphas.ndim else column.item()
