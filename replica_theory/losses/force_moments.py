"""Moments of an example's force over its Gaussian field: E f, E f² and E u, row by row.

The field that the other examples give a row is ω ~ N(m, c²); in the training set its own force on it moves it to
p = prox_{Sℓ}(ω), with the force f = (p − ω)/S = −ℓ'(p) and u = −∂f/∂ω = ℓ''(p)/(1 + S ℓ''(p)).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory.losses.base import Loss
from replica_theory.losses.logistic_moments import LogisticMoments, blocks
from replica_theory.losses.named import Hinge, Logistic, Square, SquaredHinge


class ForceMoments(NamedTuple):
    """E f, E f² and E u, (n,) each."""

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray


Moments = Callable[[np.ndarray, np.ndarray, np.ndarray], ForceMoments]
"""Moments at means m, standard deviations c > 0 and scales S > 0 of the fields, (n,) each."""

_PANEL_ORDERS = (6, 10, 16, 24, 32)  # Gauss–Legendre nodes on a panel of an own loss, by level
_PANEL_ENDS = np.array([-8.5, -4.0, -1.5, 1.5, 4.0, 8.5])  # panels in (ω − m)/c, beside the loss's own
LEVELS = len(_PANEL_ORDERS)


def force_moments(loss: Loss, level: int, precision: type[np.floating] = np.float64) -> Moments:
    """Moments of a loss.

    Args:
        loss: The loss.
        level: Of the quadrature, in [0, LEVELS), where the loss has no closed form.
        precision: In which the logistic loss's sums are taken.
    """
    if isinstance(loss, Square):
        return _square
    if isinstance(loss, SquaredHinge):
        return _squared_hinge
    if isinstance(loss, Hinge):
        return _hinge
    if isinstance(loss, Logistic):
        logistic = LogisticMoments(loss, level, precision)
        return lambda mean, deviation, scale: ForceMoments(*logistic(mean, deviation, scale))
    return _PanelMoments(loss, _PANEL_ORDERS[level])


def costly(moments: Moments) -> bool:
    """Whether the moments, of a loss of one's own, take longer than products with rows."""
    return isinstance(moments, _PanelMoments)


def in_closed_form(loss: Loss) -> bool:
    """Whether the moments need no quadrature."""
    return isinstance(loss, Square | SquaredHinge | Hinge)


def _square(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = 1 - mean, 1 / (1 + scale)
    return ForceMoments(short * stiffness, (short**2 + deviation**2) * stiffness**2, stiffness)


class _Excess(NamedTuple):
    """E (g)₊, E (g)₊² and P(g > 0) of g ~ N(mean, c²)."""

    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray


def _excess(mean: np.ndarray, deviation: np.ndarray) -> _Excess:
    t = mean / deviation
    chance, density = ndtr(t), np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)
    first = deviation * (t * chance + density)
    return _Excess(np.maximum(first, 0.0), deviation**2 * ((1 + t * t) * chance + t * density), chance)


def _squared_hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = _excess(1 - mean, deviation), 1 / (1 + scale)
    return ForceMoments(short.first * stiffness, short.second * stiffness**2, short.chance * stiffness)


def _hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    """f = clip((1 − ω)/S, 0, 1)."""
    first, second, chance = _excess(np.stack([1 - mean, 1 - mean - scale]), deviation)  # of margins 1 and 1 − S
    return ForceMoments(
        (first[0] - first[1]) / scale,
        (second[0] - second[1] - 2 * scale * first[1]) / scale**2,
        (chance[0] - chance[1]) / scale,
    )


@dataclass
class _PanelMoments:
    """Gauss–Legendre quadrature on panels in ω that end where the loss is not smooth.

    Attributes:
        loss: Any loss.
        order: Nodes on a panel.
    """

    loss: Loss
    order: int

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        nodes = self.order * (len(self.loss.breakpoints.fields) + len(_PANEL_ENDS))
        parts = [self._of_rows(mean[block], deviation[block], scale[block]) for block in blocks(len(mean), nodes)]
        return ForceMoments(*(np.concatenate(moment) for moment in zip(*parts, strict=True)))

    def _of_rows(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        corners = (self.loss.breakpoints.of_proximal(scale) - mean[:, None]) / deviation[:, None]
        fixed = np.broadcast_to(_PANEL_ENDS, (len(mean), len(_PANEL_ENDS)))
        ends = np.sort(np.concatenate([fixed, np.clip(corners, _PANEL_ENDS[0], _PANEL_ENDS[-1])], axis=1), axis=1)
        nodes, weights = np.polynomial.legendre.leggauss(self.order)
        width = np.diff(ends, axis=1)[..., None]
        xi = ends[:, :-1, None] + width * (nodes + 1) / 2
        chances = width * weights / 2 * np.exp(-0.5 * xi**2) / np.sqrt(2 * np.pi)
        omega, scales = mean[:, None, None] + deviation[:, None, None] * xi, scale[:, None, None]
        fields, slope = self.loss.proximal_and_slope(omega, scales)
        force = (fields - omega) / scales
        moments = (np.sum(chances * values, axis=(1, 2)) for values in (force, force**2, (1 - slope) / scales))
        return ForceMoments(*moments)
