"""Rules that rank examples by margin and keep those between two quantiles.

References:
    Sorscher et al. 2022, arXiv:2206.14486.
"""

import itertools
import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, owens_t

from replica_theory.errors import check_keep_fraction, check_number
from replica_theory.selection.base import Selection, check_margin
from replica_theory.selection.kept_distribution import Piece
from replica_theory.selection.label_noise import Noise
from replica_theory.selection.margins import IndependentMargins, MarginDistribution


class KeepByRank(Selection):
    """A rule that keeps a number of examples by the ranks of their margins alone, 0 = hardest."""

    label_aware: bool

    @abstractmethod
    def ranks(self, pool: int, count: int) -> np.ndarray:
        """Ascending ranks (count,) that are kept of a pool of so many examples."""

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        margin = check_margin(margin, count)
        return np.sort(np.argsort(margin, kind="stable")[self.ranks(margin.size, count)])


class _Ranked(KeepByRank):
    """Keeps the examples whose margin ranks between two quantiles."""

    @property
    @abstractmethod
    def harder_share(self) -> float:
        """Share of the pool that is dropped for being too hard."""

    @property
    def easier_share(self) -> float:
        """Share of the pool that is dropped for being too easy."""
        return 1.0 - self.keep_fraction - self.harder_share

    def ranks(self, pool: int, count: int) -> np.ndarray:
        return np.arange(count) + self.harder_count(pool, count)

    def harder_count(self, pool: int, count: int) -> int:
        """Number of the examples of a pool that are dropped for being too hard, when ``count`` are kept."""
        dropped = self.harder_share + self.easier_share
        share = self.harder_share / dropped if dropped > 0 else 0.0
        return round(share * (pool - count))

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        lower, upper = self._thresholds_of(margins)
        pieces = (Piece(lower=lower, upper=upper),)
        if not self.label_aware and lower == 0:
            pieces = (Piece(lower=-upper, upper=upper),)
        elif not self.label_aware and margins.has_errors:
            pieces = (Piece(lower=-upper, upper=-lower), *pieces)
        return pieces, self.keep_fraction

    def thresholds(self, probe_angle: float = 0.0, label_noise: Noise = 0.0) -> tuple[float, float]:
        """Margins between which an infinite pool is kept that the probe has not seen.

        Label-agnostic: quantiles of |z|. Label-aware: of m = y z, whose density is
        2 φ(m) Φ(m cot θ) and whose distribution function is Φ(m) − 2 T(m, cot θ), Owen's T, before
        a share 2 η of the labels is replaced by chance.

        Args:
            probe_angle: θ, radians, in [0, π/2].
            label_noise: η in [0, 1/2].
        """
        return self._thresholds_of(IndependentMargins(probe_angle, label_noise))

    def _thresholds_of(self, margins: MarginDistribution) -> tuple[float, float]:
        fraction, harder, easier, aware = self.keep_fraction, self.harder_share, self.easier_share, self.label_aware
        lower = margins.quantile(harder, fraction + easier, label_aware=aware) if harder > 0 else -math.inf
        upper = margins.quantile(harder + fraction, easier, label_aware=aware) if easier > 0 else math.inf
        return (lower if aware else max(lower, 0.0)), upper


@dataclass(frozen=True)
class _OneSided(_Ranked):
    """Keeps a fraction at one end of the ranking."""

    keep_fraction: float
    label_aware: bool = False

    def __post_init__(self):
        check_keep_fraction(self.keep_fraction)


@dataclass(frozen=True)
class KeepHardest(_OneSided):
    """Keeps the fraction f of smallest margin: |z| < Φ⁻¹((1 + f)/2), or y z < g' when label-aware.

    Args:
        keep_fraction: f in (0, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: ``keep_fraction`` is out of range.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepHardest, max_margin
        >>> f"{max_margin(1.0, selection=KeepHardest(0.3)).generalization_error:.5f}"
        '0.38076'
        >>> KeepHardest(0.4).keep(np.array([0.3, 2.0, 0.1, 1.0, 0.5]), count=2, rng=np.random.default_rng(0))
        array([0, 2])
    """

    @property
    def harder_share(self) -> float:
        return 0.0


@dataclass(frozen=True)
class KeepEasiest(_OneSided):
    """Keeps the fraction f of largest margin: |z| > Φ⁻¹(1 − f/2), or the largest y z when label-aware.

    Args:
        keep_fraction: f in (0, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: ``keep_fraction`` is out of range.

    Example:
        >>> import numpy as np
        >>> from replica_theory import KeepEasiest, max_margin
        >>> f"{max_margin(1.0, selection=KeepEasiest(0.3)).generalization_error:.5f}"
        '0.15106'
        >>> KeepEasiest(0.4).keep(np.array([0.3, 2.0, 0.1, 1.0, 0.5]), count=2, rng=np.random.default_rng(0))
        array([1, 3])
    """

    @property
    def harder_share(self) -> float:
        return 1.0 - self.keep_fraction

    @property
    def easier_share(self) -> float:
        return 0.0


@dataclass(frozen=True)
class KeepBetween(_Ranked):
    """Keeps the examples whose margin lies between two quantiles, 0 = hardest.

    Args:
        lower: Quantile at which keeping starts, in [0, 1).
        upper: Quantile at which it ends, in (lower, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: The quantiles are out of range or out of order.

    Example:
        >>> from replica_theory import KeepBetween, max_margin
        >>> rule = KeepBetween(0.1, 0.4)
        >>> f"{rule.keep_fraction:.1f}, {max_margin(1.0, selection=rule).generalization_error:.5f}"
        '0.3, 0.31453'
    """

    lower: float
    upper: float
    label_aware: bool = False

    def __post_init__(self):
        if not 0.0 <= check_number(self.lower, "lower") < check_number(self.upper, "upper") <= 1.0:
            raise ValueError(
                f"`lower` and `upper` must satisfy 0 <= lower < upper <= 1; got {self.lower}, {self.upper}"
            )

    @property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.upper - self.lower

    @property
    def harder_share(self) -> float:
        return self.lower

    @property
    def easier_share(self) -> float:
        return 1.0 - self.upper


@dataclass(frozen=True)
class KeepWindows(KeepByRank):
    """Keeps the examples whose margin lies in any of several windows between quantiles, 0 = hardest.

    Args:
        windows: (lower, upper) quantiles of each window, ascending, disjoint, in [0, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: The quantiles are out of range or out of order, or there is no window.

    Example:
        The hardest tenth and the easiest fifth:

        >>> from replica_theory import KeepWindows, max_margin
        >>> rule = KeepWindows(((0.0, 0.1), (0.8, 1.0)))
        >>> f"{rule.keep_fraction:.1f}, {max_margin(1.0, selection=rule, probe_angle=0.2).generalization_error:.5f}"
        '0.3, 0.26317'
    """

    windows: tuple[tuple[float, float], ...]
    label_aware: bool = False

    def __post_init__(self):
        try:
            pairs = [(check_number(lower, "lower"), check_number(upper, "upper")) for lower, upper in self.windows]
        except (TypeError, ValueError):
            raise ValueError(f"`windows` must be pairs of numbers (lower, upper); got {self.windows!r}") from None
        ends = [0.0, *itertools.chain.from_iterable(pairs), 1.0]
        strict = all(lower < upper for lower, upper in pairs)
        if not (pairs and strict and all(a <= b for a, b in itertools.pairwise(ends))):
            raise ValueError(
                f"`windows` must be ascending, disjoint (lower, upper) quantiles in [0, 1]; got {self.windows}"
            )
        object.__setattr__(self, "windows", tuple(pairs))  # of a list too, so that the rule has a hash

    @property
    def keep_fraction(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        return math.fsum(upper - lower for lower, upper in self.windows)

    def ranks(self, pool: int, count: int) -> np.ndarray:
        shares = [upper - lower for lower, upper in self.windows]
        # the running total is rounded, so that the windows' numbers add up to the count
        total = np.round(count * np.cumsum(shares) / self.keep_fraction).astype(int)
        numbers = np.diff(total, prepend=0)
        dropped, gaps = pool - count, np.diff([0.0, *np.ravel(self.windows), 1.0])[::2]
        skipped = np.round(dropped * np.cumsum(gaps)[:-1] / max(gaps.sum(), np.finfo(float).tiny)).astype(int)
        first = skipped + total - numbers
        return np.concatenate([np.arange(f, f + n) for f, n in zip(first, numbers, strict=True)])

    def kept_pieces(self, margins: MarginDistribution) -> tuple[tuple[Piece, ...], float]:
        rules = [KeepBetween(lower, upper, self.label_aware) for lower, upper in self.windows]
        pieces = [piece for rule in rules for piece in rule.kept_pieces(margins)[0]]
        return tuple(sorted(pieces, key=lambda piece: piece.lower)), self.keep_fraction


def signed_margin_rank(margin: np.ndarray | float, probe_angle: float) -> np.ndarray:
    """Share of an infinite pool below this y z, θ > 0: Φ(m) − 2 T(m, cot θ), Owen's T."""
    return ndtr(margin) - 2 * owens_t(margin, 1 / math.tan(probe_angle))
