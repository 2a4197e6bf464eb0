"""The stationarity of regularised risk: four equations in a student x = (a₁, a₂, b) and the scale V.

With p = prox_{Vwℓ}(ω), F = ω − p and averages over kept examples, w the sample weight::

    λ V x + α E[F g] = (0, 0, b),      α E F² = b²

They are the saddle of a potential that is convex in x and concave in τ = b/V::

    Ψ(x, τ) = λ|x|²/2 + α E[w ℓ(p) + F²/(2V)] − bτ/2

so that (∂Ψ/∂x, −∂Ψ/∂τ) is a monotone map, with a single root, for which Newton's method descends::

    ∂Ψ/∂x = λ x + α E[F g]/V − (0, 0, b² + α E F²)/(2bV),      −∂Ψ/∂τ = (b² − α E F²)/(2b)
"""

from dataclasses import dataclass

import numpy as np

from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory.losses.base import Loss

_LAST = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class RiskEquations:
    """The monotone map at some x and V, times V.

    Attributes:
        difference: V (∂Ψ/∂x, −∂Ψ/∂τ), (4,).
        jacobian: of V-fixed multiples of the map by (x, ln V) at a fixed τ where x is varied, (4, 4).
        size: Of the terms of each difference, (4,).
    """

    difference: np.ndarray
    jacobian: np.ndarray
    size: np.ndarray

    @property
    def residual(self) -> float:
        """Largest difference, relative to the size of its terms."""
        return float(np.max(np.abs(self.difference / self.size)))


def risk_equations(
    loss: Loss, cells: FieldNodes, *, alpha: float, ridge: float, student: np.ndarray, scale: float
) -> RiskEquations:
    """The equations and their derivatives."""
    field, slope = loss.proximal_and_slope(cells.field, scale * cells.loss_weight)
    force = cells.field - field
    b, V = float(student[2]), scale
    pull, square = alpha * cells.first(force), alpha * cells.mean(force**2)
    pull_by_x, pull_by_v = alpha * cells.second(1 - slope), alpha * cells.first(force * slope)
    square_by_x, square_by_v = 2 * (pull - pull_by_v), 2 * alpha * cells.mean(force**2 * slope)
    g = np.append(ridge * student + pull / V - _LAST * (b / (2 * V) + square / (2 * V * b)), (b - square / b) / 2)
    by_x, by_v = np.empty((4, 3)), np.empty(4)
    by_x[:3] = ridge * np.eye(3) + pull_by_x / V
    by_x[2] -= square_by_x / (2 * V * b)
    by_x[2, 2] -= 1 / (2 * V) - square / (2 * V * b * b)
    by_x[3] = -square_by_x / (2 * b)
    by_x[3, 2] += 0.5 + square / (2 * b * b)
    by_v[:3] = (pull_by_v - pull) / V
    by_v[2] += b / (2 * V) + square / (2 * V * b) - square_by_v / (2 * V * b)
    by_v[3] = -square_by_v / (2 * b)
    by_x[:, 2] += by_v / b
    size = np.maximum(ridge * np.abs(student) + np.abs(pull) / V, b / V)
    return RiskEquations(g, np.column_stack([by_x, -by_v]), np.append(size, b))
