"""The best student that knows the rule but not the probe: that an example was kept tells it something.

With w the mean of an example's fields (z, u) under what it has learned and Σ = K − Q their covariance, an
example is kept with label +1 with chance Z(w), and the overlap Q of two students drawn from the posterior solves

    Q = K − (K⁻¹ + Q̂)⁻¹,   Q̂ = 2 α_tot E_{w ~ N(0, Q)} ∇Z ∇Zᵀ/Z,   K = [[1, cos θ], [cos θ, 1]]

for rules that treat both labels alike. At θ = 0 the two fields are one.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import brentq, root
from scipy.special import ndtr, owens_t

from replica_theory._kept_averages.teacher_field import positive_pieces, window_moments
from replica_theory._numerics.gaussian import FAR, interval_mass, normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory.errors import SaddlePointError
from replica_theory.selection.kept_distribution import KeptDistribution, Piece

_REACH = 10.0
_GRID = np.linspace(-_REACH, _REACH, 9)
_LEAST, _MOST = math.log(1e-30), math.log(1e20)  # of q/(1−q)
_NOTHING = 1e-14  # chance Z below which its rounding shows, and its share of the average does not
_RARE = 1e-18  # density of w below which it does not count
_COARSE_ORDER, _ORDERS = 4, (9, 13, 18)  # of the closed form; the check's are one more
_VERIFIED = 1e-9  # residual with which no finer order is tried
_SUMMED_ORDER = 10  # over z
_STEPS = np.array([-9.0, -6.0, -3.5, -1.5, 0.0, 1.5, 3.5, 6.0, 9.0])
_FORGOTTEN = 16.0  # width of a gap, in spreads, in whose middle no example is kept
_SWITCH_STEPS = np.array([-8.0, -5.0, -2.5, 0.0, 2.5, 5.0, 8.0])
_COARSE = 1.0
_TINY = 1e-200
_LITTLE = 1e-9
_CLOSE, _NEAR = 0.01, 0.5  # change of the iteration from which Newton's method may take over, and how far it may go
_SOLVED = 1e-7  # by the rough map, whose own error is larger
_PUSH, _RETURNING = 1e-3, 8  # of its trace, and iterations
_ITERATIONS = 3000
_DIFFERENCE, _SETTLED, _REFINEMENTS = 1e-6, 1e-12, 8
_INWARD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])  # entries of positive matrices: steps stay so

Map = Callable[[np.ndarray], np.ndarray]


def perfect_probe(law: KeptDistribution, alpha: float) -> tuple[float, float]:
    """q/(1−q) at θ = 0, and the residual of its equation at a finer quadrature."""

    def log_excess(log_ratio: float, order: int = 14) -> float:
        return math.log(alpha * _field_information(law, math.exp(log_ratio), order)) - log_ratio

    ratio: Any = brentq(log_excess, _LEAST, _MOST, xtol=1e-14)
    return math.exp(ratio), abs(log_excess(ratio, 24))


def _field_information(law: KeptDistribution, ratio: float, order: int) -> float:
    """(2/f) E_{w ~ N(0, q)} Z'(w)²/Z(w), with Z = ∫_{u > 0} q(u) N(u; w, 1−q)."""
    size, spread = math.sqrt(ratio / (1 + ratio)), 1 / math.sqrt(1 + ratio)
    edges = np.append(law.edges, 0.0)
    features = (edges / size)[None], np.full((1, edges.size), spread / size)
    nodes = composite_rule(breakpoints(-_REACH, _REACH, grid=_GRID, features=features), order)
    w = size * nodes.points
    mass, first = np.sum([window_moments(piece, w, spread) for piece in positive_pieces(law)], axis=0)
    slope = (first - w * mass) / spread**2
    share = np.divide(slope**2, mass, out=np.zeros_like(mass), where=mass > _NOTHING**4)
    return 2 / law.keep_fraction * float(nodes.weights @ (normal_density(nodes.points) * share))


def rule_known(law: KeptDistribution, alpha: float) -> tuple[np.ndarray, float]:
    """Posterior covariance Σ = K − Q of (z, u) at θ > 0, and the largest residual by the second quadrature."""
    cosine = math.cos(law.probe_angle)
    prior = np.array([[1.0, cosine], [cosine, 1.0]])
    pool = 2 * alpha / law.keep_fraction

    def posterior(precision: np.ndarray) -> np.ndarray:
        return np.linalg.solve(np.eye(2) + prior @ precision, prior)

    def mapped(precision: np.ndarray, *, order: int, closed: bool = law.is_constant) -> np.ndarray:
        covariance = posterior(precision)
        return pool * _field_informations(law, covariance, covariance @ precision @ prior, order, closed=closed)

    rough = partial(mapped, order=_COARSE_ORDER)
    precision, residual = _fixed_point(rough), math.inf
    for order in _ORDERS:
        precision = _refined(rough, partial(mapped, order=order), precision)
        again = mapped(precision, order=order + 1, closed=False)
        terms = np.sqrt(np.outer(np.diag(precision), np.diag(precision))) + 1e-3 * np.trace(precision)
        residual = float(np.max(np.abs(again - precision) / terms))
        if residual <= _VERIFIED:
            break
    return posterior(precision), residual


def _fixed_point(mapped: Map) -> np.ndarray:
    """The first fixed point from ignorance on: by iteration, which message passing follows, and Newton's method."""
    precision, change = mapped(_LITTLE * np.eye(2)), math.inf
    close = _CLOSE
    for _ in range(_ITERATIONS):
        ahead = mapped(precision)
        precision, change = ahead, float(np.max(np.abs(ahead - precision)) / np.trace(ahead))
        if change > close:
            continue
        polished, size = _polished(mapped, precision)
        near = np.max(np.abs(polished - precision)) < _NEAR * np.trace(precision)
        if size < 10 * _SOLVED and near and _attracts(mapped, polished):
            return polished
        close /= 3
    raise SaddlePointError("the posterior's overlap does not settle", residual=change)


def _polished(mapped: Map, precision: np.ndarray) -> tuple[np.ndarray, float]:
    size = float(np.trace(precision))
    found: Any = root(partial(_excess, mapped, size), _entries(precision) / size, method="hybr", tol=_SOLVED)
    return _positive(size * found.x), float(np.max(np.abs(found.fun)))


def _attracts(mapped: Map, precision: np.ndarray) -> bool:
    """Whether the iteration, pushed off a fixed point, is on its way back once what decays fast has decayed."""
    away, distances = precision + _PUSH * np.trace(precision) * np.eye(2), []
    for _ in range(2):
        for _ in range(_RETURNING):
            away = mapped(away)
        distances.append(np.linalg.norm(away - precision))
    return bool(distances[1] < distances[0])


def _refined(rough: Map, mapped: Map, precision: np.ndarray) -> np.ndarray:
    """The fixed point of the finer map next to that of the rough one, whose derivatives serve for both if they do."""
    size = float(np.trace(precision))
    for source in (rough, mapped):
        entries = _entries(precision) / size
        slopes = _slopes(source, size, entries)
        for _ in range(_REFINEMENTS):
            step = _INWARD.T @ np.linalg.solve(slopes, _excess(mapped, size, entries))
            entries = entries - step
            if np.max(np.abs(step)) < _SETTLED:
                return _positive(size * entries)
    return _positive(size * entries)


def _slopes(mapped: Map, size: float, entries: np.ndarray) -> np.ndarray:
    """Derivatives of `_excess` along the inward directions, one a column."""
    here = _excess(mapped, size, entries)
    ahead = [_excess(mapped, size, entries + _DIFFERENCE * step) for step in _INWARD]
    return (np.stack(ahead, axis=1) - here[:, None]) / _DIFFERENCE


def _excess(mapped: Map, size: float, entries: np.ndarray) -> np.ndarray:
    """How far a precision's entries, in units of ``size``, are from a fixed point."""
    here = _positive(size * entries)
    return _entries(mapped(here) - here) / size


def _entries(matrix: np.ndarray) -> np.ndarray:
    return np.array([matrix[0, 0], matrix[0, 1], matrix[1, 1]])


def _positive(entries: np.ndarray) -> np.ndarray:
    """The symmetric matrix of these entries, without what a trial step has made negative."""
    values, vectors = np.linalg.eigh(entries[[[0, 1], [1, 2]]])
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


def _field_informations(
    law: KeptDistribution, covariance: np.ndarray, overlap: np.ndarray, order: int, *, closed: bool
) -> np.ndarray:
    """E_{w ~ N(0, Q)} ∇Z ∇Zᵀ/Z, (2, 2)."""
    wz, wu, weights = _mean_fields(law, covariance, overlap, order)
    chance, by_z, by_u = (_closed_chance if closed else _summed_chance)(law, covariance, wz, wu)
    share = np.divide(weights, chance, out=np.zeros_like(chance), where=chance > _NOTHING * law.keep_fraction)
    slopes = np.stack([by_z, by_u])
    return (slopes * share) @ slopes.T


def _mean_fields(
    law: KeptDistribution, covariance: np.ndarray, overlap: np.ndarray, order: int
) -> tuple[np.ndarray, ...]:
    """w and their weights: z first, then u given z, with panels where edges and label are seen sharply."""
    size = math.sqrt(max(overlap[0, 0], _TINY))
    turn = overlap[0, 1] / size**2
    left = math.sqrt(max(overlap[1, 1] - overlap[0, 1] * turn, _TINY))
    spread_z, spread_u = np.sqrt(np.diag(covariance))
    gaps, middles = np.diff(law.edges), (law.edges[1:] + law.edges[:-1]) / 2
    centres = np.concatenate([law.edges, middles, [0.0]]) / size
    # between two pieces of a rule, Z passes from one exponential to another, and vanishes at complex w near by
    parted = (law(middles) == 0) & (gaps < _FORGOTTEN * spread_z)
    turns = np.where(parted, spread_z**2 / gaps, np.inf)
    widths = [np.full(law.edges.size, spread_z), turns, [spread_u / (abs(turn) + left / size)]]
    outer = composite_rule(_ends(_REACH, centres[None], np.concatenate(widths)[None] / size), order)
    share = outer.weights * normal_density(outer.points)
    reach = np.minimum(np.sqrt(2 * np.log(np.maximum(share / _RARE, 1.0))), _REACH)
    wz = size * outer.points
    inner = composite_rule(_ends(reach, (-turn * wz / left)[:, None], np.full((wz.size, 1), spread_u / left)), order)
    wz = wz[inner.row]
    return wz, turn * wz + left * inner.points, share[inner.row] * inner.weights * normal_density(inner.points)


def _ends(reach: np.ndarray | float, centres: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Panels on ±reach, finer around the features that are sharper than a panel."""
    seen = np.where(widths < _COARSE, centres, np.nan), widths
    return breakpoints(-reach, reach, grid=_GRID, features=seen, steps=_STEPS)


def _closed_chance(
    law: KeptDistribution, covariance: np.ndarray, wz: np.ndarray, wu: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Z and its gradient where the rule is constant between edges: a bivariate normal's rectangles."""
    sz, su, correlation = _spreads(covariance)
    rest = math.sqrt((1 - correlation) * (1 + correlation))
    k, chance, by_z, along = wu / su, np.zeros_like(wz), np.zeros_like(wz), np.zeros_like(wz)
    for piece, probability in zip(law.pieces, law.probabilities, strict=True):
        low, high = (np.clip((edge - wz) / sz, -FAR, FAR) for edge in (piece.lower, piece.upper))
        chance += probability * (_orthant(high, k, -correlation) - _orthant(low, k, -correlation))
        labelled = [normal_density(end) * ndtr((k + correlation * end) / rest) for end in (low, high)]
        by_z += probability * (labelled[0] - labelled[1]) / sz
        along += probability * interval_mass((low + correlation * k) / rest, (high + correlation * k) / rest)
    return chance, by_z, normal_density(k) / su * along


def _spreads(covariance: np.ndarray) -> tuple[float, float, float]:
    sz, su = np.sqrt(np.diag(covariance)).tolist()
    return sz, su, float(covariance[0, 1]) / (sz * su)


def _orthant(h: np.ndarray, k: np.ndarray, correlation: float) -> np.ndarray:
    """P(X < h, Y < k) of standard normals with this correlation, by Owen's T."""
    rest = math.sqrt((1 - correlation) * (1 + correlation))
    h, k = np.where(h == 0, 1e-300, h), np.where(k == 0, 1e-300, k)
    tails = owens_t(h, (k / h - correlation) / rest) + owens_t(k, (h / k - correlation) / rest)
    return 0.5 * (ndtr(h) + ndtr(k)) - tails - np.where(np.sign(h) != np.sign(k), 0.5, 0.0)


def _summed_chance(
    law: KeptDistribution, covariance: np.ndarray, wz: np.ndarray, wu: np.ndarray
) -> tuple[np.ndarray, ...]:
    """The same for any rule, by quadrature over z."""
    sz, su, correlation = _spreads(covariance)
    rest = su * math.sqrt((1 - correlation) * (1 + correlation))
    return tuple(np.sum([_summed_piece(piece, sz, correlation * su, rest, wz, wu) for piece in law.pieces], axis=0))


def _summed_piece(
    piece: Piece, sz: float, lean: float, rest: float, wz: np.ndarray, wu: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """∫ over a piece; ζ = (z − w_z)/σ_z, and u given it has mean w_u + lean ζ and spread ``rest``."""
    low, high = (np.clip((edge - wz) / sz, -_REACH, _REACH) for edge in (piece.lower, piece.upper))
    with np.errstate(divide="ignore", invalid="ignore"):
        switch = (-wu / lean)[:, None], np.full((wu.size, 1), rest / abs(lean))
    nodes = composite_rule(breakpoints(low, high, grid=_GRID, features=switch, steps=_SWITCH_STEPS), _SUMMED_ORDER)
    zeta, row = nodes.points, nodes.row
    argument = (wu[row] + lean * zeta) / rest
    mass = normal_density(zeta) * piece(wz[row] + sz * zeta)
    right, boundary = mass * ndtr(argument), mass * normal_density(argument) / rest
    chance, tilt, by_u = (np.bincount(row, nodes.weights * v, wu.size) for v in (right, zeta * right, boundary))
    return chance, tilt / sz - lean / sz * by_u, by_u
