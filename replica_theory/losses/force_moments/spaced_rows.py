"""Moments of logistic forces whose fields spread much: sums over fields that rows have in common."""

from dataclasses import dataclass
from functools import cached_property
from math import exp

import numpy as np
from scipy.special import expit

from replica_theory.losses.force_moments.base import BLOCK, SLACK, row_blocks
from replica_theory.losses.named import Logistic

_NEWTON_STEPS = 8  # to the least field
_MOST_NODES = 4096


@dataclass(frozen=True)
class Spacing:
    """Equally spaced nodes t of ω, which err by exp(−2π² c²/h²) and, as prox is analytic up to |Im ω| = π, exp(−2π²/h).

    Attributes:
        by_deviation: Largest h/c.
        largest: Largest h.
        reach: Standard deviations that the nodes cover.
        order: Gauss–Hermite nodes of rows of small c instead.
    """

    by_deviation: float
    largest: float
    reach: float
    order: int


@dataclass(frozen=True, eq=False)
class Cover:
    """What nodes must serve: some rows, and what these may become in further steps.

    Attributes:
        n_rows: Rows.
        least: Least c.
        scales: Least and largest S.
        ends: Least m − reach c and largest m + reach c.
        reach: Standard deviations.
        step: Largest spacing of nodes t_j of ω, h.
    """

    n_rows: int
    least: float
    scales: tuple[float, float]
    ends: tuple[float, float]
    reach: float
    step: float

    @classmethod
    def of(cls, fields: np.ndarray, spacing: Spacing) -> "Cover":
        """Of rows of these m, c and S, (3, rows)."""
        mean, deviation, scale = fields
        least, lowest, most = (
            float(end) for end in (deviation.min() / SLACK, scale.min() / SLACK, scale.max() * SLACK)
        )
        width = spacing.reach * deviation
        low, high = float((mean - width).min()), float((mean + width).max())
        room = (SLACK - 1) * max(abs(low), abs(high))
        step = min(spacing.by_deviation * least, spacing.largest)
        return cls(len(mean), least, (lowest, most), (low - room, high + room), spacing.reach, step)

    @cached_property
    def start(self) -> float:
        """ω at the largest scale of the field p that the lowest ω has at the least."""
        lowest = _field_below(self.ends[0], self.scales[0])
        return lowest - self.scales[1] * float(expit(-lowest))

    @property
    def crowded(self) -> bool:
        """Whether nodes would be so many, of scales that are large or far apart, that panels take less time."""
        return not (self.ends[1] - self.start) / self.step < _MOST_NODES

    @property
    def nodes(self) -> np.ndarray:
        """t_j, (nodes,), whose fields at the largest scale are those of all ω between the ends at any scale."""
        return np.arange(self.start, self.ends[1] + self.step, self.step)


def _field_below(omega: float, scale: float) -> float:
    """No more than prox_{Sℓ}(ω), by less than 1 or so."""
    if omega < -scale / 2:
        return omega + scale / 2
    field = max(omega, 0.0)
    for _ in range(_NEWTON_STEPS):  # from below: p − S/(1 + eᵖ) is concave at p > 0
        likely = exp(-field)
        pull = scale * likely / (1 + likely)
        field -= (field - pull - omega) / (1 + pull / (1 + likely))
    return field


def spaced_rows(covers: list[Cover], loss: Logistic, precision: type[np.floating]) -> "list[SpacedRows]":
    """Fields p_j = prox_{S̄ℓ}(t_j) and what is averaged there, in this precision of later sums."""
    if not covers:
        return []
    t = [cover.nodes for cover in covers]
    sizes = [len(nodes) for nodes in t]
    largest, step = (
        np.repeat(values, sizes) for values in np.array([(cover.scales[1], cover.step) for cover in covers]).T
    )
    p = loss.proximal(np.concatenate(t), largest)
    slope, curvature, ones = loss.derivative(p), loss.second_derivative(p), np.ones_like(p)
    bent = curvature * slope
    lines = np.stack([p, slope, -ones]) / np.sqrt(2)
    values = np.stack([ones, curvature, -slope, -bent, slope**2, bent * slope, curvature * p, bent])
    values *= step / (1 + largest * curvature) / np.sqrt(2 * np.pi)
    lines, values = (
        np.split(columns.astype(precision, copy=False), np.cumsum(sizes)[:-1], axis=1) for columns in (lines, values)
    )
    return [SpacedRows(*parts) for parts in zip(covers, [line.T.copy() for line in lines], values, strict=True)]


@dataclass(frozen=True, eq=False)
class SpacedRows:
    """Rows whose averages are sums over common fields p_j = prox_{S̄ℓ}(t_j), S̄ their largest scale.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i.

    Attributes:
        cover: What the nodes serve.
        factors: (p, ℓ', −1)/√2 at the nodes, (nodes, 3).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f², ℓ'' p, ℓ'' ℓ'), (8, nodes).
    """

    cover: Cover
    factors: np.ndarray
    weights: np.ndarray

    @property
    def n_rows(self) -> int:
        """Rows."""
        return self.cover.n_rows

    @cached_property
    def _room(self) -> np.ndarray:
        """Where the Gaussians of a block of rows are put."""
        nodes = len(self.factors)
        return np.empty(nodes * min(self.n_rows, max(1, BLOCK // nodes)), dtype=self.factors.dtype)

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether the nodes still cover the rows, as closely as they must."""
        cover, width = self.cover, self.cover.reach * deviation
        close = cover.least <= deviation.min() and cover.scales[0] <= scale.min() and scale.max() <= cover.scales[1]
        return bool(close and cover.ends[0] <= (mean - width).min() and (mean + width).max() <= cover.ends[1])

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """``ForceMoments``, (5, rows)."""
        inverse = 1 / deviation
        lines = np.stack([inverse, scale * inverse, mean * inverse]).astype(self.factors.dtype, copy=False)
        sums = np.empty((len(self.weights), len(mean)))
        for block in row_blocks(len(mean), len(self.factors)):
            shape = len(self.factors), block.stop - block.start
            gaussian = np.matmul(self.factors, lines[:, block], out=self._room[: shape[0] * shape[1]].reshape(shape))
            np.multiply(gaussian, gaussian, out=gaussian)
            np.negative(gaussian, out=gaussian)
            np.exp(gaussian, out=gaussian)
            sums[:, block] = self.weights @ gaussian
        one, bend, force, bent_force, square, bent_square, bent_field, bent_slope = sums
        force += scale * bent_force
        square += scale * bent_square
        one += scale * bend
        bent_field += scale * bent_slope - mean * bend  # ℓ'' (ω − m)
        return np.stack([force, square, bend, -2 * bent_force, bent_field * inverse**2]) / one
