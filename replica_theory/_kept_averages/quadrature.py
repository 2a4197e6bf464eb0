"""The cells of `field_cells` by quadrature over the probe's field, for any rule and any sample weight.

At a given probe field z the student's field is ω = a₁ z + τ ξ with τ² = a₂² + b² and ξ ~ N(0, 1). What
is left is ζ ~ N(0, 1), with v = (a₂ ξ + b ζ)/τ and h = (b ξ − a₂ ζ)/τ, and the label is +1 without noise
where ζ > −A, A = (z cos θ + sin θ a₂ ξ/τ)/(sin θ b/τ). Its moments are in closed form, so that averages
are sums over (z, ξ). It shares no formula with the closed form, and checks it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from replica_theory._kept_averages.field_nodes import REACH, FieldNodes, LabelChance, labelled_pieces, moment_maps
from replica_theory._numerics.gaussian import FAR, normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.losses.base import Loss, Weight
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

_GRID = np.array([-11.0, -7.5, -5.0, -2.5, 0.0, 2.5, 5.0, 7.5, 11.0])
_COARSE = 3.0  # widths beyond it are resolved by the grid
_SHARP = 1.5  # widths below it, not resolved by the grid either, of what is smeared already
_STEPS = np.array([-9.0, -5.5, -2.5, 0.0, 2.5, 5.5, 9.0])
_NOTHING = 1e-24  # density of z and ξ, below which they do not count
_EVERYWHERE = np.array([-2.0, -0.5, 0.5, 2.0])


@dataclass(frozen=True)
class _Row:
    """Probe fields z with the weight of the kept examples there, and the weight of their loss."""

    z: np.ndarray
    share: np.ndarray
    loss_weight: np.ndarray


def quadrature_nodes(
    law: KeptDistribution,
    student: np.ndarray,
    loss: Loss,
    scale: float,
    *,
    weight: Weight | None = None,
    order: int = 12,
) -> FieldNodes:
    """Cells of any rule, with panel ends where the proximal operator at this scale is not smooth."""
    a1, a2, b = student.tolist()
    seen = probe_and_student_nodes(law, student, loss, scale, weight=weight, order=order)
    z, xi, tau = seen.z, seen.xi, float(np.hypot(a2, b))
    _, label = labelled_pieces(law)
    mass, m1, m2 = _label_moments(law.probe_angle, label, z, xi, student) * seen.share
    zm, xm = z * mass, xi * mass
    axes = np.array([[1.0, 0.0, 0.0], [0.0, a2 / tau, b / tau], [0.0, b / tau, -a2 / tau]])  # of z, ξ and ζ
    parts = np.stack([mass, zm, xm, m1, z * zm, z * xm, z * m1, xi * xm, xi * m1, m2])
    return FieldNodes(a1 * z + tau * xi, seen.loss_weight, parts, *moment_maps(axes))


@dataclass(frozen=True)
class PairNodes:
    """Nodes (n,) over probe field z and ξ, with the weight of the kept examples there but for the label's chance and
    φ(ξ), and the weight of their loss."""

    z: np.ndarray
    xi: np.ndarray
    share: np.ndarray
    loss_weight: np.ndarray


def probe_and_student_nodes(
    law: KeptDistribution, student: np.ndarray, loss: Loss, scale: float, *, weight: Weight | None, order: int
) -> PairNodes:
    """Nodes over z and ξ, with panels at the rule's edges, the label's boundary and the loss's marks."""
    a1, a2, b = student.tolist()
    pieces, label = labelled_pieces(law)
    weigh = weight or np.ones_like
    marks = loss.marks(scale * np.median(_loss_weights(weigh, _EVERYWHERE)))
    grid = _probe_grid(law.probe_angle, _STEPS if not loss.is_smooth else np.zeros(1), marks, student)
    rows = _rows(pieces, weigh, grid, law.keep_fraction, order)
    marks = loss.marks(scale * rows.loss_weight)
    tau = float(np.hypot(a2, b))
    nodes = _across(rows, law.probe_angle, label, (marks - a1 * rows.z[:, None]) / tau, student, order)
    row = nodes.row
    return PairNodes(rows.z[row], nodes.points, nodes.weights * rows.share[row], rows.loss_weight[row])


def _probe_grid(angle: float, corners: np.ndarray, marks: np.ndarray, student: np.ndarray) -> np.ndarray:
    """Panel ends in z: around the label's boundary, the loss's marks, and where the two meet, if seen sharply."""
    a1, a2, b = student.tolist()
    tau, ends = np.hypot(a2, b), [_GRID, np.tan(angle) * _STEPS]
    slopes = [(a1, tau)]
    if angle:
        # on the boundary ω = slope z + spread ζ
        slopes.append((a1 - a2 / np.tan(angle), b))
    for slope, spread in slopes:
        if spread < _SHARP * abs(slope):
            ends.append((marks[:, None] / slope + abs(spread / slope) * corners).ravel())
    return np.unique(np.clip(np.concatenate(ends), -REACH, REACH))


def _rows(pieces: tuple[Piece, ...], weigh: Weight, grid: np.ndarray, keep_fraction: float, order: int) -> _Row:
    z, share = [], []
    for piece in pieces:
        lower, upper = np.clip([piece.lower, piece.upper], -REACH, REACH)
        nodes = composite_rule(breakpoints(lower, upper, grid=grid), order)
        z.append(nodes.points)
        share.append(2 / keep_fraction * nodes.weights * normal_density(nodes.points) * piece(nodes.points))
    z = np.concatenate(z)
    return _Row(z, np.concatenate(share), _loss_weights(weigh, z))


def _loss_weights(weigh: Weight, z: np.ndarray) -> np.ndarray:
    weights = np.asarray(weigh(z), dtype=float)
    if weights.shape != z.shape or not np.all((weights > 0) & np.isfinite(weights)):
        raise ValueError(
            f"`sample_weight` must return finite weights > 0 of its argument's shape {z.shape}; got shape "
            f"{weights.shape}, from {weights.min()} to {weights.max()}"
        )
    return weights


def _across(rows: _Row, angle: float, label: LabelChance, kinks: np.ndarray, student: np.ndarray, order: int):
    """Nodes in ξ for each z, with panels where the label switches and ends where the loss has marks."""
    _, a2, b = student.tolist()
    features = None
    if label.slope and abs(b) < _COARSE * abs(a2):
        centres = -rows.z * np.cos(angle) * np.hypot(a2, b) / (np.sin(angle) * a2)
        features = centres[:, None], np.full((rows.z.size, 1), abs(b / a2))
    reach = np.sqrt(2 * np.log(np.maximum(rows.share / _NOTHING, 1.0)))
    reach = np.minimum(reach, REACH)
    return composite_rule(breakpoints(-reach, reach, grid=_GRID, features=features, kinks=kinks), order)


def _label_moments(angle: float, label: LabelChance, z: np.ndarray, xi: np.ndarray, student: np.ndarray) -> np.ndarray:
    """φ(ξ) ∫ dζ φ(ζ) (1, ζ, ζ²) times the chance that the label is +1, (3, nodes)."""
    seen = normal_density(xi)
    if not label.slope:
        seen *= label.base
        return np.stack([seen, np.zeros_like(z), seen])
    _, a2, b = student.tolist()
    argument = np.clip((np.hypot(a2, b) / (np.tan(angle) * b)) * z + (a2 / b) * xi, -FAR, FAR)
    pull = label.slope * seen * normal_density(argument)
    mass = seen * (label.base + label.slope * ndtr(argument))
    return np.stack([mass, pull, mass - argument * pull])
