"""Products with rows of which a step of the equations consists, and in what precision each is taken."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory._real_data.leave_one_out.components import Components
from replica_theory._real_data.leave_one_out.rows import Rows

Linear = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Products:
    """The four products of a step that cost n d² each.

    Attributes:
        curvature: (1/N) Σ r z zᵀ of (B2), by r.
        noise: The same of (B5).
        response: zᵀ T z of (B3), by T.
        variance: The same of (B6).
    """

    curvature: Linear
    noise: Linear
    response: Linear
    variance: Linear

    @classmethod
    def of(cls, rows: Rows) -> "Products":
        """In double precision."""
        return cls(rows.gram, rows.gram, rows.quadratic, rows.quadratic)

    @classmethod
    def single(cls, components: Components) -> "Products":
        """In single precision."""
        return cls(components.gram, components.gram, components.quadratic, components.quadratic)

    @classmethod
    def uncorrelated(cls, components: Components) -> "Products":
        """As if components stayed uncorrelated, whatever the weights: in their own basis, at n d each."""
        squares, normalisation = components.rows.inputs**2, components.rows.normalisation

        def gram(coefficients: np.ndarray) -> np.ndarray:
            return np.diag((coefficients.astype(np.float32) @ squares).astype(float) / normalisation)

        def quadratic(matrix: np.ndarray) -> np.ndarray:
            return (squares @ matrix.diagonal().astype(np.float32)).astype(float)

        return cls(gram, gram, quadratic, quadratic)

    @classmethod
    def near(cls, rows: Rows, components: Components) -> "Products":
        """Of arguments that differ little from the first ones: exact there, single precision from there."""
        grams = (FromFirst(rows.gram, components.gram_of_any_sign) for _ in range(2))
        forms = (FromFirst(rows.quadratic, components.quadratic) for _ in range(2))
        return cls(*grams, *forms)


class FromFirst:
    """A linear map, exact at its first argument; of what later ones differ from it, in single precision.

    Args:
        exact: The map.
        single: The same in single precision.
    """

    def __init__(self, exact: Linear, single: Linear) -> None:
        self._exact, self._single = exact, single
        self._first: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, argument: np.ndarray) -> np.ndarray:
        if self._first is None:
            self._first = argument, self._exact(argument)
            return self._first[1].copy()
        first, value = self._first
        return value + self._single(argument - first)
