"""Kept examples as a finite student sees them, one by one: nodes of a quadrature over (z, v, g).

A kept example of label +1 has field z along the probe, v across it towards the teacher, and g along the student's
part outside their plane. A student (a₁, a₂, r) that trains without it gives it the cavity field ω = a₁ z + a₂ v + r g;
training makes of that h = prox_{Vwℓ}(ω), with the dual β = (h − ω)/V = −w ℓ'(h).
"""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._kept_averages.field_nodes import LabelStep, label_step, labelled_pieces
from replica_theory._kept_averages.quadrature import PlaneNodes, plane_nodes
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule, gauss_legendre
from replica_theory.losses.base import Loss, Weight
from replica_theory.selection.kept_distribution import KeptDistribution
from replica_theory.selection.label_chance import LabelChance

_LINE_ORDER = 5  # Gauss–Hermite nodes of ζ on the whole line, exact to degree 9
_KNOWN = LabelStep(1.0, 0.0)  # the label of a perfect probe's margins
_GRID = np.array([-7.0, -2.5, 0.0, 2.5, 7.0])  # panel ends in ζ, of chances that vary
_REACH = 7.0  # |ζ| beyond which a Gaussian times a polynomial of degree 6 counts for nothing


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """How finely kept examples are resolved.

    Attributes:
        panel_order: Gauss–Legendre nodes a panel of z and of ξ.
        half_line_order: Gauss–Legendre nodes of ζ beyond the label's boundary.
        negligible: Weight below which a node is left out.
    """

    panel_order: int
    half_line_order: int
    negligible: float


COARSE = Resolution(panel_order=8, half_line_order=24, negligible=1e-13)
FINE = Resolution(panel_order=12, half_line_order=40, negligible=1e-18)


@dataclass(frozen=True, kw_only=True)
class SeenExamples:
    """Nodes (n,) over kept examples of label +1.

    Attributes:
        share: Weights, which add up to 1.
        z: Field along the probe.
        v: Field across the probe, towards the teacher.
        noise: g, its field along the student's part outside the plane.
        field: h, after training.
        dual: β = −w ℓ'(h).
        slope: σ = ∂h/∂ω, in [0, 1].
    """

    share: np.ndarray
    z: np.ndarray
    v: np.ndarray
    noise: np.ndarray
    field: np.ndarray
    dual: np.ndarray
    slope: np.ndarray


def seen_examples(
    kept: KeptDistribution,
    student: np.ndarray,
    loss: Loss,
    scale: float,
    *,
    weight: Weight | None = None,
    resolution: Resolution = COARSE,
) -> SeenExamples:
    """Nodes for a student (a₁, a₂, r), r > 0, at V = ``scale``.

    z and ξ, with ω = a₁ z + τ ξ and τ² = a₂² + r², have panels at the rule's edges and where the proximal operator is
    not smooth. What is left is ζ ~ N(0, 1), v = (a₂ ξ + r ζ)/τ, on which the label depends: it is right where
    ζ > −(z τ cot θ + a₂ ξ)/r.
    """
    a1, a2, r = student.tolist()
    tau = math.hypot(a2, r)
    plane = plane_nodes(kept, student, loss.breakpoints, scale, weight=weight, order=resolution.panel_order)
    row, zeta, chance = _label_nodes(kept, plane, student, resolution.half_line_order)
    share = (plane.share * normal_density(plane.xi))[row] * chance
    omega = a1 * plane.z + tau * plane.xi
    field, slope = loss.proximal_and_slope(omega, scale * plane.loss_weight)
    counts = share > resolution.negligible
    row, zeta = row[counts], zeta[counts]
    return SeenExamples(
        share=share[counts],
        z=plane.z[row],
        v=(a2 * plane.xi[row] + r * zeta) / tau,
        noise=(r * plane.xi[row] - a2 * zeta) / tau,
        field=field[row],
        dual=((field - omega) / scale)[row],
        slope=slope[row],
    )


def _label_nodes(
    kept: KeptDistribution, plane: PlaneNodes, student: np.ndarray, order: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, ζ, and its probability times the chance that the label is +1."""
    a2, r = student[1:].tolist()
    tau, angle = math.hypot(a2, r), kept.probe_angle
    _, chance = labelled_pieces(kept)
    if chance and not chance.flip:
        mean = math.cos(angle) * plane.z + math.sin(angle) * a2 / tau * plane.xi
        return _shaped_nodes(chance, mean, math.sin(angle) * r / tau, order // 2)
    label, boundary = label_step(kept) if chance else _KNOWN, np.full(plane.z.size, -np.inf)
    if label.slope:
        boundary = -(plane.z * (tau / math.tan(angle)) + a2 * plane.xi) / r
    return _half_line_nodes(label, boundary, order)


def _shaped_nodes(
    label: LabelChance, mean: np.ndarray, deviation: float, order: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a teacher's field u = mean + deviation ζ, in panels around the steps of the label's chance."""
    centres, widths = np.array(label.steps).T
    features = (centres - mean[:, None]) / deviation, np.broadcast_to(widths / deviation, (mean.size, widths.size))
    nodes = composite_rule(breakpoints(-_REACH, _REACH, grid=_GRID, features=features), order)
    chance = nodes.weights * normal_density(nodes.points) * label(mean[nodes.row] + deviation * nodes.points)
    return nodes.row, nodes.points, chance


def _half_line_nodes(
    label: LabelStep, boundary: np.ndarray, half_line_order: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of labels that are right at one rate: the chance is ``base``, and ``slope`` more beyond a row's boundary.
    The line of ζ is whole where the boundary is out of reach."""
    whole = label.base + np.where(boundary < -_REACH, label.slope, 0.0)
    cut = np.flatnonzero((boundary >= -_REACH) & (boundary < _REACH)) if label.slope else np.zeros(0, int)
    rows = np.flatnonzero(whole)
    points, weights = np.polynomial.hermite_e.hermegauss(_LINE_ORDER)
    parts = [(rows, points[:, None] + np.zeros(rows.size), (weights / weights.sum())[:, None] * whole[rows])]
    points, weights = gauss_legendre(half_line_order)
    lower = boundary[cut]
    width = np.where(lower < 0, _REACH, np.hypot(lower, _REACH)) - lower
    zeta = lower + width * points[:, None]
    parts.append((cut, zeta, label.slope * weights[:, None] * width * normal_density(zeta)))
    row = np.concatenate([np.broadcast_to(rows, zeta.shape).ravel() for rows, zeta, _ in parts])
    zeta, chance = (np.concatenate([part[place].ravel() for part in parts]) for place in (1, 2))
    return row, zeta, chance
