"""Moments of any loss's forces, by Gauss–Legendre quadrature on panels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments.base import ForceMoments, row_blocks

_PANEL_ENDS = np.array([-8.5, -4.0, -1.5, 1.5, 4.0, 8.5])  # panels in (ω − m)/c, beside the loss's own


@dataclass
class PanelMoments:
    """Gauss–Legendre quadrature on panels in ω that end where the loss is not smooth.

    Attributes:
        loss: Any loss.
        order: Nodes on a panel.
    """

    loss: Loss
    order: int

    @cached_property
    def _rule(self) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights on [−1, 1], (order,)."""
        return np.polynomial.legendre.leggauss(self.order)

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        nodes = self.order * (len(self.loss.breakpoints.fields) + len(_PANEL_ENDS))
        parts = [self._of_rows(mean[block], deviation[block], scale[block]) for block in row_blocks(len(mean), nodes)]
        return ForceMoments(*(np.concatenate(moment) for moment in zip(*parts, strict=True)))

    def _of_rows(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        corners = (self.loss.breakpoints.of_proximal(scale) - mean[:, None]) / deviation[:, None]
        fixed = np.broadcast_to(_PANEL_ENDS, (len(mean), len(_PANEL_ENDS)))
        ends = np.sort(np.concatenate([fixed, np.clip(corners, _PANEL_ENDS[0], _PANEL_ENDS[-1])], axis=1), axis=1)
        nodes, weights = self._rule
        width = np.diff(ends, axis=1)[..., None]
        xi = ends[:, :-1, None] + width * (nodes + 1) / 2
        chances = width * weights / 2 * np.exp(-0.5 * xi**2) / np.sqrt(2 * np.pi)
        omega, scales = mean[:, None, None] + deviation[:, None, None] * xi, scale[:, None, None]
        fields, slope = self.loss.proximal_and_slope(omega, scales)
        force, u = (fields - omega) / scales, (1 - slope) / scales
        by_mean = u * xi / deviation[:, None, None]  # ∂E u/∂m = E u ξ/c
        moments = (np.sum(chances * values, axis=(1, 2)) for values in (force, force**2, u, -2 * force * u, by_mean))
        return ForceMoments(*moments)
