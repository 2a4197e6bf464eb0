"""Moments of the logistic force over Gaussian fields, E f, E f² and E u, of many rows at once.

Rows of like c share their nodes: fields p_j, which need no proximal operator of each row, and all averages are one
matrix of Gaussians times a few columns. Where c is small, a Gauss–Hermite rule of each row serves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

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
        band = np.floor(np.log2(np.maximum(fields[1], 0.5 * _NARROW) / _NARROW)).astype(np.int16)
        self._order = np.argsort(band, kind="stable")
        self._places = np.empty_like(self._order)
        self._places[self._order] = np.arange(len(band))
        ordered = band[self._order]
        ends = [0, *(np.flatnonzero(np.diff(ordered)) + 1), len(band)]
        self._slices = [slice(*pair) for pair in pairwise(ends)]
        parts = self._parts(fields)
        n_narrow = int(ordered[0] < 0)
        narrow = [_NarrowRows(part.shape[1], self._loss, self._spacing.order) for part in parts[:n_narrow]]
        covers = [_Cover.of(part, self._spacing) for part in parts[n_narrow:]]
        self._groups = [*narrow, *_spaced(covers, self._loss, self._precision)]


@dataclass(frozen=True, eq=False)
class _Cover:
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
    def of(cls, fields: np.ndarray, spacing: _Spacing) -> "_Cover":
        """Of rows of these m, c and S, (3, rows)."""
        mean, deviation, scale = fields
        least, lowest, most = (
            float(end) for end in (deviation.min() / _SLACK, scale.min() / _SLACK, scale.max() * _SLACK)
        )
        low, high = (mean - spacing.reach * deviation).min(), (mean + spacing.reach * deviation).max()
        room = (_SLACK - 1) * max(abs(low), abs(high))
        step = min(spacing.by_deviation * least, spacing.largest)
        return cls(len(mean), least, (lowest, most), (float(low - room), float(high + room)), spacing.reach, step)


def _spaced(covers: list[_Cover], loss: Logistic, precision: type[np.floating]) -> "list[_SpacedRows]":
    """Fields p_j = prox_{S̄ℓ}(t_j) and what is averaged there, in this precision of later sums."""
    if not covers:
        return []
    low, least, most = np.array([(cover.ends[0], *cover.scales) for cover in covers]).T
    first = loss.proximal(low, least)
    starts = first + most * loss.derivative(first)  # ω at S̄ where p is that of the lowest ω at the least S
    t = [np.arange(start, cover.ends[1] + cover.step, cover.step) for start, cover in zip(starts, covers, strict=True)]
    sizes = [len(nodes) for nodes in t]
    largest, step = np.repeat(most, sizes), np.repeat([cover.step for cover in covers], sizes)
    p = loss.proximal(np.concatenate(t), largest)
    slope, curvature, ones = loss.derivative(p), loss.second_derivative(p), np.ones_like(p)
    lines = np.stack([p, slope, -ones]) / np.sqrt(2)
    values = np.stack([ones, curvature, -slope, -curvature * slope, slope**2, curvature * slope**2])
    values *= step / (1 + largest * curvature) / np.sqrt(2 * np.pi)
    lines, values = (
        np.split(columns.astype(precision, copy=False), np.cumsum(sizes)[:-1], axis=1) for columns in (lines, values)
    )
    return [_SpacedRows(*parts) for parts in zip(covers, [line.T.copy() for line in lines], values, strict=True)]


@dataclass(frozen=True, eq=False)
class _SpacedRows:
    """Rows whose averages are sums over common fields p_j = prox_{S̄ℓ}(t_j), S̄ their largest scale.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i.

    Attributes:
        cover: What the nodes serve.
        factors: (p, ℓ', −1)/√2 at the nodes, (nodes, 3).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f²), (6, nodes).
    """

    cover: _Cover
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
        return np.empty(nodes * min(self.n_rows, max(1, _BLOCK // nodes)), dtype=self.factors.dtype)

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether the nodes still cover the rows, as closely as they must."""
        cover, width = self.cover, self.cover.reach * deviation
        close = cover.least <= deviation.min() and cover.scales[0] <= scale.min() and scale.max() <= cover.scales[1]
        return bool(close and cover.ends[0] <= (mean - width).min() and (mean + width).max() <= cover.ends[1])

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
