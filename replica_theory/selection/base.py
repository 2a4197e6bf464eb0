"""What every selection rule can do."""

from abc import ABC, abstractmethod

import numpy as np

from replica_theory.errors import check_keep_fraction
from replica_theory.selection.kept_distribution import KeptDistribution, Piece
from replica_theory.selection.margins import IndependentMargins, MarginDistribution


class Selection(ABC):
    """A rule that keeps a fraction of the examples by their probe field and label."""

    keep_fraction: float

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        """What the rule keeps of a pool of these margins: q(m) in pieces on which it is smooth, and E q(m).

        Rules that rank keep between quantiles of m, whatever its distribution; a rule by probability is asked at
        the field of the unit-norm probe.

        Raises:
            ValueError: A rule of one's own says what it keeps in ``kept_distribution`` alone.
        """
        raise ValueError(f"`selection` must have a method kept_pieces to prune by other margins; got {self!r}")

    def kept_distribution(self, probe_angle: float, label_noise: float = 0.0) -> KeptDistribution:
        """The rule's law on an infinite pool that the probe has not seen.

        Args:
            probe_angle: θ between probe and teacher, radians.
            label_noise: η, chance in [0, 1/2] that a label of the pool is flipped, before the rule sees it.
        """
        margins = IndependentMargins(probe_angle, label_noise)
        pieces, fraction = self.kept_pieces(margins)
        check_keep_fraction(fraction, "E q")
        return KeptDistribution(pieces, fraction, margins.probe_angle, margins.label_noise)

    @abstractmethod
    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        """Ascending indices of ``count`` examples of a pool of these margins (hard = small).

        Equal margins are ranked by their position, so that the answer is deterministic.
        """

    def choose(self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        """Ascending indices of the kept examples of a pool, from probe fields z and labels y.

        Gives ``count`` of them, or as many as there are when chance decides the number.
        """
        return self.keep(self.margin(probe_field, label), count=count, rng=rng)

    def margin(self, probe_field: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The margin that the rule ranks: |z|, or y z when the rule is label-aware."""
        return probe_field * label if getattr(self, "label_aware", False) else np.abs(probe_field)


def check_selection(selection: object) -> Selection:
    """Returns the rule, or raises a `ValueError` unless it is one."""
    if not isinstance(selection, Selection):
        raise ValueError(f"`selection` must be a rule such as KeepHardest(0.5); got {selection!r}")
    return selection


def checked_margin(margin: np.ndarray, count: int) -> np.ndarray:
    margin = np.asarray(margin)
    if margin.ndim != 1 or not np.all(np.isfinite(margin)):
        raise ValueError(f"`margin` must be 1-D and finite; got shape {margin.shape}")
    if not 0 <= count <= margin.size:
        raise ValueError(f"`count` must be in [0, {margin.size}], the pool's size; got {count}")
    return margin
