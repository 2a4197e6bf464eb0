"""Selection rules as level sets of a score: the margins m where score(m) < level, and their share of the pool."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.hermite import CubicHermite
from replica_theory._numerics.one_variable import root
from replica_theory.selection.ranked import signed_margin_rank

Windows = tuple[tuple[float, float], ...]

_BISECTIONS = 48  # of a margin's interval: to 1e-14 of it
_TOUCHING = 1e-12  # distance in rank up to which neighbouring windows are one


@dataclass(frozen=True)
class LevelSets:
    """Level sets that keep a fraction of an infinite pool.

    Attributes:
        keep_fraction: f.
        probe_angle: θ, radians.
        signed: Whether the margin is y z, else |z|.
    """

    keep_fraction: float
    probe_angle: float
    signed: bool

    def rank(self, margin: np.ndarray) -> np.ndarray:
        """Share of the pool below this margin."""
        return signed_margin_rank(margin, self.probe_angle) if self.signed else 2 * ndtr(margin) - 1

    def windows(self, curve: CubicHermite, level: float = 0.0) -> list[tuple[float, float]]:
        """Windows of rank where the score is below the level; beyond the outermost nodes it stays as it is there."""
        ends = np.array([-np.inf if self.signed else 0.0, *_crossings(curve, level), np.inf])
        inner = np.clip(ends, curve.nodes[0], curve.nodes[-1])
        below = curve((inner[1:] + inner[:-1]) / 2) < level
        ranks = np.clip(self.rank(ends), 0.0, 1.0).tolist()
        return [(a, b) for (a, b), keep in zip(pairwise(ranks), below, strict=True) if keep and a < b]

    def shifted(self, margins: np.ndarray, score: np.ndarray) -> np.ndarray:
        """The score less the level below which the fraction f lies."""
        if self.keep_fraction == 1 or np.ptp(score) == 0:
            return score - score.max() - 1.0
        curve, slack = CubicHermite.through(margins, score), 1e-9 * np.ptp(score) + 1e-300

        def excess(level: float) -> float:
            return math.fsum(upper - lower for lower, upper in self.windows(curve, level)) - self.keep_fraction

        return score - root(excess, score.min() - slack, score.max() + slack, xtol=1e-15, rtol=1e-14)

    def normalised(self, margins: np.ndarray, score: np.ndarray) -> np.ndarray:
        """s/(median |s| + |s|) of the shifted score s: between −1 and 1, so that scores of any scale can be mixed."""
        shifted = self.shifted(margins, score)
        return shifted / (np.median(np.abs(shifted)) + np.abs(shifted))


def merged(windows: list[tuple[float, float]]) -> Windows:
    """Windows, ascending, of which those that touch become one."""
    result = [windows[0]]
    for lower, upper in windows[1:]:
        if lower - result[-1][1] < _TOUCHING:
            result[-1] = result[-1][0], upper
        else:
            result.append((lower, upper))
    return tuple(result)


def _crossings(curve: CubicHermite, level: float) -> np.ndarray:
    """Where the curve crosses the level, at most once between neighbouring nodes, by bisection of all at once."""
    above = curve.values >= level
    intervals = np.flatnonzero(above[1:] != above[:-1])
    left, right, rising = curve.nodes[intervals], curve.nodes[intervals + 1], above[intervals + 1]
    for _ in range(_BISECTIONS):
        middle = (left + right) / 2
        passed = (curve(middle) >= level) == rising
        left, right = np.where(passed, left, middle), np.where(passed, middle, right)
    return (left + right) / 2
