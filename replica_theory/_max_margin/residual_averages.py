"""Averages over the probe field at fixed student field t, for the paper's equations.

At t the probe field is z = ρt + σζ with ζ ~ N(0, 1), and the label is +1 with probability G. Kept
examples of label +1 have a mass m(t); what ∫ ζ φ leaves at the ends of an interval is the pull e(t)
of the rule's edges, and l(t) is the pull of the label's boundary.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule
from replica_theory.selection.kept_distribution import KeptDistribution

REACH = 10.5
GRID = np.array([-10.5, -7.5, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, 7.5, 10.5])
_CHUNK = 40  # fields t whose averages are summed at once


@dataclass(frozen=True)
class Overlaps:
    """The paper's variables for students, each from its components."""

    norm: np.ndarray
    inward: np.ndarray  # norm (R − ρc)/s
    outward: np.ndarray  # norm (ρ − Rc)/s
    overlap: np.ndarray
    rho: np.ndarray
    sigma: np.ndarray  # √(1 − ρ²)
    tau: np.ndarray  # √(1 − R²)
    gap: np.ndarray  # c − ρR
    spread: np.ndarray  # Λ
    margin: np.ndarray  # κ

    def __getitem__(self, index) -> "Overlaps":
        return Overlaps(*(values[index] for values in vars(self).values()))

    def beside(self, nodes: Nodes) -> "Overlaps":
        """The same beside the nodes of each."""
        return Overlaps(*(nodes.spread(values) for values in vars(self).values()))


def overlaps(law: KeptDistribution, student: OrderParameters) -> Overlaps:
    angle, norm, p = student.angle.dtype.type(law.probe_angle), student.norm, student.length
    turn = angle - student.angle
    inward, outward = p * np.sin(turn), p * np.sin(student.angle)
    return Overlaps(
        norm=norm,
        inward=inward,
        outward=outward,
        overlap=student.overlap,
        rho=student.probe_overlap(angle),
        sigma=np.hypot(1.0, inward) / norm,
        tau=np.hypot(1.0, outward) / norm,
        gap=(np.cos(angle) - inward * outward) / norm**2,
        spread=np.sin(angle) / norm,
        margin=student.margin,
    )


def closed_pulls(law: KeptDistribution, at: Overlaps, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """e and l at t = κ − short, of a rule that is constant between its edges."""
    return _edge_pull(law, at, short), _label_pull(law, at, at.margin - short)


def summed_averages(law: KeptDistribution, at: Overlaps, short: np.ndarray) -> np.ndarray:
    """e, l and m by quadrature over the probe field, for any rule, (3, t)."""
    chunks = [slice(start, start + _CHUNK) for start in range(0, short.size, _CHUNK)]
    return np.concatenate([_summed(law, at[chunk], short[chunk]) for chunk in chunks], axis=1)


def _edge_pull(law: KeptDistribution, at: Overlaps, short: np.ndarray) -> np.ndarray:
    """e = Σ q [φ(ζ) G] at an interval's lower minus at its upper end, over σ."""
    ends = np.minimum(np.maximum(law.ends, -FAR), FAR)[..., None]
    beyond = _beyond(at, short, ends)
    with np.errstate(divide="ignore"):
        argument = (at.margin - short) * (at.inward / at.sigma) + at.gap / (at.sigma * at.spread) * ends
    argument = np.minimum(np.maximum(argument, -FAR), FAR)
    density = normal_density((beyond / at.sigma).astype(float, copy=False))
    at_low, at_high = density * ndtr(argument.astype(float, copy=False))
    # a narrow interval's two ends nearly cancel: their difference is taken from its width
    exponent = ((ends[1] - ends[0]) * (beyond[0] + beyond[1]) / (2 * at.sigma**2)).astype(float, copy=False)
    pull, near = at_low - at_high, np.abs(exponent) < 0.5
    if near.any():
        low, high = argument[0][near], argument[1][near]
        rise = interval_mass(np.minimum(low, high), np.maximum(low, high))
        rise = np.copysign(rise, (high - low).astype(float, copy=False))
        pull[near] = at_low[near] * -np.expm1(-exponent[near]) - density[1][near] * rise
    return law.probabilities @ pull / at.sigma.astype(float, copy=False)


def _beyond(at: Overlaps, short: np.ndarray, edge: np.ndarray | float) -> np.ndarray:
    """z − ρt at z = edge, from κ on: near the margin t itself would be too coarse."""
    return (edge - at.rho * at.margin) + at.rho * short


def _label_pull(law: KeptDistribution, at: Overlaps, t: np.ndarray) -> np.ndarray:
    """l = φ(R t/τ)/τ times the mean of q along the label's boundary u = 0."""
    low, high = _along_boundary(at, t, np.minimum(np.maximum(law.ends, -FAR), FAR)[..., None])
    return _at_boundary(at, t) * (law.probabilities @ interval_mass(low, high))


def _at_boundary(at: Overlaps, t: np.ndarray) -> np.ndarray:
    """φ(R t/τ)/τ, the density of the label's boundary."""
    return (normal_density((at.overlap * t / at.tau).astype(float)) / at.tau).astype(float)


def _along_boundary(at: Overlaps, t: np.ndarray, edge: np.ndarray | float) -> np.ndarray:
    """Where z = edge on the label's boundary, a standard normal coordinate."""
    with np.errstate(divide="ignore", invalid="ignore"):  # an edge at 0 is everywhere on a sharp boundary
        return at.tau * edge / at.spread - t * at.outward / at.tau


def _summed(law: KeptDistribution, at: Overlaps, short: np.ndarray) -> np.ndarray:
    t = at.margin - short
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, switch = at.gap / at.spread, -at.overlap * at.sigma * t / at.gap
        features = switch[:, None], np.abs(1 / slope)[:, None]
    edges = _beyond(at[:, None], short[:, None], law.edges) / at.sigma[:, None]
    nodes = composite_rule(breakpoints(-REACH, REACH, grid=GRID, features=features, kinks=edges), order=12)
    here, zeta, field = at[nodes.row], nodes.points, t[nodes.row]
    lean = here.overlap * here.sigma * field + here.gap * zeta
    with np.errstate(divide="ignore", invalid="ignore"):
        argument = np.where(lean == 0, 0.0, lean / here.spread)  # a label on its boundary, though it is sharp
    zeta, margin = zeta.astype(float), here.rho * field + here.sigma * zeta
    density = normal_density(zeta) * law(margin.astype(float)) * ndtr(argument.astype(float))
    mass, pull = nodes.integrals([density, zeta * density])
    label = _at_boundary(at, t) * _mean_along_boundary(law, at, t)
    return np.stack([(pull - at.gap / at.sigma * label) / at.sigma, label, mass]).astype(float)


def _mean_along_boundary(law: KeptDistribution, at: Overlaps, t: np.ndarray) -> np.ndarray:
    """Mean of q over z on the label's boundary, whose spread there is Λ/τ."""
    kinks = _along_boundary(at[:, None], t[:, None], law.edges)
    nodes = composite_rule(breakpoints(-REACH, REACH, grid=GRID, kinks=kinks), order=12)
    here = at[nodes.row]
    margin = (nodes.points + t[nodes.row] * here.outward / here.tau) * here.spread / here.tau
    kept = law(np.clip(margin, -FAR, FAR).astype(float))
    return nodes.integrals([normal_density(nodes.points.astype(float)) * kept])[0]
