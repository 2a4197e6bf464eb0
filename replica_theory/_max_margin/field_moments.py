"""Moments of kept examples across a student's direction, at fixed student field.

Coordinates of the plane: T the teacher, V ⟂ T with probe = cos θ T + sin θ V. A student whose in-plane part points
along cos ψ T + sin ψ V sees the field t along it and the transverse field v at right angles to it. The fields of
teacher and probe are

    u = t cos ψ − v sin ψ,    z = t cos(θ−ψ) + v sin(θ−ψ).

A student at right angles to a boundary divides by zero, to the right infinity: callers silence NumPy's warnings.
"""

from typing import Any

import numpy as np

from replica_theory._numerics.elementary import every, functions_of, in_precision_of, some
from replica_theory._numerics.gaussian import normal_density, segment_moments
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

RARE = 0.02  # f, width of a piece, or θ, below which a small part of a panel may matter alone
_REACH = 10.5  # |v| beyond which φ(v) < 1e-24 is left out
_SMEARED = 0.5  # spread in t from which what q averages to needs no cuts
_GRID = np.array([-10.5, -7.0, -4.5, -2.2, 0.0, 2.2, 4.5, 7.0, 10.5])  # panel ends in v on which φ(v) is summed
_ORDER = 8  # Gauss–Legendre nodes per panel
_CHUNK = 50  # t summed at once, whose nodes stay in the cache
_LEAST_SINE = 1e-300  # stands for sin = 0 in a denominator


def transverse_moments(kept: KeptDistribution, nodes: Nodes, student_angle: Any) -> np.ndarray:
    """∫ dv φ(v) (1, v, v²) q(z) [u > 0] at student fields t, (3, t), the nodes of rows of angles ψ, or of one angle."""
    field = nodes.points
    if kept.probe_angle == 0 and every(student_angle == 0):  # z = u = t
        mass = (kept(field) * (field > 0)).astype(float)
        return np.stack([mass, np.zeros_like(mass), mass])
    if not kept.is_constant:
        return _summed_moments(kept, nodes, student_angle)
    moments = segment_moments(_line_segments(kept, nodes, student_angle))
    return kept.probabilities @ moments if len(kept.pieces) > 1 else moments[:, 0] * kept.probabilities


def field_range(kept: KeptDistribution, student_angle: float) -> tuple[float, float]:
    """Least and largest field t of a student at which it sees kept examples of label +1, up to |v| = 10.5."""
    functions, to_probe = functions_of(student_angle), kept.probe_angle - student_angle
    least, most = kept.range
    transverse, along = _REACH * abs(functions.sin(to_probe)), functions.cos(to_probe)
    first, last = sorted(((least - transverse) / along, (most + transverse) / along))
    if functions.cos(student_angle) > 0:  # where a student points towards the teacher, u > 0 bounds t below
        first = max(first, -_REACH * abs(functions.tan(student_angle)))
    return first, last


def corners(kept: KeptDistribution, student_angle: float) -> list[float]:
    """t of the corners where edges and cuts of the rule meet the teacher's boundary u = 0."""
    ends = kept.panel_ends.tolist()
    if kept.probe_angle == 0:
        return ends
    sine = functions_of(student_angle).sin
    ratio = sine(student_angle) / sine(in_precision_of(kept.probe_angle, student_angle))
    return [end * ratio for end in ends]


def cuts_seen(kept: KeptDistribution, slope: float, spread: float) -> list[float]:
    """t at which a student sees the rule's cuts, slope · t = cut; none where they are smeared enough."""
    if abs(spread) >= _SMEARED:
        return []
    return [cut / slope for cut in kept.cuts.tolist()]


def _line_segments(kept: KeptDistribution, nodes: Nodes, student_angle: Any) -> np.ndarray:
    """Lower and upper v, (2, pieces, t), between which an example at t is in a piece and has label +1."""
    functions, to_probe = functions_of(student_angle), kept.probe_angle - student_angle
    cosine, sine = functions.cos(to_probe), _nonzero(functions.sin(to_probe))
    bounds = kept.piece_bounds[..., None]
    if every(sine < 0):  # the upper bound is met first
        bounds = bounds[::-1]
    elif some(sine < 0):
        bounds = nodes.at_nodes(np.where(sine < 0, bounds[::-1], bounds))
    ends = bounds - nodes.points * nodes.at_nodes(cosine)
    ends /= nodes.at_nodes(sine)
    _bound_by_label(ends, nodes, student_angle)
    return ends


def _bound_by_label(ends: np.ndarray, nodes: Nodes, student_angle: Any) -> None:
    """Leaves of the segments what has label +1: v < t cot ψ where sin ψ ≥ 0, v > t cot ψ elsewhere."""
    functions = functions_of(student_angle)
    sine = functions.sin(student_angle)
    edge, below = nodes.points * nodes.at_nodes(functions.cos(student_angle) / _nonzero(sine)), sine >= 0
    if every(below):
        np.minimum(ends[1], edge, out=ends[1])
    elif not some(below):
        np.maximum(ends[0], edge, out=ends[0])
    else:
        below = nodes.at_nodes(below)
        np.minimum(ends[1], edge, out=ends[1], where=below)
        np.maximum(ends[0], edge, out=ends[0], where=~below)


def _nonzero(sine: Any) -> Any:
    """A sine that divides: of a line at right angles the quotient is huge, of the sign by which it lies inside."""
    if not isinstance(sine, np.ndarray):
        return sine or _LEAST_SINE
    return sine if sine.all() else np.where(sine == 0, _LEAST_SINE, sine)


def _summed_moments(kept: KeptDistribution, nodes: Nodes, student_angle: Any) -> np.ndarray:
    """The moments of a rule that is not constant between its edges, (3, t), by quadrature in v between them."""
    field, moments, to_probe = nodes.points, np.empty((3, nodes.points.size)), kept.probe_angle - student_angle
    functions = functions_of(student_angle)
    cosine, sine = (
        np.broadcast_to(nodes.at_nodes(function(to_probe)), field.shape) for function in (functions.cos, functions.sin)
    )
    labelled = np.broadcast_to(np.array([[-_REACH], [_REACH]], field.dtype), (2, field.size)).copy()
    _bound_by_label(labelled, nodes, student_angle)
    lower, upper = np.clip(labelled, -_REACH, _REACH)
    edges = ((kept.panel_ends[:, None] - field * cosine) / _nonzero(sine)).T
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
