"""Moments of logistic forces of many rows at once.

Rows of like fields share their nodes: fields p_j, which need no proximal operator of each row, and all averages are one
matrix of Gaussians times a few columns. Where c is small, a Gauss–Hermite rule of each row serves.
"""

import numpy as np

from replica_theory.losses.force_moments.base import ForceMoments
from replica_theory.losses.force_moments.groups import Groups
from replica_theory.losses.force_moments.narrow_rows import NarrowRows
from replica_theory.losses.force_moments.spaced_rows import SpacedRows, Spacing
from replica_theory.losses.named import Logistic

SPACINGS = (
    Spacing(1.15, 1.6, 5.5, 7),
    Spacing(0.95, 1.0, 6.4, 11),
    Spacing(0.88, 0.78, 7.0, 15),
    Spacing(0.8, 0.62, 7.7, 19),
    Spacing(0.7, 0.5, 8.5, 25),
)
_MORE_WORK = 1.3  # nodes of all rows, relative to those when they were grouped, at which they are grouped anew


class LogisticMoments:
    """Moments at means m, deviations c and scales S; rows stay in their groups while these serve.

    Args:
        loss: The logistic loss.
        level: Of the quadrature.
        precision: Of the sums over nodes that rows have in common.
    """

    def __init__(self, loss: Logistic, level: int, precision: type[np.floating]) -> None:
        self._loss, self._spacing, self._precision = loss, SPACINGS[level], precision
        self._groups = Groups.of(np.empty((3, 0)))
        self._narrow = NarrowRows(loss, self._spacing.order)
        self._work = 0.0  # nodes of all rows when they were grouped

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        narrow, spaced = self._grouped(np.stack([mean, deviation, scale]))
        moments = [self._narrow.moments(*narrow)] if narrow.size else []
        if spaced.fields.size:
            moments.append(spaced.moments())
        return ForceMoments(*np.concatenate(moments, axis=1).take(self._groups.places, axis=1))

    def _grouped(self, fields: np.ndarray) -> tuple[np.ndarray, SpacedRows]:
        """m, c and S of rows of small c, (3, rows), and the others, in groups that serve."""
        if len(self._groups.order) == fields.shape[1]:
            narrow, spaced = self._parts(fields)
            if self._narrow.serves(*narrow) and not spaced.work > _MORE_WORK * self._work:
                return narrow, spaced
        self._groups = Groups.of(fields)
        narrow, spaced = self._parts(fields)
        self._narrow = NarrowRows(self._loss, self._spacing.order)
        self._work = spaced.work
        return narrow, spaced

    def _parts(self, fields: np.ndarray) -> tuple[np.ndarray, SpacedRows]:
        ordered, n_narrow = fields.take(self._groups.order, axis=1), self._groups.n_narrow
        return ordered[:, :n_narrow], SpacedRows(
            ordered[:, n_narrow:], self._groups.sizes, self._spacing, self._precision
        )
