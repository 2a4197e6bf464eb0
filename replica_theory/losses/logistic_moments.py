"""Moments of the logistic force over Gaussian fields, E f, E f² and E u, of many rows at once.

Rows of like c share their nodes: fields p_j, which need no proximal operator of each row, and all averages are one
matrix of Gaussians times a few columns. Where c is small, a Gauss–Hermite rule of each row serves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory.losses.named import Logistic

_LAST_STEP = 1e-5  # step in p at which Halley's method ends: an error e becomes e³
_LARGEST_STEP = 1.0  # step in p beyond which the field is solved for afresh
_NARROW = 0.3  # c below which few Gauss–Hermite nodes serve
_SLACK = 1.25  # factor by which c, S and the range of ω may change before nodes are placed anew
_NEAR_STEPS = 3  # steps from a guess before the field is solved for afresh
_BLOCK = 1 << 15  # fields in a block of rows


def blocks(n: int, nodes: int) -> Iterator[slice]:
    """Slices of rows with so many nodes each."""
    rows = max(1, _BLOCK // nodes)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


@dataclass(frozen=True)
class _Spacing:
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


_SPACINGS = (
    _Spacing(1.4, 2.0, 4.5, 7),
    _Spacing(1.05, 1.1, 5.8, 11),
    _Spacing(0.88, 0.78, 7.0, 15),
    _Spacing(0.8, 0.62, 7.7, 19),
    _Spacing(0.7, 0.5, 8.5, 25),
)


class LogisticMoments:
    """E f, E f² and E u, (3, n), at means m, deviations c and scales S; nodes serve as long as they cover the rows.

    Args:
        loss: The logistic loss.
        level: Of the quadrature.
        precision: Of the sums over nodes that rows have in common.
    """

    def __init__(self, loss: Logistic, level: int, precision: type[np.floating]) -> None:
        self._loss, self._spacing, self._precision = loss, _SPACINGS[level], precision
        self._groups: list[_SpacedRows | _NarrowRows] = []
        self._order, self._places = np.empty(0, dtype=int), np.empty(0, dtype=int)  # of rows by group, and its inverse
        self._slices: list[slice] = []  # of rows of a group in that order

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        fields = np.stack([mean, deviation, scale])
        if len(self._order) != len(mean):
            self._regroup(fields)
        parts = self._parts(fields)
        if not all(group.serves(*part) for group, part in zip(self._groups, parts, strict=True)):
            self._regroup(fields)
            parts = self._parts(fields)
        moments = [group.moments(*part) for group, part in zip(self._groups, parts, strict=True)]
        return np.concatenate(moments, axis=1).take(self._places, axis=1)

    def _parts(self, fields: np.ndarray) -> list[np.ndarray]:
        """The fields of each group's rows, (3, rows)."""
        ordered = fields.take(self._order, axis=1)
        return [ordered[:, rows] for rows in self._slices]

    def _regroup(self, fields: np.ndarray) -> None:
        """Groups of rows of like c, up to a factor of 2."""
        band = np.floor(np.log2(np.maximum(fields[1], 0.5 * _NARROW) / _NARROW)).astype(int)
        self._order = np.argsort(band, kind="stable")
        self._places = np.argsort(self._order)
        bands, first = np.unique(band[self._order], return_index=True)
        self._slices = [slice(*ends) for ends in zip(first, [*first[1:], len(band)], strict=True)]
        parts = self._parts(fields)
        n_narrow = int(bands[0] < 0)
        narrow = [_NarrowRows(part.shape[1], self._loss, self._spacing.order) for part in parts[:n_narrow]]
        grids = [_Grid.covering(*part, self._spacing) for part in parts[n_narrow:]]
        self._groups = [*narrow, *_spaced(grids, self._loss, self._precision)]


@dataclass(frozen=True, eq=False)
class _Grid:
    """Nodes t_j of ω, equally spaced, for rows and for what they may become in further steps.

    Attributes:
        n_rows: Rows.
        step: h.
        t: Nodes.
        least: Least c that the spacing serves.
        scales: Least and largest S.
        ends: Least m − reach c and largest m + reach c.
        reach: Standard deviations.
    """

    n_rows: int
    step: float
    t: np.ndarray
    least: float
    scales: tuple[float, float]
    ends: tuple[float, float]
    reach: float

    @classmethod
    def covering(cls, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray, spacing: _Spacing) -> "_Grid":
        """A grid for these rows."""
        reach, least = spacing.reach, float(deviation.min()) / _SLACK
        scales = float(scale.min()) / _SLACK, float(scale.max()) * _SLACK
        lowest, highest = (mean - reach * deviation).min(), (mean + reach * deviation).max()
        room = (_SLACK - 1) * max(abs(lowest), abs(highest))
        ends = float(lowest - room), float(highest + room)
        # the least field p is above ends[0], so that ω at S̄ is at most (S̄ − S)(−ℓ'(ends[0])) below that at S
        start = ends[0] - (scales[1] - scales[0]) / (1 + np.exp(min(ends[0], 700.0)))
        step = min(spacing.by_deviation * least, spacing.largest)
        return cls(len(mean), step, np.arange(start, ends[1] + step, step), least, scales, ends, reach)


def _spaced(grids: list[_Grid], loss: Logistic, precision: type[np.floating]) -> "list[_SpacedRows]":
    """Fields p_j = prox_{S̄ℓ}(t_j) of grids and what is averaged there, in this precision of later sums."""
    if not grids:
        return []
    sizes = [len(grid.t) for grid in grids]
    largest, width = np.repeat([(grid.scales[1], grid.step) for grid in grids], sizes, axis=0).T
    p = loss.proximal(np.concatenate([grid.t for grid in grids]), largest)
    slope, curvature = loss.derivative(p), loss.second_derivative(p)
    ones = np.ones_like(p)
    lines = np.stack([p, slope, -ones]) / np.sqrt(2)
    values = np.stack([ones, curvature, -slope, -curvature * slope, slope**2, curvature * slope**2])
    values *= width / (1 + largest * curvature) / np.sqrt(2 * np.pi)
    split = (
        np.split(columns.astype(precision, copy=False), np.cumsum(sizes)[:-1], axis=1) for columns in (lines, values)
    )
    return [_SpacedRows(grid, line.T.copy(), weights) for grid, line, weights in zip(grids, *split, strict=True)]


@dataclass(frozen=True, eq=False)
class _SpacedRows:
    """Rows whose averages are sums over common fields p_j = prox_{S̄ℓ}(t_j), S̄ their largest scale.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i.

    Attributes:
        grid: The t_j.
        factors: (p, ℓ', −1)/√2 at the nodes, (nodes, 3).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f²), (6, nodes).
    """

    grid: _Grid
    factors: np.ndarray
    weights: np.ndarray

    @property
    def n_rows(self) -> int:
        """Rows."""
        return self.grid.n_rows

    @cached_property
    def _room(self) -> np.ndarray:
        """Where the Gaussians of a block of rows are put."""
        nodes = len(self.factors)
        return np.empty(nodes * min(self.n_rows, max(1, _BLOCK // nodes)), dtype=self.factors.dtype)

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether the nodes still cover the rows, as closely as they must."""
        grid, width = self.grid, self.grid.reach * deviation
        close = grid.least <= deviation.min() and grid.scales[0] <= scale.min() and scale.max() <= grid.scales[1]
        return bool(close and grid.ends[0] <= (mean - width).min() and (mean + width).max() <= grid.ends[1])

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """E f, E f², E u, (3, rows)."""
        inverse = 1 / deviation
        lines = np.stack([inverse, scale * inverse, mean * inverse]).astype(self.factors.dtype, copy=False)
        sums = np.empty((len(self.weights), len(mean)))
        for block in blocks(len(mean), len(self.factors)):
            shape = len(self.factors), block.stop - block.start
            gaussian = np.matmul(self.factors, lines[:, block], out=self._room[: shape[0] * shape[1]].reshape(shape))
            np.multiply(gaussian, gaussian, out=gaussian)
            np.negative(gaussian, out=gaussian)
            np.exp(gaussian, out=gaussian)
            sums[:, block] = self.weights @ gaussian
        one, bend, force, bent_force, square, bent_square = sums
        force += scale * bent_force
        square += scale * bent_square
        one += scale * bend
        return np.stack([force, square, bend]) / one


@dataclass(eq=False)
class _NarrowRows:
    """Rows of small c, by a Gauss–Hermite rule; fields p of the last call are the next call's first guess.

    Attributes:
        n_rows: Rows.
        loss: The logistic loss.
        order: Nodes.
    """

    n_rows: int
    loss: Logistic
    order: int

    def __post_init__(self) -> None:
        nodes, weights = np.polynomial.hermite_e.hermegauss(self.order)
        self._nodes, self._weights = nodes[:, None], weights / weights.sum()
        self._fields: list[np.ndarray] = []

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether c is still small."""
        return bool(deviation.max() < _SLACK * _NARROW)

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """E f, E f², E u, (3, rows)."""
        parts = list(blocks(len(mean), self.order))
        last: list[np.ndarray | None] = [*self._fields] if self._fields else [None] * len(parts)
        moments, self._fields = np.empty((3, len(mean))), []
        for block, guess in zip(parts, last, strict=True):
            fields = self._proximal(mean[block] + self._nodes * deviation[block], scale[block], guess)
            moments[:, block] = self._of_fields(fields, scale[block])
            self._fields.append(fields)
        return moments

    def _of_fields(self, fields: np.ndarray, scale: np.ndarray) -> np.ndarray:
        likely = np.exp(-np.abs(fields))
        away = 1 / (1 + likely)
        force = np.where(fields > 0, likely, 1.0) * away
        curvature = likely * away * away
        weights = self._weights
        return np.stack([weights @ force, weights @ force**2, weights @ (curvature / (1 + scale * curvature))])

    def _proximal(self, omega: np.ndarray, scale: np.ndarray, guess: np.ndarray | None) -> np.ndarray:
        """Root of p − S/(1 + eᵖ) = ω by Halley's method from a guess, or afresh where that is far away."""
        fields, steps = (omega, 0) if guess is None else (guess, _NEAR_STEPS)
        for _ in range(steps):
            likely = np.exp(np.minimum(fields, 700.0))
            pull = scale / (1 + likely)
            bend = pull * likely / (1 + likely)
            slope = 1 + bend
            step = (fields - pull - omega) / slope
            step /= 1 + step * bend * (likely - 1) / (2 * slope * (1 + likely))
            largest = np.abs(step).max(initial=0.0)
            if not largest < _LARGEST_STEP:
                break
            fields = fields - step
            if largest < _LAST_STEP:
                return fields
        return self.loss.proximal(omega, np.broadcast_to(scale, omega.shape))
