"""Averages over kept examples of the force h'(y), h = ln Φ, that an example has on students of the version space.

The students' mean field on a kept example of label +1 is, in units of their spread √(1 − q),

    y = a u + b t,   a = R/√(1−q),   b = √(q−R²)/√(1−q),   t ~ N(0, 1),

with u > 0 the teacher's field of a kept example; a student agrees with the label with probability Φ(y).
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_ndtr

from replica_theory._kept_averages.teacher_field import TEACHER_FIELD_REACH, positive_pieces
from replica_theory._numerics.gaussian import inverse_mills, normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule, panel_rule
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

_GRID = np.linspace(0.0, TEACHER_FIELD_REACH, 7)  # panel ends in u
_ORDER = 12  # Gauss–Legendre nodes a panel in u
_NOISE_REACH = 8.5  # largest |t|: φ beyond it is negligible
_NOISE_GRID = np.linspace(-_NOISE_REACH, _NOISE_REACH, 8)  # panel ends in t
_NOISE_STEP = 0.42  # spacing in y of a plain sum over t, good to 1e-16 as Φ has no zero within 2.8 of the real axis
_LARGEST_SUM = 4.0  # largest b at which the sum needs fewer nodes than panels around the step of Φ
_STEP_ENDS = np.array([-6.0, -3.0, 0.0, 3.0, 6.0, 9.0])  # panel ends in y around the step of Φ
_FLAT = 9.0  # |y| at which Φ or 1 − Φ is 1e-19
_TAIL_RATIO = 3.0  # ratio of neighbouring panel ends in y below −_FLAT


def tail_panels(farthest: float) -> np.ndarray:
    """Negative y, down to the farthest, between which h'(y) = −y − 1/y + … is smooth to a panel."""
    return -_FLAT * _TAIL_RATIO ** np.arange(max(1, math.ceil(math.log(farthest / _FLAT, _TAIL_RATIO))))


def tail_width(edge: float, norm: float) -> float:
    """Length in s on which φ(s) h'(norm · s)² decays from an edge on."""
    return 1 / max(edge * (1 + norm**2), math.hypot(1.0, norm))


@dataclass(frozen=True)
class ForceAverages:
    """Averages of h'(y) over the kept examples, and their derivatives by (a, b).

    Attributes:
        u_force: E[u h'].
        squared_force: E h'².
        curvature: E h'', which is ≤ 0.
        u_force_gradient: ∂E[u h']/∂(a, b).
        squared_force_gradient: ∂E h'²/∂(a, b).
    """

    u_force: float
    squared_force: float
    curvature: float
    u_force_gradient: tuple[float, float]
    squared_force_gradient: tuple[float, float]


@dataclass(frozen=True)
class KeptTeacherField:
    """The teacher's field u > 0 of kept examples, of density (2/f) φ(u) q(u)."""

    kept: KeptDistribution

    @cached_property
    def pieces(self) -> list[Piece]:
        return positive_pieces(self.kept)

    @cached_property
    def mean(self) -> float:
        """E u."""
        u, weights = self._teacher_nodes(0.0, 1.0)
        return float(weights @ u)

    @cached_property
    def density_ratio(self) -> float:
        """Density of u at the teacher's boundary, as a multiple of that of random examples: q(0)/f."""
        values = [piece(np.zeros(1))[0] for piece in self.pieces if piece.lower == 0]
        return float(sum(values)) / self.kept.keep_fraction

    def force(self, a: float, b: float) -> ForceAverages:
        """The averages that enter the saddle point, with h'' = −h' (y + h')."""
        u, weights, t, noise_weights = self._nodes(a, b)
        y = a * u[:, None] + b * t
        first = inverse_mills(y)
        second = -first * (y + first)
        product = first * second
        powers = weights * u ** np.arange(3)[:, None]
        with_t = noise_weights * t

        def mean(values: np.ndarray, power: int, over: np.ndarray = noise_weights) -> float:
            """E[u^power values], or E[u^power t values] over ``with_t``."""
            return float(powers[power] @ _over_noise(values, over))

        return ForceAverages(
            u_force=mean(first, 1),
            squared_force=mean(first * first, 0),
            curvature=mean(second, 0),
            u_force_gradient=(mean(second, 2), mean(second, 1, with_t)),
            squared_force_gradient=(2 * mean(product, 1), 2 * mean(product, 0, with_t)),
        )

    def information_gain(self, a: float, b: float) -> float:
        """I = −E ln Φ(y), nats per example."""
        u, weights, t, noise_weights = self._nodes(a, b)
        return -float(weights @ _over_noise(log_ndtr(a * u[:, None] + b * t), noise_weights))

    def _nodes(self, a: float, b: float) -> tuple[np.ndarray, ...]:
        """u with weights, then t with weights: a row for all u, or a matrix with one row for each u."""
        u, weights = self._teacher_nodes(a, math.hypot(1.0, b) / a)
        if b <= _LARGEST_SUM:
            step = _NOISE_STEP / max(1.0, b)
            count = math.ceil(_NOISE_REACH / step)
            t = step * np.arange(-count, count + 1)
            return u, weights, t, step * normal_density(t)
        around = (np.concatenate([tail_panels(b * _NOISE_REACH), _STEP_ENDS]) - a * u[:, None]) / b
        ends = np.concatenate([np.broadcast_to(_NOISE_GRID, (u.size, _NOISE_GRID.size)), around], axis=1)
        t, noise_weights = panel_rule(np.sort(np.clip(ends, -_NOISE_REACH, _NOISE_REACH), axis=1))
        return u, weights, t, noise_weights * normal_density(t)

    def _teacher_nodes(self, a: float, width: float) -> tuple[np.ndarray, np.ndarray]:
        """u and weights: panels where h' decays from u = 0 over this width, and from the rule's edges on."""
        nodes = [self._piece_nodes(piece, a, width) for piece in self.pieces]
        return np.concatenate([u for u, _ in nodes]), np.concatenate([weights for _, weights in nodes])

    def _piece_nodes(self, piece: Piece, a: float, width: float) -> tuple[np.ndarray, np.ndarray]:
        widths = [width, tail_width(piece.lower, a) if piece.lower > 0 else width]
        features = np.array([[0.0, piece.lower]]), np.array([widths])
        nodes = composite_rule(breakpoints(piece.lower, piece.upper, grid=_GRID, features=features), order=_ORDER)
        u = nodes.points
        return u, 2 / self.kept.keep_fraction * nodes.weights * normal_density(u) * piece(u)


def _over_noise(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """∫ over t, one for each u."""
    return values @ weights if weights.ndim == 1 else (values * weights).sum(1)
