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
        """In the precision of the rows."""
        return cls(rows.gram, rows.gram, rows.quadratic, rows.quadratic)

    @classmethod
    def near(cls, rows: Rows, components: Components) -> "Products":
        """Of arguments that differ little from the first ones: exact there, single precision from there."""
        basis = components.basis

        def gram(coefficients: np.ndarray) -> np.ndarray:
            return basis @ components.gram_of_any_sign(coefficients) @ basis.T

        def quadratic(matrix: np.ndarray) -> np.ndarray:
            return components.quadratic(basis.T @ matrix @ basis)

        grams, forms = (
            [FromFirst(exact, single) for _ in range(2)]
            for exact, single in ((rows.gram, gram), (rows.quadratic, quadratic))
        )
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
