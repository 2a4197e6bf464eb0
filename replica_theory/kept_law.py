"""The law of kept examples in the plane of teacher and probe.

Flipping an example's input and label together changes nothing that a student sees, so every
rule q(z, y) acts through one function of the signed probe margin m = y z,

    q(m) = ½ [q(m, +1) + q(−m, −1)],

on examples of label +1. A `KeptLaw` is that function, in pieces on which it is smooth.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose
in-plane part points along cos ψ T + sin ψ V sees its own field t and the field x at right angles:

    u = t cos ψ − x sin ψ,    z = t cos(θ−ψ) + x sin(θ−ψ).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from replica_theory.gaussian import interval_moments, normal_density
from replica_theory.quadrature import breakpoints, composite_rule, panel_rule

Probability = Callable[[np.ndarray], np.ndarray]

_REACH = 10.5  # φ beyond it is below 1e-24
_SUBPANELS = 14


@dataclass(frozen=True, kw_only=True)
class Piece:
    """q(m) on lower < m < upper: a constant or a smooth function."""

    lower: float
    upper: float
    probability: float | Probability = 1.0

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """q at these margins, as if the piece had no ends."""
        if callable(self.probability):
            return self.probability(margin)
        return np.full_like(margin, self.probability)


@dataclass(frozen=True)
class KeptLaw:
    """Keep probability as a function of signed margin, and its mean f at the given angle and label noise."""

    pieces: tuple[Piece, ...]
    keep_fraction: float
    probe_angle: float
    label_noise: float = 0.0

    @cached_property
    def edges(self) -> np.ndarray:
        """Finite margins where q may jump, ascending."""
        ends = np.array([(piece.lower, piece.upper) for piece in self.pieces]).ravel()
        return np.unique(ends[np.isfinite(ends)])

    @cached_property
    def finest(self) -> float:
        """The smallest scale on which kept examples are confined: of a piece, of all, or between two boundaries."""
        widths = [piece.upper - piece.lower for piece in self.pieces]
        return min(*widths, self.keep_fraction, self.probe_angle or np.inf)

    def span(self, student_angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Student fields t between which kept examples of label +1 lie, but for the remotest."""
        turn = self.probe_angle - student_angle
        least, most = min(piece.lower for piece in self.pieces), max(piece.upper for piece in self.pieces)
        aside = _REACH * np.abs(np.sin(turn))
        with np.errstate(divide="ignore"):
            ends = (least - aside) / np.cos(turn), (most + aside) / np.cos(turn)
            behind = np.where(np.cos(student_angle) > 0, -_REACH * np.abs(np.tan(student_angle)), -np.inf)
        return np.maximum(np.minimum(*ends), behind), np.maximum(*ends)

    def across_moments(self, field: np.ndarray, student_angle: ArrayLike, row: np.ndarray | int = 0) -> np.ndarray:
        """∫ dx φ(x) (1, x, x²) q(z) [u > 0] at student fields t, (3, t); ``row`` says whose angle ψ is meant."""
        angle = np.atleast_1d(student_angle)
        if self.probe_angle == 0 and not angle.any():
            kept = (self(field) * (field > 0)).astype(float)
            return np.stack([kept, np.zeros_like(kept), kept])
        above, below = _half_line(field, angle, row)
        turn = self.probe_angle - angle
        at_lower, at_upper = (_crossings(field, turn, row, level) for level in (self._lower, self._upper))
        forward = (np.sin(turn) >= 0)[row]
        lower = np.maximum(np.where(forward, at_lower, at_upper), above)
        upper = np.minimum(np.where(forward, at_upper, at_lower), below)
        if self.is_constant:
            return np.tensordot(self.probabilities, interval_moments(lower, upper), axes=(0, 1))
        turn = np.broadcast_to(turn[row], field.shape)
        bounds = zip(self.pieces, lower, upper, strict=True)
        return np.sum([_quadrature_moments(piece, low, high, field, turn) for piece, low, high in bounds], axis=0)

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """q(m) at these margins."""
        inside = [(piece.lower < margin) & (margin < piece.upper) for piece in self.pieces]
        return np.sum([np.where(where, p(margin), 0.0) for p, where in zip(self.pieces, inside, strict=True)], axis=0)

    @cached_property
    def _lower(self) -> np.ndarray:
        return np.array([[piece.lower] for piece in self.pieces])

    @cached_property
    def _upper(self) -> np.ndarray:
        return np.array([[piece.upper] for piece in self.pieces])

    @cached_property
    def is_constant(self) -> bool:
        """Whether all pieces are constant: their moments are then in closed form."""
        return not any(callable(piece.probability) for piece in self.pieces)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each piece, where all are constant."""
        return np.array([piece.probability for piece in self.pieces], dtype=float)

    def features(self, student_angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Centres and widths in t, (students, 1 + edges), of the boundaries seen across: teacher's, then the rule's."""
        turn = self.probe_angle - student_angle[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            centres = self.edges / np.cos(turn)
            widths = np.broadcast_to(np.abs(np.tan(turn)), centres.shape)
            teacher = np.abs(np.tan(student_angle))[:, None]
        return np.hstack([np.zeros_like(teacher), centres]), np.hstack([teacher, widths])

    def kinks(self, student_angle: np.ndarray) -> np.ndarray:
        """t, (students, edges), of the corners where the rule's edges meet the teacher's boundary u = 0."""
        if self.probe_angle == 0:
            return np.broadcast_to(self.edges, (student_angle.size, self.edges.size))
        return self.edges * np.sin(student_angle[:, None]) / np.sin(student_angle.dtype.type(self.probe_angle))


def mean_keep_probability(
    probability: Probability, *, edges: tuple[float, ...], probe_angle: float, label_noise: float = 0.0
) -> float:
    """E q = ∫ 2 φ(m) [η + (1 − 2η) Φ(m cot θ)] q(m) dm, for q that is smooth between the edges."""
    tangent = math.tan(probe_angle)
    label, kinks = (np.zeros((1, 1)), np.full((1, 1), tangent)), np.array([[0.0, *edges]])
    ends = breakpoints(-12.0, 12.0, grid=np.linspace(-12.0, 12.0, 49), features=label, kinks=kinks)
    nodes = composite_rule(ends, order=16)
    with np.errstate(divide="ignore"):
        chance = label_noise + (1 - 2 * label_noise) * ndtr(nodes.points / tangent)
    density = 2 * normal_density(nodes.points) * chance
    return float(nodes.weights @ (density * probability(nodes.points)))


def _half_line(field: np.ndarray, angle: np.ndarray, row: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds in x of {u > 0}, which is one side of x = t cot ψ."""
    boundary = _crossings(-field, angle + 0.0, row, 0.0)  # + 0.0: never −0, whose side is wrong
    right = (np.sin(angle) >= 0)[row]
    return np.where(right, -np.inf, boundary), np.where(right, boundary, np.inf)


def _crossings(field: np.ndarray, turn: np.ndarray, row: np.ndarray | int, level: np.ndarray | float) -> np.ndarray:
    """x at which t cos + x sin = level; ±∞ on the side that a vertical boundary leaves open."""
    distance, sine = level - field * np.cos(turn)[row], np.sin(turn)[row]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(sine == 0, np.copysign(np.inf, distance), distance / sine)


def _quadrature_moments(piece: Piece, lower, upper, field, turn) -> np.ndarray:
    lower, upper = np.clip(lower, -_REACH, _REACH), np.clip(upper, -_REACH, _REACH)
    upper = np.maximum(lower, upper)
    shares = np.linspace(0.0, 1.0, _SUBPANELS + 1)
    x, weights = panel_rule(lower[:, None] + (upper - lower)[:, None] * shares, order=12)
    margin = (field[:, None] * np.cos(turn)[:, None] + x * np.sin(turn)[:, None]).astype(float)
    x = x.astype(float)
    weights = weights.astype(float) * normal_density(x) * piece(margin)
    return np.stack([(weights * x**power).sum(-1) for power in range(3)])
