"""The cells of a rule that is constant between its edges, in closed form at each field of the student.

With t = ω/|x| a standard normal, r = x/|x| and C = 1 − r rᵀ, Gaussian integration by parts over g at fixed t
leaves only boundary terms of the keep probability times the chance of the label, G = q(z) ℓ(u):

    E[G | t]     = m,                dm/dt = r·d,    d = E[∇G | t] = P e + T l
    E[g G | t]   = r t m + C d
    E[ggᵀ G | t] = (t² rrᵀ + C) m + t (r (Cd)ᵀ + (Cd) rᵀ) + C D C,    D = E[∇∇G | t]

e is the pull of the rule's edges and l that of the label's boundary.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._kept_averages.field_nodes import REACH, FieldNodes, LabelChance, labelled_pieces, moment_maps
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density
from replica_theory._numerics.quadrature import composite_rule, gauss_legendre
from replica_theory.selection.kept_distribution import KeptDistribution

_ORDER = 12
_GRID = np.array([-11.0, -8.0, -6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0, 8.0, 11.0])
_STEPS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])
_START_GRID = np.linspace(-REACH, REACH, 8)
_COARSE = 1.2  # widths beyond it are resolved by the grid


@dataclass(frozen=True)
class Boundaries:
    """A rule that is constant between edges, and the label's chance.

    Attributes:
        law: Of which this is a view.
        label: Chance of the label.
        lower: (pieces, 1), where each piece begins; −40 for −∞.
        upper: (pieces, 1), where it ends.
        probability: (pieces,), of keeping.
        edges: (edges, 1), finite ends of pieces.
        jumps: (edges,), rise of the keep probability there.
    """

    law: KeptDistribution
    label: LabelChance
    lower: np.ndarray
    upper: np.ndarray
    probability: np.ndarray
    edges: np.ndarray
    jumps: np.ndarray

    @classmethod
    def of(cls, law: KeptDistribution) -> "Boundaries":
        pieces, label = labelled_pieces(law)
        lower, upper = np.clip([[p.lower for p in pieces], [p.upper for p in pieces]], -FAR, FAR)
        probability = np.array([piece.probability for piece in pieces], dtype=float)
        edges, jumps = np.concatenate([lower, upper]), np.concatenate([probability, -probability])
        finite = np.abs(edges) < FAR
        return cls(law, label, lower[:, None], upper[:, None], probability, edges[finite, None], jumps[finite])


@dataclass(frozen=True)
class Plane:
    """A student among probe and teacher: covariances of t, z and u, each free of cancellation."""

    direction: np.ndarray
    norm: float
    rho: float  # E[t z]
    overlap: float  # E[t u]
    sigma: float  # √(1 − ρ²)
    tau: float  # √(1 − R²)
    gap: float  # c − ρR, covariance of z and u at fixed t
    spread: float  # √(σ²τ² − gap²)
    inward: float  # R − ρc
    outward: float  # ρ − Rc
    cosine: float
    sine: float

    @classmethod
    def of(cls, student: np.ndarray, probe_angle: float) -> "Plane":
        a1, a2, b = student.tolist()
        c, s, n = math.cos(probe_angle), math.sin(probe_angle), math.hypot(a1, a2, b)
        along, across = c * a1 + s * a2, s * a1 - c * a2
        return cls(
            direction=student / n,
            norm=n,
            rho=a1 / n,
            overlap=along / n,
            sigma=math.hypot(a2, b) / n,
            tau=math.hypot(across, b) / n,
            gap=(c * b * b - across * a2) / n**2,
            spread=s * b / n,
            inward=s * a2 / n,
            outward=s * across / n,
            cosine=c,
            sine=s,
        )

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """E[g G | t] and E[ggᵀ G | t] as combinations of m, tm, e, l, t²m, te, tl and E[∂∂G | t] by zz, zu, uu."""
        r = self.direction
        spread = np.eye(3) - r[:, None] * r
        probe, teacher = spread[0], self.cosine * spread[0] + self.sine * spread[1]
        first, second = moment_maps(np.array([r, probe, teacher]))
        second[..., 0] = spread
        return first, second


def closed_form_nodes(rule: Boundaries, student: np.ndarray, marks: np.ndarray) -> FieldNodes:
    """Cells with panel ends at the fields ``marks``."""
    plane = Plane.of(student, rule.law.probe_angle)
    nodes = composite_rule(_panel_ends(rule, plane, marks / plane.norm)[None], _ORDER)
    t = nodes.points
    edge, edge_slope, mixed = _edge_terms(rule, plane, t)
    boundary, boundary_slope = _label_terms(rule, plane, t)
    rate = plane.rho * edge + plane.overlap * boundary
    mass = _starting_mass(rule, plane) + _running_integral(rate, nodes.weights)
    along = t * mass
    parts = np.stack(
        [mass, along, edge, boundary, t * along, t * edge, t * boundary, edge_slope, mixed, boundary_slope]
    )
    parts *= 2 / rule.law.keep_fraction * nodes.weights * normal_density(t)
    return FieldNodes(plane.norm * t, 1.0, parts, *plane.moments())


def _edge_terms(rule: Boundaries, plane: Plane, t: np.ndarray) -> tuple:
    """E[q'ℓ], E[q''ℓ] and E[q'ℓ'] at fixed t, from the rule's edges."""
    beyond = (rule.edges - plane.rho * t) / plane.sigma
    density = normal_density(beyond)
    jumps = rule.jumps / plane.sigma
    if not rule.label.slope:
        pull = density * rule.label.base
        return jumps @ pull, jumps @ (beyond * pull) / plane.sigma, np.zeros_like(t)
    argument = (plane.inward * t + plane.gap * rule.edges) / (plane.sigma * plane.spread)
    pull = density * (rule.label.base + rule.label.slope * ndtr(argument))
    mixed = jumps @ (density * normal_density(argument)) * (rule.label.slope * plane.sigma / plane.spread)
    slope = jumps @ (beyond * pull) / plane.sigma - mixed * (plane.gap / plane.sigma**2)
    return jumps @ pull, slope, mixed


def _label_terms(rule: Boundaries, plane: Plane, t: np.ndarray) -> tuple:
    """E[qℓ'] and E[qℓ''] at fixed t, from the label's boundary."""
    if not rule.label.slope:
        return np.zeros_like(t), np.zeros_like(t)
    low, high = (_along_boundary(plane, t, ends) for ends in (rule.lower, rule.upper))
    kept = rule.probability @ interval_mass(low, high)
    edges = rule.probability @ (normal_density(high) - normal_density(low))
    density = rule.label.slope * normal_density(plane.overlap * t / plane.tau) / plane.tau
    turn = plane.gap / (plane.tau * plane.spread)
    return density * kept, density * (turn * edges - plane.overlap * t / plane.tau**2 * kept)


def _along_boundary(plane: Plane, t: np.ndarray | float, edge: np.ndarray) -> np.ndarray:
    """Where z = edge on the label's boundary u = 0, a standard normal coordinate."""
    return (edge * plane.tau - plane.outward * t / plane.tau) / plane.spread


def _running_integral(rate: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """∫ of the rate from the first panel's start to each node, panel by panel of Gauss–Legendre nodes."""
    shares = (rate * weights).reshape(-1, _ORDER)
    before = np.concatenate([[0.0], np.cumsum(shares.sum(1))[:-1]])
    return (before[:, None] + shares @ _PARTIAL_SUMS.T).ravel()


def _partial_sums() -> np.ndarray:
    """Matrix that turns values times weights at a panel's nodes into integrals up to each node."""
    nodes, _ = gauss_legendre(_ORDER)
    legendre, degrees = np.polynomial.legendre, np.arange(_ORDER)
    analysis = legendre.legvander(2 * nodes - 1, _ORDER - 1).T * (2 * degrees[:, None] + 1)
    integrals = [legendre.legval(2 * nodes - 1, legendre.legint(row, lbnd=-1)) / 2 for row in np.eye(_ORDER)]
    return np.array(integrals).T @ analysis


_PARTIAL_SUMS = _partial_sums()


def _starting_mass(rule: Boundaries, plane: Plane) -> float:
    """E[G | t] where the panels start, by quadrature over z: what is next to nothing there must be so exactly."""
    t, ends = -REACH, [_START_GRID, (rule.edges[:, 0] + plane.rho * REACH) / plane.sigma]
    if rule.label.slope and plane.gap:
        centre, width = plane.overlap * plane.sigma * REACH / plane.gap, abs(plane.spread / plane.gap)
        ends.append(centre + width * _STEPS)
    ends = np.sort(np.clip(np.concatenate(ends), -REACH, REACH))
    nodes = composite_rule(ends[None], _ORDER)
    z = plane.rho * t + plane.sigma * nodes.points
    mass = rule.probability @ ((rule.lower < z) & (z < rule.upper))
    if rule.label.slope:
        lean = (plane.inward * t + plane.gap * z) / (plane.sigma * plane.spread)
        mass = mass * (rule.label.base + rule.label.slope * ndtr(lean))
    return float(nodes.weights @ (normal_density(nodes.points) * mass)) * (1.0 if rule.label.slope else rule.label.base)


def _panel_ends(rule: Boundaries, plane: Plane, marks: np.ndarray) -> np.ndarray:
    """Panels in t around the rule's edges and the label's boundary as the student sees them, and the loss's marks."""
    edges = rule.edges.ravel()
    features = [(edges, plane.sigma, plane.rho)] if edges.size else []
    if rule.label.slope:
        features.append((np.zeros(1), plane.tau, plane.overlap))
        features.append((-plane.gap * edges, plane.sigma * plane.spread, plane.inward))
        features.append((edges * plane.tau**2, plane.tau * plane.spread, plane.outward))
    ends = [_GRID, marks]
    for centre, width, turn in features:
        if abs(width) < _COARSE * abs(turn):
            centres, spread = centre / turn, abs(width / turn)
            seen = centres[np.abs(centres) < REACH + 9 * spread]
            ends.append((seen[:, None] + spread * _STEPS).ravel())
    return np.sort(np.clip(np.concatenate(ends), -REACH, REACH))
