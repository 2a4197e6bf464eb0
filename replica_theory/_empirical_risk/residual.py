"""An independent residual of every minimiser of regularised risk.

The equations as the replica calculation states them, with the derivative of the proximal operator in
the third, summed over probe field and student field by `student_field_summed`::

    b² = α E F²,      λ V a = −α E[F s],      α (1 − E ∂p/∂ω) = 1 − λ V
"""

import numpy as np

from replica_theory._empirical_risk.newton import RiskStudent
from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory.losses.base import Loss

RESIDUAL_TOLERANCE = 1e-9
_ORDERS = (9, 13, 18, 28)


def independent_residual(averages: KeptAverages, loss: Loss, student: RiskStudent) -> float:
    """Largest difference between the sides of an equation, relative to its terms.

    The quadrature is refined until the equations hold or it is as fine as it goes.
    """
    orders = _ORDERS if averages.in_closed_form else _ORDERS[2:]
    residual = np.inf
    for order in orders:
        residual = _residual(averages, loss, student, order)
        if residual <= RESIDUAL_TOLERANCE:
            break
    return residual


def _residual(averages: KeptAverages, loss: Loss, student: RiskStudent, order: int) -> float:
    x, shrinkage = student.components, student.ridge * student.scale
    cells = quadrature_nodes(averages.law, x, loss, student.scale, weight=averages.weight, order=order)
    field, slope = loss.proximal_and_slope(cells.field, student.scale * cells.loss_weight)
    force = cells.field - field
    spread = student.alpha * cells.mean(force**2) / x[2] ** 2 - 1
    pull = student.alpha * cells.first(force)[:2]
    size = np.abs(pull) + shrinkage * np.abs(x[:2]) + x[2]
    response = student.alpha * cells.mean(1 - slope) - (1 - shrinkage)
    return float(np.max(np.abs([spread, *((shrinkage * x[:2] + pull) / size), response])))
