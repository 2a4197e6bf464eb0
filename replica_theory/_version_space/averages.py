"""Averages over kept examples of what a student drawn from the version space sees of them.

The student's mean field on a kept example of label +1 is, in units of its own spread √(1 − q),

    y = a u + b t,   a = R/√(1−q),   b = √(q−R²)/√(1−q),   t ~ N(0, 1),

with u > 0 the teacher's field under the kept law; it agrees with the label with probability Φ(y).
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

_GRID = np.linspace(0.0, TEACHER_FIELD_REACH, 7)
_NOISE_REACH = 8.5
_NOISE_STEP = 0.42  # in y: Φ has no zero within 2.8 of the real axis, so a plain sum converges to 1e-16
_WIDEST_SUM = 4.0  # of b; beyond it, panels around the step of Φ need fewer nodes
_STEPS = np.array([-6.0, -3.0, 0.0, 3.0, 6.0, 9.0])
_FLAT = 9.0  # |y| beyond which Φ or 1 − Φ vanishes to 1e-19
_EVEN = np.linspace(-_NOISE_REACH, _NOISE_REACH, 8)


def tail_panels(farthest: float) -> np.ndarray:
    """Negative y, down to the farthest, between which h'(y) = −y − 1/y + … is smooth to a panel."""
    return -_FLAT * 3.0 ** np.arange(max(1, math.ceil(math.log(farthest / _FLAT, 3))))


def tail_width(edge: float, length: float) -> float:
    """Scale on which φ(s) h'(length s)² decays beyond an edge."""
    return 1 / max(edge * (1 + length**2), math.hypot(1.0, length))


@dataclass(frozen=True)
class ForceAverages:
    """Averages of h' = (ln Φ)' at y, with derivatives in (a, b).

    Attributes:
        pull: E u h'.
        square: E h'².
        curvature: E h'', which is ≤ 0.
        pull_slope: ∂(E u h')/∂(a, b).
        square_slope: ∂(E h'²)/∂(a, b).
    """

    pull: float
    square: float
    curvature: float
    pull_slope: tuple[float, float]
    square_slope: tuple[float, float]


@dataclass(frozen=True)
class KeptTeacherField:
    """The law of u > 0 on kept examples, density (2/f) φ(u) q(u)."""

    law: KeptDistribution

    @cached_property
    def pieces(self) -> list[Piece]:
        return positive_pieces(self.law)

    @cached_property
    def mean(self) -> float:
        """E u."""
        field, weights = self._rule(0.0, 1.0)
        return float(weights @ field)

    @cached_property
    def density_ratio(self) -> float:
        """Density of u at the teacher's boundary, as a multiple of that of random examples: q(0)/f."""
        values = [piece(np.zeros(1))[0] for piece in self.pieces if piece.lower == 0]
        return float(sum(values)) / self.law.keep_fraction

    def force(self, a: float, b: float) -> ForceAverages:
        """The averages that enter the saddle point, at a student (a, b)."""
        field, weights, noise, noise_weights = self._fields(a, b)
        y = a * field[:, None] + b * noise
        first = inverse_mills(y)
        second = -first * (y + first)
        product = first * second
        moments = weights * field ** np.arange(3)[:, None]

        def mean(values: np.ndarray, power: int, over: np.ndarray = noise_weights) -> float:
            return float(moments[power] @ _over_noise(values, over))

        tilted = noise_weights * noise
        return ForceAverages(
            pull=mean(first, 1),
            square=mean(first * first, 0),
            curvature=mean(second, 0),
            pull_slope=(mean(second, 2), mean(second, 1, tilted)),
            square_slope=(2 * mean(product, 1), 2 * mean(product, 0, tilted)),
        )

    def information_gain(self, a: float, b: float) -> float:
        """I = −E ln Φ(y), nats per example."""
        field, weights, noise, noise_weights = self._fields(a, b)
        return -float(weights @ _over_noise(log_ndtr(a * field[:, None] + b * noise), noise_weights))

    def _fields(self, a: float, b: float) -> tuple[np.ndarray, ...]:
        """u with weights, then t with weights: a row, or a matrix with one row for each u."""
        field, weights = self._rule(a, math.hypot(1.0, b) / a)
        if b <= _WIDEST_SUM:
            step = _NOISE_STEP / max(1.0, b)
            noise = step * np.arange(-math.ceil(_NOISE_REACH / step), math.ceil(_NOISE_REACH / step) + 1)
            return field, weights, noise, step * normal_density(noise)
        steps = np.concatenate([tail_panels(b * _NOISE_REACH), _STEPS])
        around = (steps - a * field[:, None]) / b
        ends = np.concatenate([np.broadcast_to(_EVEN, (field.size, _EVEN.size)), around], axis=1)
        noise, noise_weights = panel_rule(np.sort(np.clip(ends, -_NOISE_REACH, _NOISE_REACH), axis=1))
        return field, weights, noise, noise_weights * normal_density(noise)

    def _rule(self, a: float, width: float) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and weights in u: panels where h' decays from u = 0, and beyond the rule's edges."""
        rules = [self._piece_rule(piece, a, width) for piece in self.pieces]
        return np.concatenate([field for field, _ in rules]), np.concatenate([weights for _, weights in rules])

    def _piece_rule(self, piece: Piece, a: float, width: float) -> tuple[np.ndarray, np.ndarray]:
        widths = [width, tail_width(piece.lower, a) if piece.lower > 0 else width]
        features = np.array([[0.0, piece.lower]]), np.array([widths])
        nodes = composite_rule(breakpoints(piece.lower, piece.upper, grid=_GRID, features=features), order=12)
        field = nodes.points
        return field, 2 / self.law.keep_fraction * nodes.weights * normal_density(field) * piece(field)


def _over_noise(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return values @ weights if weights.ndim == 1 else (values * weights).sum(1)
