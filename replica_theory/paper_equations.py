"""The paper's own saddle-point equations, as an independent check of every max-margin student.

Sorscher et al. 2022 (App. A.2) average over the probe field z of kept examples and the student's
full field t < κ; the solver averages over the student's in-plane field alone. With c, s = cos θ,
sin θ, σ² = 1 − ρ², Λ² = s² − R² − ρ² + 2ρRc and G = H(Γ/σΛ), the chance that the label is +1::

    (1) (R − ρc)/s²              = (α / πΛ) < ∫ dt e^{−Δ/2Λ²} (κ−t) >
    (2) 1 − (ρ² + R² − 2ρRc)/s²  = 2α < ∫ dt N(t; ρz, σ²) G (κ−t)² >
    (3) (ρ − Rc)/s²              = 2α < ∫ dt [N G (z−ρt)/σ² + e^{−Δ/2Λ²} (ρR−c)/(2πΛσ²)] (κ−t) >

They are evaluated at z = ρt + σζ, where N φ(z) dz = φ(t) φ(ζ) dζ and −Γ/σΛ = (Rσ t + (c−ρR) ζ)/Λ,
and with left sides written in the student's components, so that nothing cancels as R → 1.
At θ = 0 (R = ρ, G a step at z = 0) equation (1) drops out and (3) joins it into
R = 2α < ∫ dt N (z−ρt)/σ² (κ−t) >.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory.gaussian import normal_density
from replica_theory.kept_law import KeptLaw
from replica_theory.quadrature import breakpoints, gauss_legendre, panel_rule
from replica_theory.student import Student

_REACH = 9.0
_ORDER = 12
_STEPS = np.array([-8.5, -5.0, -2.0, 0.0, 2.0, 5.0, 8.5])


@dataclass(frozen=True)
class _Overlaps:
    """The paper's variables for a student, each from its components."""

    sigma: float  # √(1 − ρ²)
    spread: float  # Λ
    slope: float  # (c − ρR)/Λ, of G's argument in ζ
    drift: float  # Rσ/Λ, of G's argument in t


def largest_residual(law: KeptLaw, student: Student) -> float:
    """Largest difference between the two sides of an equation, relative to the size of its terms."""
    t, weights = _student_fields(law, student)
    short = student.margin - t
    weights = 2 * student.alpha / law.keep_fraction * weights * normal_density(t) * short
    overlaps = _overlaps(law, student)
    label_mass, label_pull, pull_size, boundary = _probe_averages(law, student, overlaps, t)
    outside = 1 / student.squared_norm
    residuals = [abs((weights * short) @ label_mass / outside - 1)]
    if law.probe_angle == 0:
        pull = weights @ label_pull / overlaps.sigma
        residuals.append(abs(pull - student.overlap) / (weights @ pull_size / overlaps.sigma))
        return float(max(residuals))
    sine = math.sin(law.probe_angle)
    turn, part = law.probe_angle - student.angle, student.length / student.norm
    first = weights @ boundary * overlaps.sigma / overlaps.spread
    residuals.append(abs(first - part * math.sin(turn) / sine) / (first + part))
    pull = weights @ (label_pull - overlaps.slope * boundary) / overlaps.sigma
    size = weights @ (pull_size + abs(overlaps.slope) * boundary) / overlaps.sigma
    residuals.append(abs(pull - part * math.sin(student.angle) / sine) / size)
    return float(max(residuals))


def _overlaps(law: KeptLaw, student: Student) -> _Overlaps:
    turn, norm = law.probe_angle - student.angle, student.norm
    sigma = math.hypot(1.0, student.length * math.sin(turn)) / norm
    spread = math.sin(law.probe_angle) / norm
    gap = (math.cos(law.probe_angle) - student.length**2 * math.sin(turn) * math.sin(student.angle)) / norm**2
    if spread == 0:
        return _Overlaps(sigma, spread, math.inf, math.inf)
    return _Overlaps(sigma, spread, gap / spread, student.overlap * sigma / spread)


def _student_fields(law: KeptLaw, student: Student) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature in t < κ, with panels where the label and the rule's edges switch, and both at once."""
    sigma = _overlaps(law, student).sigma
    rho = student.probe_overlap(law.probe_angle)
    corners = law.kinks(student.angle) * student.length / student.norm
    features = [(0.0, math.tan(math.pi * student.generalization_error))]
    features += [(corner, 1 / student.norm) for corner in corners]
    if rho != 0:
        features += [(edge / rho, sigma / abs(rho)) for edge in law.edges]
    upper = min(student.margin, _REACH)
    return panel_rule(breakpoints(-_REACH, upper, features=features), _ORDER)


def _probe_averages(law: KeptLaw, student: Student, overlaps: _Overlaps, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """∫ dζ φ(ζ) q(z) (G, ζ G, |ζ| G, G's derivative by its argument) at each t."""
    rho = student.probe_overlap(law.probe_angle)
    totals = np.zeros((4, t.size))
    for piece in law.pieces:
        lower = np.clip((piece.lower - rho * t) / overlaps.sigma, -_REACH, _REACH)
        upper = np.clip((piece.upper - rho * t) / overlaps.sigma, -_REACH, _REACH)
        starts, widths, rows = _noise_panels(lower, upper, overlaps, student, t)
        nodes, node_weights = gauss_legendre(_ORDER)
        zeta, field = starts[:, None] + widths[:, None] * nodes, t[rows, None]
        weights = widths[:, None] * node_weights * normal_density(zeta)
        weights *= piece(rho * field + overlaps.sigma * zeta)
        if overlaps.spread == 0:
            label, density = (zeta > -rho * field / overlaps.sigma).astype(float), np.zeros_like(zeta)
        else:
            argument = overlaps.drift * field + overlaps.slope * zeta
            label, density = ndtr(argument), normal_density(argument)
        parts = [(weights * part).sum(1) for part in (label, zeta * label, np.abs(zeta) * label, density)]
        totals += [np.bincount(rows, part, minlength=t.size) for part in parts]
    return tuple(totals)


def _noise_panels(
    lower: np.ndarray, upper: np.ndarray, overlaps: _Overlaps, student: Student, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, width and row of every panel in ζ, rows being fields t: an even grid, and where G switches."""
    even = np.broadcast_to(np.linspace(-_REACH, _REACH, 8), (t.size, 8))
    if overlaps.spread == 0:
        switch, steps = -student.overlap * t / overlaps.sigma, np.zeros(1)
    elif overlaps.slope == 0:
        switch, steps = np.zeros_like(t), np.zeros(1)
    else:
        switch, steps = -overlaps.drift / overlaps.slope * t, _STEPS / abs(overlaps.slope)
    ends = np.concatenate([even, switch[:, None] + steps, lower[:, None], upper[:, None]], axis=1)
    ends = np.sort(np.clip(ends, lower[:, None], np.maximum(lower, upper)[:, None]), axis=1)
    widths = np.diff(ends)
    rows, columns = np.nonzero(widths > 0)
    return ends[rows, columns], widths[rows, columns], rows
