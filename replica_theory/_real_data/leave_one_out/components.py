"""The rows' principal components in single precision, in which products take half the time.

Rounding errors are relative to each component, so that those of small variance, which a small ridge makes large, keep
their accuracy.
"""

from dataclasses import dataclass, replace

import numpy as np

from replica_theory._real_data.leave_one_out.rows import Rows


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of rows that are weighted by φ.

    Attributes:
        rows: Rows of components, in single precision.
        basis: Directions of the components, orthonormal, as columns, (d, d).
    """

    rows: Rows
    basis: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> "Components":
        """Of rows in double precision."""
        single = rows.in_single_precision()
        _, basis = np.linalg.eigh(single.gram(rows.count))
        return cls(replace(single, inputs=single.inputs @ basis.astype(np.float32)), basis)

    def gram(self, coefficients: np.ndarray) -> np.ndarray:
        """Σ r_i z_i z_iᵀ/N, (d, d), of r ≥ 0."""
        return self.basis @ self.rows.gram(coefficients) @ self.basis.T

    def gram_of_any_sign(self, coefficients: np.ndarray) -> np.ndarray:
        """The same of r of either sign, which takes longer."""
        return self.basis @ self.rows.gram_of_any_sign(coefficients) @ self.basis.T

    def quadratic(self, matrix: np.ndarray) -> np.ndarray:
        """z_iᵀ T z_i, (n,)."""
        return self.rows.quadratic(self.basis.T @ matrix @ self.basis)
