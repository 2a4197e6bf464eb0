"""Values shaped like α: a float where α is a scalar, an array where it is 1-D."""

from typing import TypeVar

import numpy as np

FloatOrArray = float | np.ndarray

Values = TypeVar("Values", bound=FloatOrArray, covariant=True)
"""Type of a solution's values: float, or np.ndarray."""


def shaped_like(alphas: np.ndarray, values: np.ndarray) -> FloatOrArray:
    """Values, one for each α, (points,), as an array, or as a float where ``alphas`` has no axis."""
    return values.astype(float) if alphas.ndim else float(values[0])
