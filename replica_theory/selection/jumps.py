"""Where a function of one variable jumps or has a corner, found by halving the cells of a grid.

Over a cell that is halved again and again a smooth function changes less and less, and so does its slope; a jump stays
as large as it was, and so does the change of slope at a corner.
"""

from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]

_REACH = 10.0  # largest |m| that is looked at
_CELLS = 4000  # of the grid, .005 wide each
_LEAST_JUMP, _LEAST_CORNER = 1e-7, 1e-4  # change of the function, or of its slope, that counts
_FEW_HALVINGS = 3  # after which most smooth changes are an eighth
_HALVINGS = 10  # after which what is left of a smooth change is a thousandth
_LEFT = 0.3  # share of the change that is then left of a jump or a corner
_PLACING_JUMP, _PLACING_CORNER = 45, 4  # halvings more that place it, to a rounding and to 1e-6


def jumps_and_corners(function: Function) -> tuple[float, ...]:
    """Arguments in [−10, 10] where the function jumps by 1e-7 or more, or its slope by 1e-4, ascending."""
    ends = np.linspace(-_REACH, _REACH, _CELLS + 1)
    values = function(ends)
    jumps = _jumps(function, ends, values)
    corners = _corners(function, ends, values)
    apart = np.abs(corners[:, None] - jumps).min(axis=1, initial=np.inf) > 2 * (ends[1] - ends[0])
    return tuple(np.unique(np.append(jumps, corners[apart])).tolist())


def _jumps(function: Function, ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    change = np.abs(np.diff(values))
    cells = np.flatnonzero(change > _LEAST_JUMP)
    lower, upper, low, high = ends[cells], ends[cells + 1], values[cells], values[cells + 1]
    change = change[cells]
    for step in range(_HALVINGS + _PLACING_JUMP):
        if not lower.size:
            break
        middle = (lower + upper) / 2
        between = function(middle)
        below = np.abs(between - low) > np.abs(high - between)
        lower, low = np.where(below, lower, middle), np.where(below, low, between)
        upper, high = np.where(below, middle, upper), np.where(below, between, high)
        if step in (_FEW_HALVINGS, _HALVINGS):
            jumps = np.abs(high - low) > _LEFT * change
            lower, upper, low, high, change = (values[jumps] for values in (lower, upper, low, high, change))
    return np.unique(upper)


def _corners(function: Function, ends: np.ndarray, values: np.ndarray) -> np.ndarray:
    width = ends[1] - ends[0]
    bend = np.abs(np.diff(values, 2)) / width
    places = np.flatnonzero((bend > _LEAST_CORNER) & (bend >= _neighbours(bend)))
    centre, bend = ends[places + 1], bend[places]
    for step in range(_HALVINGS + _PLACING_CORNER):
        if not centre.size:
            break
        width /= 2
        around = centre[:, None] + width * np.arange(-2, 3)
        bends = np.abs(np.diff(function(around.ravel()).reshape(around.shape), 2, axis=1)) / width
        largest = bends.argmax(axis=1)
        centre = around[np.arange(len(centre)), largest + 1]
        if step in (_FEW_HALVINGS, _HALVINGS):
            left = bends.max(axis=1, initial=0.0) > _LEFT * bend
            centre, bend = centre[left], bend[left]
    return centre


def _neighbours(bend: np.ndarray) -> np.ndarray:
    """The larger of the two beside each."""
    padded = np.pad(bend, 1)
    return np.maximum(padded[:-2], padded[2:])
