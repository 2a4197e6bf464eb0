"""Moments of kept examples across a student's direction, at fixed student field.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose in-plane part points
along cos ψ T + sin ψ V sees the field t along it and the transverse field v at right angles to it. The fields of
teacher and probe are

    u = t cos ψ − v sin ψ,    z = t cos(θ−ψ) + v sin(θ−ψ).

A student at right angles to a boundary divides by zero, to the right infinity: callers silence NumPy's warnings.
"""

import math

import numpy as np

from replica_theory._numerics.gaussian import interval_moments, normal_density
from replica_theory._numerics.quadrature import Nodes, panel_rule
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

_REACH = 10.5  # |v| beyond which φ(v) < 1e-24 is left out
_SUBPANELS = 14  # of the line in v on which a smooth q is summed, at most
_LEAST_SHARE = 0.55  # of these panels, which φ(v) needs by itself
_SHARE_PER_SINE = 1.6  # of these panels per |sin(θ−ψ)|, as a smooth q varies with v on the scale 1/sin(θ−ψ)
_ORDER = 12  # Gauss–Legendre nodes per panel
_CHUNK = 8000  # nodes summed at once, which stay in the cache
_LEAST_SINE = 1e-300  # stands for sin = 0 in a denominator


def transverse_moments(kept: KeptDistribution, nodes: Nodes, student_angle: np.ndarray) -> np.ndarray:
    """∫ dv φ(v) (1, v, v²) q(z) [u > 0] at student fields t, (3, t), the nodes of rows of angles ψ."""
    field = nodes.points
    if kept.probe_angle == 0 and not student_angle.any():  # z = u = t
        mass = (kept(field) * (field > 0)).astype(float)
        return np.stack([mass, np.zeros_like(mass), mass])
    to_probe = kept.probe_angle - student_angle
    lower, upper = _line_segments(kept, nodes, student_angle, to_probe)
    if not kept.is_constant:
        to_probe = np.broadcast_to(nodes.at_nodes(to_probe), field.shape)
        pieces = zip(kept.pieces, lower, upper, strict=True)
        return np.sum([_summed_moments(piece, low, high, field, to_probe) for piece, low, high in pieces], axis=0)
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
    label = np.where(np.cos(student_angle) > 0, -_REACH * np.abs(np.tan(student_angle)), -np.inf)
    return np.maximum(np.minimum(first, last), label), np.maximum(first, last)


def corners(kept: KeptDistribution, student_angle: np.ndarray) -> np.ndarray:
    """t, (students, edges), of the corners where the rule's edges meet the teacher's boundary u = 0."""
    if kept.probe_angle == 0:
        return np.broadcast_to(kept.edges, (student_angle.size, kept.edges.size))
    return kept.edges * np.sin(student_angle[:, None]) / np.sin(student_angle.dtype.type(kept.probe_angle))


def _line_segments(
    kept: KeptDistribution, nodes: Nodes, student_angle: np.ndarray, to_probe: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper v, (pieces, t), between which an example at t is in a piece and has label +1."""
    field = nodes.points
    label_below = np.sin(student_angle) >= 0  # u > 0 is v < t cot ψ
    label_open = nodes.at_nodes(np.where(label_below, -np.inf, np.inf))
    label_edge = _crossings(-field, student_angle, nodes, 0.0)
    first, last = _crossings(field, to_probe, nodes, kept.piece_bounds[..., None])
    lower = np.maximum(np.minimum(first, last), np.minimum(label_open, label_edge))
    upper = np.minimum(np.maximum(first, last, out=last), np.maximum(label_open, label_edge))
    return lower, upper


def _crossings(field: np.ndarray, angle: np.ndarray, nodes: Nodes, level: np.ndarray | float) -> np.ndarray:
    """v at which t cos + v sin = level; huge where sin = 0, of the sign by which the line lies inside or outside."""
    cosine, sine = np.cos(angle), np.sin(angle)
    sine = np.where(sine == 0, _LEAST_SINE, sine)
    return (level - field * nodes.at_nodes(cosine)) / nodes.at_nodes(sine)


def _summed_moments(
    piece: Piece, lower: np.ndarray, upper: np.ndarray, field: np.ndarray, to_probe: np.ndarray
) -> np.ndarray:
    """The moments of one piece, (3, t), by quadrature in v."""
    moments, sine = np.empty((3, field.size)), np.sin(to_probe)
    steepest = float(np.abs(sine).max())
    panels = math.ceil(_SUBPANELS * max(_LEAST_SHARE, min(1.0, _SHARE_PER_SINE * steepest)))
    shares, size = np.linspace(0.0, 1.0, panels + 1), max(1, _CHUNK // (_ORDER * panels))
    lower, upper = np.clip(lower, -_REACH, _REACH), np.clip(upper, -_REACH, _REACH)
    width, along = np.maximum(upper - lower, 0.0), field * np.cos(to_probe)
    for start in range(0, field.size, size):
        chunk = slice(start, start + size)
        v, weights = panel_rule(lower[chunk, None] + width[chunk, None] * shares, order=_ORDER)
        margin = (along[chunk, None] + v * sine[chunk, None]).astype(float, copy=False)
        v, weights = v.astype(float, copy=False), weights.astype(float, copy=False)
        weights = weights * normal_density(v) * piece(margin)
        for power in range(3):
            weights.sum(-1, out=moments[power, chunk])
            weights *= v
    return moments
