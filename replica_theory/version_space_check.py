"""An independent evaluation of the version space's equations, in the student's own field.

The solver averages over the teacher's field u and the noise t. Here y = c s with s ~ N(0, 1), the
teacher's field given s is u ~ N(s cos ψ, sin² ψ), tan ψ = b/a, and only s is left to quadrature::

    E u^j F(y) = (2/f) ∫ ds φ(s) F(c s) ∫_{u>0} du q(u) u^j N(u; s cos ψ, sin² ψ)

where the inner integral is in closed form, or over a strip too narrow to subtract its ends.
"""

import math

import numpy as np

from replica_theory.gaussian import interval_moments, normal_density
from replica_theory.gibbs_student import GibbsStudent
from replica_theory.kept_law import KeptLaw, Piece
from replica_theory.quadrature import breakpoints, composite_rule, panel_rule
from replica_theory.version_space_averages import inverse_mills, positive_pieces, tail_panels, tail_width

_REACH = 12.0
_GRID = np.linspace(-_REACH, _REACH, 13)
_SPREADS = 10.5
_NARROW = 0.5  # in spreads
_SUBPANELS = 14


def saddle_point_residual(law: KeptLaw, student: GibbsStudent) -> float:
    """Larger relative difference between the sides of a/(1+c²) = α E u h' and of b² = α E h'²."""
    pull, square, _ = force_in_students_field(law, student)
    a, b = student.along, student.across
    return max(
        abs(student.alpha * pull * (1 + student.squared_length) / a - 1),
        abs(student.alpha * square / b**2 - 1),
    )


def force_in_students_field(law: KeptLaw, student: GibbsStudent) -> tuple[float, float, float]:
    """E u h', E h'² and E h'', h = ln Φ."""
    length = math.sqrt(student.squared_length)
    cosine, sine = student.along / length, student.across / length
    field, weights = _student_rule(law, length, cosine, sine)
    mass, first_moment = np.sum(
        [windowed_moments(piece, field * cosine, sine) for piece in positive_pieces(law)], axis=0
    )
    y = length * field
    force = inverse_mills(y)
    weights = 2 / law.keep_fraction * weights * normal_density(field)
    square = weights @ (mass * force**2)
    return float(weights @ (first_moment * force)), float(square), float(-weights @ (mass * force * y) - square)


def _student_rule(law: KeptLaw, length: float, cosine: float, sine: float) -> tuple[np.ndarray, np.ndarray]:
    """Panels around the step of Φ, the teacher's boundary and the rule's edges as the student sees them."""
    features = [(0.0, 1 / length), (0.0, sine / cosine)]
    for edge in law.edges[law.edges > 0] / cosine:
        features += [(edge, sine / cosine), (edge, tail_width(edge, length))]
    centres, widths = np.array(features).T
    tail = tail_panels(length * min(_REACH, _SPREADS * sine / cosine)) / length
    ends = breakpoints(-_REACH, _REACH, grid=_GRID, features=(centres[None], widths[None]), kinks=tail[None])
    nodes = composite_rule(ends, order=16)
    return nodes.points, nodes.weights


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
