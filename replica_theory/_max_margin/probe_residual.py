"""The paper's averages by quadrature over the probe's field z outside and the student's field t inside, as it has them.

A rule that is a smooth function of z is then asked at the nodes in z alone. With c, s = cos θ, sin θ and the variables
of `PaperVariables`, the student's field at fixed z is t = ρz + σξ, ξ ~ N(0, 1), and the label is +1 with the chance

    G = Φ(z n c/s + A ξ),   A = √(1+p²) (R − ρc)/s,   n = √(1 + A²)

On the label's boundary u = 0, whose density at z is φ(zc/s)/s, t is normal about z (ρ − Rc)/s² with the deviation
1/√(1+p²). Hence, over the kept examples' z,

    ∫ φ (κ−t)² m = ⟨∫ dt N(t; ρz, σ²) G (κ−t)²⟩,   ∫ φ (κ−t) l = ⟨φ(zc/s)/s E(κ−t)₊⟩
    ∫ φ (κ−t) e = ⟨∫ dt N G (κ−t) (z−ρt)/σ²⟩ − (c−ρR)/σ² ∫ φ (κ−t) l
"""

import math

import numpy as np
from scipy.special import ndtr

from replica_theory._max_margin.residual_averages import PaperVariables
from replica_theory._numerics.elementary import ratio
from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import GaussianPanels, panel_nodes
from replica_theory.selection.kept_distribution import KeptDistribution

_WIDEST_STEP = 0.7  # largest width of a smeared step that the grids do not resolve

_OUTER = GaussianPanels(
    grid=np.array([-10.5, -7.0, -4.5, -2.5, -1.0, 0.0, 1.0, 2.5, 4.5, 7.0, 10.5]),
    order=8,
    step_ends=np.array([-10.0, -6.5, -3.5, -1.5, 0.0, 1.5, 3.5, 6.5, 10.0]),
    widest=_WIDEST_STEP,
)
_INNER = GaussianPanels(
    grid=np.array([-9.5, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 9.5]),
    order=10,
    step_ends=np.array([-9.0, -5.5, -2.5, 0.0, 2.5, 5.5, 9.0]),
)


def probe_field_averages(kept: KeptDistribution, paper: PaperVariables) -> np.ndarray:
    """∫ φ (κ−t)² m, ∫ φ (κ−t) e and ∫ φ (κ−t) l of one student, (3,)."""
    sine, cotangent = math.sin(kept.probe_angle), 1 / math.tan(kept.probe_angle)
    nodes = panel_nodes([_outer_panels(kept, paper)], _OUTER.order)
    z = nodes.points
    squared, projected = _inner_averages(paper, z, cotangent)
    boundary_density = normal_density(z * cotangent) / sine
    label = boundary_density * _mean_shortfall(paper, paper.across_teacher * z / (sine * paper.norm), 1 / paper.norm)
    edge = projected - paper.covariance / paper.sigma**2 * label
    return np.array([squared, edge, label]) @ (nodes.weights * normal_density(z) * kept(z))


def _mean_shortfall(at: PaperVariables, mean: np.ndarray, deviation: float) -> np.ndarray:
    """E (κ−t)₊ of a normal t."""
    y = (at.margin - mean) / deviation
    return deviation * (y * ndtr(y) + normal_density(y))


def _outer_panels(kept: KeptDistribution, at: PaperVariables) -> list[float]:
    """Panels in z where the label, the shortfall and both at once switch."""
    turn, label = ratio(math.sin(kept.probe_angle), at.across_teacher), math.tan(kept.probe_angle)
    steps = [
        (0.0, label),
        (ratio(at.margin, at.probe_overlap), abs(ratio(at.sigma, at.probe_overlap))),
        (at.margin * at.norm * turn, abs(turn)),
    ]
    (least, most), reach = kept.range, _OUTER.reach
    return _OUTER.panels(max(least, -reach), min(most, reach), steps, kept.panel_ends.tolist())


def _inner_averages(at: PaperVariables, z: np.ndarray, cotangent: float) -> tuple[np.ndarray, np.ndarray]:
    """∫ dt N(t; ρz, σ²) G (κ−t)² and ∫ dt N G (κ−t) (z−ρt)/σ² at each z."""
    last = (at.margin - at.probe_overlap * z) / at.sigma  # ξ at t = κ
    slope, offset = at.across_probe, z * (cotangent * math.hypot(1.0, at.across_probe))
    width, reach = abs(ratio(1.0, slope)), _INNER.reach
    label = ((-offset / slope)[:, None], np.full((z.size, 1), width)) if width < _WIDEST_STEP else None
    line = _INNER.nodes(-reach, np.clip(last, -reach, reach), features=label)
    row, xi = line.row, line.points
    shortfall = last[row] - xi  # in units of σ
    share = line.weights * normal_density(xi) * ndtr(offset[row] + slope * xi) * shortfall
    squared, first, turned = (
        np.bincount(row, values, minlength=z.size) for values in (share * shortfall, share, share * xi)
    )
    return at.sigma**2 * squared, at.sigma * z * first - at.probe_overlap * turned
