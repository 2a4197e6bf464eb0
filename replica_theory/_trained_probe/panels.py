"""Panel ends in z: at corners, around smeared steps, and on a grid, none closer to another than it need be."""

import numpy as np

from replica_theory._numerics.quadrature import thinned
from replica_theory._trained_probe.probe import REACH

_GRID = np.array([-8.5, -5.0, -2.5, 0.0, 2.5, 5.0, 8.5])  # panel ends in z
_STEPS = np.array([-7.0, -4.5, -2.0, 0.0, 2.0, 4.5, 7.0])  # panel ends around a smeared step, in its widths
_COARSE = 1.2  # width in z from which the grid resolves a smeared step
_CLOSE = 0.6  # distance in z to another panel end at which one of the grid is left out
SCAN = np.linspace(-REACH, REACH, 69)  # z at which a field is known, to find where it meets a breakpoint

Steps = tuple[np.ndarray, np.ndarray]  # centres in z, and widths


def crossings(field: np.ndarray, breaks: np.ndarray, spread: float) -> Steps:
    """z at which a field known on the scan meets breakpoints, and widths there of steps of this spread in the field."""
    before, after = field[:-1, None], field[1:, None]
    cell, met = np.nonzero((before - breaks) * (after - breaks) < 0)
    slope = (field[cell + 1] - field[cell]) / (SCAN[1] - SCAN[0])
    return SCAN[cell] + (breaks[met] - field[cell]) / slope, np.abs(spread / slope)


def panel_ends(lower: float, upper: float, *, corners: list[np.ndarray], steps: list[Steps]) -> np.ndarray:
    """Ascending ends on [lower, upper], with all corners, and steps where the grid is too coarse for them."""
    centres, widths = (np.concatenate(column) for column in zip(*steps, strict=True))
    sharp = widths < _COARSE
    around = (centres[sharp, None] + widths[sharp, None] * _STEPS).ravel()
    kinks = np.concatenate([[upper], *corners])
    ends = np.concatenate([kinks, _GRID, around])
    distances = np.repeat(
        np.append([0.0, _CLOSE], widths[sharp]), [kinks.size, _GRID.size] + [_STEPS.size] * sharp.sum()
    )
    return thinned(ends, distances, lower, upper)
