"""`FieldNodes` of a rule that is constant between edges, in closed form at each field of the student.

With t = ω/|x| a standard normal, r = x/|x| and C = 1 − r rᵀ, Gaussian integration by parts over g at fixed t leaves
only boundary terms of G = q(z) L(u), the keep probability times the chance of label +1::

    (C1)  E[G | t]     = m,               dm/dt = r·d,   d = E[∇G | t] = P e + T l
    (C2)  E[g G | t]   = t m r + C d
    (C3)  E[ggᵀ G | t] = (t² rrᵀ + C) m + t (r (Cd)ᵀ + (Cd) rᵀ) + C D C,   D = E[∇∇G | t]

with P and T the unit vectors of probe and teacher, e = E[q'(z) L | t] a sum over the rule's edges, and
l = E[q L'(u) | t] an integral along the label's boundary u = 0.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._kept_averages.field_nodes import (
    REACH,
    FieldNodes,
    LabelStep,
    label_step,
    labelled_pieces,
    moment_maps,
)
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density
from replica_theory._numerics.quadrature import composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

_ORDER = 12  # Gauss–Legendre nodes a panel
_GRID = np.array([-11.0, -8.0, -6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0, 8.0, 11.0])  # panel ends in t
_FIRST_GRID = np.linspace(-REACH, REACH, 8)  # panel ends in (z − ρt)/σ at the first t
_STEP_ENDS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])  # panel ends around a step, in its widths
_WIDEST_STEP = 1.2  # largest width in t of a smeared step that the grid does not resolve


@dataclass(frozen=True)
class ConstantPieces:
    """A rule that is constant between edges, and the label's chance.

    Attributes:
        kept: The distribution of which this is a view.
        label: L(u).
        lower: (pieces, 1), z where each piece begins; −40 for −∞.
        upper: (pieces, 1), z where it ends.
        probability: (pieces,), q on it.
        edges: (edges, 1), finite ends of pieces.
        jumps: (edges,), rise of q there.
    """

    kept: KeptDistribution
    label: LabelStep
    lower: np.ndarray
    upper: np.ndarray
    probability: np.ndarray
    edges: np.ndarray
    jumps: np.ndarray

    @classmethod
    def of(cls, kept: KeptDistribution) -> "ConstantPieces":
        (pieces, _), label = labelled_pieces(kept), label_step(kept)
        lower, upper = np.clip([[p.lower for p in pieces], [p.upper for p in pieces]], -FAR, FAR)
        probability = np.array([piece.probability for piece in pieces], dtype=float)
        edges, jumps = np.concatenate([lower, upper]), np.concatenate([probability, -probability])
        finite = np.abs(edges) < FAR
        return cls(kept, label, lower[:, None], upper[:, None], probability, edges[finite, None], jumps[finite])


@dataclass(frozen=True)
class FieldCovariances:
    """The normal fields t, z and u of student, probe and teacher: covariances, each free of cancellation.

    Attributes:
        direction: r, (3,).
        norm: |x|.
        rho: ρ = E[t z].
        overlap: R = E[t u].
        sigma: σ = √(1 − ρ²), standard deviation of z at fixed t.
        tau: τ = √(1 − R²), standard deviation of u at fixed t.
        cov_zu: c − ρR, covariance of z and u at fixed t.
        cov_tu: R − ρc, covariance of t and u at fixed z.
        cov_tz: ρ − Rc, covariance of t and z at fixed u.
        root_determinant: √(σ²τ² − (c − ρR)²), of the matrix of correlations.
        cosine: c = cos θ = E[z u].
        sine: sin θ.
    """

    direction: np.ndarray
    norm: float
    rho: float
    overlap: float
    sigma: float
    tau: float
    cov_zu: float
    cov_tu: float
    cov_tz: float
    root_determinant: float
    cosine: float
    sine: float

    @classmethod
    def of(cls, components: np.ndarray, probe_angle: float) -> "FieldCovariances":
        a1, a2, b = components.tolist()
        c, s, norm = math.cos(probe_angle), math.sin(probe_angle), math.hypot(a1, a2, b)
        along_teacher, across_teacher = c * a1 + s * a2, s * a1 - c * a2
        return cls(
            direction=components / norm,
            norm=norm,
            rho=a1 / norm,
            overlap=along_teacher / norm,
            sigma=math.hypot(a2, b) / norm,
            tau=math.hypot(across_teacher, b) / norm,
            cov_zu=(c * b * b - across_teacher * a2) / norm**2,
            cov_tu=s * a2 / norm,
            cov_tz=s * across_teacher / norm,
            root_determinant=s * b / norm,
            cosine=c,
            sine=s,
        )

    def moment_maps(self) -> tuple[np.ndarray, np.ndarray]:
        """(C2) and (C3) as linear maps of m, tm, e, l, t²m, te, tl and the entries zz, zu, uu of E[∂∂G | t]."""
        r = self.direction
        projector = np.eye(3) - r[:, None] * r  # C
        probe, teacher = projector[0], self.cosine * projector[0] + self.sine * projector[1]  # C P, C T
        first, second = moment_maps(np.array([r, probe, teacher]))
        second[..., 0] = projector
        return first, second


def closed_form_nodes(pieces: ConstantPieces, components: np.ndarray, breakpoints: np.ndarray) -> FieldNodes:
    """Nodes in the field of a student (a₁, a₂, b), with panel ends at the fields ω of ``breakpoints``."""
    fields = FieldCovariances.of(components, pieces.kept.probe_angle)
    nodes = composite_rule(_panel_ends(pieces, fields, breakpoints / fields.norm)[None], _ORDER)
    t = nodes.points
    e, q_zz, q_zu = _edge_terms(pieces, fields, t)
    l, q_uu = _label_terms(pieces, fields, t)  # noqa: E741
    gained, _ = nodes.running(fields.rho * e + fields.overlap * l)
    m = _first_mass(pieces, fields) + gained  # (C1)
    tm = t * m
    moments = np.stack([m, tm, e, l, t * tm, t * e, t * l, q_zz, q_zu, q_uu])
    moments *= 2 / pieces.kept.keep_fraction * nodes.weights * normal_density(t)
    return FieldNodes(fields.norm * t, 1.0, moments, *fields.moment_maps())


def _edge_terms(pieces: ConstantPieces, fields: FieldCovariances, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """E[q' L], E[q'' L] and E[q' L'] at fixed t, sums over edges: z ~ N(ρt, σ²), and L at the edge by u given t, z."""
    sigma, label = fields.sigma, pieces.label
    x = (pieces.edges - fields.rho * t) / sigma
    density = normal_density(x)
    jumps = pieces.jumps / sigma
    if not label.slope:
        labelled = density * label.base
        return jumps @ labelled, jumps @ (x * labelled) / sigma, np.zeros_like(t)
    y = (fields.cov_tu * t + fields.cov_zu * pieces.edges) / (sigma * fields.root_determinant)  # E[u | t, z]/deviation
    labelled = density * (label.base + label.slope * ndtr(y))
    mixed = jumps @ (density * normal_density(y)) * (label.slope * sigma / fields.root_determinant)
    second = jumps @ (x * labelled) / sigma - mixed * (fields.cov_zu / sigma**2)
    return jumps @ labelled, second, mixed


def _label_terms(pieces: ConstantPieces, fields: FieldCovariances, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E[q L'] and E[q L''] at fixed t, integrals over z along u = 0."""
    slope, tau, overlap = pieces.label.slope, fields.tau, fields.overlap
    if not slope:
        return np.zeros_like(t), np.zeros_like(t)
    low, high = (_along_label_boundary(fields, t, ends) for ends in (pieces.lower, pieces.upper))
    kept = pieces.probability @ interval_mass(low, high)
    edges = pieces.probability @ (normal_density(high) - normal_density(low))
    density = slope * normal_density(overlap * t / tau) / tau
    turn = fields.cov_zu / (tau * fields.root_determinant)
    return density * kept, density * (turn * edges - overlap * t / tau**2 * kept)


def _along_label_boundary(fields: FieldCovariances, t: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """(z − E[z | t, u = 0]) / deviation at z = edge."""
    return (edge * fields.tau - fields.cov_tz * t / fields.tau) / fields.root_determinant


def _first_mass(pieces: ConstantPieces, fields: FieldCovariances) -> float:
    """E[G | t] at t = −REACH by quadrature over z; (C1) adds it everywhere, so that its digits count however small."""
    t, ends = -REACH, [_FIRST_GRID, (pieces.edges[:, 0] + fields.rho * REACH) / fields.sigma]
    label, cov_zu = pieces.label, fields.cov_zu
    if label.slope and cov_zu:
        centre, width = fields.overlap * fields.sigma * REACH / cov_zu, abs(fields.root_determinant / cov_zu)
        ends.append(centre + width * _STEP_ENDS)
    ends = np.sort(np.clip(np.concatenate(ends), -REACH, REACH))
    nodes = composite_rule(ends[None], _ORDER)
    z = fields.rho * t + fields.sigma * nodes.points
    mass = pieces.probability @ ((pieces.lower < z) & (z < pieces.upper))
    if label.slope:
        y = (fields.cov_tu * t + cov_zu * z) / (fields.sigma * fields.root_determinant)
        mass = mass * (label.base + label.slope * ndtr(y))
    return float(nodes.weights @ (normal_density(nodes.points) * mass)) * (1.0 if label.slope else label.base)


def _panel_ends(pieces: ConstantPieces, fields: FieldCovariances, breakpoints: np.ndarray) -> np.ndarray:
    """Panels in t: the grid, the loss's breakpoints, and steps smeared by less than the grid's spacing.

    Each step is a boundary slope · t = level seen with a deviation: the rule's edges, the label's boundary, the label
    as seen along an edge, and an edge as seen along the label's boundary.
    """
    edges = pieces.edges.ravel()
    steps = [(edges, fields.sigma, fields.rho)] if edges.size else []
    if pieces.label.slope:
        steps.append((np.zeros(1), fields.tau, fields.overlap))
        steps.append((-fields.cov_zu * edges, fields.sigma * fields.root_determinant, fields.cov_tu))
        steps.append((edges * fields.tau**2, fields.tau * fields.root_determinant, fields.cov_tz))
    ends = [_GRID, breakpoints]
    for level, deviation, slope in steps:
        if abs(deviation) < _WIDEST_STEP * abs(slope):
            centres, width = level / slope, abs(deviation / slope)
            in_reach = centres[np.abs(centres) < REACH + _STEP_ENDS[-1] * width]
            ends.append((in_reach[:, None] + width * _STEP_ENDS).ravel())
    return np.sort(np.clip(np.concatenate(ends), -REACH, REACH))
