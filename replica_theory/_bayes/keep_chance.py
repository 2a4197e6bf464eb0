"""The chance Z(w) that an example is kept with label +1, and what it tells of the fields: E ∇Z ∇Zᵀ/Z.

Z(w) = ∫_{u > 0} dz du q(z) N((z, u); w, Σ)
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from replica_theory._kept_averages.teacher_field import labelled_fields, window_moments
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density, orthant
from replica_theory._numerics.quadrature import breakpoints, composite_rule, partial_sums, thinned
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

_REACH = 10.0  # largest |w| and |ζ|, in standard deviations: φ beyond it is negligible
_GRID = np.linspace(-_REACH, _REACH, 9)  # panel ends, in standard deviations
_ENDS = np.array([0.0])  # of the grid of panels whose rows have grids of their own
_THINNED = 0.75  # least distance of two panel ends around a step in w, in its widths
_STEP_ENDS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])  # panel ends around a step in w, in its widths
_WIDEST_STEP = 1.0  # largest width of a step, in standard deviations, that the grid does not resolve
_LABEL_STEP_ENDS = np.array([-8.0, -5.0, -2.5, 0.0, 2.5, 5.0, 8.0])  # panel ends around the label's step in z
_LABEL_ORDER = 10  # Gauss–Legendre nodes a panel in z
_WIDEST_GAP = 16.0  # largest gap of a rule, in standard deviations of z given w, in whose middle Z does not vanish
_LEAST_CHANCE = 1e-14  # least Z/f that counts: smaller ones are rounding, and their share of the average is negligible
_LEAST_FIELD_CHANCE = 1e-56  # least Z that counts at θ = 0, where it has no such rounding
_LEAST_DENSITY = 1e-18  # least density of w that counts
_LEAST_VARIANCE = 1e-200  # variance of w that stands for 0 in a denominator
_LEAST_SLOPE = 1e-3  # of E[w_u | w_z], in the width of a step


def field_information(kept: KeptDistribution, ratio: float, order: int) -> float:
    """E_{w ~ N(0, q)} Z'(w)²/Z(w) at θ = 0, Z = ∫ du q(u) L(u) N(u; w, 1−q), at q/(1−q) = ``ratio``."""
    size, deviation = math.sqrt(ratio / (1 + ratio)), 1 / math.sqrt(1 + ratio)
    centres, widths = np.array(kept.label.steps).T
    edges, widths = np.append(kept.edges, centres), np.append(np.zeros(kept.edges.size), widths)
    steps = (edges / size)[None], (np.hypot(deviation, widths) / size)[None]
    nodes = composite_rule(breakpoints(-_REACH, _REACH, grid=_GRID, features=steps), order)
    w = size * nodes.points
    chance, first = np.sum([window_moments(piece, w, deviation) for piece in labelled_fields(kept)], axis=0)
    slope = (first - w * chance) / deviation**2
    share = np.divide(slope**2, chance, out=np.zeros_like(chance), where=chance > _LEAST_FIELD_CHANCE)
    return float(nodes.weights @ (normal_density(nodes.points) * share))


def fields_information(
    kept: KeptDistribution, covariance: np.ndarray, overlap: np.ndarray, order: int, *, closed_form: bool
) -> np.ndarray:
    """E_{w ~ N(0, Q)} ∇Z ∇Zᵀ/Z, (2, 2), at θ > 0.

    Args:
        kept: The rule.
        covariance: Σ, of (z, u) given w.
        overlap: Q, covariance of w.
        order: Gauss–Legendre nodes a panel in w.
        closed_form: Whether Z is taken from rectangles of the bivariate normal, for rules that are constant between
            edges, or from quadrature over z.
    """
    nodes = _nodes(kept, covariance, overlap, order)
    chance, by_z, by_u = _labelled(kept, covariance, nodes, closed_form=closed_form)
    counts = chance > _LEAST_CHANCE * kept.keep_fraction
    share = np.divide(nodes.weights, chance, out=np.zeros_like(chance), where=counts)
    gradient = np.stack([by_z, by_u])
    return (gradient * share) @ gradient.T


@dataclass(frozen=True, eq=False)
class _FieldNodes:
    """Nodes w = (w_z, w_u), row by row of one w_z, panel by panel of as many as the order.

    Attributes:
        wz, wu: (nodes,).
        weights: Of the average over w, (nodes,).
        steps: Of integrals over w_u, (nodes,).
        row: Number of the row to which each node belongs, (nodes,).
        first: Number of the first node of each row, (rows,).
        row_wz, lowest: w_z of a row, and w_u where it begins, (rows,).
        order: Nodes in a panel.
    """

    wz: np.ndarray
    wu: np.ndarray
    weights: np.ndarray
    steps: np.ndarray
    row: np.ndarray
    first: np.ndarray
    row_wz: np.ndarray
    lowest: np.ndarray
    order: int

    def integrated(self, start: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """A function of w at the nodes, (nodes,), from its values where rows begin and its derivative by w_u."""
        shares = (slope * self.steps).reshape(-1, self.order)
        before = np.concatenate([[0.0], np.cumsum(shares.sum(axis=1))])  # over all panels before
        at_panels = before[:-1] + (start - before[self.first // self.order])[self.row[:: self.order]]
        return (at_panels[:, None] + shares @ partial_sums(self.order).T).ravel()


def _nodes(kept: KeptDistribution, covariance: np.ndarray, overlap: np.ndarray, order: int) -> _FieldNodes:
    """w_z first, then w_u given it, with panels around the rule's edges and the label's."""
    deviation = math.sqrt(max(overlap[0, 0], _LEAST_VARIANCE))
    slope = overlap[0, 1] / deviation**2  # E[w_u | w_z] = slope w_z
    rest = math.sqrt(max(overlap[1, 1] - overlap[0, 1] * slope, _LEAST_VARIANCE))
    sigma_z, sigma_u = np.sqrt(np.diag(covariance))
    gaps, middles = np.diff(kept.edges), (kept.edges[1:] + kept.edges[:-1]) / 2
    at_labels = np.repeat([centre / (slope or math.inf) for centre, _ in kept.label.steps], 2)
    centres = np.concatenate([kept.edges, middles, at_labels]) / deviation
    # between two pieces of a rule Z passes from one exponential to another, and has zeros at complex w near by
    is_gap = (kept(middles) == 0) & (gaps < _WIDEST_GAP * sigma_z)
    passages = np.where(is_gap, sigma_z**2 / gaps, np.inf)
    # on either side of the label's step, P(w_u > 0 | w_z) changes over the width rest/slope
    steps = [(centre, math.hypot(sigma_u, width)) for centre, width in kept.label.steps]
    across = max(abs(slope), _LEAST_SLOPE)
    labels = [width for _, seen in steps for width in (seen / (abs(slope) + rest / deviation), rest / across)]
    widths = [np.full(kept.edges.size, sigma_z), passages, labels]
    outer = composite_rule(_outer_panel_ends(centres, np.concatenate(widths) / deviation)[None], order)
    share = outer.weights * normal_density(outer.points)
    reach = np.minimum(np.sqrt(2 * np.log(np.maximum(share / _LEAST_DENSITY, 1.0))), _REACH)
    wz = deviation * outer.points
    seen = np.array([centre for centre, _ in steps]), np.array([width for _, width in steps])
    label = (seen[0] - slope * wz[:, None]) / rest, np.broadcast_to(seen[1] / rest, (wz.size, len(steps)))
    inner = composite_rule(_label_panel_ends(reach, *label), order)
    return _FieldNodes(
        wz=wz[inner.row],
        wu=slope * wz[inner.row] + rest * inner.points,
        weights=share[inner.row] * inner.weights * normal_density(inner.points),
        steps=rest * inner.weights,
        row=inner.row,
        first=inner.starts,
        row_wz=wz,
        lowest=slope * wz - rest * reach,
        order=order,
    )


def _outer_panel_ends(centres: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Panels on ±reach around the steps that are sharper than a panel, and the grid where they leave a gap."""
    sharp = (widths < _WIDEST_STEP) & (np.abs(centres) - 9 * widths < _REACH)
    around = (centres[sharp, None] + widths[sharp, None] * _STEP_ENDS).ravel()
    apart = _THINNED * np.repeat(widths[sharp], _STEP_ENDS.size)
    ends = np.concatenate([around, _GRID])
    return thinned(ends, np.append(apart, np.full(_GRID.size, _WIDEST_STEP)), -_REACH, _REACH)


def _label_panel_ends(reach: np.ndarray, centre: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Panels on ±reach, (n,), around steps (n, steps) that are sharper than a panel, and the grid beyond them."""
    step = np.where(width < _WIDEST_STEP, centre, np.nan)
    near = np.abs(_GRID - step[..., None]) < _STEP_ENDS[-1] * width[..., None]
    grid = np.where(near.any(axis=1), np.nan, _GRID)
    return breakpoints(-reach, reach, grid=_ENDS, features=(step, width), kinks=grid, steps=_STEP_ENDS)


def _labelled(kept: KeptDistribution, covariance: np.ndarray, nodes: _FieldNodes, *, closed_form: bool) -> np.ndarray:
    """Z, ∂Z/∂w_z and ∂Z/∂w_u, (3, n), with labels as they are: base times that of any label, and each smeared step
    of L, rise times that of clean labels at u + width ξ − centre."""
    clean = _chance if closed_form else _chance_by_quadrature
    if kept.label_noise == 0:
        return np.stack(clean(kept, covariance, nodes))
    base, steps = kept.label.as_steps
    total = base * _of_any_label(kept, covariance, nodes.wz)
    for rise, centre, width in steps:
        shifted = replace(nodes, wu=nodes.wu - centre, lowest=nodes.lowest - centre)
        total += rise * np.stack(clean(kept, covariance + np.diag([0.0, width**2]), shifted))
    return total


def _of_any_label(kept: KeptDistribution, covariance: np.ndarray, wz: np.ndarray) -> np.ndarray:
    """Chance that an example is kept whatever its label, and its gradient, (3, n)."""
    deviation = math.sqrt(covariance[0, 0])
    chance, first = np.sum([window_moments(piece, wz, deviation) for piece in kept.pieces], axis=0)
    return np.stack([chance, (first - wz * chance) / deviation**2, np.zeros_like(wz)])


def _chance(
    kept: KeptDistribution, covariance: np.ndarray, nodes: _FieldNodes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Z, ∂Z/∂w_z and ∂Z/∂w_u of a rule that is constant between edges.

    Where a row of nodes begins Z is a sum of rectangles of the bivariate normal, and its derivative by w_u is
    integrated from there: both derivatives are made of normal distributions of one variable.
    """
    sigma_z, sigma_u, correlation = _deviations(covariance)
    rest = math.sqrt((1 - correlation) * (1 + correlation))
    k, by_z, along_label = nodes.wu / sigma_u, np.zeros_like(nodes.wz), np.zeros_like(nodes.wz)
    lowest, start = nodes.lowest / sigma_u, np.zeros_like(nodes.lowest)
    for piece, probability in zip(kept.pieces, kept.probabilities, strict=True):
        low, high = (np.clip((edge - nodes.row_wz) / sigma_z, -FAR, FAR) for edge in (piece.lower, piece.upper))
        start += probability * (orthant(high, lowest, -correlation) - orthant(low, lowest, -correlation))
        low, high = (np.clip((edge - nodes.wz) / sigma_z, -FAR, FAR) for edge in (piece.lower, piece.upper))
        at_low, at_high = (normal_density(end) * ndtr((k + correlation * end) / rest) for end in (low, high))
        by_z += probability * (at_low - at_high) / sigma_z
        along_label += probability * interval_mass((low + correlation * k) / rest, (high + correlation * k) / rest)
    by_u = normal_density(k) / sigma_u * along_label
    return nodes.integrated(start, by_u), by_z, by_u


def _deviations(covariance: np.ndarray) -> tuple[float, float, float]:
    """Standard deviations of z and u, and their correlation."""
    sigma_z, sigma_u = np.sqrt(np.diag(covariance)).tolist()
    return sigma_z, sigma_u, float(covariance[0, 1]) / (sigma_z * sigma_u)


def _chance_by_quadrature(
    kept: KeptDistribution, covariance: np.ndarray, nodes: _FieldNodes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Z and its gradient of any rule, by quadrature over z at every node."""
    parts = [_piece_chance(piece, covariance, nodes.wz, nodes.wu) for piece in kept.pieces]
    chance, by_z, by_u = np.sum(parts, axis=0)
    return chance, by_z, by_u


def _piece_chance(
    piece: Piece, covariance: np.ndarray, wz: np.ndarray, wu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A piece's share of Z, ∂Z/∂w_z and ∂Z/∂w_u, over ζ = (z − w_z)/σ_z, given which u ~ N(w_u + slope ζ, rest²)."""
    sigma_z, sigma_u, correlation = _deviations(covariance)
    slope, rest = correlation * sigma_u, sigma_u * math.sqrt((1 - correlation) * (1 + correlation))
    low, high = (np.clip((edge - wz) / sigma_z, -_REACH, _REACH) for edge in (piece.lower, piece.upper))
    with np.errstate(divide="ignore", invalid="ignore"):
        label = (-wu / slope)[:, None], np.full((wu.size, 1), rest / abs(slope))
    ends = breakpoints(low, high, grid=_GRID, features=label, steps=_LABEL_STEP_ENDS)
    nodes = composite_rule(ends, _LABEL_ORDER)
    zeta, row = nodes.points, nodes.row
    y = (wu[row] + slope * zeta) / rest
    kept = normal_density(zeta) * piece(wz[row] + sigma_z * zeta)
    labelled, boundary = kept * ndtr(y), kept * normal_density(y) / rest
    chance, first, by_u = (np.bincount(row, nodes.weights * v, wu.size) for v in (labelled, zeta * labelled, boundary))
    return chance, first / sigma_z - slope / sigma_z * by_u, by_u
