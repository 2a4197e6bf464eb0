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
from replica_theory._numerics.elementary import every, largest, ratio, some
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, Nodes, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_CHUNK = 16  # students per piece of a rule that are evaluated at once, so that their nodes stay in the cache
_ROUNDING, _CONFIRMED = 1e-15, 1e-12  # of P(z < end, u > 0), and share of ∫ φ (κ−t)² m that it may be
_NEGLIGIBLE = 1e-16  # share of ∫ φ (κ−t)² m below which the mass where t starts is not evaluated
_CANCELLED = 10.0  # size of the terms of ∫ φ (κ−t)² m, relative to their sum, beyond which their rounding would show
_LONGEST_STUDENT = 200.0  # p beyond which the outer integral over z would lose p² roundings of its terms


def largest_residual(kept: KeptDistribution, students: OrderParameters) -> Any:
    """Largest difference between the sides of (1')–(3'), relative to the size of their terms, of each or of one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if not students.are_many:
            return float(_largest(kept, students.in_sufficient_precision(kept.narrowest_scale)))
        size = max(1, _CHUNK // len(kept.pieces))
        chunks = (students[i : i + size] for i in range(0, students.k.size, size))
        return np.concatenate([_largest(kept, some.in_sufficient_precision(kept.narrowest_scale)) for some in chunks])


def _largest(kept: KeptDistribution, students: OrderParameters) -> Any:
    if by_probe_field(kept, students, _LONGEST_STUDENT):
        return _largest_by_probe_field(kept, students)
    if not kept.is_constant:
        return _largest_by_student_field(kept, students, closed_form=False)[0]
    residual, cancelled = _largest_by_student_field(kept, students, closed_form=True)
    if every(cancelled):
        return _largest_by_student_field(kept, students, closed_form=False)[0]
    if some(cancelled):
        residual[cancelled] = _largest_by_student_field(kept, students[cancelled], closed_form=False)[0]
    return residual


def _largest_by_probe_field(kept: KeptDistribution, students: OrderParameters) -> Any:
    if students.are_many:  # their inner nodes are many
        return np.array([_largest_by_probe_field(kept, students[i]) for i in range(students.k.size)])
    paper = PaperVariables.of(kept, students)
    squared_shortfall, edge, label = probe_field_averages(kept, paper)
    return _differences(kept, students, paper, squared_shortfall, (edge, abs(edge), label))


def _largest_by_student_field(
    kept: KeptDistribution, students: OrderParameters, *, closed_form: bool
) -> tuple[Any, Any]:
    """The largest difference, and whether rounding shows in ∫ φ (κ−t)² m."""
    paper = PaperVariables.of(kept, students)
    nodes = _shortfall_nodes(kept, paper)
    shortfall = nodes.points.astype(float, copy=False)
    weight = normal_density((nodes.at_nodes(paper.margin) - nodes.points).astype(float, copy=False)) * shortfall
    averages = (_closed_averages if closed_form else _summed_averages)(kept, paper, nodes, weight * shortfall)
    by_edge = weight * averages.edge
    terms = _shaped(nodes.integrals([by_edge, np.abs(by_edge), weight * averages.label]), students.are_many)
    residual = _differences(kept, students, paper, averages.squared_shortfall, terms)
    return residual, averages.squared_shortfall_size > _CANCELLED * averages.squared_shortfall


def _shaped(integrals: np.ndarray, many: bool) -> np.ndarray:
    """Of many rows as they are, (values, rows), or of the only one as numbers, (values,)."""
    return integrals if many else integrals[:, 0]


def _differences(
    kept: KeptDistribution, students: OrderParameters, paper: PaperVariables, squared_shortfall: Any, terms: Any
) -> Any:
    """Largest relative difference of the sides, from ∫ φ (κ−t)² m and ∫ φ (κ−t) (e, |e|, l)."""
    factor, c, s = 2 * students.alpha / kept.keep_fraction, math.cos(kept.probe_angle), math.sin(kept.probe_angle)
    edge, edge_size, label = (factor * term for term in terms)
    equation_2 = students.squared_norm * factor * squared_shortfall - 1
    equation_3 = (edge + c * label - paper.probe_overlap) / (edge_size + label)
    equation_1 = (s * label - paper.across_probe / paper.norm) / (edge_size + label)  # both sides divided by s
    return largest(abs(equation_2), abs(equation_3), abs(equation_1))


@dataclass(frozen=True)
class _FieldAverages:
    """e and l at the nodes, (nodes,), and ∫ dt φ (κ−t)² m with the size of its terms, (students,)."""

    edge: np.ndarray
    label: np.ndarray
    squared_shortfall: Any
    squared_shortfall_size: Any


def _shortfall_nodes(kept: KeptDistribution, paper: PaperVariables) -> Nodes:
    """Quadrature in κ − t > 0 of each student."""
    panels = replace(PANELS, widest=math.inf) if kept.narrowest_scale < RARE else PANELS
    return panel_nodes([_shortfall_panels(panels, kept, at) for at in paper.each], panels.order)


def _shortfall_panels(panels: GaussianPanels, kept: KeptDistribution, at: Any) -> list[float]:
    """Panels where the label, the rule's edges and both at once switch in t; `PaperVariables` of numbers."""
    edges = kept.edges.tolist()
    features = [(0.0, abs(ratio(at.tau, at.overlap)))]
    along, label = ratio(at.sigma, at.probe_overlap), ratio(at.tau, at.across_teacher)
    turn = at.Lambda * at.across_teacher / at.tau**2
    for slope, width in (
        (at.probe_overlap, along),
        (ratio(-at.Lambda * at.across_probe, at.covariance), ratio(at.sigma, at.across_probe)),
        (turn, label),
    ):
        with np.errstate(over="ignore"):  # an edge that is too far away for a number is out of reach
            features += [(ratio(edge, slope), abs(width)) for edge in edges]
    kinks = cuts_seen(kept, at.probe_overlap, along) + cuts_seen(kept, turn, label)
    ends = panels.panels(-panels.reach, min(at.margin, panels.reach), features, kinks)
    return [at.margin - end for end in reversed(ends)]


def _summed_averages(
    kept: KeptDistribution, paper: PaperVariables, nodes: Nodes, squared: np.ndarray
) -> _FieldAverages:
    """By quadrature over z at every node, where φ (κ−t)² is ``squared``."""
    many = isinstance(paper.margin, np.ndarray)
    edge, label, mass = summed_averages(kept, (paper if many else paper.as_arrays)[nodes.row], nodes.points)
    (total,) = _shaped(nodes.integrals([squared * mass]), many)
    return _FieldAverages(edge, label, total, total)


def _closed_averages(
    kept: KeptDistribution, paper: PaperVariables, nodes: Nodes, squared: np.ndarray
) -> _FieldAverages:
    """e and l in closed form, and ∫ dt φ (κ−t)² m by parts: m where t starts, and dm/dt = ρ e + R l from there."""
    at, many = paper.at_nodes(nodes), isinstance(paper.margin, np.ndarray)
    edge, label = boundary_terms(kept, at, nodes.points)
    reached, whole = nodes.running(squared)  # ∫ φ (κ−t)² dt up to κ
    growth = (reached * (at.probe_overlap * edge + at.overlap * label)).astype(float, copy=False)
    gained, size = _shaped(nodes.integrals([growth, np.abs(growth)]), many)
    initial = _initial(kept, paper, whole if many else whole[0], gained)
    return _FieldAverages(edge, label, initial + gained, initial + size)


def _initial(kept: KeptDistribution, paper: PaperVariables, whole: Any, gained: Any) -> Any:
    """m where t starts times the whole of ∫ φ (κ−t)², beside what is gained later."""
    most = whole * ndtr(np.asarray(-PANELS.reach * paper.overlap / paper.tau, float))  # m ≤ P(u > 0 | t) there
    matters = most > _NEGLIGIBLE * gained
    if not some(matters):
        return 0.0
    if not isinstance(gained, np.ndarray):
        return float(whole * _first_mass(kept, paper, whole / gained)[0])
    initial = np.zeros_like(gained)
    initial[matters] = whole[matters] * _first_mass(kept, paper[matters], whole[matters] / gained[matters])
    return initial


def _first_mass(kept: KeptDistribution, paper: PaperVariables, share: Any) -> np.ndarray:
    """m where t starts, right to its own rounding if its share of the whole makes that matter."""
    first = np.atleast_1d(paper.margin + PANELS.reach)
    if every(_ROUNDING * share < _CONFIRMED) and kept.probe_angle > RARE:
        return mass_at(kept, paper, first)
    return summed_averages(kept, paper if isinstance(share, np.ndarray) else paper.as_arrays, first)[2]
