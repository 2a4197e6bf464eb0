"""Averages over kept examples as a function of the student: in closed form where it can be had."""

from dataclasses import dataclass

import numpy as np

from replica_theory.kept_law import KeptLaw
from replica_theory.loss import Loss, Weight
from replica_theory.student_field import FieldCells, closed_cells
from replica_theory.student_field_summed import summed_cells

_NARROW = 1e-4  # strips below it are a difference of nearly equal terms


@dataclass(frozen=True)
class KeptAverages:
    """The cells of a law and a sample weight."""

    law: KeptLaw
    weight: Weight | None = None

    @property
    def in_closed_form(self) -> bool:
        widths = [piece.upper - piece.lower for piece in self.law.pieces]
        return self.law.is_constant and self.weight is None and min(*widths, self.law.keep_fraction) > _NARROW

    def __call__(self, loss: Loss, student: np.ndarray, scale: float) -> FieldCells:
        if self.in_closed_form:
            return closed_cells(self.law, student, loss.marks(scale))
        return summed_cells(self.law, student, loss, scale, weight=self.weight)

    def plane_moments(self, loss: Loss) -> tuple[np.ndarray, np.ndarray]:
        """m = E[y s] and S = E[s sᵀ] of the kept examples, along the probe and across it."""
        cells = self(loss, np.array([0.0, 0.0, 1.0]), 1.0)
        return cells.first.sum(1)[:2], cells.second.sum(2)[:2, :2]
