"""The rows' principal components in single precision, in which products of n d² take half the time.

Rounding errors are relative to each component, so that those of small variance, which a small ridge makes large, keep
their accuracy.
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._real_data.leave_one_out.rows import Rows, row_blocks

_UNCORRELATED = 1e-3  # largest correlation of coordinates that need no turning


@dataclass(frozen=True, eq=False)
class Components(Rows):
    """Principal components of rows that are weighted by φ; ``inputs`` are in single precision.

    Attributes:
        original: The rows.
        basis: Directions of the components, orthonormal, as columns, (d, d).
    """

    original: Rows
    basis: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> "Components":
        """Of rows in double precision."""
        single = rows.in_single_precision()
        gram, inputs, basis = single.gram(rows.count), single.inputs, np.eye(rows.inputs.shape[1])
        if not _uncorrelated(gram):
            _, basis = np.linalg.eigh(gram)
            turn = basis.astype(np.float32)
            for block in row_blocks(inputs):
                inputs[block] = inputs[block] @ turn
        size, idle = rows.normalisation, rows.idle
        return cls(inputs, rows.labels, rows.count, rows.finite, rows.weight, size, rows, basis, idle=idle)

    @property
    def alone(self) -> Rows:
        """The components as rows, with all products in single precision."""
        size, idle = self.normalisation, self.idle
        return Rows(self.inputs, self.labels, self.count, self.finite, self.weight, size, idle=idle)

    def fields(self, direction: np.ndarray) -> np.ndarray:
        """z_i·a, (n,), in double precision, at n d."""
        return self.original.fields(self.basis @ direction)

    def penalty(self, penalty: np.ndarray) -> np.ndarray:
        """That of the components, (d, d), by one of each coordinate of the rows, (d,)."""
        return self.basis.T @ (penalty[:, None] * self.basis)


def _uncorrelated(gram: np.ndarray) -> bool:
    """Whether coordinates are principal components already, as rows often come."""
    size = np.sqrt(gram.diagonal())
    return bool(np.all(np.abs(gram - np.diag(gram.diagonal())) <= _UNCORRELATED * np.outer(size, size)))
