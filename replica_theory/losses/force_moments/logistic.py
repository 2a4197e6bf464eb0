"""Moments of logistic forces: rows of like spread of the field share their nodes."""

from dataclasses import dataclass

import numpy as np

from replica_theory.losses.force_moments.base import ForceMoments
from replica_theory.losses.force_moments.narrow_rows import NARROW, NarrowRows
from replica_theory.losses.force_moments.spaced_rows import SpacedRows, Spacing
from replica_theory.losses.named import Logistic

SPACINGS = (
    Spacing(1.4, 2.0, 4.5, 7),
    Spacing(1.05, 1.1, 5.8, 11),
    Spacing(0.88, 0.78, 7.0, 15),
    Spacing(0.8, 0.62, 7.7, 19),
    Spacing(0.7, 0.5, 8.5, 25),
)


@dataclass
class LogisticMoments:
    """Averages of logistic forces; nodes of the last call serve the next one as long as they cover its rows.

    Attributes:
        loss: The logistic loss.
        spacing: Of the nodes.
        precision: Of the sums over nodes that rows have in common.
    """

    loss: Logistic
    spacing: Spacing
    precision: type[np.floating]

    def __post_init__(self) -> None:
        self._groups: list[SpacedRows | NarrowRows] = []
        self._rows = 0

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        fields = (mean, deviation, scale)
        if self._rows != len(mean) or not all(group.serves(*fields) for group in self._groups):
            self._groups, self._rows = self._grouped(*fields), len(mean)
        moments = np.empty((3, len(mean)))
        for group in self._groups:
            moments[:, group.rows] = group.moments(*fields)
        return ForceMoments(*moments)

    def _grouped(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> "list[SpacedRows | NarrowRows]":
        """Rows of like c, up to a factor of 4."""
        band = np.floor(0.5 * np.log2(np.maximum(deviation, 0.5 * NARROW) / NARROW)).astype(int)
        groups: list[SpacedRows | NarrowRows] = []
        for number in np.unique(band):
            rows = np.flatnonzero(band == number)
            if number < 0:
                groups.append(NarrowRows(rows, self.loss, self.spacing.order))
            else:
                spaced = SpacedRows.covering(rows, mean, deviation, scale, self.loss, self.spacing)
                groups.append(spaced.in_precision(self.precision))
        return groups
