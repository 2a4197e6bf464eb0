"""The paper's own saddle-point equations, as an independent check of every max-margin student.

Sorscher et al. 2022 (App. A.2) average over the probe field z of kept examples and the student's
full field t < κ; the solver averages over the student's in-plane field alone. With c, s = cos θ,
sin θ, σ² = 1 − ρ², Λ² = s² − R² − ρ² + 2ρRc and G = H(Γ/σΛ), the chance that the label is +1::

    (1) (R − ρc)/s²              = (α / πΛ) < ∫ dt e^{−Δ/2Λ²} (κ−t) >
    (2) 1 − (ρ² + R² − 2ρRc)/s²  = 2α < ∫ dt N(t; ρz, σ²) G (κ−t)² >
    (3) (ρ − Rc)/s²              = 2α < ∫ dt [N G (z−ρt)/σ² + e^{−Δ/2Λ²} (ρR−c)/(2πΛσ²)] (κ−t) >

At fixed t the average over z = ρt + σζ has three parts: the mass m(t) of kept examples of label
+1, the pull e(t) of the rule's edges (what ∫ ζ φ leaves at the ends of an interval), and the pull
l(t) of the label's boundary. As θ → 0 the paper's two coordinates become one, and (1), (3) divide
by s² what is nearly zero; (2), (3) + c·(1) and s²·(1) are the same equations and lose nothing::

    1/|student|² = (2α/f) ∫ dt φ(t) (κ−t)² m(t)
    ρ            = (2α/f) ∫ dt φ(t) (κ−t) [e(t) + c l(t)]
    R − ρc       = (2α/f) ∫ dt φ(t) (κ−t) s² l(t)

Where a rule is constant between edges, e, l and dm/dt = ρ e + R l are in closed form.
"""

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.residual_averages import GRID, REACH, Overlaps, closed_pulls, overlaps, summed_averages
from replica_theory._numerics.gaussian import interval_moments, normal_density
from replica_theory._numerics.quadrature import Nodes, breakpoints, composite_rule, gauss_legendre
from replica_theory.selection.kept_distribution import KeptDistribution

_CHUNK = 16  # students whose nodes stay in the cache
_NOTHING = 1e-16  # share of a sum that is below its rounding
_CANCELLED = 10.0  # terms so much larger than their sum that their rounding would show in it


def largest_residual(law: KeptDistribution, student: OrderParameters) -> np.ndarray:
    """Largest difference between the sides of an equation, relative to the size of its terms, each student."""
    step = max(1, _CHUNK // len(law.pieces))
    return np.concatenate([_largest(law, student[i : i + step]) for i in range(0, student.k.size, step)])


def _largest(law: KeptDistribution, student: OrderParameters) -> np.ndarray:
    if not law.is_constant:
        return _residual(law, student, in_closed_form=False)[0]
    residual, again = _residual(law, student, in_closed_form=True)
    if again.any():
        residual[again] = _residual(law, student[again], in_closed_form=False)[0]
    return residual


def _residual(
    law: KeptDistribution, student: OrderParameters, *, in_closed_form: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The residual, and whether the terms of ∫ φ (κ−t)² m are too large for their sum to be trusted."""
    student = student.resolving(law.finest)
    paper = overlaps(law, student)
    nodes = _shortfalls(law, paper)
    averages = _by_parts if in_closed_form else _by_quadrature
    edge, label, squared_shortfall, size = averages(law, paper, nodes)
    short = nodes.points.astype(float, copy=False)
    weight = normal_density((nodes.spread(paper.margin) - nodes.points).astype(float, copy=False)) * short
    factor, cosine, sine = 2 * student.alpha / law.keep_fraction, np.cos(law.probe_angle), np.sin(law.probe_angle)
    edge_pull, edge_size, label_pull = factor * nodes.integrals([weight * edge, weight * np.abs(edge), weight * label])
    sides = [
        student.squared_norm * factor * squared_shortfall - 1,
        (edge_pull + cosine * label_pull - paper.rho) / (edge_size + label_pull),
        (sine * label_pull - paper.inward / paper.norm) / (edge_size + label_pull),
    ]
    return np.abs(sides).max(0).astype(float), size > _CANCELLED * squared_shortfall


def _shortfalls(law: KeptDistribution, paper: Overlaps) -> Nodes:
    """Quadrature in κ − t > 0, with panels where the label, the rule's edges and both at once switch."""
    edges, (rows, many), kind = law.edges, (paper.margin.size, law.edges.size), paper.margin.dtype
    centres, widths = np.zeros((2, rows, 1 + 3 * many), kind)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        widths[:, 0] = np.abs(paper.tau / paper.overlap)
        for place, (scale, width) in enumerate((
            (1 / paper.rho, paper.sigma / paper.rho),
            (-paper.gap / (paper.spread * paper.inward), paper.sigma / paper.inward),
            (paper.tau**2 / (paper.spread * paper.outward), paper.tau / paper.outward),
        )):  # fmt: skip
            columns = slice(1 + place * many, 1 + (place + 1) * many)
            centres[:, columns], widths[:, columns] = scale[:, None] * edges, np.abs(width)[:, None]
    ends = breakpoints(-REACH, np.minimum(paper.margin, REACH), grid=GRID, features=(centres, widths))
    return composite_rule(paper.margin[:, None] - ends[:, ::-1], order=12)


def _by_quadrature(law: KeptDistribution, paper: Overlaps, nodes: Nodes) -> tuple[np.ndarray, ...]:
    """e and l at each node, ∫ dt φ (κ−t)² m(t) of each student, and the size of its terms."""
    at, short = paper[nodes.row], nodes.points
    edge, label, mass = summed_averages(law, at, short)
    (total,) = nodes.integrals([normal_density((at.margin - short).astype(float)) * short.astype(float) ** 2 * mass])
    return edge, label, total, total


def _by_parts(law: KeptDistribution, paper: Overlaps, nodes: Nodes) -> tuple[np.ndarray, ...]:
    """The same from m where t starts, at most P(u > 0 | t), and from its growth, which is in closed form."""
    at, short, start = paper.beside(nodes), nodes.points, paper.margin + REACH
    edge, label = closed_pulls(law, at, short)
    growth = (_squared_shortfall_above(at.margin, short) * (at.rho * edge + at.overlap * label)).astype(
        float, copy=False
    )
    gain, size = nodes.integrals([growth, np.abs(growth)])
    most = (1 + np.abs(paper.margin)) ** 2 * ndtr((-REACH * paper.overlap / paper.tau).astype(float))
    matters, at_start = most > _NOTHING * gain, np.zeros_like(gain)
    if matters.any():
        mass = summed_averages(law, paper[matters], start[matters])[2]
        at_start[matters] = mass * _squared_shortfall_above(paper.margin[matters], start[matters])
    return edge, label, at_start + gain, at_start + size


def _squared_shortfall_above(margin: np.ndarray, short: np.ndarray) -> np.ndarray:
    """∫ φ(s) (κ−s)² ds from κ − short to κ, summed where that is so near that the closed form would cancel."""
    margin, short = margin.astype(float, copy=False), short.astype(float, copy=False)
    mass, first, second = interval_moments(margin - short, margin + 0.0 * short)
    total = margin**2 * mass - 2 * margin * first + second
    near = short < 0.8
    if near.any():
        nodes, weights = gauss_legendre(9)
        short, margin = short[near], margin[near] if margin.size == near.size else margin
        gap = short * nodes[:, None]
        total[near] = short * (weights @ (gap**2 * normal_density(margin - gap)))
    return total
