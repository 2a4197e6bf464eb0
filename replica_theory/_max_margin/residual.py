"""The paper's own saddle-point equations (1)–(3), as an independent check of every max-margin student.

Sorscher et al. 2022 (App. A.2) average over the probe field z of kept examples and the student's full field t < κ; the
solver averages over the student's in-plane field alone. With c, s = cos θ, sin θ, σ² = 1 − ρ²,
Λ² = s² − R² − ρ² + 2ρRc and G = H(Γ/σΛ), the chance that the label is +1 (N the normal density)::

    (1) (R − ρc)/s²              = (α / πΛ) < ∫ dt e^{−Δ/2Λ²} (κ−t) >
    (2) 1 − (ρ² + R² − 2ρRc)/s²  = 2α < ∫ dt N(t; ρz, σ²) G (κ−t)² >
    (3) (ρ − Rc)/s²              = 2α < ∫ dt [N G (z−ρt)/σ² + e^{−Δ/2Λ²} (ρR−c)/(2πΛσ²)] (κ−t) >

At fixed t the average over z = ρt + σζ has three parts (`residual_averages`): the mass m(t) of kept examples of label
+1, the term e(t) of the rule's edges and the term l(t) of the label's boundary. As θ → 0 the paper's two coordinates
become one, and (1), (3) divide by s² what is nearly zero; (2), (3) + c·(1) and s²·(1) are the same equations and lose
nothing::

    (2')  1/|student|² = (2α/f) ∫ dt φ(t) (κ−t)² m(t)
    (3')  ρ            = (2α/f) ∫ dt φ(t) (κ−t) [e(t) + c l(t)]
    (1')  R − ρc       = (2α/f) ∫ dt φ(t) (κ−t) s² l(t)

Where a rule is constant between edges, e, l and dm/dt = ρ e + R l are in closed form; where it is a smooth function of
z, the integral over z is the outer one (`probe_residual`).
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.field_moments import RARE, cuts_seen
from replica_theory._max_margin.order_parameters import OrderParameters
from replica_theory._max_margin.probe_moments import by_probe_field
from replica_theory._max_margin.probe_residual import probe_field_averages
from replica_theory._max_margin.residual_averages import (
    PANELS,
    PaperVariables,
    boundary_terms,
    mass_at,
    summed_averages,
)
from replica_theory._numerics.elementary import numbers
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, Nodes, gauss_legendre, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_CHUNK = 16  # students per piece of a rule that are evaluated at once, so that their nodes stay in the cache
_ROUNDING, _CONFIRMED = 1e-15, 1e-12  # of P(z < end, u > 0), and share of ∫ φ (κ−t)² m that it may be
_NEGLIGIBLE = 1e-16  # share of ∫ φ (κ−t)² m below which the mass where t starts is not evaluated
_CANCELLED = 10.0  # size of the terms of ∫ φ (κ−t)² m, relative to their sum, beyond which their rounding would show
_LONGEST_STUDENT = 200.0  # p beyond which the outer integral over z would lose p² roundings of its terms
_CLOSE_SHORTFALL, _CLOSE_ORDER = 0.8, 9  # κ − t below which a closed form would cancel, and nodes used instead


def largest_residual(kept: KeptDistribution, students: OrderParameters) -> np.ndarray:
    """Largest difference between the sides of (1')–(3'), relative to the size of their terms, (students,)."""
    if students.k.size == 1:
        return np.array([_largest(kept, students[0].in_sufficient_precision(kept.narrowest_scale))], float).reshape(1)
    size = max(1, _CHUNK // len(kept.pieces))
    chunks = (students[i : i + size] for i in range(0, students.k.size, size))
    return np.concatenate([_largest(kept, some.in_sufficient_precision(kept.narrowest_scale)) for some in chunks])


def _largest(kept: KeptDistribution, students: OrderParameters) -> np.ndarray:
    if by_probe_field(kept, students, _LONGEST_STUDENT):
        students = students[None] if students.k.ndim == 0 else students
        return np.concatenate([_largest_by_probe_field(kept, students[i : i + 1]) for i in range(students.k.size)])
    if not kept.is_constant:
        return _largest_by_student_field(kept, students, closed_form=False)[0]
    residual, cancelled = _largest_by_student_field(kept, students, closed_form=True)
    if cancelled.ndim == 0 and cancelled:
        return _largest_by_student_field(kept, students, closed_form=False)[0]
    if cancelled.any():
        residual[cancelled] = _largest_by_student_field(kept, students[cancelled], closed_form=False)[0]
    return residual


def _largest_by_probe_field(kept: KeptDistribution, students: OrderParameters) -> np.ndarray:
    paper = PaperVariables.of(kept, students)
    squared_shortfall, edge, label = probe_field_averages(kept, paper)
    return _differences(kept, students, paper, squared_shortfall, np.stack([edge, np.abs(edge), label]))


def _largest_by_student_field(
    kept: KeptDistribution, students: OrderParameters, *, closed_form: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The largest difference, and whether rounding shows in ∫ φ (κ−t)² m."""
    paper = PaperVariables.of(kept, students)
    nodes = _shortfall_nodes(kept, paper)
    averages = (_closed_averages if closed_form else _summed_averages)(kept, paper, nodes)
    shortfall = nodes.points.astype(float, copy=False)
    density = normal_density((nodes.at_nodes(paper.margin) - nodes.points).astype(float, copy=False))
    weight = density * shortfall
    by_edge = weight * averages.edge
    terms = nodes.integrals([by_edge, np.abs(by_edge), weight * averages.label]).reshape(3, *paper.margin.shape)
    residual = _differences(kept, students, paper, averages.squared_shortfall, terms)
    return residual, averages.squared_shortfall_size > _CANCELLED * averages.squared_shortfall


def _differences(
    kept: KeptDistribution,
    students: OrderParameters,
    paper: PaperVariables,
    squared_shortfall: np.ndarray,
    terms: np.ndarray,
) -> np.ndarray:
    """Largest relative difference of the sides, from ∫ φ (κ−t)² m and ∫ φ (κ−t) (e, |e|, l)."""
    factor, c, s = 2 * students.alpha / kept.keep_fraction, np.cos(kept.probe_angle), np.sin(kept.probe_angle)
    edge, edge_size, label = factor * terms
    equation_2 = students.squared_norm * factor * squared_shortfall - 1
    equation_3 = (edge + c * label - paper.probe_overlap) / (edge_size + label)
    equation_1 = (s * label - paper.across_probe / paper.norm) / (edge_size + label)  # both sides divided by s
    return np.abs([equation_2, equation_3, equation_1]).max(0).astype(float)


@dataclass(frozen=True)
class _FieldAverages:
    """e and l at the nodes, (nodes,), and ∫ dt φ (κ−t)² m with the size of its terms, (students,)."""

    edge: np.ndarray
    label: np.ndarray
    squared_shortfall: np.ndarray
    squared_shortfall_size: np.ndarray


def _shortfall_nodes(kept: KeptDistribution, paper: PaperVariables) -> Nodes:
    """Quadrature in κ − t > 0 of each student."""
    each = zip(*(numbers(values) for values in vars(paper).values()), strict=True)
    panels = replace(PANELS, widest=math.inf) if kept.narrowest_scale < RARE else PANELS
    return panel_nodes([_shortfall_panels(panels, kept, PaperVariables(*student)) for student in each], panels.order)


def _shortfall_panels(panels: GaussianPanels, kept: KeptDistribution, at: Any) -> list[float]:
    """Panels where the label, the rule's edges and both at once switch in t; `PaperVariables` of numbers."""
    edges = kept.edges.tolist()
    features = [(0.0, abs(_ratio(at.tau, at.overlap)))]
    along, label = _ratio(at.sigma, at.probe_overlap), _ratio(at.tau, at.across_teacher)
    turn = at.Lambda * at.across_teacher / at.tau**2
    for slope, width in (
        (at.probe_overlap, along),
        (_ratio(-at.Lambda * at.across_probe, at.covariance), _ratio(at.sigma, at.across_probe)),
        (turn, label),
    ):
        features += [(_ratio(edge, slope), abs(width)) for edge in edges]
    kinks = cuts_seen(kept, at.probe_overlap, along) + cuts_seen(kept, turn, label)
    ends = panels.panels(-panels.reach, min(at.margin, panels.reach), features, kinks)
    return [at.margin - end for end in reversed(ends)]


def _ratio(a: float, b: float) -> float:
    """a/b, infinite where b = 0."""
    return a / b if b else math.copysign(math.inf, a) if a else math.nan


def _summed_averages(kept: KeptDistribution, paper: PaperVariables, nodes: Nodes) -> _FieldAverages:
    """By quadrature over z at every node."""
    each = paper[None] if paper.margin.ndim == 0 else paper
    at, shortfall = each[nodes.row], nodes.points
    edge, label, mass = summed_averages(kept, at, shortfall)
    density = normal_density((at.margin - shortfall).astype(float))
    (total,) = nodes.integrals([density * shortfall.astype(float) ** 2 * mass])
    total = total.reshape(paper.margin.shape)
    return _FieldAverages(edge, label, total, total)


def _closed_averages(kept: KeptDistribution, paper: PaperVariables, nodes: Nodes) -> _FieldAverages:
    """e and l in closed form, and ∫ dt φ (κ−t)² m by parts: m where t starts, and dm/dt = ρ e + R l from there."""
    at, shortfall, first = paper.at_nodes(nodes), nodes.points, paper.margin + PANELS.reach
    edge, label = boundary_terms(kept, at, shortfall)
    growth = _squared_shortfall(at.margin, shortfall) * (at.probe_overlap * edge + at.overlap * label)
    growth = growth.astype(float, copy=False)
    gained, gained_size = nodes.integrals([growth, np.abs(growth)]).reshape(2, *paper.margin.shape)
    # m ≤ P(u > 0 | t) where t starts, and the integral of φ (κ−t)² is at most (1 + |κ|)²
    most = (1 + np.abs(paper.margin)) ** 2 * ndtr((-PANELS.reach * paper.overlap / paper.tau).astype(float))
    matters, initial = most > _NEGLIGIBLE * gained, np.zeros_like(gained)
    if matters.any():
        most = _squared_shortfall(paper.margin[matters], first[matters])
        known = (_ROUNDING * most < _CONFIRMED * gained[matters]).all() and kept.probe_angle > RARE
        mass = (mass_at if known else _summed_mass)(kept, paper[matters], first[matters])
        initial[matters] = mass * most
    return _FieldAverages(edge, label, initial + gained, initial + gained_size)


def _summed_mass(kept: KeptDistribution, paper: PaperVariables, shortfall: np.ndarray) -> np.ndarray:
    """m at κ − shortfall, right to its own rounding."""
    return summed_averages(kept, paper, shortfall)[2]


def _squared_shortfall(margin: np.ndarray, shortfall: np.ndarray) -> np.ndarray:
    """∫ φ(t) (κ−t)² dt from κ − shortfall to κ, summed where that is so near that the closed form would cancel.

    With a = κ − shortfall it is (1 + κ²) [Φ(κ) − Φ(a)] + κ φ(κ) − (2κ − a) φ(a).
    """
    margin, shortfall = margin.astype(float, copy=False), shortfall.astype(float, copy=False)
    first = margin - shortfall
    side = np.copysign(1.0, -(margin + first))  # in the tail where both are small
    mass = side * (ndtr(side * margin) - ndtr(side * first))
    total = (1 + margin**2) * mass + margin * normal_density(margin) - (margin + shortfall) * normal_density(first)
    close = shortfall < _CLOSE_SHORTFALL
    if close.any():
        nodes, weights = gauss_legendre(_CLOSE_ORDER)
        shortfall, margin = shortfall[close], margin[close] if margin.size == close.size else margin
        distance = shortfall * nodes[:, None]
        total[close] = shortfall * (weights @ (distance**2 * normal_density(margin - distance)))
    return total
