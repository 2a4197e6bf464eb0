"""Rules as unions of windows in the rank r of the margin (the share of the pool below it), and influence by rank."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._numerics.one_variable import root

Windows = tuple[tuple[float, float], ...]

_TILT = 1e-11  # slope by rank that is added to an influence, relative to its range
_TOUCHING = 1e-9  # distance in rank up to which neighbouring windows are one, and width below which one is left out


@dataclass(frozen=True)
class RankedInfluence:
    """The influence ι on a rule's error by rank, linear between nodes among which are the rule's edges.

    Attributes:
        windows: What the rule keeps.
        ranks: From 0 to 1, ascending, (nodes,).
        values: ι at the nodes, (nodes,).
    """

    windows: Windows
    ranks: np.ndarray
    values: np.ndarray

    @classmethod
    def tilted(cls, windows: Windows, ranks: np.ndarray, values: np.ndarray) -> "RankedInfluence":
        """With a slope that rounding would excuse, so that where ι is flat, lower ranks are preferred."""
        return cls(windows, ranks, values + _TILT * (np.ptp(values) + 1e-300) * ranks)

    @cached_property
    def _kept(self) -> np.ndarray:
        """Whether the rule keeps each interval between nodes."""
        middle = (self.ranks[1:] + self.ranks[:-1]) / 2
        return np.any([(lower < middle) & (middle < upper) for lower, upper in self.windows], axis=0)

    @cached_property
    def _fraction(self) -> float:
        return float(np.diff(self.ranks) @ self._kept)

    @cached_property
    def _best_level(self) -> float:
        """The level below which ι lies on as much of the pool as the rule keeps."""
        return self._level(np.ones_like(self._kept), self._fraction)

    @cached_property
    def _misplaced(self) -> float:
        """Share of the pool that is kept and has more influence than that."""
        return self._fraction - self._share_below(self._best_level, self._kept)

    @cached_property
    def gain(self) -> float:
        """(E[q ι] − E[q* ι])/f, q* the level set of ι that keeps as much: decrease of ln ε to first order.

        As q = q* = f on average, it is the mean over the pool of |ι − level| where q ≠ q*, over f.
        """
        low, high = self._excess(self._kept, above=True), self._excess(~self._kept, above=False)
        return (low + high) / self._fraction

    def _excess(self, where: np.ndarray, *, above: bool) -> float:
        """Mean over the pool of (ι − level)₊ on these intervals, or of (level − ι)₊."""
        a, b = self.values[:-1] - self._best_level, self.values[1:] - self._best_level
        a, b = (a, b) if above else (-a, -b)
        p, q = np.maximum(a, 0), np.maximum(b, 0)
        crossing = a * b < 0
        share = np.where(crossing, np.maximum(p, q) / np.where(crossing, np.abs(a - b), 1.0), 1.0)
        return float((np.diff(self.ranks) * share * (p + q) / 2)[where].sum())

    def exchanged(self, share: float) -> Windows:
        """The rule without the highest of what it keeps, and with the lowest of what it does not.

        Args:
            share: Of what is misplaced, in (0, 1]; at 1 it is the level set of the influence.
        """
        amount = share * self._misplaced
        low = self._level(self._kept, self._fraction - amount)
        high = self._level(~self._kept, amount)
        kept = [*self._below(low, self._kept), *self._below(high, ~self._kept)]
        return holding(sorted(kept), self._fraction)

    def _below(self, level: float, where: np.ndarray) -> list[tuple[float, float]]:
        """Intervals of rank, among these, on which ι is below a level."""
        a, b = self.values[:-1][where], self.values[1:][where]
        r, s = self.ranks[:-1][where], self.ranks[1:][where]
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = r + (level - a) / (b - a) * (s - r)
        lower, upper = np.where(a < level, r, crossing), np.where(b < level, s, crossing)
        some = ((a < level) | (b < level)) & (lower < upper)
        return list(zip(lower[some].tolist(), upper[some].tolist(), strict=True))

    def _share_below(self, level: float, where: np.ndarray) -> float:
        low, high = np.minimum(self.values[1:], self.values[:-1]), np.maximum(self.values[1:], self.values[:-1])
        span = np.maximum(high - low, np.finfo(float).tiny)
        return float((np.diff(self.ranks) * np.clip(level - low, 0.0, span) / span)[where].sum())

    def _level(self, where: np.ndarray, share: float) -> float:
        """The level below which this share of the pool lies on these intervals."""
        low, high = float(self.values.min()), float(np.nextafter(self.values.max(), np.inf))
        if share <= 0:
            return low
        if share >= self._share_below(high, where):
            return high
        return root(lambda level: self._share_below(level, where) - share, low, high, xtol=1e-15 * (high - low))


def holding(windows: list[tuple[float, float]], fraction: float) -> Windows:
    """Windows, ascending, of which those that touch become one; the widest takes up what rounding leaves of f."""
    merged: list[tuple[float, float]] = []
    for lower, upper in windows:
        if merged and lower - merged[-1][1] < _TOUCHING:
            merged[-1] = merged[-1][0], max(upper, merged[-1][1])
        else:
            merged.append((lower, upper))
    merged = [(_snapped(lower), _snapped(upper)) for lower, upper in merged if upper - lower > _TOUCHING]
    widest = max(range(len(merged)), key=lambda i: merged[i][1] - merged[i][0])
    lower, upper = merged[widest]
    missing = fraction - sum(b - a for a, b in merged)
    merged[widest] = (lower, min(1.0, upper + missing)) if upper < 1 else (max(0.0, lower - missing), upper)
    return tuple(merged)


def _snapped(rank: float) -> float:
    """0 or 1 if the rank is as near to it as windows that touch."""
    return 0.0 if rank < _TOUCHING else 1.0 if rank > 1 - _TOUCHING else rank
