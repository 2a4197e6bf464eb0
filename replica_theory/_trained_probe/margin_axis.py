"""The axis of margins that training has left a pool, along which a rule ranks it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replica_theory._trained_probe.margins import TrainedMargins

_CAVITIES = np.linspace(-7.0, 7.0, 113)  # z at whose margins an influence is examined
_BESIDE = 1e-7  # distance in m to the ends of a tie at which it is, for it jumps there
_TIED = np.concatenate([[1 - _BESIDE, 2 + _BESIDE], np.linspace(1 + _BESIDE, 2 - _BESIDE, 13)])  # m there and between
_SHARE_LEFT = 1e-10  # of the pool, beyond the range that is examined


@dataclass(frozen=True)
class TrainedAxis:
    """Margins m of a pool as rules see them.

    Attributes:
        margins: Of the pool.
        label_aware: Whether rules rank m instead of |m|.
    """

    margins: TrainedMargins
    label_aware: bool

    def rank(self, margin: np.ndarray) -> np.ndarray:
        """Share of the pool below these margins."""
        return np.array([self.margins.share_below(m, label_aware=self.label_aware) for m in margin.tolist()])

    def quantile(self, rank: float) -> float:
        """Margin with this share of the pool below it, within the range that is examined."""
        rank = min(max(rank, _SHARE_LEFT), 1 - _SHARE_LEFT)
        return self.margins.quantile(rank, 1 - rank, label_aware=self.label_aware)

    def of_unit_probe(self, margin: np.ndarray) -> np.ndarray:
        """m of these fields of the unit-norm probe."""
        return self.margins.opened(margin * self.margins.learner.norm)

    def as_seen(self, influence: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        """Influence is by the margin that the rule sees already."""
        return influence

    def nodes(self, scales: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Ascending margins of examples at a grid of cavity fields, trained ones and others."""
        learner = self.margins.learner
        margins = [self.margins.opened(learner.margin(_CAVITIES, trained=True))]
        if learner.share < 1:
            margins.append(self.margins.opened(learner.norm * _CAVITIES))
        if learner.ties:
            margins.append(_TIED)
        nodes = np.unique(np.concatenate(margins))
        nodes = np.unique(np.append(0.0, np.abs(nodes))) if not self.label_aware else nodes
        least, most = self.quantile(0.0), self.quantile(1.0)
        return np.unique(np.clip(nodes[~self._on_ties(nodes)], least, most))

    def _on_ties(self, m: np.ndarray) -> np.ndarray:
        """Whether a margin is at an end of the ties."""
        distance = np.minimum(np.abs(np.abs(m) - 1), np.abs(np.abs(m) - 2))
        return (distance < _BESIDE / 2) & (self.margins.learner.ties is not None)
