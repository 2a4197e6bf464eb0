"""The law of kept examples in the plane of teacher and probe.

Flipping an example's input and label together changes nothing that a student sees, so every
rule q(z, y) acts through one function of the signed probe margin m = y z,

    q(m) = ½ [q(m, +1) + q(−m, −1)],

on examples of label +1. A `KeptLaw` is that function, in pieces on which it is smooth.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose
in-plane part points along cos ψ T + sin ψ V sees its own field t and the field x at right angles:

    u = t cos ψ − x sin ψ,    z = t cos(θ−ψ) + x sin(θ−ψ).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.gaussian import interval_moments, normal_density
from replica_theory.quadrature import panel_rule

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


@dataclass(frozen=True, kw_only=True)
class KeptLaw:
    """Keep probability as a function of signed margin, and its mean f at the given angle."""

    pieces: tuple[Piece, ...]
    keep_fraction: float
    probe_angle: float

    @cached_property
    def edges(self) -> np.ndarray:
        """Finite margins where q may jump, ascending."""
        ends = np.array([(piece.lower, piece.upper) for piece in self.pieces]).ravel()
        return np.unique(ends[np.isfinite(ends)])

    def across_moments(self, field: np.ndarray, student_angle: float) -> np.ndarray:
        """∫ dx φ(x) (1, x, x²) q(z) [u > 0] at each student field t, (3, t)."""
        above, below = _half_line(field, student_angle)
        turn = self.probe_angle - student_angle
        ends = _crossings(field, turn, self._lower), _crossings(field, turn, self._upper)
        lower, upper = ends if np.sin(turn) >= 0 else ends[::-1]
        lower, upper = np.maximum(lower, above), np.minimum(upper, below)
        if self._constant is not None:
            return np.tensordot(self._constant, interval_moments(lower, upper), axes=(0, 1))
        bounds = zip(self.pieces, lower, upper, strict=True)
        return np.sum([_quadrature_moments(piece, low, high, field, turn) for piece, low, high in bounds], axis=0)

    @cached_property
    def _lower(self) -> np.ndarray:
        return np.array([[piece.lower] for piece in self.pieces])

    @cached_property
    def _upper(self) -> np.ndarray:
        return np.array([[piece.upper] for piece in self.pieces])

    @cached_property
    def _constant(self) -> np.ndarray | None:
        """Probabilities of the pieces, if all are constant: their moments are then in closed form."""
        values = [piece.probability for piece in self.pieces]
        return None if any(callable(value) for value in values) else np.array(values, dtype=float)

    def features(self, student_angle: float) -> list[tuple[float, float]]:
        """(centre, width) in t of each boundary seen across: teacher's, then the rule's edges."""
        turn = self.probe_angle - student_angle
        with np.errstate(divide="ignore", invalid="ignore"):
            widths = np.abs(np.tan([student_angle, turn]))
            return [(0.0, widths[0])] + [(edge / np.cos(turn), widths[1]) for edge in self.edges]

    def kinks(self, student_angle: float) -> np.ndarray:
        """t of the corners where the rule's edges meet the teacher's boundary u = 0."""
        if self.probe_angle == 0:
            return self.edges
        return self.edges * np.sin(student_angle) / np.sin(self.probe_angle)


def _half_line(field: np.ndarray, student_angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Bounds in x of {u > 0}, which is one side of x = t cot ψ."""
    boundary = _crossings(-field, student_angle + 0.0, 0.0)  # + 0.0: never −0, whose side is wrong
    infinite = np.full_like(field, np.inf)
    return (-infinite, boundary) if np.sin(student_angle) >= 0 else (boundary, infinite)


def _crossings(field: np.ndarray, turn: float, level: np.ndarray | float) -> np.ndarray:
    """x at which t cos + x sin = level; ±∞ on the side that a vertical boundary leaves open."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return (level - field * np.cos(turn)) / np.sin(turn)


def _quadrature_moments(piece: Piece, lower, upper, field, turn) -> np.ndarray:
    lower, upper = np.clip(lower, -_REACH, _REACH), np.clip(upper, -_REACH, _REACH)
    upper = np.maximum(lower, upper)
    shares = np.linspace(0.0, 1.0, _SUBPANELS + 1)
    x, weights = panel_rule(lower[:, None] + (upper - lower)[:, None] * shares, order=12)
    weights = weights * normal_density(x) * piece(field[:, None] * np.cos(turn) + x * np.sin(turn))
    return np.stack([(weights * x**power).sum(-1) for power in range(3)])
