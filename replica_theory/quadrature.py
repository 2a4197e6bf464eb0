"""Gauss–Legendre panels placed at the scales on which an integrand varies.

A fixed grid fails silently when a student turns its back on all but a thin strip of the
inputs; panels around each feature, sized by its width, do not.
"""

import math
from collections.abc import Iterable
from functools import cache

import numpy as np

# a step smeared by a Gaussian of width w is flat beyond 9 w
_STEPS = np.array([-9.0, -6.5, -4.0, -2.0, 0.0, 2.0, 4.0, 6.5, 9.0])


@cache
def gauss_legendre(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of one panel on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return (1 + nodes) / 2, weights / 2


def breakpoints(
    lower: float,
    upper: float,
    *,
    features: Iterable[tuple[float, float]] = (),
    kinks: Iterable[float] = (),
    spacing: float = 2.0,
) -> np.ndarray:
    """Panel ends on [lower, upper]: an even grid, ends around each feature, the kinks.

    Args:
        lower: Start of the range.
        upper: End of the range.
        features: (centre, width) of each smeared step; non-finite ones are left out.
        kinks: Points where the integrand has a corner.
        spacing: Width of the even grid's panels.
    """
    ends = [np.linspace(lower, upper, 1 + max(1, math.ceil((upper - lower) / spacing)))]
    ends += [centre + width * _STEPS for centre, width in features if math.isfinite(centre + width)]
    ends.append(np.fromiter(kinks, float))
    every = np.sort(np.concatenate(ends))
    every = every[np.searchsorted(every, lower) : np.searchsorted(every, upper, side="right")]
    # a panel a few roundings wide holds nothing, and its nodes would fall on the corner itself
    return every[np.diff(every, prepend=-np.inf) > 8 * np.finfo(float).eps * np.abs(every)]


def panel_rule(ends: np.ndarray, order: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Composite rule: nodes and weights for panels between consecutive ``ends``.

    ``ends`` may carry leading axes (one set of panels a row); panels may be empty.
    """
    nodes, weights = gauss_legendre(order)
    width = np.diff(ends)[..., None]
    shape = (*ends.shape[:-1], -1)
    return (ends[..., :-1, None] + width * nodes).reshape(shape), (width * weights).reshape(shape)
