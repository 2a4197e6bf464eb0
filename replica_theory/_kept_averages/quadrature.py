"""`FieldNodes` by quadrature over the probe's field, for any rule and any sample weight.

At a given probe field z the student's field is ω = a₁ z + τ ξ with τ² = a₂² + b² and ξ ~ N(0, 1). What remains of
the example is ζ ~ N(0, 1)::

    v = (a₂ ξ + b ζ)/τ,   h = (b ξ − a₂ ζ)/τ,   u = z cos θ + sin θ (a₂ ξ + b ζ)/τ

The moments of ζ times the label's chance L(u) are known, so that averages are sums over (z, ξ).
This shares no formula with the closed form, and checks it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from replica_theory._kept_averages.field_nodes import REACH, FieldNodes, labelled_pieces, moment_maps
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.losses.base import Weight, checked_weights
from replica_theory.losses.breakpoints import Breakpoints
from replica_theory.selection.jumps import jumps_and_corners
from replica_theory.selection.kept_distribution import KeptDistribution, Piece
from replica_theory.selection.label_chance import LabelChance
from replica_theory.selection.resolution import resolving_ends

ORDER = 12  # Gauss–Legendre nodes a panel
_GRID = np.array([-11.0, -7.5, -5.0, -2.5, 0.0, 2.5, 5.0, 7.5, 11.0])  # panel ends in z and in ξ
_STEP_ENDS = np.array([-9.0, -5.5, -2.5, 0.0, 2.5, 5.5, 9.0])  # panel ends around a smeared step, in its widths
_NO_STEP = np.zeros(1)  # the panel end at a breakpoint that is no corner
_WIDEST_LABEL_STEP = 3.0  # largest width in ξ of the label's step that the grid does not resolve
_WIDEST_BREAKPOINT = 1.5  # largest width in z of a breakpoint, smeared by ξ, that the grid does not resolve
_LEAST_DENSITY = 1e-24  # least density of (z, ξ) that counts
_ALL_MARGINS = np.linspace(-8.0, 8.0, 161)  # m at which the largest weight is looked for
_TYPICAL_MARGINS = np.array([-2.0, -0.5, 0.5, 2.0])  # m whose median weight stands for all in the panels in z


@dataclass(frozen=True)
class _StudentField:
    """ω = a₁ z + τ ξ at a student (a₁, a₂, b), τ² = a₂² + b², and θ, at which the label's boundary lies."""

    a1: float
    a2: float
    b: float
    tau: float
    probe_angle: float

    @classmethod
    def of(cls, components: np.ndarray, probe_angle: float) -> "_StudentField":
        a1, a2, b = components.tolist()
        return cls(a1, a2, b, float(np.hypot(a2, b)), probe_angle)

    def label_steps(self, label: LabelChance, widest: float) -> list[tuple[float, float]]:
        """The label's steps in u, with their widths in ξ, if these are below ``widest``."""
        sine = np.sin(self.probe_angle)
        across = [(centre, np.hypot(self.b, width * self.tau / sine)) for centre, width in label.steps]
        return [(centre, width / abs(self.a2)) for centre, width in across if width < widest * abs(self.a2)]

    def axes(self) -> np.ndarray:
        """∂g/∂(z, ξ, ζ), one a row, (3, 3)."""
        along, outside = self.a2 / self.tau, self.b / self.tau
        return np.array([[1.0, 0.0, 0.0], [0.0, along, outside], [0.0, outside, -along]])


@dataclass(frozen=True)
class _ProbeNodes:
    """Probe fields z of kept examples: the share of the kept at each, and their sample weight; each (nodes,)."""

    z: np.ndarray
    share: np.ndarray
    loss_weight: np.ndarray


def quadrature_nodes(
    kept: KeptDistribution,
    components: np.ndarray,
    loss_breakpoints: Breakpoints,
    scale: float,
    *,
    weight: Weight | None = None,
    order: int = ORDER,
) -> FieldNodes:
    """Nodes in the field of a student (a₁, a₂, b), with panel ends where prox_{Vwℓ} is not smooth.

    Args:
        kept: Which examples are kept: any rule.
        components: (a₁, a₂, b).
        loss_breakpoints: Those of the loss ℓ.
        scale: V.
        weight: Sample weight w(m), by signed margin.
        order: Gauss–Legendre nodes a panel.
    """
    student = _StudentField.of(components, kept.probe_angle)
    _, label = labelled_pieces(kept)
    plane = plane_nodes(kept, components, loss_breakpoints, scale, weight=weight, order=order)
    z, xi = plane.z, plane.xi
    m, m_zeta, m_zeta2 = _zeta_moments(student, label, z, xi) * plane.share
    m_z, m_xi = z * m, xi * m
    moments = np.stack([m, m_z, m_xi, m_zeta, z * m_z, z * m_xi, z * m_zeta, xi * m_xi, xi * m_zeta, m_zeta2])
    return FieldNodes(student.a1 * z + student.tau * xi, plane.loss_weight, moments, *moment_maps(student.axes()))


@dataclass(frozen=True)
class PlaneNodes:
    """Nodes (n,) over z and ξ, with the share of the kept there but for φ(ξ) and the label's chance, and their sample
    weight."""

    z: np.ndarray
    xi: np.ndarray
    share: np.ndarray
    loss_weight: np.ndarray


def plane_nodes(
    kept: KeptDistribution,
    components: np.ndarray,
    loss_breakpoints: Breakpoints,
    scale: float,
    *,
    weight: Weight | None,
    order: int,
) -> PlaneNodes:
    """Nodes over (z, ξ), with panels at the rule's edges, the label's boundary and the loss's breakpoints; arguments as
    in `quadrature_nodes`."""
    student = _StudentField.of(components, kept.probe_angle)
    pieces, label = labelled_pieces(kept)
    weight = weight or np.ones_like

    typical = scale * float(np.median(checked_weights(weight, _TYPICAL_MARGINS)))
    grid = _probe_grid(student, kept.label, loss_breakpoints, typical)
    grid = np.union1d(grid, ends_of_weight(weight))
    probe = _probe_nodes(pieces, weight, grid, kept.keep_fraction, order)
    omega = loss_breakpoints.of_proximal(scale * probe.loss_weight)  # (z, breakpoints)
    nodes = _across_nodes(student, probe, label, (omega - student.a1 * probe.z[:, None]) / student.tau, order)
    row = nodes.row
    return PlaneNodes(probe.z[row], nodes.points, nodes.weights * probe.share[row], probe.loss_weight[row])


@lru_cache(maxsize=32)
def ends_of_weight(weight: Weight) -> tuple[float, ...]:
    """Margins between which a sample weight is a polynomial: its jumps and corners, and cuts that resolve the rest."""
    if weight is np.ones_like:
        return ()
    size = float(np.max(checked_weights(weight, _ALL_MARGINS)))

    def relative(margin: np.ndarray) -> np.ndarray:
        return checked_weights(weight, margin.ravel()).reshape(margin.shape) / size

    edges = [-math.inf, *jumps_and_corners(relative), math.inf]
    cuts = [cut for interval in pairwise(edges) for cut in resolving_ends(relative, interval)]
    return tuple(sorted({*edges[1:-1], *cuts}))


def _probe_grid(student: _StudentField, label: LabelChance, loss_breakpoints: Breakpoints, scale: float) -> np.ndarray:
    """Ends of panels in z: around the label's boundary, and the loss's breakpoints in general and on that boundary."""
    a1, a2, b, tau = student.a1, student.a2, student.b, student.tau
    cosine, sine = np.cos(student.probe_angle), np.sin(student.probe_angle)
    omega = loss_breakpoints.of_proximal(scale)
    around = _STEP_ENDS if loss_breakpoints.corners else _NO_STEP
    ends: list[np.ndarray] = [_GRID]
    lines = [(0.0, a1, tau)]  # ω = offset + slope z + deviation · N(0, 1)
    for centre, width in label.steps:
        ends.append(centre / cosine + np.hypot(sine, width) / cosine * _STEP_ENDS)
        if sine:  # on the label's boundary v = (centre − z cos θ)/sin θ
            lines.append((a2 * centre / sine, a1 - a2 * cosine / sine, np.hypot(b, a2 * width / sine)))
    for offset, slope, deviation in lines:
        if deviation < _WIDEST_BREAKPOINT * abs(slope):
            ends.append(((omega[:, None] - offset) / slope + abs(deviation / slope) * around).ravel())
    return np.unique(np.clip(np.concatenate(ends), -REACH, REACH))


def _probe_nodes(
    pieces: tuple[Piece, ...], weight: Weight, grid: np.ndarray, keep_fraction: float, order: int
) -> _ProbeNodes:
    """Nodes in z with shares (2/f) φ(z) q(z) dz, piece by piece of the rule."""
    z, share = [], []
    for piece in pieces:
        lower, upper = np.clip([piece.lower, piece.upper], -REACH, REACH)
        nodes = composite_rule(breakpoints(lower, upper, grid=grid, kinks=np.array([piece.cuts])), order)
        z.append(nodes.points)
        share.append(2 / keep_fraction * nodes.weights * normal_density(nodes.points) * piece(nodes.points))
    z = np.concatenate(z)
    return _ProbeNodes(z, np.concatenate(share), checked_weights(weight, z))


def _across_nodes(
    student: _StudentField, probe: _ProbeNodes, label: LabelChance | None, kinks: np.ndarray, order: int
) -> Nodes:
    """Nodes in ξ, one row for each z, with panels around the label's step and ends at the loss's ``kinks``."""
    step = None
    if label and student.a2 and (steps := student.label_steps(label, _WIDEST_LABEL_STEP)):
        cosine, along = np.cos(student.probe_angle), np.sin(student.probe_angle) * student.a2 / student.tau
        centres, widths = np.array(steps).T
        step = (centres - cosine * probe.z[:, None]) / along, np.broadcast_to(widths, (probe.z.size, widths.size))
    reach = np.minimum(np.sqrt(2 * np.log(np.maximum(probe.share / _LEAST_DENSITY, 1.0))), REACH)
    return composite_rule(breakpoints(-reach, reach, grid=_GRID, features=step, kinks=kinks), order)


def _zeta_moments(student: _StudentField, label: LabelChance | None, z: np.ndarray, xi: np.ndarray) -> np.ndarray:
    """φ(ξ) ∫ dζ φ(ζ) (1, ζ, ζ²) times the chance that the label is +1, (3, nodes)."""
    density = normal_density(xi)
    if not label:
        return np.stack([density, np.zeros_like(z), density])
    cosine, sine = np.cos(student.probe_angle), np.sin(student.probe_angle)
    return density * label.moments(cosine * z + sine * student.a2 / student.tau * xi, sine * student.b / student.tau)
