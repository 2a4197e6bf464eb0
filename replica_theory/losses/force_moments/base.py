"""Moments of forces, row by row, and rows in blocks."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

BLOCK = 1 << 15  # fields in a block of rows
SLACK = 1.25  # factor by which c, S and the range of ω may change before nodes are placed anew


class ForceMoments(NamedTuple):
    """E f, E f² and E u, (n,) each."""

    force: np.ndarray
    square: np.ndarray
    slope: np.ndarray


Moments = Callable[[np.ndarray, np.ndarray, np.ndarray], ForceMoments]
"""Moments at means m, standard deviations c > 0 and scales S > 0 of the fields, (n,) each."""


def row_blocks(n: int, nodes: int) -> Iterator[slice]:
    """Slices of rows with so many nodes each."""
    rows = max(1, BLOCK // nodes)
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))
