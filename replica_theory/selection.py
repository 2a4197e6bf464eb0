"""Which examples are kept: one object for theory, simulation and embeddings.

A rule sees an example through its *margin*: hard is small. Label-agnostic rules take |z|, the
distance of the probe field from the probe's boundary; label-aware rules take y z, negative
where the probe is wrong. The theory asks a rule for its law in the limit of infinitely many
examples (`kept_law`); a finite pool, simulated or real, is ranked (`keep`).

References:
    Sorscher et al. 2022, arXiv:2206.14486; Ayed & Hayou 2023, arXiv:2302.06960 (calibration).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfinv, ndtr, ndtri, owens_t

from replica_theory.errors import check_keep_fraction, check_probe_angle
from replica_theory.gaussian import normal_density
from replica_theory.kept_law import KeptLaw, Piece
from replica_theory.quadrature import breakpoints, panel_rule


class Selection(ABC):
    """A rule that keeps a fraction of the examples by their probe field and label."""

    keep_fraction: float

    @abstractmethod
    def kept_law(self, probe_angle: float) -> KeptLaw:
        """The rule's law on an infinite pool, for a probe at ``probe_angle`` (radians) to the teacher."""

    @abstractmethod
    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        """Ascending indices of ``count`` examples of a pool of these margins (hard = small).

        Equal margins are ranked by their position, so that the answer is deterministic.
        """

    def choose(
        self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Ascending indices of the kept examples of a pool, from probe fields z and labels y.

        Gives ``count`` of them, or as many as there are when chance decides the number.
        """
        return self.keep(self.margin(probe_field, label), count=count, rng=rng)

    def margin(self, probe_field: np.ndarray, label: np.ndarray) -> np.ndarray:
        """The margin that the rule ranks: |z|, or y z when the rule is label-aware."""
        return probe_field * label if getattr(self, "label_aware", False) else np.abs(probe_field)


class _Ranked(Selection):
    """Keeps the examples whose margin ranks between two quantiles."""

    label_aware: bool

    @property
    @abstractmethod
    def harder_share(self) -> float:
        """Share of the pool that is dropped for being too hard."""

    @property
    def easier_share(self) -> float:
        """Share of the pool that is dropped for being too easy."""
        return 1.0 - self.keep_fraction - self.harder_share

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        margin = _checked_margin(margin, count)
        first = min(round(self.harder_share * margin.size), margin.size - count)
        return np.sort(np.argsort(margin, kind="stable")[first : first + count])

    def kept_law(self, probe_angle: float) -> KeptLaw:
        angle = check_probe_angle(probe_angle)
        lower, upper = self.thresholds(angle)
        pieces = [Piece(lower=lower, upper=upper)]
        if not self.label_aware:
            pieces = [Piece(lower=-upper, upper=-lower), *pieces] if lower > 0 else [Piece(lower=-upper, upper=upper)]
        return KeptLaw(pieces=tuple(pieces), keep_fraction=self.keep_fraction, probe_angle=angle)

    def thresholds(self, probe_angle: float = 0.0) -> tuple[float, float]:
        """Margins between which an infinite pool is kept.

        Label-agnostic: quantiles of |z|. Label-aware: of m = y z, whose density is
        2 φ(m) Φ(m cot θ) and whose distribution function is Φ(m) − 2 T(m, cot θ), Owen's T.
        """
        kept, harder, easier = self.keep_fraction, self.harder_share, self.easier_share
        quantile = _signed_margin_quantile if self.label_aware else _absolute_margin_quantile
        lower = quantile(harder, kept + easier, probe_angle) if harder > 0 else -math.inf
        upper = quantile(harder + kept, easier, probe_angle) if easier > 0 else math.inf
        return (lower if self.label_aware else max(lower, 0.0)), upper


@dataclass(frozen=True)
class KeepHardest(_Ranked):
    """Keeps the fraction f of smallest margin: |z| < Φ⁻¹((1 + f)/2), or y z < g' when label-aware.

    Args:
        keep_fraction: f in (0, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: ``keep_fraction`` is out of range.
    """

    keep_fraction: float
    label_aware: bool = False

    def __post_init__(self):
        check_keep_fraction(self.keep_fraction)

    @property
    def harder_share(self) -> float:
        return 0.0


@dataclass(frozen=True)
class KeepEasiest(_Ranked):
    """Keeps the fraction f of largest margin: |z| > Φ⁻¹(1 − f/2), or the largest y z when label-aware.

    Args:
        keep_fraction: f in (0, 1].
        label_aware: Rank by y z instead of |z|.

    Raises:
        ValueError: ``keep_fraction`` is out of range.
    """

    keep_fraction: float
    label_aware: bool = False

    def __post_init__(self):
        check_keep_fraction(self.keep_fraction)

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
    """

    lower: float
    upper: float
    label_aware: bool = False

    def __post_init__(self):
        if not 0.0 <= self.lower < self.upper <= 1.0:
            raise ValueError(
                f"`lower` and `upper` must satisfy 0 <= lower < upper <= 1; got {self.lower}, {self.upper}"
            )

    @property
    def keep_fraction(self) -> float:
        return self.upper - self.lower

    @property
    def harder_share(self) -> float:
        return self.lower

    @property
    def easier_share(self) -> float:
        return 1.0 - self.upper


@dataclass(frozen=True)
class KeepRandom(Selection):
    """Keeps a fraction f at random; f = 1 is no pruning.

    Args:
        keep_fraction: f in (0, 1].

    Raises:
        ValueError: ``keep_fraction`` is out of range.
    """

    keep_fraction: float = 1.0

    def __post_init__(self):
        check_keep_fraction(self.keep_fraction)

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        return np.sort(rng.choice(_checked_margin(margin, count).size, size=count, replace=False))

    def kept_law(self, probe_angle: float) -> KeptLaw:
        everything = Piece(lower=-math.inf, upper=math.inf, probability=self.keep_fraction)
        angle = check_probe_angle(probe_angle)
        return KeptLaw(pieces=(everything,), keep_fraction=self.keep_fraction, probe_angle=angle)


@dataclass(frozen=True)
class KeepWithProbability(Selection):
    """Keeps an example of probe field z and label y with probability q(z, y).

    Args:
        probability: Vectorised q(z, y) in [0, 1].
        edges: Signed margins y z where q(y z, 1) or q(−y z, −1) jumps or has a corner; q must
            be smooth between them.

    Raises:
        ValueError: q leaves [0, 1] or is not finite; or q depends on the label and
            ``keep_fraction`` is asked for without an angle (use ``kept_law(angle).keep_fraction``).
    """

    probability: Callable[[np.ndarray, np.ndarray], np.ndarray]
    edges: tuple[float, ...] = field(default=())

    def _checked_probability(self, probe_field: np.ndarray, label: np.ndarray) -> np.ndarray:
        value = np.asarray(self.probability(probe_field, label), dtype=float)
        if value.shape != probe_field.shape or not np.all((value >= 0) & (value <= 1)):
            raise ValueError(
                "`probability` must return values in [0, 1], one per example; "
                f"got shape {value.shape}, range [{value.min()}, {value.max()}]"
            )
        return value

    def folded_probability(self, margin: np.ndarray) -> np.ndarray:
        """q(m) = ½ [q(m, +1) + q(−m, −1)], the keep probability at signed margin m."""
        positive = np.ones_like(margin)
        return 0.5 * (
            self._checked_probability(margin, positive) + self._checked_probability(-margin, -positive)
        )

    @cached_property
    def keep_fraction(self) -> float:
        margin = np.linspace(0.0, 10.0, 1001)
        if np.max(np.abs(self.folded_probability(margin) - self.folded_probability(-margin))) > 1e-12:
            raise ValueError(
                "`keep_fraction` of a label-dependent `probability` depends on the probe angle; "
                "use kept_law(probe_angle).keep_fraction"
            )
        return self.kept_law(0.0).keep_fraction

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError(
            "KeepWithProbability needs probe fields and labels, not margins alone; "
            "call choose(probe_field, label, ...)"
        )

    def choose(
        self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        accepted = rng.random(probe_field.size) < self._checked_probability(probe_field, label)
        return np.flatnonzero(accepted)[:count]

    def kept_law(self, probe_angle: float) -> KeptLaw:
        angle = check_probe_angle(probe_angle)
        ends = (-math.inf, *sorted(self.edges), math.inf)
        pieces = tuple(
            Piece(lower=lower, upper=upper, probability=self.folded_probability)
            for lower, upper in zip(ends[:-1], ends[1:], strict=True)
        )
        return KeptLaw(pieces=pieces, keep_fraction=self._mean_probability(angle), probe_angle=angle)

    def _mean_probability(self, probe_angle: float) -> float:
        """E q = ∫ 2 φ(m) Φ(m cot θ) q(m) dm."""
        tangent = math.tan(probe_angle)
        ends = breakpoints(-12.0, 12.0, features=[(0.0, tangent)], kinks=(0.0, *self.edges), spacing=0.5)
        margin, weights = panel_rule(ends)
        with np.errstate(divide="ignore"):
            density = 2 * normal_density(margin) * ndtr(margin / tangent)
        return check_keep_fraction(float(weights @ (density * self.folded_probability(margin))), "E q")


@dataclass(frozen=True)
class Calibrated(Selection):
    """A rule mixed with random keeping: q = (1 − share) q_rule + share f, at the same f.

    A share of the pool, drawn at random, is kept at random with probability f; the rule decides
    on the rest. Every example then has a chance, which removes the bias of pruning.

    Args:
        selection: The rule.
        random_share: Share of the pool that is kept at random, in [0, 1].

    Raises:
        ValueError: ``random_share`` is out of range.

    References:
        Ayed & Hayou 2023, arXiv:2302.06960.
    """

    selection: Selection
    random_share: float

    def __post_init__(self):
        if not 0.0 <= self.random_share <= 1.0:
            raise ValueError(f"`random_share` must be in [0, 1]; got {self.random_share}")

    @property
    def keep_fraction(self) -> float:
        return self.selection.keep_fraction

    @property
    def label_aware(self) -> bool:
        """Whether the rule ranks by y z."""
        return getattr(self.selection, "label_aware", False)

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        margin = _checked_margin(margin, count)
        return self._mixed(margin.size, count, rng, lambda rows, n: self.selection.keep(margin[rows], count=n, rng=rng))

    def choose(
        self, probe_field: np.ndarray, label: np.ndarray, *, count: int, rng: np.random.Generator
    ) -> np.ndarray:
        return self._mixed(
            probe_field.size,
            count,
            rng,
            lambda rows, n: self.selection.choose(probe_field[rows], label[rows], count=n, rng=rng),
        )

    def _mixed(self, pool: int, count: int, rng: np.random.Generator, rule) -> np.ndarray:
        order = rng.permutation(pool)
        at_random = round(self.random_share * count)
        lottery, ruled = np.split(order, [max(at_random, round(self.random_share * pool))])
        ruled = np.sort(ruled)
        return np.sort(np.concatenate([lottery[:at_random], ruled[rule(ruled, count - at_random)]]))

    def kept_law(self, probe_angle: float) -> KeptLaw:
        law = self.selection.kept_law(probe_angle)
        ends = np.concatenate([[-math.inf], law.edges, [math.inf]])
        pieces = tuple(self._mixed_piece(law, *pair) for pair in zip(ends[:-1], ends[1:], strict=True))
        return KeptLaw(pieces=pieces, keep_fraction=law.keep_fraction, probe_angle=law.probe_angle)

    def _mixed_piece(self, law: KeptLaw, lower: float, upper: float) -> Piece:
        share, base = self.random_share, self.random_share * law.keep_fraction
        rule = next((p.probability for p in law.pieces if p.lower <= lower and upper <= p.upper), 0.0)
        if callable(rule):
            return Piece(lower=lower, upper=upper, probability=lambda m: (1 - share) * rule(m) + base)
        return Piece(lower=lower, upper=upper, probability=(1 - share) * rule + base)


def _checked_margin(margin: np.ndarray, count: int) -> np.ndarray:
    margin = np.asarray(margin)
    if margin.ndim != 1 or not np.all(np.isfinite(margin)):
        raise ValueError(f"`margin` must be 1-D and finite; got shape {margin.shape}")
    if not 0 <= count <= margin.size:
        raise ValueError(f"`count` must be in [0, {margin.size}], the pool's size; got {count}")
    return margin


def _absolute_margin_quantile(below: float, above: float, probe_angle: float) -> float:
    """|z| with this mass below and above it; the smaller mass is the one that is used."""
    return math.sqrt(2) * float(erfinv(below)) if below < 0.5 else -float(ndtri(above / 2))


def _signed_margin_quantile(below: float, above: float, probe_angle: float) -> float:
    """y z with this mass below and above it, by root finding on the skew-normal distribution."""
    if probe_angle == 0:
        return _absolute_margin_quantile(below, above, probe_angle)
    slope = 1 / math.tan(probe_angle)

    def excess(m: float) -> float:
        if below < above:
            return ndtr(m) - 2 * owens_t(m, slope) - below
        return above - ndtr(-m) - 2 * owens_t(m, slope)

    return brentq(excess, -38.0, 38.0, xtol=1e-15, rtol=4 * np.finfo(float).eps)
