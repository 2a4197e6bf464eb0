"""What every selection rule can do."""

from abc import ABC, abstractmethod

import numpy as np

from replica_theory.selection.kept_distribution import KeptDistribution


class Selection(ABC):
    """A rule that keeps a fraction of the examples by their probe field and label."""

    keep_fraction: float

    @abstractmethod
    def kept_distribution(self, probe_angle: float, label_noise: float = 0.0) -> KeptDistribution:
        """The rule's law on an infinite pool.

        Args:
            probe_angle: θ between probe and teacher, radians.
            label_noise: η, chance in [0, 1/2] that a label of the pool is flipped, before the rule sees it.
        """

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
