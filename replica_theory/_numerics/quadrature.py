"""Gauss–Legendre panels placed at the scales on which an integrand varies.

A fixed grid fails silently when a student turns its back on all but a thin strip of the
inputs; panels around each feature, sized by its width, do not. Many integrals, one a row, are
evaluated at once: their nodes lie one after another in flat arrays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

# a step smeared by a Gaussian of width w is flat beyond 9 w; where it falls to nothing, even its tail may count,
# because students punish a shortfall by its square
_STEPS = np.array([-13.0, -11.0, -9.0, -7.0, -5.0, -2.5, 0.0, 2.5, 5.5, 9.0])


_EMPTY = {np.dtype(kind).char: 8 * np.finfo(kind).eps for kind in (float, np.longdouble)}


@dataclass(frozen=True)
class Nodes:
    """Nodes and weights of many integrals; ``row`` says whose each is, ``starts`` where each begins."""

    points: np.ndarray
    weights: np.ndarray
    row: np.ndarray
    starts: np.ndarray

    def integrals(self, values: Iterable[np.ndarray]) -> np.ndarray:
        """Σ weight · value over each row's nodes, (values, rows)."""
        return np.array([np.add.reduceat(value * self.weights, self.starts) for value in values])

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows, (..., rows), as they stand beside the nodes: broadcast where there is one row."""
        return values if len(self.starts) == 1 else values[..., self.row]


@cache
def gauss_legendre(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of one panel on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (1 + nodes) / 2, weights / 2


def breakpoints(
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    grid: np.ndarray,
    features: tuple[np.ndarray, np.ndarray] | None = None,
    kinks: np.ndarray | None = None,
    steps: np.ndarray = _STEPS,
) -> np.ndarray:
    """Panel ends of each row on [lower, upper], ascending; panels may be empty.

    Args:
        lower: Start of the range, a scalar or one a row.
        upper: End of the range.
        grid: Ends that every row has.
        features: Centres and widths of smeared steps, (rows, features) each; non-finite ones are
            left out.
        kinks: Points where the integrand has a corner, (rows, kinks).
        steps: Ends around each feature, in units of its width.
    """
    rows = len(features[0]) if features is not None else 1 if kinks is None else len(kinks)
    count = len(grid)
    around = features[0].shape[1] * len(steps) if features is not None else 0
    corners = kinks.shape[1] if kinks is not None else 0
    parts = (lower, upper, kinks, *(features or ()))
    kind = np.longdouble if any(getattr(part, "dtype", None) == np.longdouble for part in parts) else float
    every = np.empty((rows, count + 2 + around + corners), kind)
    every[:, :count], every[:, count], every[:, count + 1] = grid, lower, upper
    lower, upper = every[:, count, None], every[:, count + 1, None]
    if features is not None:
        centres, widths = features
        placed = every[:, count + 2 : count + 2 + around].reshape(rows, -1, len(steps))
        with np.errstate(invalid="ignore"):
            np.multiply(widths[..., None], steps, out=placed)
            placed += centres[..., None]
        every[:, count + 2 : count + 2 + around] = placed.reshape(rows, -1)
    if corners:
        every[:, count + 2 + around :] = kinks
    np.fmax(every, lower, out=every)  # what is not a number becomes an empty panel
    np.minimum(every, upper, out=every)
    every.sort(axis=1)
    return every


def composite_rule(ends: np.ndarray, order: int) -> Nodes:
    """Nodes of the panels between consecutive ``ends``, (rows, ends); empty panels have none."""
    last, nodes = ends[:, 1:], gauss_legendre(order)
    widths = last - ends[:, :-1]
    # a panel a few roundings wide holds nothing, and its nodes would fall on the corner itself
    wide = widths > _EMPTY[ends.dtype.char] * np.abs(last)
    if len(ends) == 1:
        panels = wide[0].nonzero()[0]
        start, width = ends[0, panels], widths[0, panels]
        row, starts = np.zeros(order * panels.size, int), np.zeros(1, int)
    else:
        panels = wide.sum(axis=1)
        start, width = ends[:, :-1][wide], widths[wide]
        row, starts = np.repeat(np.arange(len(ends)), order * panels), order * (np.cumsum(panels) - panels)
    points = width[:, None] * nodes[0]
    points += start[:, None]
    return Nodes(points.ravel(), (width.astype(float, copy=False)[:, None] * nodes[1]).ravel(), row, starts)


def panel_rule(ends: np.ndarray, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of all panels between consecutive ``ends``, (..., nodes), empty ones too."""
    nodes, weights = gauss_legendre(order)
    width = np.diff(ends)[..., None]
    shape = (*ends.shape[:-1], -1)
    return (ends[..., :-1, None] + width * nodes).reshape(shape), (width * weights).reshape(shape)
