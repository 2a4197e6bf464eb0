"""Moments of a loss's forces: in closed form, by sums over common nodes, or by quadrature on panels."""

import numpy as np

from replica_theory.losses.base import Loss
from replica_theory.losses.force_moments.base import Moments
from replica_theory.losses.force_moments.closed_form import hinge, square, squared_hinge
from replica_theory.losses.force_moments.logistic import SPACINGS, LogisticMoments
from replica_theory.losses.force_moments.panels import PanelMoments
from replica_theory.losses.named import Hinge, Logistic, Square, SquaredHinge

LEVELS = len(SPACINGS)
_PANEL_ORDERS = (6, 10, 16, 24, 32)  # Gauss–Legendre nodes on a panel of an own loss, by level


def force_moments(loss: Loss, level: int, precision: type[np.floating] = np.float64) -> Moments:
    """Moments of a loss.

    Args:
        loss: The loss.
        level: Of the quadrature, in [0, LEVELS), where the loss has no closed form.
        precision: In which the logistic loss's sums are taken.
    """
    if isinstance(loss, Square):
        return square
    if isinstance(loss, SquaredHinge):
        return squared_hinge
    if isinstance(loss, Hinge):
        return hinge
    if isinstance(loss, Logistic):
        return LogisticMoments(loss, level, precision)
    return PanelMoments(loss, _PANEL_ORDERS[level])


def costly(moments: Moments) -> bool:
    """Whether the moments, of a loss of one's own, take longer than products with rows."""
    return isinstance(moments, PanelMoments)


def in_closed_form(loss: Loss) -> bool:
    """Whether the moments need no quadrature."""
    return isinstance(loss, Square | SquaredHinge | Hinge)
