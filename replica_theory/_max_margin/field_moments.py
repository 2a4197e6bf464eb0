"""Moments of kept examples across a student's direction, at fixed student field.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose in-plane part points
along cos ψ T + sin ψ V sees the field t along it and the transverse field v at right angles to it. The fields of
teacher and probe are

    u = t cos ψ − v sin ψ,    z = t cos(θ−ψ) + v sin(θ−ψ).

A student at right angles to a boundary divides by zero, to the right infinity: callers silence NumPy's warnings.
"""

import numpy as np

from replica_theory._numerics.gaussian import interval_moments, normal_density
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

_REACH = 10.5  # |v| beyond which φ(v) < 1e-24 is left out
_SMEARED = 0.5  # spread in t from which what q averages to needs no cuts
_GRID = np.array([-10.5, -7.0, -4.5, -2.2, 0.0, 2.2, 4.5, 7.0, 10.5])  # panel ends in v on which φ(v) is summed
_ORDER = 8  # Gauss–Legendre nodes per panel
_CHUNK = 50  # t summed at once, whose nodes stay in the cache
_LEAST_SINE = 1e-300  # stands for sin = 0 in a denominator


def transverse_moments(kept: KeptDistribution, nodes: Nodes, student_angle: np.ndarray) -> np.ndarray:
    """∫ dv φ(v) (1, v, v²) q(z) [u > 0] at student fields t, (3, t), the nodes of rows of angles ψ."""
    field = nodes.points
    if kept.probe_angle == 0 and not student_angle.any():  # z = u = t
        mass = (kept(field) * (field > 0)).astype(float)
        return np.stack([mass, np.zeros_like(mass), mass])
    to_probe = kept.probe_angle - student_angle
    if not kept.is_constant:
        return _summed_moments(kept, nodes, student_angle, to_probe)
    lower, upper = _line_segments(kept, nodes, student_angle, to_probe)
    moments = interval_moments(lower, upper)
    if len(kept.pieces) == 1:
        return moments[:, 0] * kept.probabilities
    return (moments * kept.probabilities[:, None]).sum(1)


def field_range(kept: KeptDistribution, student_angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest student field t of kept examples of label +1, up to |v| = 10.5, each (students,)."""
    to_probe = kept.probe_angle - student_angle
    least, most = kept.piece_bounds.min(), kept.piece_bounds.max()
    transverse, along = _REACH * np.abs(np.sin(to_probe)), np.cos(to_probe)
    first, last = (least - transverse) / along, (most + transverse) / along
    # u > 0 bounds t below where the student points towards the teacher
    label_bound = np.where(np.cos(student_angle) > 0, -_REACH * np.abs(np.tan(student_angle)), -np.inf)
    return np.maximum(np.minimum(first, last), label_bound), np.maximum(first, last)


def corners(kept: KeptDistribution, edges: np.ndarray, student_angle: np.ndarray) -> np.ndarray:
    """t, (students, edges), of the corners where these edges of the rule meet the teacher's boundary u = 0."""
    if kept.probe_angle == 0:
        return np.broadcast_to(edges, (student_angle.size, edges.size))
    return edges * np.sin(student_angle[:, None]) / np.sin(student_angle.dtype.type(kept.probe_angle))


def cuts_seen(cuts: np.ndarray, slope: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """t, (students, cuts), at which a student sees them, slope · t = cut; not a number where smeared enough."""
    return np.where(np.abs(spread)[:, None] < _SMEARED, cuts / slope[:, None], np.nan)


def _line_segments(
    kept: KeptDistribution, nodes: Nodes, student_angle: np.ndarray, to_probe: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper v, (pieces, t), between which an example at t is in a piece and has label +1."""
    label_lower, label_upper = _labelled_segment(nodes, student_angle)
    first, last = _crossings(nodes.points, to_probe, nodes, kept.piece_bounds[..., None])
    lower = np.maximum(np.minimum(first, last), label_lower)
    upper = np.minimum(np.maximum(first, last, out=last), label_upper)
    return lower, upper


def _labelled_segment(nodes: Nodes, student_angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper v, (t,), between which an example at t has label +1."""
    label_below = np.sin(student_angle) >= 0  # u > 0 is v < t cot ψ
    label_open = nodes.at_nodes(np.where(label_below, -np.inf, np.inf))
    label_edge = _crossings(-nodes.points, student_angle, nodes, 0.0)
    return np.minimum(label_open, label_edge), np.maximum(label_open, label_edge)


def _crossings(field: np.ndarray, angle: np.ndarray, nodes: Nodes, level: np.ndarray | float) -> np.ndarray:
    """v at which t cos + v sin = level; huge where sin = 0, of the sign by which the line lies inside or outside."""
    cosine, sine = np.cos(angle), np.sin(angle)
    sine = np.where(sine == 0, _LEAST_SINE, sine)
    return (level - field * nodes.at_nodes(cosine)) / nodes.at_nodes(sine)


def _summed_moments(
    kept: KeptDistribution, nodes: Nodes, student_angle: np.ndarray, to_probe: np.ndarray
) -> np.ndarray:
    """The moments of a rule that is not constant between its edges, (3, t), by quadrature in v between them."""
    field, moments = nodes.points, np.empty((3, nodes.points.size))
    cosine, sine = (np.broadcast_to(nodes.at_nodes(f(to_probe)), field.shape) for f in (np.cos, np.sin))
    lower, upper = (np.clip(end, -_REACH, _REACH) for end in _labelled_segment(nodes, student_angle))
    edges = _crossings(field, to_probe, nodes, kept.panel_ends[:, None]).T
    for start in range(0, field.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        ends = breakpoints(lower[chunk], upper[chunk], grid=_GRID, kinks=edges[chunk])
        line = composite_rule(ends, _ORDER)
        row, v = start + line.row, line.points.astype(float, copy=False)
        margin = (field * cosine)[row] + v * sine[row]
        share = line.weights * normal_density(v) * kept(margin.astype(float, copy=False))
        for power in range(3):
            moments[power, chunk] = np.bincount(line.row, share, minlength=len(ends))
            share = share * v
    return moments
