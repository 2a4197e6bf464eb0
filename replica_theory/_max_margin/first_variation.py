"""What one more kept example does to the error, as a function of its margin alone.

The error is a smooth functional of the rule q. With F = 0 the equations (S1)–(S3) of the student's state
(k, scale, ψ), and G(m) the averages ⟨·⟩ of (S1)–(S3) over examples of margin m alone, its first variation is

    δ ln ε = (1/f) E[δq · influence],   influence(m) = −∇ln ε · (∂F/∂state)⁻¹ G(m).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.saddle_point import saddle_point_equations
from replica_theory._numerics.gaussian import squared_ramp
from replica_theory._numerics.quadrature import GaussianPanels
from replica_theory.selection.kept_distribution import KeptDistribution

_PANELS = GaussianPanels(
    grid=np.array([-11.0, -8.0, -5.5, -3.5, -2.0, -1.0, 0.0, 1.0, 2.0, 3.5, 5.5, 8.0, 11.0]), order=12
)
_DECAY_LENGTHS = 11.0  # of the tail φ(w)/φ(w₀) at w > w₀ ≫ 1, whose decay length is 1/w₀, over which it is summed


@dataclass(frozen=True)
class Influence:
    """d ln ε per relative amount of examples kept at signed margin m = y z.

    Attributes:
        student: One student, in numbers, at its saddle point.
        probe_angle: θ, radians.
        adjoint: −∇ln ε · (∂F/∂state)⁻¹, (3,), per unit of the averages (S1)–(S3).
    """

    student: OrderParameters
    probe_angle: float
    adjoint: np.ndarray

    @classmethod
    def at(cls, kept: KeptDistribution, student: OrderParameters) -> "Influence":
        """The influence on one student's error."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            equations = saddle_point_equations(kept, student)
        gradient = np.array([0.0, *student.log_error_gradient()], float)
        adjoint = -np.linalg.solve(np.array(equations.jacobian), gradient) / np.array(equations.term_sizes)
        return cls(student, kept.probe_angle, adjoint)

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """Influence at these margins, (margins,); where labels never disagree (θ = 0), margins are positive."""
        if self.probe_angle == 0:
            averages = self._integrands(margin, np.zeros_like(margin))
            return self.adjoint[:2] @ averages[:2]
        return self.adjoint @ self._averages(margin)

    def _averages(self, margin: np.ndarray) -> np.ndarray:
        """G(m), (3, margins): averages over w, with u = m cos θ + w sin θ > 0, so that w > −m cot θ."""
        to_probe = float(self.probe_angle - self.student.angle)
        k, p = float(self.student.k), float(self.student.length)
        lowest = -margin / np.tan(self.probe_angle)
        with np.errstate(divide="ignore", invalid="ignore"):
            # x = k − p t crosses 0, as t = m cos(θ−ψ) + w sin(θ−ψ) rises
            crossing = (k / p - margin * np.cos(to_probe)) / np.sin(to_probe)
            width = np.full_like(margin, 1 / (p * abs(np.sin(to_probe))))
        decay = 1 / np.maximum(1.0, lowest)
        features = np.stack([crossing, lowest], 1), np.stack([width, decay], 1)
        lower = np.maximum(lowest, -_PANELS.reach)
        upper = np.maximum(_PANELS.reach, lower + _DECAY_LENGTHS * decay)
        nodes = _PANELS.nodes(lower, upper, features=features)
        w, row = nodes.points, nodes.row
        density = np.exp(-0.5 * w * w - log_ndtr(-lowest)[row]) / np.sqrt(2 * np.pi)
        return nodes.integrals(density * self._integrands(margin[row], w))

    def _integrands(self, margin: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Q, Q' (p x − t) and −Q' v of examples at (m, w), (3, examples)."""
        to_probe = float(self.probe_angle - self.student.angle)
        k, p = float(self.student.k), float(self.student.length)
        t = margin * np.cos(to_probe) + w * np.sin(to_probe)
        v = margin * np.sin(to_probe) - w * np.cos(to_probe)
        x = k - p * t
        q, dq, _ = squared_ramp(x)
        return np.stack([q, dq * (p * x - t), -dq * v])
