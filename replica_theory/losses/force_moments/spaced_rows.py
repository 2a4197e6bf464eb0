"""Moments of logistic forces whose fields spread much: sums over fields that rows have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.losses.force_moments.base import row_blocks
from replica_theory.losses.force_moments.groups import most_force
from replica_theory.losses.force_moments.lattice import Nodes, remembered_lattice
from replica_theory.losses.force_moments.panels import PanelMoments
from replica_theory.losses.named import LOSSES

_PER_FACTOR = 4  # spacings, and scales, of lattices in a factor of 2
_MOST_NODES = 4096  # beyond which panels of each row take less time
_FAR = -60.0  # least exponent of a Gaussian; products below 1e-38 would take a hundred times as long


@dataclass(frozen=True)
class Spacing:
    """Equally spaced nodes t of ω, which err by exp(−2π² c²/h²) and, as prox is analytic up to |Im ω| = π, exp(−2π²/h).

    Attributes:
        by_deviation: Largest h/c.
        largest: Largest h.
        reach: Standard deviations that the nodes cover.
        order: Gauss–Hermite nodes of rows of small c instead, and nodes of each panel of a row.
    """

    by_deviation: float
    largest: float
    reach: float
    order: int


@dataclass(frozen=True, eq=False)
class SpacedRows:
    """Rows in groups, whose averages are sums over the fields p_j of nodes t_j = j h of their group.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i. A lattice of scale
    S̄ ≥ S_i has the field of ω at t = ω − (S̄ − S_i) f ≤ ω.

    Attributes:
        fields: m, c and S, (3, rows), group by group.
        sizes: Rows of each group, (groups,), > 0.
        spacing: Of nodes.
        precision: Of sums over nodes.
    """

    fields: np.ndarray
    sizes: np.ndarray
    spacing: Spacing
    precision: type[np.floating]

    @cached_property
    def _starts(self) -> np.ndarray:
        """First row of each group."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def _steps(self) -> np.ndarray:
        """h of each group."""
        least = np.minimum.reduceat(self.fields[1], self._starts)
        largest = np.minimum(self.spacing.by_deviation * least, self.spacing.largest)
        return 2.0 ** (np.floor(_PER_FACTOR * np.log2(largest)) / _PER_FACTOR)

    @cached_property
    def _scales(self) -> np.ndarray:
        """S̄ of each group."""
        return 2.0 ** (np.ceil(_PER_FACTOR * np.log2(np.maximum.reduceat(self.fields[2], self._starts))) / _PER_FACTOR)

    @cached_property
    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Least j of each group, and one more than the largest."""
        mean, deviation, scale = self.fields
        width = self.spacing.reach * deviation
        low, high = mean - width, mean + width
        low -= np.maximum(np.repeat(self._scales, self.sizes) - scale, 0.0) * most_force(low)  # S̄ is rounded
        first, last = np.minimum.reduceat(low, self._starts), np.maximum.reduceat(high, self._starts)
        return np.floor(first / self._steps), np.ceil(last / self._steps) + 1

    @cached_property
    def n_nodes(self) -> np.ndarray:
        """Nodes of each group, (groups,)."""
        first, end = self._ends
        return end - first

    @property
    def work(self) -> float:
        """Nodes of all rows."""
        return float(self.sizes @ self.n_nodes)

    def moments(self) -> np.ndarray:
        """``ForceMoments``, (5, rows)."""
        mean, deviation, scale = self.fields
        inverse = 1 / deviation
        lines = np.stack([inverse, scale * inverse, mean * inverse]).astype(self.precision, copy=False)
        sums, crowded = np.ones((8, len(mean))), []
        for rows, nodes in self._groups():
            if nodes is None:
                crowded.append(rows)
            else:
                sum_over_nodes(nodes, lines[:, rows], sums[:, rows])
        one, bend, force, bent_force, square, bent_square, bent_field, bent_slope = sums
        force += scale * bent_force
        square += scale * bent_square
        one += scale * bend
        bent_field += scale * bent_slope - mean * bend  # ℓ'' (ω − m)
        moments = np.stack([force, square, bend, -2 * bent_force, bent_field * inverse**2]) / one
        for rows in crowded:
            moments[:, rows] = PanelMoments(LOSSES["logistic"], self.spacing.order)(*self.fields[:, rows])
        return moments

    def _groups(self) -> Iterator[tuple[slice, Nodes | None]]:
        """Rows of each group and their nodes, or None where these would be too many."""
        groups = zip(self._starts, self.sizes, *self._ends, self._steps, self._scales, strict=True)
        for start, size, first, end, step, scale in groups:
            few = end - first < _MOST_NODES
            lattice = remembered_lattice(float(step), float(scale), self.precision) if few else None
            yield slice(start, start + size), lattice.nodes(int(first), int(end)) if lattice else None


def sum_over_nodes(nodes: Nodes, lines: np.ndarray, sums: np.ndarray) -> None:
    """Sums over nodes, (8, rows), of Gaussians of (1, S, m)/c, (3, rows)."""
    for block in row_blocks(lines.shape[1], len(nodes.factors)):
        gaussian = nodes.factors @ lines[:, block]
        np.multiply(gaussian, gaussian, out=gaussian)
        np.negative(gaussian, out=gaussian)
        np.maximum(gaussian, _FAR, out=gaussian)
        np.exp(gaussian, out=gaussian)
        sums[:, block] = nodes.weights @ gaussian
