"""The equations as if the rows' components stayed uncorrelated, however forces weight the rows.

Matrices are their diagonals, (d,), and a step costs n d.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._real_data.leave_one_out.cavity import Equations
from replica_theory._real_data.leave_one_out.components import Components
from replica_theory._real_data.leave_one_out.products import Products
from replica_theory._real_data.leave_one_out.rows import Rows


@dataclass(frozen=True, eq=False)
class Uncorrelated(Equations):
    """Equations whose matrices are diagonal in the components."""

    @classmethod
    def of_components(cls, components: Components, penalty: np.ndarray) -> "Uncorrelated":
        """With a penalty for each coordinate of the rows, (d,)."""
        return cls(components.alone, penalty @ components.basis**2, products(components))

    @staticmethod
    def _inverted(matrix: np.ndarray) -> np.ndarray:
        if not matrix.min() > 0:
            raise np.linalg.LinAlgError("the matrix is not positive")
        return 1 / matrix

    @staticmethod
    def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
        return matrix * vector

    @staticmethod
    def _outer(vector: np.ndarray) -> np.ndarray:
        return vector**2

    @staticmethod
    def _between(matrix: np.ndarray, resolvent: np.ndarray) -> np.ndarray:
        return resolvent**2 * matrix


def products(rows: Rows) -> Products:
    """Diagonals of the products, and quadratic forms of diagonal matrices: n d each."""
    squares = rows.inputs**2

    def gram(coefficients: np.ndarray) -> np.ndarray:
        return (coefficients.astype(squares.dtype) @ squares).astype(float) / rows.normalisation

    def quadratic(diagonal: np.ndarray) -> np.ndarray:
        return (squares @ diagonal.astype(squares.dtype)).astype(float)

    return Products(gram, gram, quadratic, quadratic)
