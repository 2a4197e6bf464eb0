"""Moments of an example's force over its Gaussian field: E f, E f² and E u, row by row.

The field that the other examples give a row is ω ~ N(m, c²); in the training set its own force on it moves it to
p = prox_{Sℓ}(ω), with the force f = (p − ω)/S = −ℓ'(p) and u = −∂f/∂ω = ℓ''(p)/(1 + S ℓ''(p)).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from replica_theory.losses.base import Loss
from replica_theory.losses.named import Hinge, Logistic, Square, SquaredHinge


class ForceMoments(NamedTuple):
    """E f, E f² and E u, (n,) each."""

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray


Moments = Callable[[np.ndarray, np.ndarray, np.ndarray], ForceMoments]
"""Moments at means m, standard deviations c > 0 and scales S > 0 of the fields, (n,) each."""

_PANEL_ORDERS = (6, 10, 16, 24, 32)  # Gauss–Legendre nodes on a panel of an own loss, by level
_PANEL_ENDS = np.array([-8.5, -4.0, -1.5, 1.5, 4.0, 8.5])  # panels in (ω − m)/c, beside the loss's own
_LAST_STEP = 1e-5  # step in p at which Halley's method ends: an error e becomes e³
_LARGEST_STEP = 1.0  # step in p beyond which the field is solved for afresh
_NARROW = 0.3  # c below which few Gauss–Hermite nodes serve
_SLACK = 1.25  # factor by which c, S and the range of ω may change before nodes are placed anew
_NEAR_STEPS = 3  # steps from a guess before the field is solved for afresh
_BLOCK = 1 << 15  # fields in a block of rows
_LARGEST_EXPONENT = 700.0  # of e^−x, beyond which processors take several times as long


def force_moments(loss: Loss, level: int, precision: type[np.floating] = np.float64) -> Moments:
    """Moments of a loss.

    Args:
        loss: The loss.
        level: Of the quadrature, in [0, LEVELS), where the loss has no closed form.
        precision: In which the logistic loss's sums are taken.
    """
    if isinstance(loss, Square):
        return _square
    if isinstance(loss, SquaredHinge):
        return _squared_hinge
    if isinstance(loss, Hinge):
        return _hinge
    if isinstance(loss, Logistic):
        return _LogisticMoments(loss, _SPACINGS[level], precision)
    return _PanelMoments(loss, _PANEL_ORDERS[level])


def _blocks(n: int, nodes: int) -> list[slice]:
    """Slices of rows with so many nodes each."""
    rows = max(1, _BLOCK // nodes)
    return [slice(start, start + rows) for start in range(0, n, rows)]


def in_closed_form(loss: Loss) -> bool:
    """Whether the moments need no quadrature."""
    return isinstance(loss, Square | SquaredHinge | Hinge)


def _square(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = 1 - mean, 1 / (1 + scale)
    return ForceMoments(short * stiffness, (short**2 + deviation**2) * stiffness**2, stiffness)


class _Excess(NamedTuple):
    """E (g)₊, E (g)₊² and P(g > 0) of g ~ N(mean, c²)."""

    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray


def _excess(mean: np.ndarray, deviation: np.ndarray) -> _Excess:
    t = mean / deviation
    chance, density = ndtr(t), np.exp(-0.5 * t * t) / np.sqrt(2 * np.pi)
    first = deviation * (t * chance + density)
    return _Excess(np.maximum(first, 0.0), deviation**2 * ((1 + t * t) * chance + t * density), chance)


def _squared_hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    short, stiffness = _excess(1 - mean, deviation), 1 / (1 + scale)
    return ForceMoments(short.first * stiffness, short.second * stiffness**2, short.chance * stiffness)


def _hinge(mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
    """f = clip((1 − ω)/S, 0, 1)."""
    short, beyond = _excess(1 - mean, deviation), _excess(1 - mean - scale, deviation)
    return ForceMoments(
        (short.first - beyond.first) / scale,
        (short.second - beyond.second - 2 * scale * beyond.first) / scale**2,
        (short.chance - beyond.chance) / scale,
    )


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
LEVELS = len(_SPACINGS)


@dataclass
class _LogisticMoments:
    """Averages of logistic forces; nodes of the last call serve the next one as long as they cover its rows.

    Attributes:
        loss: The logistic loss.
        spacing: Of the nodes.
        precision: Of the sums over nodes that rows have in common.
    """

    loss: Logistic
    spacing: _Spacing
    precision: type[np.floating]

    def __post_init__(self) -> None:
        self._groups: list[_SpacedRows | _NarrowRows] = []
        self._rows = 0

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        fields = np.stack([mean, deviation, scale])
        parts = [fields.take(group.rows, axis=1) for group in self._groups]
        if self._rows != len(mean) or not all(g.serves(*part) for g, part in zip(self._groups, parts, strict=True)):
            self._groups, self._rows = self._grouped(*fields), len(mean)
            parts = [fields.take(group.rows, axis=1) for group in self._groups]
        moments = np.empty((3, len(mean)))
        for group, part in zip(self._groups, parts, strict=True):
            moments[:, group.rows] = group.moments(*part)
        return ForceMoments(*moments)

    def _grouped(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> "list[_SpacedRows | _NarrowRows]":
        """Rows of like c, up to a factor of 2."""
        band = np.floor(np.log2(np.maximum(deviation, 0.5 * _NARROW) / _NARROW)).astype(int)
        groups: list[_SpacedRows | _NarrowRows] = []
        for number in np.unique(band):
            rows = np.flatnonzero(band == number)
            if number < 0:
                groups.append(_NarrowRows(rows, self.loss, self.spacing.order))
            else:
                fields = (values[rows] for values in (mean, deviation, scale))
                spaced = _SpacedRows.covering(rows, *fields, self.loss, self.spacing)
                groups.append(spaced.in_precision(self.precision))
        return groups


@dataclass(frozen=True, eq=False)
class _SpacedRows:
    """Rows whose averages are sums over common fields p_j = prox_{S̄ℓ}(t_j), t_j equally spaced, S̄ their largest scale.

    With ω_i(p) = p + S_i ℓ'(p) a row's average of g is ∫ g(p) φ((ω_i(p) − m_i)/c_i) ω_i'(p) dp/c_i: no row's proximal
    operator is solved for, and all averages are one matrix of Gaussians times a few columns.

    Attributes:
        rows: Their indices, (rows,).
        factors: (p, ℓ', −1)/√2 at the nodes, (nodes, 3).
        weights: h dp/dt/√2π times (1, ℓ'', f, ℓ'' f, f², ℓ'' f²), (6, nodes).
        least: Least c that the spacing serves.
        scales: Least and largest S.
        ends: Least m − reach c and largest m + reach c.
        reach: Standard deviations.
    """

    rows: np.ndarray
    factors: np.ndarray
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
        spacing: _Spacing,
    ) -> "_SpacedRows":
        """Nodes for these rows, and for what they may become in further steps."""
        reach = spacing.reach
        least, lowest, most = (float(end) for end in (deviation.min() / _SLACK, scale.min() / _SLACK, scale.max() * _SLACK))
        room = (_SLACK - 1) * (np.abs(mean) + reach * deviation).max()
        ends = float((mean - reach * deviation).min() - room), float((mean + reach * deviation).max() + room)
        # ω at S̄ of the least p is lowest + (S̄ − S) ℓ'(p), and p > ω
        start = ends[0] + (most - lowest) * float(loss.derivative(np.float64(ends[0])))
        step = min(spacing.by_deviation * least, spacing.largest)
        t = np.arange(start, ends[1] + step, step)
        p = loss.proximal(t, np.full_like(t, most))
        slope, curvature = loss.derivative(p), loss.second_derivative(p)
        width = step / (1 + most * curvature) / np.sqrt(2 * np.pi)
        values = [np.ones_like(p), curvature, -slope, -curvature * slope, slope**2, curvature * slope**2]
        factors = np.stack([p, slope, -np.ones_like(p)], axis=1) / np.sqrt(2)
        return cls(rows, factors, width * np.stack(values), least, (lowest, most), ends, reach)

    def in_precision(self, precision: type[np.floating]) -> "_SpacedRows":
        """The same with sums in this precision."""
        factors, weights = (values.astype(precision, copy=False) for values in (self.factors, self.weights))
        return replace(self, factors=factors, weights=weights)

    @cached_property
    def _room(self) -> np.ndarray:
        """Where the Gaussians of a block of rows are put."""
        nodes = len(self.factors)
        return np.empty((nodes, min(len(self.rows), max(1, _BLOCK // nodes))), dtype=self.factors.dtype)

    def serves(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> bool:
        """Whether the nodes still cover the rows, as closely as they must."""
        close = self.least <= deviation.min() and self.scales[0] <= scale.min() and scale.max() <= self.scales[1]
        width = self.reach * deviation
        return bool(close and self.ends[0] <= (mean - width).min() and (mean + width).max() <= self.ends[1])

    def moments(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """E f, E f², E u, (3, rows)."""
        lines = np.stack([np.ones_like(mean), scale, mean]) / deviation
        lines, sums = lines.astype(self.factors.dtype, copy=False), np.empty((len(self.weights), len(mean)))
        for block in _blocks(len(mean), len(self.factors)):
            line = lines[:, block]
            gaussian = np.matmul(self.factors, line, out=self._room[:, : line.shape[1]])
            np.multiply(gaussian, gaussian, out=gaussian)
            np.minimum(gaussian, _LARGEST_EXPONENT, out=gaussian)
            np.negative(gaussian, out=gaussian)
            np.exp(gaussian, out=gaussian)
            sums[:, block] = self.weights @ gaussian
        one, bend, force, bent_force, square, bent_square = sums
        total = one + scale * bend
        return np.stack([force + scale * bent_force, square + scale * bent_square, bend]) / total


@dataclass(eq=False)
class _NarrowRows:
    """Rows of small c, by a Gauss–Hermite rule; fields p of the last call are the next call's first guess.

    Attributes:
        rows: Their indices, (rows,).
        loss: The logistic loss.
        order: Nodes.
    """

    rows: np.ndarray
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
        blocks = _blocks(len(mean), self.order)
        last: list[np.ndarray | None] = [*self._fields] if self._fields else [None] * len(blocks)
        moments, self._fields = np.empty((3, len(mean))), []
        for block, guess in zip(blocks, last, strict=True):
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


@dataclass
class _PanelMoments:
    """Gauss–Legendre quadrature on panels in ω that end where the loss is not smooth.

    Attributes:
        loss: Any loss.
        order: Nodes on a panel.
    """

    loss: Loss
    order: int

    def __call__(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        nodes = self.order * (len(self.loss.breakpoints.fields) + len(_PANEL_ENDS))
        parts = [self._of_rows(mean[block], deviation[block], scale[block]) for block in _blocks(len(mean), nodes)]
        return ForceMoments(*(np.concatenate(moment) for moment in zip(*parts, strict=True)))

    def _of_rows(self, mean: np.ndarray, deviation: np.ndarray, scale: np.ndarray) -> ForceMoments:
        corners = (self.loss.breakpoints.of_proximal(scale) - mean[:, None]) / deviation[:, None]
        fixed = np.broadcast_to(_PANEL_ENDS, (len(mean), len(_PANEL_ENDS)))
        ends = np.sort(np.concatenate([fixed, np.clip(corners, _PANEL_ENDS[0], _PANEL_ENDS[-1])], axis=1), axis=1)
        nodes, weights = np.polynomial.legendre.leggauss(self.order)
        width = np.diff(ends, axis=1)[..., None]
        xi = ends[:, :-1, None] + width * (nodes + 1) / 2
        chances = width * weights / 2 * np.exp(-0.5 * xi**2) / np.sqrt(2 * np.pi)
        omega, scales = mean[:, None, None] + deviation[:, None, None] * xi, scale[:, None, None]
        fields, slope = self.loss.proximal_and_slope(omega, scales)
        force = (fields - omega) / scales
        moments = (np.sum(chances * values, axis=(1, 2)) for values in (force, force**2, (1 - slope) / scales))
        return ForceMoments(*moments)
