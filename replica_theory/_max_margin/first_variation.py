"""What one more kept example does to the error, as a function of its margin alone.

The error is a smooth functional of the rule q, and its first variation follows from the adjoint of
the three equations F = 0 of the student's state: with averages G over examples of a given margin,

    δ ln ε = (1/f) E[δq · influence],   influence(m) = −∇ln ε · (∂F/∂state)⁻¹ E[G | m].
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.saddle_point import stationarity
from replica_theory._numerics.gaussian import squared_ramp
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 11.0
_GRID = np.array([-11.0, -8.0, -5.5, -3.5, -2.0, -1.0, 0.0, 1.0, 2.0, 3.5, 5.5, 8.0, 11.0])


@dataclass(frozen=True)
class Influence:
    """Relative change of the error per relative amount of examples kept at signed margin m = y z."""

    student: OrderParameters
    probe_angle: float
    adjoint: np.ndarray

    @classmethod
    def at(cls, law: KeptDistribution, student: OrderParameters) -> "Influence":
        """The influence on one student's error, at its saddle point."""
        here = stationarity(law, student)
        slopes = student.log_error_slopes()[0, 1:]
        adjoint = -np.linalg.solve(here.jacobian[0, :, 1:].T, slopes) / here.sizes[0]
        return cls(student, law.probe_angle, adjoint)

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """Influence at these margins, 1-D; where labels never disagree (θ = 0), margins are positive."""
        if self.probe_angle == 0:
            return self.adjoint[:2] @ self._seen(margin, np.zeros_like(margin), np.arange(margin.size))[:2]
        return self.adjoint @ self._averages(margin)

    def _averages(self, margin: np.ndarray) -> np.ndarray:
        """Averages over w > −m cot θ, where the label is right: z = m, u = m cos θ + w sin θ."""
        angle, turn = self.probe_angle, float(self.probe_angle - self.student.angle[0])
        k, p = float(self.student.k[0]), float(self.student.length[0])
        lowest = -margin / np.tan(angle)
        with np.errstate(divide="ignore", invalid="ignore"):
            begin = (k / p - margin * np.cos(turn)) / np.sin(turn)
            softness = np.full_like(margin, 1 / (p * abs(np.sin(turn))))
        decay = 1 / np.maximum(1.0, lowest)
        features = np.stack([begin, lowest], 1), np.stack([softness, decay], 1)
        lower = np.maximum(lowest, -_REACH)
        ends = breakpoints(lower, np.maximum(_REACH, lower + 11 * decay), grid=_GRID, features=features)
        nodes = composite_rule(ends, order=12)
        w, row = nodes.points, nodes.row
        density = np.exp(-0.5 * w * w - log_ndtr(-lowest)[row]) / np.sqrt(2 * np.pi)
        return nodes.integrals(density * self._seen(margin, w, row))

    def _seen(self, margin: np.ndarray, w: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Q, Q' (p x − t) and −Q' v for an example at (m, w)."""
        turn, k, p = (float(v[0]) for v in (self.probe_angle - self.student.angle, self.student.k, self.student.length))
        t = margin[row] * np.cos(turn) + w * np.sin(turn)
        across = margin[row] * np.sin(turn) - w * np.cos(turn)
        x = k - p * t
        ramp, slope, _ = squared_ramp(x)
        return np.stack([ramp, slope * (p * x - t), -slope * across])
