"""Independent residual of the saddle point of regularised risk.

The four equations as the replica calculation states them, summed over probe field and student field by quadrature,
with the slope of the proximal operator in (iv) where the solver has α E[F h]::

    (i) b² = α E F²,   (ii, iii) λ V a = −α E[F s],   (iv) α (1 − E ∂p/∂ω) = 1 − λ V

Of a user's loss without a slope, which only differences give, (iv) is taken by parts, α E[F h] = b (1 − λ V).
"""

import numpy as np

from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.mixed import MixedAverages
from replica_theory.losses.base import Loss
from replica_theory.losses.custom import CustomLoss

RESIDUAL_TOLERANCE = 1e-9
_ORDERS = (9, 13, 18, 28, 40)  # Gauss–Legendre nodes a panel, tried until the residual is small
_FINER_ORDERS = (18, 28, 40)  # those tried where the solver itself used this quadrature, at order 12


def independent_residual(averages: KeptAverages | MixedAverages, loss: Loss, point: OrderParameters) -> float:
    """Largest difference between the sides of an equation, relative to its terms.

    The quadrature is refined until the equations hold or it is as fine as it goes.
    """
    residual = np.inf
    for order in _ORDERS if averages.in_closed_form else _FINER_ORDERS:
        residual = _residual(averages, loss, point, order)
        if residual <= RESIDUAL_TOLERANCE:
            break
    return residual


def _residual(averages: KeptAverages | MixedAverages, loss: Loss, point: OrderParameters, order: int) -> float:
    alpha, V, shrinkage = point.alpha, point.scale, point.ridge * point.scale
    a, b = point.components[:-1], point.components[-1]
    nodes = averages.by_quadrature(loss.breakpoints, point.components, V, order=order)
    if isinstance(loss, CustomLoss) and not loss.has_slope:
        p, slope = loss.proximal(nodes.field, V * nodes.loss_weight), None
    else:
        p, slope = loss.proximal_and_slope(nodes.field, V * nodes.loss_weight)
    F = nodes.field - p
    norm = alpha * nodes.mean(F**2) / b**2 - 1  # (i)
    pull, outside = np.split(alpha * nodes.first(F), [a.size])
    plane = (shrinkage * a + pull) / (np.abs(pull) + shrinkage * np.abs(a) + b)  # (ii), (iii)
    response = (float(outside[0]) / b if slope is None else alpha * nodes.mean(1 - slope)) - (1 - shrinkage)  # (iv)
    return float(np.max(np.abs([norm, *plane, response])))
