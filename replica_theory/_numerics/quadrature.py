"""Gauss–Legendre panels placed at the length scales on which an integrand varies.

A fixed grid fails silently where a student classifies all but a thin strip of the inputs; panels around each
feature, sized by its width, do not. Many integrals, one a row, are evaluated at once: their nodes lie one after
another in flat arrays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

# Panel ends around a step that a Gaussian of width w smears, in units of w. The step is flat beyond 9 w. Where it falls
# to 0 its tail is resolved down to −13 w, because students punish a shortfall by its square.
STEP_ENDS = np.array([-13.0, -11.0, -9.0, -7.0, -5.0, -2.5, 0.0, 2.5, 5.5, 9.0])

_ONE_ROW = np.zeros(1, int)

# Panel width, relative to the panel's end, up to which a panel gets no nodes: 8 roundings.
_EMPTY_WIDTH = {np.dtype(kind).char: 8 * np.finfo(kind).eps for kind in (float, np.longdouble)}


@dataclass(frozen=True)
class Nodes:
    """Nodes and weights of many integrals, one after another.

    Attributes:
        points: Nodes, (nodes,).
        weights: Their weights, (nodes,).
        starts: Number of each integral's first node, (rows,).
        order: Nodes per panel.
    """

    points: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    order: int

    @cached_property
    def row(self) -> np.ndarray:
        """Number of the integral to which each node belongs, (nodes,)."""
        return np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=self.points.size))

    def integrals(self, values: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Σ weight · value over each row's nodes, (values, rows)."""
        if len(self.starts) == 1:
            return np.array(values) @ self.weights[:, None]
        return np.array([np.add.reduceat(value * self.weights, self.starts) for value in values])

    def sums(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Σ value over each row's nodes, (values, rows)."""
        return np.add.reduceat(np.array(values), self.starts, axis=1)

    def products(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Σ first_i second_j over each row's nodes, (i, j, rows)."""
        if len(self.starts) == 1:
            return (first @ second.T)[..., None]
        rows = pairwise([*self.starts.tolist(), self.points.size])
        return np.stack([first[:, start:end] @ second[:, start:end].T for start, end in rows], axis=-1)

    def running(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """∫ value from each row's start to its nodes, (nodes,), and to its end, (rows,)."""
        shares = (values * self.weights).reshape(-1, self.order)
        running, panels = shares @ partial_sums(self.order).T, shares.sum(1)
        if len(self.starts) == 1:
            ends = panels.cumsum()
            running[1:] += ends[:-1, None]
            return running.ravel(), ends[-1:]
        ends = [*(self.starts[1:] // self.order).tolist(), len(panels)]
        for start, end in zip((0, *ends), ends, strict=False):
            panels[start:end].cumsum(out=panels[start:end])
            running[start + 1 : end] += panels[start : end - 1, None]
        return running.ravel(), panels[[end - 1 for end in ends]]

    def at_nodes(self, values: Any) -> Any:
        """Values of the rows, (..., rows), repeated at each row's nodes; one row's value broadcasts as it is."""
        return values if len(self.starts) == 1 else values[..., self.row]


@dataclass(frozen=True)
class GaussianPanels:
    """Panels for integrals over a standard normal variable, ∫ φ(t) f(t) dt.

    Attributes:
        grid: Panel ends of every integral, ascending, in standard deviations.
        order: Gauss–Legendre nodes per panel.
        step_ends: Panel ends around a smeared step of f, in units of the step's width.
        widest: Width of a step, in standard deviations, beyond which the grid resolves it, in `panels`.
    """

    grid: np.ndarray
    order: int
    step_ends: np.ndarray = field(default_factory=lambda: STEP_ENDS)
    widest: float = np.inf

    @property
    def reach(self) -> float:
        """|t|, in standard deviations, beyond which φ(t) is negligible: the grid's outermost end."""
        return float(self.grid[-1])

    def ends(
        self,
        lower: ArrayLike,
        upper: ArrayLike,
        *,
        features: tuple[np.ndarray, np.ndarray] | None = None,
        kinks: np.ndarray | None = None,
    ) -> np.ndarray:
        """Panel ends of each row on [lower, upper]; see `breakpoints`."""
        return breakpoints(lower, upper, grid=self.grid, features=features, kinks=kinks, steps=self.step_ends)

    def nodes(
        self,
        lower: ArrayLike,
        upper: ArrayLike,
        *,
        features: tuple[np.ndarray, np.ndarray] | None = None,
        kinks: np.ndarray | None = None,
    ) -> Nodes:
        """Nodes of each row on [lower, upper]; see `breakpoints`."""
        return composite_rule(self.ends(lower, upper, features=features, kinks=kinks), self.order)

    @cached_property
    def _numbers(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(self.grid.tolist()), tuple(self.step_ends.tolist())

    def panels(
        self, lower: float, upper: float, steps: Iterable[tuple[float, float]], kinks: Iterable[float] = ()
    ) -> list[float]:
        """Panel ends of one integral on [lower, upper], ascending.

        Args:
            lower: Start of the range: a float, or extended like the centres and the kinks.
            upper: End of the range.
            steps: Centre and width of every smeared step.
            kinks: Points where the integrand has a corner.
        """
        grid, around = self._numbers
        ends = [end for end in grid if lower < end < upper]
        for centre, width in steps:
            if width <= self.widest:
                ends += [end for step in around if lower < (end := centre + width * step) < upper]
        ends += [kink for kink in kinks if lower < kink < upper]
        ends.sort()
        return [lower, *ends, upper]


@cache
def gauss_legendre(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of one panel on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (1 + nodes) / 2, weights / 2


@cache
def partial_sums(order: int) -> np.ndarray:
    """Matrix that turns values times weights at a panel's nodes into integrals up to each node, (order, order)."""
    nodes, _ = gauss_legendre(order)
    legendre, degrees = np.polynomial.legendre, np.arange(order)
    analysis = legendre.legvander(2 * nodes - 1, order - 1).T * (2 * degrees[:, None] + 1)
    integrals = [legendre.legval(2 * nodes - 1, legendre.legint(row, lbnd=-1)) / 2 for row in np.eye(order)]
    return np.array(integrals).T @ analysis


def breakpoints(
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    grid: np.ndarray,
    features: tuple[np.ndarray, np.ndarray] | None = None,
    kinks: np.ndarray | None = None,
    steps: np.ndarray = STEP_ENDS,
) -> np.ndarray:
    """Panel ends of each row on [lower, upper], ascending, (rows, ends); panels may be empty.

    Args:
        lower: Start of the range, a scalar or one a row.
        upper: End of the range.
        grid: Ends that every row has.
        features: Centres and widths of smeared steps, (rows, features) each; non-finite ones are left out.
        kinks: Points where the integrand has a corner, (rows, kinks).
        steps: Ends around each feature, in units of its width.
    """
    rows = max(np.size(lower), np.size(upper)) if kinks is None else len(kinks)
    if features is not None:
        rows = len(features[0])
    n_grid = len(grid)
    n_steps = features[0].shape[1] * len(steps) if features is not None else 0
    n_kinks = kinks.shape[1] if kinks is not None else 0
    arguments = (lower, upper, kinks, *(features or ()))
    extended = any(getattr(argument, "dtype", None) == np.longdouble for argument in arguments)
    ends = np.empty((rows, n_grid + 2 + n_steps + n_kinks), np.longdouble if extended else float)
    ends[:, :n_grid], ends[:, n_grid], ends[:, n_grid + 1] = grid, lower, upper
    lower, upper = ends[:, n_grid, None], ends[:, n_grid + 1, None]
    if features is not None:
        centres, widths = features
        around = ends[:, n_grid + 2 : n_grid + 2 + n_steps].reshape(rows, -1, len(steps))
        with np.errstate(invalid="ignore"):
            np.multiply(widths[..., None], steps, out=around)
            around += centres[..., None]
        ends[:, n_grid + 2 : n_grid + 2 + n_steps] = around.reshape(rows, -1)
    if n_kinks:
        ends[:, n_grid + 2 + n_steps :] = kinks
    np.fmax(ends, lower, out=ends)  # NaN becomes the lower end: an empty panel
    np.minimum(ends, upper, out=ends)
    ends.sort(axis=1)
    return ends


def composite_rule(ends: np.ndarray, order: int) -> Nodes:
    """Nodes of the panels between consecutive ``ends``, (rows, ends); empty panels have none."""
    last = ends[:, 1:]
    widths = last - ends[:, :-1]
    wide = _wide(widths, last)
    if len(ends) == 1:
        panels = wide[0].nonzero()[0]
        return Nodes(*_on_panels(ends[0, panels], widths[0, panels], order), _ONE_ROW, order)
    panels = wide.sum(axis=1)
    starts = order * (np.cumsum(panels) - panels)
    return Nodes(*_on_panels(ends[:, :-1][wide], widths[wide], order), starts, order)


def panel_nodes(rows: list[list[float]], order: int) -> Nodes:
    """Nodes of the panels between consecutive ends, one list of ends a row; empty panels have none."""
    ends = np.array(rows[0] if len(rows) == 1 else list(chain.from_iterable(rows)))
    first, last = ends[:-1], ends[1:]
    widths = last - first
    if len(rows) == 1:
        if not widths.min() > _EMPTY_WIDTH[ends.dtype.char] * max(abs(rows[0][0]), abs(rows[0][-1])):
            wide = _wide(widths, last)
            first, widths = first[wide], widths[wide]
        return Nodes(*_on_panels(first, widths, order), _ONE_ROW, order)
    wide = _wide(widths, last)
    lengths = np.cumsum([len(row) for row in rows])
    wide[lengths[:-1] - 1] = False  # from one row's last end to the next one's first
    counts = np.add.reduceat(wide, np.concatenate([[0], lengths[:-1]]), dtype=int)
    return Nodes(*_on_panels(first[wide], widths[wide], order), order * (np.cumsum(counts) - counts), order)


def _wide(widths: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Which panels are not empty: the nodes of one that is a few roundings wide would fall on the corner itself."""
    return widths > _EMPTY_WIDTH[widths.dtype.char] * np.abs(last)


def _on_panels(start: np.ndarray, width: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of panels, one after the other."""
    nodes, weights = gauss_legendre(order)
    points = width[:, None] * nodes
    points += start[:, None]
    return points.ravel(), (width.astype(float, copy=False)[:, None] * weights).ravel()


def panel_rule(ends: np.ndarray, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of all panels between consecutive ``ends``, (..., nodes), empty ones too."""
    nodes, weights = gauss_legendre(order)
    width = np.diff(ends)[..., None]
    shape = (*ends.shape[:-1], -1)
    return (ends[..., :-1, None] + width * nodes).reshape(shape), (width * weights).reshape(shape)


def thinned(ends: np.ndarray, distances: np.ndarray, lower: float, upper: float) -> np.ndarray:
    """Ends on [lower, upper], ascending, without those that follow another within their distance."""
    inside = (ends >= lower) & (ends <= upper)
    order = np.argsort(ends[inside], kind="stable")
    kept = [lower]
    for end, distance in zip(ends[inside][order].tolist(), distances[inside][order].tolist(), strict=True):
        if end - kept[-1] > distance:
            kept.append(end)
    return np.array(kept)
