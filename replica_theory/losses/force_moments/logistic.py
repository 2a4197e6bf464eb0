"""Moments of logistic forces of many rows at once.

Rows of like c share their nodes: fields p_j, which need no proximal operator of each row, and all averages are one
matrix of Gaussians times a few columns. Where c is small, a Gauss–Hermite rule of each row serves, and panels where
such nodes would be too many.
"""

from itertools import pairwise

import numpy as np

from replica_theory.losses.force_moments.base import ForceMoments
from replica_theory.losses.force_moments.crowded_rows import CrowdedRows
from replica_theory.losses.force_moments.narrow_rows import NARROW, NarrowRows
from replica_theory.losses.force_moments.spaced_rows import Cover, SpacedRows, Spacing, spaced_rows
from replica_theory.losses.named import Logistic

SPACINGS = (
    Spacing(1.4, 2.0, 4.5, 7),
    Spacing(1.05, 1.1, 5.8, 11),
    Spacing(0.88, 0.78, 7.0, 15),
    Spacing(0.8, 0.62, 7.7, 19),
    Spacing(0.7, 0.5, 8.5, 25),
)


class LogisticMoments:
    """Moments at means m, deviations c and scales S; nodes serve as long as they cover the rows.

    Args:
        loss: The logistic loss.
        level: Of the quadrature.
        precision: Of the sums over nodes that rows have in common.
    """

    def __init__(self, loss: Logistic, level: int, precision: type[np.floating]) -> None:
        self._loss, self._spacing, self._precision = loss, SPACINGS[level], precision
        self._groups: list[SpacedRows | NarrowRows | CrowdedRows] = []
        self._order, self._places = np.empty(0, dtype=int), np.empty(0, dtype=int)  # of rows by group, and its inverse
        self._slices: list[slice] = []  # of rows of a group in that order

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        fields = np.stack([mean, deviation, scale])
        if len(self._order) != len(mean):
            self._regroup(fields)
        parts = self._parts(fields)
        if not all(group.serves(*part) for group, part in zip(self._groups, parts, strict=True)):
            self._regroup(fields)
            parts = self._parts(fields)
        moments = [group.moments(*part) for group, part in zip(self._groups, parts, strict=True)]
        return ForceMoments(*np.concatenate(moments, axis=1).take(self._places, axis=1))

    def _parts(self, fields: np.ndarray) -> list[np.ndarray]:
        """The fields of each group's rows, (3, rows)."""
        ordered = fields.take(self._order, axis=1)
        return [ordered[:, rows] for rows in self._slices]

    def _regroup(self, fields: np.ndarray) -> None:
        """Groups of rows of like c, up to a factor of 2."""
        band = np.floor(np.log2(np.maximum(fields[1], 0.5 * NARROW) / NARROW)).astype(np.int16)
        self._order = np.argsort(band, kind="stable")
        self._places = np.empty_like(self._order)
        self._places[self._order] = np.arange(len(band))
        ordered = band[self._order]
        ends = [0, *(np.flatnonzero(np.diff(ordered)) + 1), len(band)]
        self._slices = [slice(*pair) for pair in pairwise(ends)]
        parts = self._parts(fields)
        n_narrow = int(ordered[0] < 0)
        narrow = [NarrowRows(part.shape[1], self._loss, self._spacing.order) for part in parts[:n_narrow]]
        covers = [Cover.of(part, self._spacing) for part in parts[n_narrow:]]
        spaced = iter(spaced_rows([cover for cover in covers if not cover.crowded], self._loss, self._precision))
        crowded = CrowdedRows(self._loss, self._spacing)
        self._groups = [*narrow, *(crowded if cover.crowded else next(spaced) for cover in covers)]
