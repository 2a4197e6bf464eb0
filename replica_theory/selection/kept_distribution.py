"""The law of kept examples in the plane of teacher and probe.

Flipping an example's input and label together changes nothing that a student sees, so every
rule q(z, y) acts through one function of the signed probe margin m = y z,

    q(m) = ½ [q(m, +1) + q(−m, −1)],

on examples of label +1. A `KeptDistribution` is that function, in pieces on which it is smooth.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose
in-plane part points along cos ψ T + sin ψ V sees its own field t and the field x at right angles:

    u = t cos ψ − x sin ψ,    z = t cos(θ−ψ) + x sin(θ−ψ).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.gaussian import FAR, interval_moments, normal_density
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule, panel_rule

Probability = Callable[[np.ndarray], np.ndarray]

_ROOT_TWO_BY_PI = math.sqrt(2 / math.pi)
_REACH = 10.5  # φ beyond it is below 1e-24
_SUBPANELS = 14  # of a line across which a rule varies, of its own scale at least
_WIDEST, _FINE = 0.55, 1.6  # share of them that φ needs, and that a rule needs by how steeply the line crosses it
_BLOCK = 8000  # nodes that stay in the cache
_SHARPEST = 1e-300  # sine that stands for 0 in a denominator


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

    def outline(self, cosine: float, sine: float) -> tuple[float, float]:
        """E z over the examples of label +1 that it keeps, less what the label's boundary adds where q is constant, and
        the mean of q on that boundary."""
        if not callable(self.probability):
            (at_lower, below), (at_upper, above) = (
                (_density(end) * _normal(end * (cosine / sine)), _normal(end / sine))
                if math.isfinite(end)
                else (0.0, float(end > 0))
                for end in (self.lower, self.upper)
            )
            return self.probability * (at_lower - at_upper), self.probability * (above - below)
        ends = np.array([self.lower, self.upper])
        z, weights = panel_rule(np.linspace(*np.clip(ends, -_REACH, _REACH), _SUBPANELS + 1), order=4)
        mean = weights @ (normal_density(z) * self(z) * z * ndtr(np.clip(z * (cosine / sine), -FAR, FAR)))
        x, weights = panel_rule(np.linspace(*np.clip(ends / sine, -_REACH, _REACH), _SUBPANELS + 1), order=4)
        return float(mean), float(weights @ (normal_density(x) * self(sine * x)))


@dataclass(frozen=True)
class KeptDistribution:
    """Keep probability as a function of signed margin, and its mean f at the given angle and label noise."""

    pieces: tuple[Piece, ...]
    keep_fraction: float
    probe_angle: float
    label_noise: float = 0.0

    @cached_property
    def edges(self) -> np.ndarray:
        """Finite margins where q may jump, ascending."""
        ends = {float(end) + 0.0 for piece in self.pieces for end in (piece.lower, piece.upper)}
        return np.array(sorted(end for end in ends if math.isfinite(end)), dtype=float)

    @cached_property
    def outline(self) -> tuple[float, float, float, float]:
        """Roughly: the mean kept example y s, along the teacher and across it; the density of kept examples at the
        teacher's boundary, 1 for random data; and the gap that the kept leave beside the probe's."""
        cosine, sine = math.cos(self.probe_angle), math.sin(self.probe_angle)
        parts = [piece.outline(cosine, max(sine, _SHARPEST)) for piece in self.pieces]
        share, mean, dense = 1 / self.keep_fraction, sum(part[0] for part in parts), sum(part[1] for part in parts)
        along, beside = 2 * share * mean, _ROOT_TWO_BY_PI * share * sine * dense
        if self.is_constant:
            along += _ROOT_TWO_BY_PI * share * cosine * dense
        gap = max((piece.lower for piece in self.pieces if piece.lower > 0), default=0.0)
        return cosine * along + sine * beside, sine * along - cosine * beside, share * dense, gap

    @cached_property
    def finest(self) -> float:
        """The smallest scale on which kept examples are confined: of a piece, of all, or between two boundaries."""
        widths = [piece.upper - piece.lower for piece in self.pieces]
        return min(*widths, self.keep_fraction, self.probe_angle or np.inf)

    def span(self, student_angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Student fields t between which kept examples of label +1 lie, but for the remotest."""
        turn = self.probe_angle - student_angle
        least, most = self.ends.min(), self.ends.max()
        aside, along = _REACH * np.abs(np.sin(turn)), np.cos(turn)
        with np.errstate(divide="ignore"):
            first, last = (least - aside) / along, (most + aside) / along
            behind = np.where(np.cos(student_angle) > 0, -_REACH * np.abs(np.tan(student_angle)), -np.inf)
        return np.maximum(np.minimum(first, last), behind), np.maximum(first, last)

    def across_moments(self, nodes: Nodes, student_angle: np.ndarray) -> np.ndarray:
        """∫ dx φ(x) (1, x, x²) q(z) [u > 0] at student fields t, (3, t), the nodes of rows of angles ψ."""
        field = nodes.points
        if self.probe_angle == 0 and not student_angle.any():
            kept = (self(field) * (field > 0)).astype(float)
            return np.stack([kept, np.zeros_like(kept), kept])
        turn = self.probe_angle - student_angle
        right = np.sin(student_angle) >= 0  # the label's boundary is x = t cot ψ
        left_end, right_end = (
            nodes.spread(np.where(right, -np.inf, np.inf)),
            _crossings(-field, student_angle, nodes, 0.0),
        )
        first, last = _crossings(field, turn, nodes, self.ends[..., None])
        lower = np.maximum(np.minimum(first, last), np.minimum(left_end, right_end))
        upper = np.minimum(np.maximum(first, last, out=last), np.maximum(left_end, right_end))
        if self.is_constant:
            moments = interval_moments(lower, upper)
            return (
                (moments * self.probabilities[:, None]).sum(1)
                if len(self.pieces) > 1
                else moments[:, 0] * self.probabilities
            )
        turn = np.broadcast_to(nodes.spread(turn), field.shape)
        bounds = zip(self.pieces, lower, upper, strict=True)
        return np.sum([_quadrature_moments(piece, low, high, field, turn) for piece, low, high in bounds], axis=0)

    def __call__(self, margin: np.ndarray) -> np.ndarray:
        """q(m) at these margins."""
        inside = [(piece.lower < margin) & (margin < piece.upper) for piece in self.pieces]
        return np.sum([np.where(where, p(margin), 0.0) for p, where in zip(self.pieces, inside, strict=True)], axis=0)

    @cached_property
    def ends(self) -> np.ndarray:
        """(2, pieces), lower and upper."""
        return np.array([[piece.lower for piece in self.pieces], [piece.upper for piece in self.pieces]])

    @cached_property
    def is_constant(self) -> bool:
        """Whether all pieces are constant: their moments are then in closed form."""
        return not any(callable(piece.probability) for piece in self.pieces)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each piece, where all are constant."""
        return np.array([piece.probability for piece in self.pieces], dtype=float)

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


def _crossings(field: np.ndarray, turn: np.ndarray, nodes: Nodes, level: np.ndarray | float) -> np.ndarray:
    """x at which t cos + x sin = level; beyond all reach on the side that a vertical boundary leaves open."""
    cosine, sine = np.cos(turn), np.sin(turn)
    sine = np.where(sine == 0, _SHARPEST, sine)
    with np.errstate(over="ignore"):
        return (level - field * nodes.spread(cosine)) / nodes.spread(sine)


def _quadrature_moments(piece: Piece, lower, upper, field, turn) -> np.ndarray:
    moments, sine = np.empty((3, field.size)), np.sin(turn)
    panels = math.ceil(_SUBPANELS * max(_WIDEST, min(1.0, _FINE * float(np.abs(sine).max()))))
    shares, size = np.linspace(0.0, 1.0, panels + 1), max(1, _BLOCK // (12 * panels))
    lower, upper = np.clip(lower, -_REACH, _REACH), np.clip(upper, -_REACH, _REACH)
    width, along = np.maximum(upper - lower, 0.0), field * np.cos(turn)
    for start in range(0, field.size, size):
        part = slice(start, start + size)
        x, weights = panel_rule(lower[part, None] + width[part, None] * shares, order=12)
        margin = (along[part, None] + x * sine[part, None]).astype(float, copy=False)
        x, weights = x.astype(float, copy=False), weights.astype(float, copy=False)
        weights = weights * normal_density(x) * piece(margin)
        for power in range(3):
            weights.sum(-1, out=moments[power, part])
            weights *= x
    return moments


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


_SPREADS = 10.5


_NARROW = 0.5  # in spreads


def windowed_moments(piece: Piece, centre: np.ndarray, spread: float) -> np.ndarray:
    """∫ du q(u) (1, u) N(u; centre, spread²) over the piece, (2, s)."""
    narrow = piece.upper - piece.lower < _NARROW * spread
    if not narrow and not callable(piece.probability):
        mass, shift, _ = interval_moments((piece.lower - centre) / spread, (piece.upper - centre) / spread)
        return piece.probability * np.stack([mass, centre * mass + spread * shift])
    lower = np.clip(centre - _SPREADS * spread, piece.lower, piece.upper)
    upper = np.clip(centre + _SPREADS * spread, piece.lower, piece.upper)
    shares = np.linspace(0.0, 1.0, 2 if narrow else _SUBPANELS + 1)
    u, weights = panel_rule(lower[:, None] + (upper - lower)[:, None] * shares, order=12)
    weights = weights * normal_density((u - centre[:, None]) / spread) / spread * piece(u)
    return np.stack([weights.sum(1), (weights * u).sum(1)])


_TEACHER_REACH = 12.0


def positive_pieces(law: KeptDistribution) -> list[Piece]:
    """The parts of a rule's pieces at teacher fields u > 0, cut off where φ vanishes."""
    cut = [
        Piece(lower=max(piece.lower, 0.0), upper=min(piece.upper, _TEACHER_REACH), probability=piece.probability)
        for piece in law.pieces
    ]
    return [piece for piece in cut if piece.lower < piece.upper]
