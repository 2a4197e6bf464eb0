"""Version spaces of data that an imperfect probe has pruned: the students' mean has two components in its plane.

A Gibbs student's field on a kept example, g = (z, v, h) times its label, is N(x·g, 1) in units of the students' spread
√(1 − q) about their mean x = (a₁, a₂, b): along the probe, across it towards the teacher, outside their plane. With
c² = |x|² = q/(1 − q), y = x·g and h = ln Φ, the entropy

    S(x) = −½ ln(1 + c²) + ½ b² + α E h(y)

is stationary where

    (P1)  a_j/(1 + c²) = α E[h'(y) s_j],   s = (z, v)
    (P2)  b c²/(1 + c²) = −α E[h'(y) h],   which is   b² = α E h'(y)²
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_ndtr

from replica_theory._kept_averages.averages import KeptAverages
from replica_theory._kept_averages.field_nodes import FieldNodes
from replica_theory._kept_averages.quadrature import quadrature_nodes
from replica_theory._numerics.gaussian import inverse_mills
from replica_theory.errors import SaddlePointError
from replica_theory.geometry import angle_to, in_plane
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.kept_distribution import KeptDistribution

_FIRST_ALPHA = 0.02  # α at which a path begins
_LONGEST_STEP, _SHORTEST_STEP = 0.7, 1e-6  # in ln α from one point of the path to the next
_CUT, _GROWTH = 3.0, 1.5  # factors by which it falls after a failure of Newton's method, and grows otherwise
_MOST_STEPS = 12  # Newton steps at a point
_LARGEST = 2.0  # Newton step, relative, at which the iteration has left the basin of the root
_CONVERGED = 1e-7  # step after which one more reaches rounding
_CHECK_ORDER = 18  # Gauss–Legendre nodes a panel of the second evaluation
_SCALES = np.array([-9.0, -6.0, -4.0, -2.5, -1.0, 0.0, 1.0, 2.5, 4.0, 6.0, 9.0])  # y between which h is a polynomial
_BREAKS = Breakpoints(fields=_SCALES, slopes=np.zeros(_SCALES.size), corners=False)
_OUTSIDE = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class PlaneGibbs:
    """Gibbs students, in variables that lose no digits as R, q → 1.

    Attributes:
        alpha: α, kept examples per dimension.
        mean: x.
        information_gain: −E h(y).
        residual: Of (P1) and (P2), by a second quadrature and the other form of (P2).
        probe_angle: θ.
    """

    alpha: float
    mean: np.ndarray
    information_gain: float
    residual: float
    probe_angle: float

    @property
    def squared_norm(self) -> float:
        """c² = q/(1 − q)."""
        return float(self.mean @ self.mean)

    @property
    def self_overlap(self) -> float:
        """q."""
        return self.squared_norm / (1 + self.squared_norm)

    @property
    def overlap(self) -> float:
        """R, with the teacher."""
        return self._with(in_plane(self.probe_angle))

    @property
    def probe_overlap(self) -> float:
        """ρ, with the probe."""
        return self._with(in_plane(0.0))

    @property
    def gibbs_error(self) -> float:
        """arccos(R)/π, of the mean with a part of unit length beside it."""
        beside = math.hypot(float(self.mean[2]), 1.0)
        return float(angle_to(np.append(self.mean[:2], beside), in_plane(self.probe_angle))) / math.pi

    @property
    def center_of_mass_error(self) -> float:
        """arccos(R/√q)/π."""
        return float(angle_to(self.mean, in_plane(self.probe_angle))) / math.pi

    @property
    def entropy(self) -> float:
        """S."""
        return 0.5 * (float(self.mean[2]) ** 2 - math.log1p(self.squared_norm)) - self.alpha * self.information_gain

    def _with(self, direction: np.ndarray) -> float:
        return float(self.mean @ direction) / math.sqrt(1 + self.squared_norm)


@dataclass(frozen=True)
class PlaneVersionSpaces:
    """Version spaces of one rule along α."""

    kept: KeptDistribution

    @cached_property
    def averages(self) -> KeptAverages:
        """Over what the rule keeps."""
        return KeptAverages(self.kept)

    def at(self, alphas: np.ndarray) -> list[PlaneGibbs]:
        """At these α, in their order; each follows from the one before it.

        Raises:
            SaddlePointError: The path ends.
        """
        order, found = np.argsort(alphas, kind="stable").tolist(), {}
        log_alpha, x = self._first(float(alphas.min()))
        for place in order:
            log_alpha, x = self._followed(log_alpha, x, math.log(alphas[place]))
            found[place] = self._described(float(alphas[place]), x)
        return [found[place] for place in range(alphas.size)]

    def _first(self, least: float) -> tuple[float, np.ndarray]:
        """From α → 0, where a = α √(2/π) E s and b² = 2 α/π."""
        alpha = min(_FIRST_ALPHA, least)
        along = alpha * math.sqrt(2 / math.pi) * self.averages.plane_moments[0]
        x, step = self._newton(alpha, np.append(along, math.sqrt(2 * alpha / math.pi)))
        if x is None:
            raise SaddlePointError(f"no version space found at alpha_prune = {alpha}", residual=step)
        return math.log(alpha), x

    def _followed(self, log_alpha: float, x: np.ndarray, target: float) -> tuple[float, np.ndarray]:
        longest = _LONGEST_STEP
        while log_alpha < target:
            following = min(log_alpha + longest, target)
            gradient, hessian = self._equations(math.exp(log_alpha), x)
            by_log_alpha = gradient + np.append(x[:2], 0.0) / (1 + x @ x) - _OUTSIDE * x[2] * (x @ x) / (1 + x @ x)
            slope = -np.linalg.solve(hessian, by_log_alpha)
            guess = x + (following - log_alpha) * slope
            guess[2] = max(guess[2], 0.5 * x[2])
            ahead, step = self._newton(math.exp(following), guess)
            if ahead is not None:
                log_alpha, x, longest = following, ahead, min(_LONGEST_STEP, _GROWTH * longest)
                continue
            longest /= _CUT
            if longest < _SHORTEST_STEP:
                raise SaddlePointError(
                    f"no version space found beyond alpha_prune = {math.exp(log_alpha):g}", residual=step
                )
        return log_alpha, x

    def _newton(self, alpha: float, x: np.ndarray) -> tuple[np.ndarray | None, float]:
        """The stationary point, or none, and the last relative step."""
        size = math.inf
        for _ in range(_MOST_STEPS):
            gradient, hessian = self._equations(alpha, x)
            if not np.isfinite(hessian).all():
                return None, size
            step = -np.linalg.solve(hessian, gradient)
            before, size = size, float(np.abs(step).max() / np.linalg.norm(x))
            if not size < _LARGEST or x[2] + step[2] <= 0:
                return None, size
            x = x + step
            if min(before, size) < _CONVERGED:
                return x, size
        return None, size

    def _equations(self, alpha: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∂S/∂x and ∂²S/∂x²."""
        return _equations(alpha, x, self.averages(_BREAKS, x, 1.0))

    def _described(self, alpha: float, x: np.ndarray) -> PlaneGibbs:
        """The point after a last step on the other quadrature, which cancels less where R → 1."""
        gradient, hessian = _equations(alpha, x, quadrature_nodes(self.kept, x, _BREAKS, 1.0))
        x = x - np.linalg.solve(hessian, gradient)
        nodes = quadrature_nodes(self.kept, x, _BREAKS, 1.0, order=_CHECK_ORDER)
        return PlaneGibbs(
            alpha=alpha,
            mean=x,
            information_gain=-nodes.mean(log_ndtr(nodes.field)),
            residual=_residual(alpha, x, nodes),
            probe_angle=self.kept.probe_angle,
        )


def _equations(alpha: float, x: np.ndarray, nodes: FieldNodes) -> tuple[np.ndarray, np.ndarray]:
    """∂S/∂x and ∂²S/∂x²."""
    norm = 1 + float(x @ x)
    force = inverse_mills(nodes.field)
    prior = -x / norm + _OUTSIDE * x[2]
    curvature = 2 * np.outer(x, x) / norm**2 - np.eye(3) / norm + np.outer(_OUTSIDE, _OUTSIDE)
    stiffness = -force * (nodes.field + force)
    return prior + alpha * nodes.first(force), curvature + alpha * nodes.second(stiffness)


def _residual(alpha: float, x: np.ndarray, nodes: FieldNodes) -> float:
    """Of (P1), relative to |a| and α E|h'| √E s², and of b² = α E h'²."""
    force, norm = inverse_mills(nodes.field), 1 + float(x @ x)
    pull, square = alpha * nodes.first(force)[:2], alpha * nodes.mean(force**2)
    across = np.abs(x[:2] / norm - pull).max() / (np.abs(x[:2]).max() / norm + np.abs(pull).max())
    return float(max(across, abs(square / x[2] ** 2 - 1)))
