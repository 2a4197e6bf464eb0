"""Averages over the probe field at fixed student field t, for the paper's equations.

At t the probe field is z = ρt + σζ with ζ ~ N(0, 1), and the label is +1 with the chance G. Gaussian integration by
parts of the average of ζ leaves the boundary terms, where q or G jumps:

    m(t) = E[q G | t]
    e(t) = Σ q [φ(ζ) G at a piece's lower end − φ(ζ) G at its upper end]/σ        the rule's edges
    l(t) = φ(R t/τ)/τ · E[q | t, u = 0]                                           the label's boundary
    E[ζ q G | t] = σ e(t) + (c − ρR)/σ · l(t)

At θ = 0 the label's boundary has no width, and Λ = 0 divides, to the right infinity: callers silence NumPy's warnings.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.order_parameters import OrderParameters, PerStudent
from replica_theory._numerics.elementary import functions_of, in_precision_of, some
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density, orthant, segment_mass
from replica_theory._numerics.quadrature import GaussianPanels, Nodes
from replica_theory.selection.kept_distribution import KeptDistribution

PANELS = GaussianPanels(
    grid=np.array([-10.5, -7.5, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, 7.5, 10.5]), order=12, widest=0.5
)
_CHUNK = 40  # fields t whose averages are summed at once
_NARROW_PIECE = 0.1  # width in ζ below which the terms of a piece's two ends cancel
_CLOSE_ENDS = 0.5  # |ln of the ratio of φ(ζ) at its ends| below which their difference is then taken from the width


@dataclass(frozen=True)
class PaperVariables(PerStudent):
    """The paper's variables of students, or numbers of one; c, s = cos θ, sin θ.

    Each is taken from the student's components, so that none cancels.
    """

    norm: Any  # √(1 + p²)
    across_probe: Any  # p sin(θ−ψ) = norm (R − ρc)/s
    across_teacher: Any  # p sin ψ = norm (ρ − Rc)/s
    overlap: Any  # R
    probe_overlap: Any  # ρ
    sigma: Any  # σ = √(1 − ρ²)
    tau: Any  # τ = √(1 − R²)
    covariance: Any  # c − ρR, of z and u at fixed t
    Lambda: Any  # Λ = √(σ²τ² − (c − ρR)²)
    margin: Any  # κ

    @classmethod
    def of(cls, kept: KeptDistribution, students: OrderParameters) -> "PaperVariables":
        functions, p, norm = functions_of(students.angle), students.length, students.norm
        theta = in_precision_of(kept.probe_angle, students.angle)
        across_probe, across_teacher = p * functions.sin(theta - students.angle), p * functions.sin(students.angle)
        return cls(
            norm=norm,
            across_probe=across_probe,
            across_teacher=across_teacher,
            overlap=students.overlap,
            probe_overlap=students.probe_overlap(theta),
            sigma=functions.hypot(1.0, across_probe) / norm,
            tau=functions.hypot(1.0, across_teacher) / norm,
            covariance=(functions.cos(theta) - across_probe * across_teacher) / norm**2,
            Lambda=np.divide(functions.sin(theta), norm),  # 0 at θ = 0, by which arrays may be divided
            margin=students.margin,
        )

    def at_nodes(self, nodes: Nodes) -> "PaperVariables":
        """Each student's variables at its own nodes; those of one student are at all."""
        if len(nodes.starts) == 1:
            return self
        return PaperVariables(**{name: nodes.at_nodes(values) for name, values in vars(self).items()})


def boundary_terms(kept: KeptDistribution, at: PaperVariables, shortfall: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """e and l at t = κ − shortfall, of a rule that is constant between its edges."""
    return _edge_term(kept, at, shortfall), _label_term(kept, at, at.margin - shortfall)


def mass_at(kept: KeptDistribution, at: PaperVariables, shortfall: np.ndarray) -> np.ndarray:
    """m(κ − shortfall), at θ not near 0, of a rule that is constant between its edges, to rounding of 1.

    By P(z < end, u > 0 | t).
    """
    t = at.margin - shortfall
    ends = (kept.finite_bounds - at.probe_overlap * t) / at.sigma
    towards_label, correlation = at.overlap * t / at.tau, -at.covariance / (at.sigma * at.tau)
    below = orthant(*(np.asarray(value, float) for value in (ends, towards_label, correlation)))
    return kept.probabilities @ (below[1] - below[0])


def summed_averages(kept: KeptDistribution, at: PaperVariables, shortfall: np.ndarray) -> np.ndarray:
    """e, l and m at t = κ − shortfall by quadrature over the probe field, for any rule, (3, t)."""
    chunks = [slice(start, start + _CHUNK) for start in range(0, shortfall.size, _CHUNK)]
    return np.concatenate([_summed(kept, at[chunk], shortfall[chunk]) for chunk in chunks], axis=1)


def _edge_term(kept: KeptDistribution, at: PaperVariables, shortfall: np.ndarray) -> np.ndarray:
    ends = kept.finite_bounds
    distance = _distance_to_edge(at, shortfall, ends)
    label_slope = at.covariance / (at.sigma * at.Lambda)
    argument = (at.margin - shortfall) * (at.across_probe / at.sigma) + label_slope * ends
    argument = np.minimum(np.maximum(argument, -FAR), FAR)
    density = normal_density((distance / at.sigma).astype(float, copy=False))
    at_lower, at_upper = density * ndtr(argument.astype(float, copy=False))
    difference = at_lower - at_upper
    if some(kept.narrowest_piece < _NARROW_PIECE * at.sigma):
        _replace_close(difference, at, ends, distance, argument, at_lower, density[1])
    return kept.probabilities @ difference / np.asarray(at.sigma, float)


def _replace_close(
    difference: np.ndarray,
    at: PaperVariables,
    ends: np.ndarray,
    distance: np.ndarray,
    argument: np.ndarray,
    at_lower: np.ndarray,
    density: np.ndarray,
) -> None:
    """Takes the difference of the terms of a piece's ends from its width where they are close."""
    log_ratio = ((ends[1] - ends[0]) * (distance[0] + distance[1]) / (2 * at.sigma**2)).astype(float, copy=False)
    close = np.abs(log_ratio) < _CLOSE_ENDS
    lower, upper = argument[0][close], argument[1][close]
    rise = interval_mass(np.minimum(lower, upper), np.maximum(lower, upper))
    rise = np.copysign(rise, (upper - lower).astype(float, copy=False))
    difference[close] = at_lower[close] * -np.expm1(-log_ratio[close]) - density[close] * rise


def _distance_to_edge(at: PaperVariables, shortfall: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """z − ρt at z = edge, in terms of κ and κ − t: near the margin t itself would be too coarse."""
    return (edge - at.probe_overlap * at.margin) + at.probe_overlap * shortfall


def _label_term(kept: KeptDistribution, at: PaperVariables, t: np.ndarray) -> np.ndarray:
    mass = segment_mass(_on_label_boundary(at, t, kept.finite_bounds))
    return _boundary_density(at, t) * (kept.probabilities @ mass)


def _boundary_density(at: PaperVariables, t: np.ndarray) -> np.ndarray:
    """φ(R t/τ)/τ, the density of u = 0 at t."""
    density = normal_density((at.overlap * t / at.tau).astype(float, copy=False))
    return (density / at.tau).astype(float, copy=False)


def _on_label_boundary(at: PaperVariables, t: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """The standard normal coordinate of z on the label's boundary u = 0 at which z = edge."""
    return at.tau * edge / at.Lambda - t * (at.across_teacher / at.tau)  # an edge at 0 is all of one without width


def _summed(kept: KeptDistribution, at: PaperVariables, shortfall: np.ndarray) -> np.ndarray:
    t = at.margin - shortfall
    slope, switch = at.covariance / at.Lambda, -at.overlap * at.sigma * t / at.covariance
    features = switch[:, None], np.abs(1 / slope)[:, None]
    kinks = _distance_to_edge(at[:, None], shortfall[:, None], kept.panel_ends) / at.sigma[:, None]
    nodes = PANELS.nodes(-PANELS.reach, PANELS.reach, features=features, kinks=kinks)
    here, zeta, field = at[nodes.row], nodes.points, t[nodes.row]
    mean_u = here.overlap * here.sigma * field + here.covariance * zeta  # σ E[u | t, ζ]
    argument = np.where(mean_u == 0, 0.0, mean_u / here.Lambda)
    label_chance = ndtr(argument.astype(float))
    zeta, margin = zeta.astype(float), here.probe_overlap * field + here.sigma * zeta
    density = normal_density(zeta) * kept(margin.astype(float)) * label_chance
    mass, first = nodes.integrals([density, zeta * density])
    label = _boundary_density(at, t) * _mean_on_boundary(kept, at, t)
    return np.stack([(first - at.covariance / at.sigma * label) / at.sigma, label, mass]).astype(float)


def _mean_on_boundary(kept: KeptDistribution, at: PaperVariables, t: np.ndarray) -> np.ndarray:
    """E[q | t, u = 0], where z has the standard deviation Λ/τ."""
    kinks = _on_label_boundary(at[:, None], t[:, None], kept.panel_ends)
    nodes = PANELS.nodes(-PANELS.reach, PANELS.reach, kinks=kinks)
    here = at[nodes.row]
    margin = (nodes.points + t[nodes.row] * here.across_teacher / here.tau) * here.Lambda / here.tau
    q = kept(np.clip(margin, -FAR, FAR).astype(float))
    return nodes.integrals([normal_density(nodes.points.astype(float)) * q])[0]
