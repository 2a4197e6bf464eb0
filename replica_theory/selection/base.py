"""What every selection rule can do."""

from abc import ABC, abstractmethod

import numpy as np

from replica_theory.selection.kept_distribution import KeptDistribution, Piece
from replica_theory.selection.label_noise import Noise
from replica_theory.selection.margins import IndependentMargins, MarginDistribution


class Selection(ABC):
    """A rule that keeps a fraction of the examples by their probe field z and label y.

    A rule of your own gives its distribution on an infinite pool, for the theory, and its choice from a finite one,
    for simulations and embeddings (and `kept_pieces`, if probes trained on the pool are to prune by it):

        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from scipy.special import ndtri
        >>> from replica_theory import KeptDistribution, Piece, Selection, max_margin
        >>> @dataclass(frozen=True)
        ... class KeepNearBoundary(Selection):
        ...     '''Keeps the fraction f with |z| < Φ⁻¹((1 + f)/2).'''
        ...
        ...     keep_fraction: float
        ...
        ...     def kept_distribution(self, probe_angle, label_noise=0.0):
        ...         g = ndtri((1 + self.keep_fraction) / 2)
        ...         return KeptDistribution(
        ...             pieces=(Piece(lower=-g, upper=g),),
        ...             keep_fraction=self.keep_fraction,
        ...             probe_angle=probe_angle,
        ...             label_noise=label_noise,
        ...         )
        ...
        ...     def keep(self, margin, *, count, rng):
        ...         return np.sort(np.argsort(margin, kind="stable")[:count])
        >>> round(max_margin(2.0, selection=KeepNearBoundary(0.4), probe_angle=0.3).generalization_error, 6)
        0.197322

    Attributes:
        keep_fraction: f, kept share of the pool, in (0, 1].
        label_aware: Optional; whether the rule ranks y z instead of |z|.
    """

    keep_fraction: float

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        """What the rule keeps of a pool of any margins: q(m) in pieces on which it is smooth, and f = E q(m).

        Rules that rank keep between quantiles of m, whatever its distribution; a rule by probability is asked at
        the field of the unit-norm probe.

        Raises:
            ValueError: The rule says in ``kept_distribution`` alone what it keeps.
        """
        raise ValueError(f"`selection` must have a method kept_pieces to prune by a trained probe; got {self!r}")

    def kept_distribution(self, probe_angle: float, label_noise: Noise = 0.0) -> KeptDistribution:
        """Keep probability by signed margin on an infinite pool that the probe has not seen.

        Args:
            probe_angle: θ between probe and teacher, radians, in [0, π/2].
            label_noise: η, chance in [0, 1/2] that a label of the pool is flipped, before the rule sees it.

        Example:
            >>> from replica_theory import KeepHardest
            >>> (kept,) = KeepHardest(0.5).kept_distribution(probe_angle=0.2).pieces
            >>> f"{kept.lower:.5f}, {kept.upper:.5f}"
            '-0.67449, 0.67449'
        """
        margins = IndependentMargins(probe_angle, label_noise)
        pieces, fraction = self.kept_pieces(margins)
        return KeptDistribution(
            pieces=pieces,
            keep_fraction=fraction,
            probe_angle=margins.probe_angle,
            label_noise=margins.label_noise,
        )

    @abstractmethod
    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        """Ascending indices of ``count`` examples of a pool of these margins (hard = small).

        Equal margins are ranked by their position, so that the answer is deterministic.

        Args:
            margin: |z|, or y z when the rule is label-aware, (pool,).
            count: Examples to keep, in [0, pool].
            rng: For rules in which chance has a part.

        Example:
            >>> import numpy as np
            >>> from replica_theory import KeepBetween
            >>> KeepBetween(0.2, 0.6).keep(np.array([0.3, 2.0, 0.1, 1.0, 0.5]), count=2, rng=np.random.default_rng(0))
            array([0, 4])
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


def pieces_kept_by(selection: Selection, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
    """q(m) in pieces and f = E q, from `kept_pieces` or from the ``kept_distribution`` of a rule that has it alone.

    Of a rule that redefines one of the two methods of another rule, that one counts.

    Raises:
        ValueError: The rule has a ``kept_distribution`` alone, and the margins are those of a trained probe.
    """
    own = next(cls for cls in type(selection).__mro__ if vars(cls).keys() & {"kept_pieces", "kept_distribution"})
    if "kept_pieces" in vars(own):
        return selection.kept_pieces(margins)
    if not isinstance(margins, IndependentMargins):
        return Selection.kept_pieces(selection, margins)  # raises
    kept = selection.kept_distribution(margins.probe_angle, margins.label_noise)
    return kept.pieces, kept.keep_fraction


def check_margin(margin: np.ndarray, count: int) -> np.ndarray:
    """Returns the margins, or raises unless they are 1-D, finite and at least ``count`` many."""
    margin = np.asarray(margin)
    if margin.ndim != 1 or not np.all(np.isfinite(margin)):
        raise ValueError(f"`margin` must be 1-D and finite; got shape {margin.shape}")
    if not 0 <= count <= margin.size:
        raise ValueError(f"`count` must be in [0, {margin.size}], the pool's size; got {count}")
    return margin
