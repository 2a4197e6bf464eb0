"""The axis of margins along which a rule ranks a pool."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.special import ndtr

from replica_theory._numerics.quadrature import breakpoints
from replica_theory.selection.label_noise import Noise
from replica_theory.selection.margins import IndependentMargins

Score = Callable[[np.ndarray], np.ndarray]
Scales = tuple[np.ndarray, np.ndarray]  # margins around which a function varies, and the widths on which it does

_REACH = 7.0  # largest |m| at which influence is examined
_GRID = np.linspace(-_REACH, _REACH, 113)  # margins at which it is, beside those near its own scales
_STEPS = np.array([-6.0, -4.5, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.5, 6.0])  # nodes around a scale
_RAREST = 1e-12  # share of the pool below the least margin that is examined


class MarginAxis(Protocol):
    """Margins as a rule sees them, and their shares of an infinite pool."""

    def rank(self, margin: np.ndarray) -> np.ndarray:
        """Share of the pool below these margins."""
        ...

    def quantile(self, rank: float) -> float:
        """Margin with this share of the pool below it, within the range that is examined."""
        ...

    def of_unit_probe(self, margin: np.ndarray) -> np.ndarray:
        """These margins, given as fields of the unit-norm probe."""
        ...

    def as_seen(self, influence: Score) -> Score:
        """An influence by the margin that the rule sees."""
        ...

    def nodes(self, scales: Scales) -> np.ndarray:
        """Ascending margins that resolve an influence with these scales."""
        ...


@dataclass(frozen=True)
class IndependentAxis:
    """Margins of a probe that has not seen the pool.

    Attributes:
        probe_angle: θ, radians.
        label_noise: η, or a `LabelNoise`.
        label_aware: Whether rules rank y z instead of |z|.
    """

    probe_angle: float
    label_noise: Noise
    label_aware: bool

    @cached_property
    def _margins(self) -> IndependentMargins:
        return IndependentMargins(self.probe_angle, self.label_noise)

    @cached_property
    def _signed(self) -> bool:
        return self.label_aware and self._margins.has_errors

    @cached_property
    def _least(self) -> float:
        return max(-_REACH, self._margins.quantile(_RAREST, 1.0, label_aware=True)) if self._signed else 0.0

    def rank(self, margin: np.ndarray) -> np.ndarray:
        """Φ(m) − skew(m) of y z; 2 Φ(|z|) − 1 without labels."""
        if not self._signed:
            return np.maximum(2 * ndtr(margin) - 1, 0.0)
        return np.clip(ndtr(margin) - self._margins.skew(margin), 0.0, 1.0)

    def quantile(self, rank: float) -> float:
        if rank <= 0:
            return self._least
        if rank >= 1:
            return _REACH
        return float(np.clip(self._margins.quantile(rank, 1 - rank, label_aware=self.label_aware), self._least, _REACH))

    def of_unit_probe(self, margin: np.ndarray) -> np.ndarray:
        """They are."""
        return margin

    def as_seen(self, influence: Score) -> Score:
        """Of y z; without labels, its mean over both labels at this |z|."""
        if self._signed or not self._margins.has_errors:
            return influence

        def unsigned(distance: np.ndarray) -> np.ndarray:
            right = self._margins.chance_right(distance)
            return right * influence(distance) + (1 - right) * influence(-distance)

        return unsigned

    def nodes(self, scales: Scales) -> np.ndarray:
        centres, widths = scales
        centres = np.append(0.0, centres if self._signed else np.concatenate([centres, -centres]))
        widths = np.append(math.tan(min(self.probe_angle, 1.0)), widths if self._signed else np.tile(widths, 2))
        features = centres[None], np.maximum(widths, 1e-6)[None]
        return np.unique(breakpoints(self._least, _REACH, grid=_GRID, features=features, steps=_STEPS))
