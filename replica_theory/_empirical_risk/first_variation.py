"""What one more kept example does to the error, as a function of its margin alone.

The pool is fixed, so that a change δq of the rule moves the sums over kept examples by α_total E[δq ·]. In the gradient
(G_x, G_τ) of `saddle_point`, f = α E[F g] and S = α E F² move, and the student with them:

    δG_x = δf/V − e₃ δS/(2Vb),    δG_τ = −δS/(2b),    δ(x, ln τ) = −J⁻¹ δG

    δ ln ε = (1/f) E[δq ι],       ι(m) = adjoint · (δG of α examples of margin m),    adjoint = −J⁻ᵀ ∇ ln ε
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._empirical_risk.order_parameters import OrderParameters
from replica_theory._empirical_risk.saddle_point import RegularisedRisk
from replica_theory._kept_averages.at_margin import MarginAverages
from replica_theory.geometry import angle_to, in_plane
from replica_theory.losses.base import Loss
from replica_theory.selection.label_chance import LabelChance

_CHUNK = 64  # margins that are averaged at once, so that their nodes stay in the cache


@dataclass(frozen=True)
class Influence:
    """d ln ε per relative amount of examples kept at signed margin m = y z, and by ln λ.

    Attributes:
        point: The student.
        loss: ℓ.
        probe_angle: θ, radians.
        label: The chance of the label +1.
        adjoint: −J⁻ᵀ ∇ ln ε, (4,).
    """

    point: OrderParameters
    loss: Loss
    probe_angle: float
    label: LabelChance
    adjoint: np.ndarray

    @classmethod
    def at(cls, risk: RegularisedRisk, point: OrderParameters) -> "Influence":
        """The influence on one student's error."""
        kept = risk.averages.kept
        gradient = np.append(log_error_gradient(point.components, kept.probe_angle), 0.0)
        adjoint = -np.linalg.solve(risk.equations(point).jacobian.T, gradient)
        return cls(point, risk.loss, kept.probe_angle, kept.label, adjoint)

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """ι at these margins, (margins,)."""
        chunks = [self._of(margin[i : i + _CHUNK]) for i in range(0, margin.size, _CHUNK)]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def _of(self, margin: np.ndarray) -> np.ndarray:
        x, V, b = self.point.components, self.point.scale, float(self.point.components[2])
        examples = MarginAverages.of(
            margin,
            x,
            probe_angle=self.probe_angle,
            label=self.label,
            loss_breakpoints=self.loss.breakpoints,
            scale=V,
        )
        F = examples.field - self.loss.proximal(examples.field, V)
        by_square = self.adjoint[2] / (2 * V * b) + self.adjoint[3] / (2 * b)
        return self.point.alpha * (self.adjoint[:3] @ examples.first(F) / V - by_square * examples.mean(F**2))

    @property
    def log_ridge_slope(self) -> float:
        """∂ ln ε/∂ ln λ, from δG_x = λ x δ ln λ."""
        return self.point.ridge * float(self.adjoint[:3] @ self.point.components)


def log_error_gradient(components: np.ndarray, probe_angle: float) -> np.ndarray:
    """∂ ln ε/∂(a₁, a₂, b), with ε = arctan2(perpendicular, parallel)/π."""
    (a1, a2, b), (c, s) = components.tolist(), (math.cos(probe_angle), math.sin(probe_angle))
    parallel, across = a1 * c + a2 * s, a1 * s - a2 * c
    perpendicular = math.hypot(across, b)
    by_perpendicular = np.array([across * s, -across * c, b]) / perpendicular
    turn = parallel * by_perpendicular - perpendicular * np.array([c, s, 0.0])
    angle = float(angle_to(components, in_plane(probe_angle)))
    return turn / (components @ components) / angle
