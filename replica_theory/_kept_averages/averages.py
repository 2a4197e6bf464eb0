"""Averages over kept examples as a function of the student: in closed form where it can be had."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._kept_averages.closed_form import ConstantPieces, closed_form_nodes
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import ORDER, quadrature_nodes
from replica_theory.losses.base import Weight
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.losses.named import Square
from replica_theory.selection.kept_distribution import KeptDistribution

# Least width of a piece of the rule, and least f, of which the closed form keeps its digits: it subtracts nearly equal
# terms otherwise.
_NARROWEST = 1e-4  # at any student
_NARROWEST_MOMENT = 0.05  # for E z², which is small beside the terms of the closed form


@dataclass(frozen=True)
class KeptAverages:
    """`FieldNodes` of the kept examples at any student.

    Attributes:
        kept: Which examples are kept.
        weight: Sample weight of the loss as a function of the signed margin; None for 1.
    """

    kept: KeptDistribution
    weight: Weight | None = None

    def __call__(self, breakpoints: Breakpoints, components: np.ndarray, scale: float) -> FieldNodes:
        """Nodes in the field of a student (a₁, a₂, b) for functions of ω and of prox_{Vwℓ}(ω), V = ``scale``."""
        if self.in_closed_form:
            return closed_form_nodes(self._pieces, components, breakpoints.of_proximal(scale))
        return self.by_quadrature(breakpoints, components, scale)

    def by_quadrature(
        self, breakpoints: Breakpoints, components: np.ndarray, scale: float, order: int = ORDER
    ) -> FieldNodes:
        """The same without closed forms, of this many Gauss–Legendre nodes a panel."""
        return quadrature_nodes(self.kept, components, breakpoints, scale, weight=self.weight, order=order)

    @property
    def unweighted(self) -> bool:
        return self.weight is None

    @cached_property
    def in_closed_form(self) -> bool:
        plain = self.weight is None and self.kept.label.flip is not None
        return plain and self.kept.is_constant and self._narrowest > _NARROWEST

    @cached_property
    def plane_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """m = E[y s], (2,), and S = E[s sᵀ], (2, 2), of the kept examples' fields s = (z, v) on probe and plane."""
        if self._narrowest < _NARROWEST_MOMENT:
            nodes = quadrature_nodes(self.kept, OUTSIDE, Square.breakpoints, 1.0, weight=self.weight)
        else:
            nodes = self(Square.breakpoints, OUTSIDE, 1.0)
        ones = np.ones_like(nodes.field)
        return nodes.first(ones)[:2], nodes.second(ones)[:2, :2]

    @property
    def _narrowest(self) -> float:
        """Narrowest length scale of the kept examples: min(piece width, f)."""
        return min(self.kept.keep_fraction, *(piece.upper - piece.lower for piece in self.kept.pieces))

    @cached_property
    def _pieces(self) -> ConstantPieces:
        return ConstantPieces.of(self.kept)


OUTSIDE = np.array([0.0, 0.0, 1.0])  # components of a unit vector orthogonal to probe and teacher
