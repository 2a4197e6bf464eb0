"""Independent residual of the version space's saddle point, in the students' own field.

The solver averages over the teacher's field u and the noise t. Here y = c s with s ~ N(0, 1), the teacher's field
given s is u ~ N(s cos ψ, sin² ψ), tan ψ = b/a, and only s is left to quadrature::

    E u^j F(y) = (2/f) ∫ ds φ(s) F(c s) ∫_{u>0} du q(u) u^j N(u; s cos ψ, sin² ψ)

where the inner integral is in closed form, or over a strip too narrow to subtract its ends.
"""

import math

import numpy as np

from replica_theory._kept_averages.teacher_field import GAUSSIAN_REACH, positive_pieces, window_moments
from replica_theory._numerics.gaussian import inverse_mills, normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._version_space.averages import tail_panels, tail_width
from replica_theory._version_space.order_parameters import OrderParameters
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 12.0  # largest |s|: φ beyond it is negligible
_GRID = np.linspace(-_REACH, _REACH, 13)  # panel ends in s
_ORDER = 16  # Gauss–Legendre nodes a panel


def saddle_point_residual(kept: KeptDistribution, point: OrderParameters) -> float:
    """Larger relative difference between the sides of (V1) and (V2)."""
    u_force, squared_force, _ = force_in_students_field(kept, point)
    a, b = point.along, point.across
    return max(
        abs(point.alpha * u_force * (1 + point.squared_norm) / a - 1),
        abs(point.alpha * squared_force / b**2 - 1),
    )


def force_in_students_field(kept: KeptDistribution, point: OrderParameters) -> tuple[float, float, float]:
    """E u h', E h'² and E h'', h = ln Φ."""
    norm = math.sqrt(point.squared_norm)
    cosine, sine = point.along / norm, point.across / norm
    s, weights = _nodes(kept, norm, cosine, sine)
    mass, first = np.sum([window_moments(piece, s * cosine, sine) for piece in positive_pieces(kept)], axis=0)
    y = norm * s
    force = inverse_mills(y)
    weights = 2 / kept.keep_fraction * weights * normal_density(s)
    squared = weights @ (mass * force**2)
    return float(weights @ (first * force)), float(squared), float(-weights @ (mass * force * y) - squared)


def _nodes(kept: KeptDistribution, norm: float, cosine: float, sine: float) -> tuple[np.ndarray, np.ndarray]:
    """s and weights: panels around the step of Φ, and the teacher's boundary and the rule's edges as they lie in s."""
    features = [(0.0, 1 / norm), (0.0, sine / cosine)]
    for edge in kept.edges[kept.edges > 0] / cosine:
        features += [(edge, sine / cosine), (edge, tail_width(edge, norm))]
    centres, widths = np.array(features).T
    tail = tail_panels(norm * min(_REACH, GAUSSIAN_REACH * sine / cosine)) / norm
    ends = breakpoints(-_REACH, _REACH, grid=_GRID, features=(centres[None], widths[None]), kinks=tail[None])
    nodes = composite_rule(ends, order=_ORDER)
    return nodes.points, nodes.weights
