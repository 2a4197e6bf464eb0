"""What a trained student sees of kept examples: its field ω, together with the example's coordinates.

Coordinates of a kept example, labelled so that y = +1: g = (z, v, h), with z the probe's field, v the
field across it in the plane of probe and teacher, and h ~ N(0, 1) from the rest of the inputs. A student
x = (a₁, a₂, b) sees the field ω = x·g. At each ω the examples that give it are summed up by their
mass and first and second moments of g. With t = ω/|x| a standard normal, r = x/|x| and
C = 1 − r rᵀ, Gaussian integration by parts over g at fixed t leaves only boundary terms of the keep
probability times the chance of the label, G = q(z) ℓ(u):

    E[G | t]     = m,                dm/dt = r·d,    d = E[∇G | t] = P e + T l
    E[g G | t]   = r t m + C d
    E[ggᵀ G | t] = (t² rrᵀ + C) m + t (r (Cd)ᵀ + (Cd) rᵀ) + C D C,    D = E[∇∇G | t]

e is the pull of the rule's edges and l that of the label's boundary; all are in closed form where the
rule is constant between its edges.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory.gaussian import FAR, interval_mass, normal_density
from replica_theory.kept_law import KeptLaw, Piece
from replica_theory.quadrature import composite_rule, gauss_legendre

REACH = 11.0
_ORDER = 12
_GRID = np.array([-11.0, -8.0, -6.0, -4.5, -3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0, 8.0, 11.0])
_STEPS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])
_COARSE = 1.2  # widths beyond it are resolved by the grid


@dataclass(frozen=True)
class FieldCells:
    """Kept examples of label +1 by the student's field; all sums over cells are averages over them.

    Attributes:
        field: ω, (cells,).
        loss_weight: By which the loss is multiplied in the cell, (cells,).
        mass: Share of the kept examples, (cells,).
        first: E[g], (3, cells), with the mass.
        second: E[ggᵀ], (3, 3, cells), with the mass.
    """

    field: np.ndarray
    loss_weight: np.ndarray | float
    mass: np.ndarray
    first: np.ndarray
    second: np.ndarray


@dataclass(frozen=True)
class LabelChance:
    """Chance that an example of teacher field u has label +1: base + slope · 1(u > 0)."""

    base: float
    slope: float


def labelled_pieces(law: KeptLaw) -> tuple[tuple[Piece, ...], LabelChance]:
    """The rule's pieces and the label's chance; at θ = 0 the label depends on z and joins the pieces."""
    wrong = law.label_noise
    if law.probe_angle > 0:
        return law.pieces, LabelChance(wrong, 1 - 2 * wrong)
    halves = [_scaled(piece, max(piece.lower, 0.0), piece.upper, 1 - wrong) for piece in law.pieces]
    halves += [_scaled(piece, piece.lower, min(piece.upper, 0.0), wrong) for piece in law.pieces if wrong]
    return tuple(piece for piece in halves if piece.lower < piece.upper), LabelChance(1.0, 0.0)


def _scaled(piece: Piece, lower: float, upper: float, factor: float) -> Piece:
    probability = piece.probability
    if callable(probability):
        return Piece(lower=lower, upper=upper, probability=lambda m: factor * probability(m))
    return Piece(lower=lower, upper=upper, probability=factor * probability)


@dataclass(frozen=True)
class Plane:
    """A student among probe and teacher: covariances of t, z and u, each free of cancellation."""

    student: np.ndarray
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
            student=student,
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


def closed_cells(law: KeptLaw, student: np.ndarray, marks: np.ndarray) -> FieldCells:
    """Cells of a rule that is constant between its edges, with panel ends at the fields ``marks``."""
    pieces, label = labelled_pieces(law)
    plane = Plane.of(student, law.probe_angle)
    ends = _panel_ends(pieces, label, plane, marks / plane.norm)
    nodes = composite_rule(ends[None], _ORDER)
    t = nodes.points
    edge, edge_slope, mixed = _edge_terms(pieces, label, plane, t)
    boundary, boundary_slope = _label_terms(pieces, label, plane, t)
    rate = plane.rho * edge + plane.overlap * boundary
    mass = _starting_mass(pieces, label, plane, float(ends[0])) + _running_integral(rate, nodes.weights)
    weight = 2 / law.keep_fraction * nodes.weights * normal_density(t)
    first, second = _moments(plane, t, mass, np.stack([edge, boundary]), (edge_slope, mixed, boundary_slope))
    return FieldCells(plane.norm * t, 1.0, weight * mass, weight * first, weight * second)


def _moments(plane: Plane, t: np.ndarray, mass: np.ndarray, pulls: np.ndarray, slopes: tuple) -> tuple:
    """E[g G | t] and E[ggᵀ G | t] from the boundary terms."""
    r = plane.student / plane.norm
    normals = np.array([[1.0, 0.0, 0.0], [plane.cosine, plane.sine, 0.0]])
    spread = np.eye(3) - np.outer(r, r)
    probe, teacher = normals @ spread
    shift = np.outer(probe, pulls[0]) + np.outer(teacher, pulls[1])
    both = np.outer(probe, teacher) + np.outer(teacher, probe)
    bent = np.multiply.outer(np.outer(probe, probe), slopes[0]) + np.multiply.outer(both, slopes[1])
    bent += np.multiply.outer(np.outer(teacher, teacher), slopes[2])
    lean = r[:, None, None] * (t * shift)
    second = np.multiply.outer(np.outer(r, r), t * t * mass) + np.multiply.outer(spread, mass)
    return np.outer(r, t * mass) + shift, second + lean + lean.swapaxes(0, 1) + bent


def _edge_terms(pieces: tuple[Piece, ...], label: LabelChance, plane: Plane, t: np.ndarray) -> tuple:
    """E[q'ℓ], E[q''ℓ] and E[q'ℓ'] at fixed t, from the rule's edges."""
    pull, slope, mixed = np.zeros((3, t.size))
    for piece in pieces:
        for edge, sign in ((piece.lower, 1.0), (piece.upper, -1.0)):
            if not abs(edge) < FAR:
                continue
            beyond = (edge - plane.rho * t) / plane.sigma
            density = sign * float(piece.probability) * normal_density(beyond) / plane.sigma  # pyright: ignore[reportArgumentType]
            chance, at_boundary = label.base, 0.0
            if label.slope:
                argument = (plane.inward * t + plane.gap * edge) / (plane.sigma * plane.spread)
                chance = chance + label.slope * ndtr(argument)
                at_boundary = label.slope * normal_density(argument) * plane.sigma / plane.spread
            pull += density * chance
            slope += density * (beyond / plane.sigma * chance - at_boundary * plane.gap / plane.sigma**2)
            mixed += density * at_boundary
    return pull, slope, mixed


def _label_terms(pieces: tuple[Piece, ...], label: LabelChance, plane: Plane, t: np.ndarray) -> tuple:
    """E[qℓ'] and E[qℓ''] at fixed t, from the label's boundary."""
    kept, edges = np.zeros((2, t.size))
    if not label.slope:
        return kept, edges
    for piece in pieces:
        low, high = (_along_boundary(plane, t, edge) for edge in (piece.lower, piece.upper))
        kept += piece.probability * interval_mass(low, high)
        edges += piece.probability * (normal_density(high) - normal_density(low))
    density = label.slope * normal_density(plane.overlap * t / plane.tau) / plane.tau
    turn = plane.gap / (plane.tau * plane.spread)
    return density * kept, density * (turn * edges - plane.overlap * t / plane.tau**2 * kept)


def _along_boundary(plane: Plane, t: np.ndarray, edge: float) -> np.ndarray:
    """Where z = edge on the label's boundary u = 0, a standard normal coordinate."""
    edge = min(max(edge, -FAR), FAR)
    return (edge * plane.tau - plane.outward * t / plane.tau) / plane.spread


def _running_integral(rate: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """∫ of the rate from the first panel's start to each node, panel by panel of Gauss–Legendre nodes."""
    shares = rate.reshape(-1, _ORDER) * weights.reshape(-1, _ORDER)
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


def _starting_mass(pieces: tuple[Piece, ...], label: LabelChance, plane: Plane, t: float) -> float:
    """E[G | t] where the panels start, by quadrature over z."""
    kinks = [(edge - plane.rho * t) / plane.sigma for piece in pieces for edge in (piece.lower, piece.upper)]
    grid = [*np.linspace(-REACH, REACH, 15), *kinks]
    if label.slope and plane.gap:
        centre, width = -plane.overlap * plane.sigma * t / plane.gap, abs(plane.spread / plane.gap)
        grid += list(centre + width * _STEPS)
    nodes = composite_rule(np.unique(np.clip(grid, -REACH, REACH))[None], _ORDER)
    z = plane.rho * t + plane.sigma * nodes.points
    inside = sum(piece(z) * ((piece.lower < z) & (z < piece.upper)) for piece in pieces)
    chance = label.base
    if label.slope:
        lean = plane.inward * t + plane.gap * z
        chance = chance + label.slope * ndtr(lean / (plane.sigma * plane.spread))
    return float(nodes.weights @ (normal_density(nodes.points) * inside * chance))


def _panel_ends(pieces: tuple[Piece, ...], label: LabelChance, plane: Plane, marks: np.ndarray) -> np.ndarray:
    """Panels in t around the rule's edges and the label's boundary as the student sees them, and the loss's marks."""
    edges = np.array([edge for piece in pieces for edge in (piece.lower, piece.upper) if abs(edge) < FAR])
    with np.errstate(divide="ignore", invalid="ignore"):
        features = [(edges / plane.rho, np.full_like(edges, plane.sigma / abs(plane.rho)))] if plane.rho else []
        if label.slope:
            lean, turn = plane.inward, plane.outward
            features += [(np.zeros(1), np.divide([plane.tau], abs(plane.overlap)))]
            features += [(-plane.gap * edges / lean, np.full_like(edges, plane.sigma * plane.spread) / abs(lean))]
            features += [(edges * plane.tau**2 / turn, np.full_like(edges, plane.tau * plane.spread) / abs(turn))]
    ends = [_GRID, marks]
    for centres, widths in features:
        sharp = (widths < _COARSE) & np.isfinite(centres) & (np.abs(centres) < REACH + 9 * widths)
        ends.append((centres[sharp, None] + widths[sharp, None] * _STEPS).ravel())
    return np.unique(np.clip(np.concatenate(ends), -REACH, REACH))
