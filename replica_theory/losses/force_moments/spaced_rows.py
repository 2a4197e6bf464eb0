"""Moments of logistic forces by sums over equally spaced nodes that rows have in common."""

from dataclasses import dataclass, replace

import numpy as np

from replica_theory.losses.force_moments.base import SLACK, row_blocks
from replica_theory.losses.named import Logistic


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
class SpacedRows:
    """Rows whose averages are sums over common fields p_j = prox_{S̄ℓ}(t_j), t_j equally spaced, S̄ their largest scale.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i: no row's proximal
    operator is solved for, and all averages are one matrix of Gaussians times a few columns.

    Attributes:
        rows: Their indices, (rows,).
        columns: (p, ℓ', −1) at the nodes, (3, nodes).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f²), (nodes, 6).
        least: Least c that the spacing serves.
        scales: Least and largest S.
        ends: Least m − reach c and largest m + reach c.
        reach: Standard deviations.
    """

    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    least: float
    scales: tuple[float, float]
    ends: tuple[float, float]
    reach: float

    @classmethod
    def covering(
        cls,
        rows: np.ndarray,
        mean: np.ndarray,
        deviation: np.ndarray,
        scale: np.ndarray,
        loss: Logistic,
        spacing: Spacing,
    ) -> "SpacedRows":
        """Nodes for these rows, and for what they may become in further steps."""
        m, c, S, reach = mean[rows], deviation[rows], scale[rows], spacing.reach
        least, lowest, most = (float(end) for end in (c.min() / SLACK, S.min() / SLACK, S.max() * SLACK))
        room = (SLACK - 1) * (np.abs(m) + reach * c).max()
        ends = float((m - reach * c).min() - room), float((m + reach * c).max() + room)
        first = loss.proximal(np.array([ends[0]]), lowest)
        start = float((first + most * loss.derivative(first))[0])
        step = min(spacing.by_deviation * least, spacing.largest)
        t = np.arange(start, ends[1] + step, step)
        p = loss.proximal(t, np.full_like(t, most))
        slope, curvature = loss.derivative(p), loss.second_derivative(p)
        width = step / (1 + most * curvature) / np.sqrt(2 * np.pi)
        values = [np.ones_like(p), curvature, -slope, -curvature * slope, slope**2, curvature * slope**2]
        weights = np.ascontiguousarray((width * np.stack(values)).T)
        return cls(rows, np.stack([p, slope, -np.ones_like(p)]), weights, least, (lowest, most), ends, reach)

    def in_precision(self, precision: type[np.floating]) -> "SpacedRows":
        """The same with sums in this precision."""
        columns, weights = (values.astype(precision, copy=False) for values in (self.columns, self.weights))
        return replace(self, columns=columns, weights=weights)

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether the nodes still cover the rows, as closely as they must."""
        m, c, S = mean[self.rows], deviation[self.rows], scale[self.rows]
        close = self.least <= c.min() and self.scales[0] <= S.min() and S.max() <= self.scales[1]
        return bool(close and self.ends[0] <= (m - self.reach * c).min() and (m + self.reach * c).max() <= self.ends[1])

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """E f, E f², E u, (3, rows)."""
        inverse, S = 1 / deviation[self.rows], scale[self.rows]
        factors = np.stack([inverse, S * inverse, mean[self.rows] * inverse], axis=1).astype(
            self.columns.dtype, copy=False
        )
        sums = np.empty((len(S), self.weights.shape[1]))
        for block in row_blocks(len(S), len(self.weights)):
            gaussian = factors[block] @ self.columns
            np.multiply(gaussian, gaussian, out=gaussian)
            gaussian *= -0.5
            np.exp(gaussian, out=gaussian)
            sums[block] = gaussian @ self.weights
        one, bend, force, bent_force, square, bent_square = sums.T
        return np.stack([force + S * bent_force, square + S * bent_square, bend]) / (one + S * bend)
