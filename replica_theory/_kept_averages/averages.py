"""Averages over kept examples as a function of the student: in closed form where it can be had."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._kept_averages.closed_form import Boundaries, closed_form_nodes
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory.losses.base import Loss, Weight
from replica_theory.losses.named import Square
from replica_theory.selection.kept_distribution import KeptDistribution

_SLENDER = 0.05
_NARROW = 1e-4  # strips below it are a difference of nearly equal terms


@dataclass(frozen=True)
class KeptAverages:
    """The cells of a law and a sample weight."""

    law: KeptDistribution
    weight: Weight | None = None

    @cached_property
    def in_closed_form(self) -> bool:
        return self.law.is_constant and self.weight is None and self._narrowest > _NARROW

    @property
    def _narrowest(self) -> float:
        return min(self.law.keep_fraction, *(piece.upper - piece.lower for piece in self.law.pieces))

    @cached_property
    def _boundaries(self) -> Boundaries:
        return Boundaries.of(self.law)

    def __call__(self, loss: Loss, student: np.ndarray, scale: float) -> FieldNodes:
        if self.in_closed_form:
            return closed_form_nodes(self._boundaries, student, loss.marks(scale))
        return quadrature_nodes(self.law, student, loss, scale, weight=self.weight)

    @cached_property
    def plane_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """m = E[y s] and S = E[s sᵀ] of the kept examples, along the probe and across it."""
        outside, loss = np.array([0.0, 0.0, 1.0]), Square()
        if self._narrowest < _SLENDER:  # where E z² is small beside the terms of the closed form
            cells = quadrature_nodes(self.law, outside, loss, 1.0, weight=self.weight)
        else:
            cells = self(loss, outside, 1.0)
        ones = np.ones_like(cells.field)
        return cells.first(ones)[:2], cells.second(ones)[:2, :2]
