"""Products of rows with C × C matrices, one a row: four matrix products a sweep, by blocks of rows.

Pairs of features a ≤ b of a block, F = (g_a g_b), stand beside pairs of classes c ≤ e.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_BLOCK = 1 << 21  # numbers in a block of pairs of features


@dataclass(frozen=True, eq=False)
class PairProducts:
    """Attributes: rows g, (n, D), a column of ones for an intercept last; number C of classes."""

    rows: np.ndarray
    classes: int

    @cached_property
    def _features(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(self.rows.shape[1])

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        return np.triu_indices(self.classes)

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        first, second = self._features
        size = max(1, _BLOCK // len(first))
        for start in range(0, len(self.rows), size):
            rows = self.rows[start : start + size]
            yield slice(start, start + size), rows[:, first] * rows[:, second]

    def gram(self, matrices: np.ndarray) -> np.ndarray:
        """Σ u_i ⊗ g_i g_iᵀ of symmetric u, (n, C, C), as (C D, C D)."""
        (a, b), (c, e), D = self._features, self._pairs, self.rows.shape[1]
        packed = np.ascontiguousarray(matrices[:, c, e])
        total = np.zeros((len(a), len(c)))
        for block, products in self._blocks():
            total += products.T @ packed[block]
        full = np.empty((self.classes, D, self.classes, D))
        for one, other in ((c, e), (e, c)):
            full[one, a[:, None], other, b[:, None]] = total
            full[one, b[:, None], other, a[:, None]] = total
        return full.reshape(self.classes * D, -1)

    def quadratic(self, matrix: np.ndarray) -> np.ndarray:
        """(I ⊗ g_i)ᵀ T (I ⊗ g_i) of a symmetric T, (C D, C D), as (n, C, C)."""
        (a, b), (c, e), C, D = self._features, self._pairs, self.classes, self.rows.shape[1]
        entries = matrix.reshape(C, D, C, D)
        packed = entries[c, a[:, None], e, b[:, None]]
        packed = packed + np.where(a == b, 0.0, 1.0)[:, None] * entries[c, b[:, None], e, a[:, None]]
        forms = np.empty((len(self.rows), C, C))
        for block, products in self._blocks():
            values = products @ packed
            forms[block, c, e] = values
            forms[block, e, c] = values
        return forms
