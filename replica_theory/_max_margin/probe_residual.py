"""The paper's averages by quadrature over the probe's field z outside and the student's field t inside, as it has them.

A rule that is a smooth function of z is then asked at the nodes in z alone. With c, s = cos θ, sin θ and the variables
of `PaperVariables`, the student's field at fixed z is t = ρz + σξ, ξ ~ N(0, 1), and the label is +1 with the chance

    G = Φ(z n c/s + A ξ),   A = √(1+p²) (R − ρc)/s,   n = √(1 + A²)

On the label's boundary u = 0, whose density at z is φ(zc/s)/s, t is normal about z (ρ − Rc)/s² with the deviation
1/√(1+p²). Hence, over the kept examples' z,

    ∫ φ (κ−t)² m = ⟨∫ dt N(t; ρz, σ²) G (κ−t)²⟩,   ∫ φ (κ−t) l = ⟨φ(zc/s)/s E(κ−t)₊⟩
    ∫ φ (κ−t) e = ⟨∫ dt N G (κ−t) (z−ρt)/σ²⟩ − (c−ρR)/σ² ∫ φ (κ−t) l
"""

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.residual_averages import PaperVariables
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, Nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_OUTER = GaussianPanels(
    grid=np.array([-10.5, -7.0, -4.5, -2.5, -1.0, 0.0, 1.0, 2.5, 4.5, 7.0, 10.5]),
    order=8,
    step_ends=np.array([-10.0, -6.5, -3.5, -1.5, 0.0, 1.5, 3.5, 6.5, 10.0]),
)
_INNER = GaussianPanels(
    grid=np.array([-9.5, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.5]),
    order=10,
    step_ends=np.array([-9.0, -5.5, -2.5, 0.0, 2.5, 5.5, 9.0]),
)
_WIDEST_STEP = 0.7  # largest width of a smeared step that the grids do not resolve


def probe_field_averages(kept: KeptDistribution, paper: PaperVariables) -> np.ndarray:
    """∫ φ (κ−t)² m, ∫ φ (κ−t) e and ∫ φ (κ−t) l of students, (3, students)."""
    cosine, sine = np.cos(kept.probe_angle), np.sin(kept.probe_angle)
    nodes = _outer_nodes(kept, paper)
    at, z = paper.at_nodes(nodes), nodes.points
    weight = normal_density(z) * kept(z)
    squared, projected = _inner_averages(at, z, cosine / sine)
    boundary_density = normal_density(z * (cosine / sine)) / sine
    label = boundary_density * _mean_shortfall(at.margin, at.across_teacher * z / (sine * at.norm), 1 / at.norm)
    edge = projected - at.covariance / at.sigma**2 * label
    return nodes.integrals([weight * squared, weight * edge, weight * label])


def _mean_shortfall(margin: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """E (κ−t)₊ of a normal t."""
    y = (margin - mean) / deviation
    return deviation * (y * ndtr(y) + normal_density(y))


def _outer_nodes(kept: KeptDistribution, paper: PaperVariables) -> Nodes:
    """In z, with panels where the label, the shortfall and both at once switch."""
    sine = np.sin(kept.probe_angle)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turn, label = sine / paper.across_teacher, np.full_like(paper.margin, np.tan(kept.probe_angle))
        centres = np.stack([0.0 * label, paper.margin / paper.probe_overlap, paper.margin * paper.norm * turn], -1)
        widths = np.stack([label, np.abs(paper.sigma / paper.probe_overlap), np.abs(turn)], -1)
    centres = np.where(widths < _WIDEST_STEP, centres, np.nan)
    kinks = np.broadcast_to(kept.panel_ends, (turn.size, kept.panel_ends.size))
    reach, (least, most) = _OUTER.reach, kept.range
    return _OUTER.nodes(
        max(least, -reach),
        min(most, reach),
        features=(centres, np.minimum(widths, _WIDEST_STEP)),
        kinks=kinks,
    )


def _inner_averages(at: PaperVariables, z: np.ndarray, cotangent: float) -> tuple[np.ndarray, np.ndarray]:
    """∫ dt N(t; ρz, σ²) G (κ−t)² and ∫ dt N G (κ−t) (z−ρt)/σ² at each z."""
    last = (at.margin - at.probe_overlap * z) / at.sigma  # ξ at t = κ
    slope, offset = np.broadcast_to(at.across_probe, z.shape), z * cotangent * np.hypot(1.0, at.across_probe)
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.abs(1 / slope)
        centre = np.where(width < _WIDEST_STEP, -offset / slope, np.nan)
    reach = _INNER.reach
    line = _INNER.nodes(
        -reach, np.clip(last, -reach, reach), features=(centre[:, None], np.minimum(width, _WIDEST_STEP)[:, None])
    )
    row, xi = line.row, line.points
    shortfall = last[row] - xi  # in units of σ
    share = line.weights * normal_density(xi) * ndtr(offset[row] + slope[row] * xi) * shortfall
    squared, first, turned = (
        np.bincount(row, values, minlength=z.size) for values in (share * shortfall, share, share * xi)
    )
    return at.sigma**2 * squared, at.sigma * z * first - at.probe_overlap * turned
