"""Rows of like logistic fields, which share nodes."""

from dataclasses import dataclass

import numpy as np

from replica_theory.losses.force_moments.narrow_rows import NARROW

_ROWS, _MOST = 1000, 8  # rows of a group, and groups of rows whose c differ by up to a factor of 2
_MOST_BANDS = 100  # factors of 2 in c


def most_force(omega: np.ndarray) -> np.ndarray:
    """No less than the force of the logistic loss at fields ω of any scale: −ℓ'(p) ≤ −ℓ'(ω) < e^{−ω}."""
    return np.exp(np.minimum(-omega, 0.0))


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows by c, up to a factor of 2, and then by their likely fields.

    Attributes:
        order: Rows, group by group, those of small c first, (rows,).
        places: Of the rows in that order, (rows,).
        n_narrow: Rows of small c.
        sizes: Of groups of other rows.
    """

    order: np.ndarray
    places: np.ndarray
    n_narrow: int
    sizes: np.ndarray

    @classmethod
    def of(cls, fields: np.ndarray) -> "Groups":
        """Of rows of these m, c and S, (3, rows)."""
        mean, deviation, scale = fields
        octave = np.floor(np.log2(np.maximum(deviation, 0.5 * NARROW) / NARROW))
        octave = np.fmin(np.fmax(octave, -1.0), _MOST_BANDS)  # a number, even of a c that is none
        likely = mean + scale * most_force(mean)
        order = np.argsort(2 * octave + likely / (1 + np.abs(likely)))
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        n_narrow, *bands = np.bincount(1 + octave.astype(int), minlength=1)
        sizes = np.concatenate([_parts(n_rows) for n_rows in bands if n_rows] or [np.empty(0, dtype=int)])
        return cls(order, places, n_narrow, sizes)


def _parts(n_rows: int) -> np.ndarray:
    """Sizes of as many equal parts as are worth it."""
    n_parts = min(max(round(n_rows / _ROWS), 1), _MOST)
    return np.diff(np.arange(n_parts + 1) * n_rows // n_parts)
