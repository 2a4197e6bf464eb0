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
    ends = [np.broadcast_to(grid, (rows, len(grid)))]
    if features is not None:
        centres, widths = features
        with np.errstate(invalid="ignore"):
            ends.append((centres[..., None] + widths[..., None] * steps).reshape(rows, -1))
    if kinks is not None:
        ends.append(kinks)
    lower, upper = (np.broadcast_to(bound, rows)[:, None] for bound in (lower, upper))
    every = np.concatenate([*ends, lower, upper], axis=1)
    return np.sort(np.clip(np.where(np.isfinite(every), every, lower), lower, upper), axis=1)


def composite_rule(ends: np.ndarray, order: int) -> Nodes:
    """Nodes of the panels between consecutive ``ends``, (rows, ends); empty panels have none."""
    widths = np.diff(ends)
    # a panel a few roundings wide holds nothing, and its nodes would fall on the corner itself
    row, column = np.nonzero(widths > 8 * np.finfo(ends.dtype).eps * np.abs(ends[:, 1:]))
    nodes, weights = gauss_legendre(order)
    start, width = ends[row, column, None], widths[row, column, None]
    return Nodes(
        points=(start + width * nodes).ravel(),
        weights=(width * weights).ravel().astype(float),
        row=np.repeat(row, order),
        starts=order * np.searchsorted(row, np.arange(len(ends))),
    )


def panel_rule(ends: np.ndarray, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of all panels between consecutive ``ends``, (..., nodes), empty ones too."""
    nodes, weights = gauss_legendre(order)
    width = np.diff(ends)[..., None]
    shape = (*ends.shape[:-1], -1)
    return (ends[..., :-1, None] + width * nodes).reshape(shape), (width * weights).reshape(shape)
