"""Logistic fields at equally spaced arguments of the proximal operator, which averages of many rows have in common."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from replica_theory.losses.named import LOSSES

_MARGIN = 0.25  # how much further out than asked fields are computed, relative
_MOST_KNOWN = 1 << 13  # nodes of a lattice that are remembered, 700 kB
_LATTICES = 128  # lattices that are remembered, most of them of a hundred nodes


class Nodes(NamedTuple):
    """Fields p_j = prox_{S̄ℓ}(j h) of neighbouring j, and what is averaged there.

    Attributes:
        factors: (p, ℓ', −1)/√2, (nodes, 3).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f², ℓ'' p, ℓ'' ℓ'), (8, nodes).
    """

    factors: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, j: np.ndarray, step: float, scale: float, precision: type[np.floating]) -> "Nodes":
        """Those of j, h and S̄, rounded last."""
        loss = LOSSES["logistic"]
        p = loss.proximal(j * step, scale)
        slope, curvature, ones = loss.derivative(p), loss.second_derivative(p), np.ones_like(p)
        bent = curvature * slope
        factors = np.stack([p, slope, -ones], axis=1) / np.sqrt(2)
        weights = np.stack([ones, curvature, -slope, -bent, slope**2, bent * slope, curvature * p, bent])
        weights *= step / (1 + scale * curvature) / np.sqrt(2 * np.pi)
        return cls(factors.astype(precision, copy=False), weights.astype(precision, copy=False))

    def part(self, chosen: slice) -> "Nodes":
        """Some of them."""
        return Nodes(self.factors[chosen], self.weights[:, chosen])


class Lattice:
    """Nodes of one spacing h and scale S̄, as far out as they were asked for.

    Args:
        step: h.
        scale: S̄.
        precision: Of sums over nodes.
    """

    def __init__(self, step: float, scale: float, precision: type[np.floating]) -> None:
        self._step, self._scale, self._precision = step, scale, precision
        self._known = self._between(0, 0)

    def nodes(self, first: int, end: int) -> Nodes:
        """Those of j in [first, end)."""
        known, nodes = self._known
        if first < known.start or end > known.stop:
            known, nodes = self._known = self._reaching(first, end)
        return nodes.part(slice(first - known.start, end - known.start))

    def _reaching(self, first: int, end: int) -> tuple[range, Nodes]:
        """Nodes beyond these and all others that were asked for, or these alone where that would be too many."""
        known = self._known[0]
        asked = range(min(first, known.start), max(end, known.stop))
        margin = int(_MARGIN * len(asked))
        if len(asked) + 2 * margin > _MOST_KNOWN:
            return self._between(first, end)
        return self._between(asked.start - margin, asked.stop + margin)

    def _between(self, first: int, end: int) -> tuple[range, Nodes]:
        return range(first, end), Nodes.of(np.arange(first, end), self._step, self._scale, self._precision)


remembered_lattice = lru_cache(maxsize=_LATTICES)(Lattice)
"""The lattice of these arguments, with the nodes that it had before."""
