"""Averages over the teacher's field u > 0 of kept examples of a perfect probe, θ = 0, whose margin is u itself."""

import numpy as np

from replica_theory._kept_averages.field_nodes import labelled_pieces
from replica_theory._numerics.gaussian import interval_moments, normal_density
from replica_theory._numerics.quadrature import panel_rule
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

TEACHER_FIELD_REACH = 12.0  # u beyond which φ(u) is negligible
GAUSSIAN_REACH = 10.5  # |u − mean|, in standard deviations, beyond which a Gaussian window is negligible
_NARROW = 0.5  # width of a piece, in standard deviations of the window, below which one panel resolves it
_SUBPANELS = 14  # over ±GAUSSIAN_REACH of a window
_ORDER = 12  # Gauss–Legendre nodes per panel


def positive_pieces(kept: KeptDistribution) -> list[Piece]:
    """The parts of a rule's pieces at teacher fields 0 < u < TEACHER_FIELD_REACH."""
    bounds = [(max(piece.lower, 0.0), min(piece.upper, TEACHER_FIELD_REACH), piece) for piece in kept.pieces]
    return [Piece(lower=a, upper=b, probability=piece.probability) for a, b, piece in bounds if a < b]


def labelled_fields(kept: KeptDistribution) -> list[Piece]:
    """q(u) L(u) at teacher fields |u| < TEACHER_FIELD_REACH, of clean labels or not."""
    if kept.label_noise == 0:
        return positive_pieces(kept)
    reach = TEACHER_FIELD_REACH
    bounds = [(max(p.lower, -reach), min(p.upper, reach), p) for p in labelled_pieces(kept)[0]]
    return [Piece(lower=a, upper=b, probability=piece.probability) for a, b, piece in bounds if a < b]


def window_moments(piece: Piece, mean: np.ndarray, deviation: float) -> np.ndarray:
    """∫ du q(u) (1, u) N(u; mean, deviation²) over a piece, (2, means)."""
    narrow = piece.upper - piece.lower < _NARROW * deviation
    if not narrow and not callable(piece.probability):
        mass, first, _ = interval_moments((piece.lower - mean) / deviation, (piece.upper - mean) / deviation)
        return piece.probability * np.stack([mass, mean * mass + deviation * first])
    lower = np.clip(mean - GAUSSIAN_REACH * deviation, piece.lower, piece.upper)
    upper = np.clip(mean + GAUSSIAN_REACH * deviation, piece.lower, piece.upper)
    shares = np.linspace(0.0, 1.0, 2 if narrow else _SUBPANELS + 1)
    u, weights = panel_rule(lower[:, None] + (upper - lower)[:, None] * shares, order=_ORDER)
    weights = weights * normal_density((u - mean[:, None]) / deviation) / deviation * piece(u)
    return np.stack([weights.sum(1), (weights * u).sum(1)])
