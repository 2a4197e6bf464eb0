"""An independent evaluation of the version space's equations, in the student's own field.

The solver averages over the teacher's field u and the noise t. Here y = c s with s ~ N(0, 1), the
teacher's field given s is u ~ N(s cos ψ, sin² ψ), tan ψ = b/a, and only s is left to quadrature::

    E u^j F(y) = (2/f) ∫ ds φ(s) F(c s) ∫_{u>0} du q(u) u^j N(u; s cos ψ, sin² ψ)

where the inner integral is in closed form, or over a strip too narrow to subtract its ends.
"""

import math

import numpy as np

from replica_theory._kept_averages.teacher_field import GAUSSIAN_REACH, positive_pieces, window_moments
from replica_theory._numerics.gaussian import inverse_mills, normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._version_space.averages import tail_panels, tail_width
from replica_theory._version_space.saddle_point import GibbsOrderParameters
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 12.0
_GRID = np.linspace(-_REACH, _REACH, 13)
_SUBPANELS = 14


def saddle_point_residual(law: KeptDistribution, student: GibbsOrderParameters) -> float:
    """Larger relative difference between the sides of a/(1+c²) = α E u h' and of b² = α E h'²."""
    pull, square, _ = force_in_students_field(law, student)
    a, b = student.along, student.across
    return max(
        abs(student.alpha * pull * (1 + student.squared_length) / a - 1),
        abs(student.alpha * square / b**2 - 1),
    )


def force_in_students_field(law: KeptDistribution, student: GibbsOrderParameters) -> tuple[float, float, float]:
    """E u h', E h'² and E h'', h = ln Φ."""
    length = math.sqrt(student.squared_length)
    cosine, sine = student.along / length, student.across / length
    field, weights = _student_rule(law, length, cosine, sine)
    mass, first_moment = np.sum([window_moments(piece, field * cosine, sine) for piece in positive_pieces(law)], axis=0)
    y = length * field
    force = inverse_mills(y)
    weights = 2 / law.keep_fraction * weights * normal_density(field)
    square = weights @ (mass * force**2)
    return float(weights @ (first_moment * force)), float(square), float(-weights @ (mass * force * y) - square)


def _student_rule(law: KeptDistribution, length: float, cosine: float, sine: float) -> tuple[np.ndarray, np.ndarray]:
    """Panels around the step of Φ, the teacher's boundary and the rule's edges as the student sees them."""
    features = [(0.0, 1 / length), (0.0, sine / cosine)]
    for edge in law.edges[law.edges > 0] / cosine:
        features += [(edge, sine / cosine), (edge, tail_width(edge, length))]
    centres, widths = np.array(features).T
    tail = tail_panels(length * min(_REACH, GAUSSIAN_REACH * sine / cosine)) / length
    ends = breakpoints(-_REACH, _REACH, grid=_GRID, features=(centres[None], widths[None]), kinks=tail[None])
    nodes = composite_rule(ends, order=16)
    return nodes.points, nodes.weights
