"""Students in N dimensions given the number n of the probe's mistakes among the kept, and the mean over n.

Among P kept examples n have a label that contradicts the probe, y z < 0: a binomial number of mean P m. An expansion in
1/N takes its fluctuation to second order, as ½ P m(1 − m) ε''(P m), with ε(n) the theory's value at n mistakes among P.
Where few are expected and each matters, as to a max-margin student that must fit it, ε(n) is far from a parabola. At a
given n the expansion is as good as ever, and the mean over n can be taken by itself::

    E ε = Σ_n p_n [ε(n) + S(n)],      S(n) = D(n)/N − ½ n(1 − n/P) ε''(n)                                    (F8)

with D(n)/N the expansion's shift at n expected mistakes, of which their fluctuation is taken off. Where many are
expected, this is the expansion at P m to order 1/N.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import gammaln, xlog1py, xlogy

from replica_theory._finite_size.expansion import Expansion
from replica_theory.selection.base import Selection
from replica_theory.selection.kept_distribution import KeptDistribution, mean_keep_probability
from replica_theory.selection.label_noise import Noise

_FEWEST = 1e-6  # expected mistakes below which no trial has one
_MOST = 400.0  # expected mistakes beyond which ε(n) is a parabola to any effect
_MOST_OF_ALL = 0.5  # share of the kept beyond which it is not mistakes that are few
_LINEAR = 2e-4  # |½ P m(1 − m) ε''|/ε up to which ε(n) counts as linear
_RARE = 1e-7  # chance of a number n below which it is left out
_NODES = 10  # of ε(n), interpolated where more values are possible
_FEW = 8.0  # expected mistakes up to which S(n) is averaged too
_NUMBERS = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])  # n at which S is taken, and interpolated between
_SELDOM = 1e-4  # chance of a number of mistakes so far from the mean that S need not be known there
_STEP, _SHORTEST_STEP = 0.05, 5e-4  # in which derivatives by n are taken: of n, and in mistakes

Value = Callable[[Selection], float]
Expand = Callable[[Selection], Expansion]


@dataclass(frozen=True)
class _WithMistakes(Selection):
    """A rule of whose kept examples a share n/P are mistakes, whatever is expected."""

    selection: Selection
    share: float

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError("`selection` of given mistakes must stay within the theory: it keeps no rows")

    def kept_distribution(self, probe_angle: float, label_noise: Noise = 0.0) -> KeptDistribution:
        kept = self.selection.kept_distribution(probe_angle, label_noise)
        expected = share_of_mistakes(kept)
        wrong, right = self.share / expected, (1 - self.share) / (1 - expected)
        largest = max(wrong, right, 1.0)  # chances stay in [0, 1], and their ratio to the share kept is what counts
        pieces = [
            piece.transformed(lower=max(piece.lower, lower), upper=min(piece.upper, upper), factor=factor / largest)
            for lower, upper, factor in ((-math.inf, 0.0, wrong), (0.0, math.inf, right))
            for piece in kept.pieces
            if factor > 0 and max(piece.lower, lower) < min(piece.upper, upper)
        ]
        return replace(kept, pieces=tuple(pieces), keep_fraction=kept.keep_fraction / largest)


def share_of_mistakes(kept: KeptDistribution) -> float:
    """m, the share of the kept examples with y z < 0."""
    if kept.probe_angle == 0 and kept.label_noise == 0:
        return 0.0
    edges = tuple(float(edge) for edge in kept.edges)
    wrong = mean_keep_probability(
        lambda margin: kept(margin) * (margin < 0),
        edges=edges,
        probe_angle=kept.probe_angle,
        label_noise=kept.label_noise,
    )
    return wrong / kept.keep_fraction


@dataclass(frozen=True, kw_only=True)
class OverMistakes:
    """Moments of a quantity over trials, by the number n of mistakes.

    Attributes:
        density_shift: Σ p_n S(n).
        number_shift: Σ p_n ε(n) − ε(P m).
        squared_shift: Σ p_n S(n)².
        variance: Over trials.
    """

    density_shift: float
    number_shift: float
    squared_shift: float
    variance: float


def without_mistakes(expansion: Expansion, n_features: int) -> OverMistakes:
    """The moments of an expansion, in which mistakes are like other examples."""
    shift = expansion.shift / n_features
    return OverMistakes(
        density_shift=shift, number_shift=0.0, squared_shift=shift**2, variance=expansion.variance / n_features
    )


@dataclass(frozen=True, kw_only=True)
class StudentsByMistakes:
    """Students of P kept examples, by the number of mistakes among these.

    Attributes:
        selection: The rule.
        kept: Which examples it keeps.
        n_features: N.
        n_kept: P.
        value: ε of a rule by the theory.
        expand: Its expansion in 1/N.
    """

    selection: Selection
    kept: KeptDistribution
    n_features: int
    n_kept: int
    value: Value
    expand: Expand

    def moments(self) -> OverMistakes | None:
        """By (F8); None where the expansion at P m will do: mistakes are many, or none, or ε(n) is linear."""
        share = share_of_mistakes(self.kept)
        expected, scatter = self.n_kept * share, self.n_kept * share * (1 - share)
        if not 0 < expected <= _MOST or share > _MOST_OF_ALL:
            return None
        if expected < _FEWEST:
            return self._without()
        limit, _, curvature = self._derivatives(expected)
        if 0.5 * scatter * abs(curvature) <= _LINEAR * abs(limit):
            return None
        numbers, chances = _binomial(self.n_kept, share, tail=_RARE)
        values = self._values(numbers)
        at = self._taken_at(expected, *_binomial(self.n_kept, share, tail=_SELDOM)[0][[0, -1]])
        shifts, variances = (np.interp(numbers, at, column) for column in zip(*map(self._given, at), strict=True))
        means = values + shifts
        mean = float(chances @ means)
        return OverMistakes(
            density_shift=float(chances @ shifts),
            number_shift=float(chances @ values) - self.value(self.selection),
            squared_shift=float(chances @ shifts**2),
            variance=float(chances @ (variances + (means - mean) ** 2)),
        )

    def _without(self) -> OverMistakes:
        """The moments where no trial has a mistake, though the limit has."""
        shift, variance = self._given(0.0)
        number_shift = self._at(0.0) - self.value(self.selection)
        return OverMistakes(density_shift=shift, number_shift=number_shift, squared_shift=shift**2, variance=variance)

    def _at(self, number: float) -> float:
        """ε(n)."""
        return self.value(_WithMistakes(self.selection, number / self.n_kept))

    def _derivatives(self, number: float) -> tuple[float, float, float]:
        """ε, ε' and ε'' at n, or next to it where n is next to none."""
        step = max(_STEP * number, _SHORTEST_STEP)
        below, here, above = (self._at(max(number, step) + shift) for shift in (-step, 0.0, step))
        return here, (above - below) / (2 * step), (above - 2 * here + below) / step**2

    def _given(self, number: float) -> tuple[float, float]:
        """S(n), and the variance over trials of n mistakes."""
        expansion = self.expand(_WithMistakes(self.selection, number / self.n_kept))
        scatter = number * (1 - number / self.n_kept)
        _, slope, curvature = self._derivatives(number) if scatter else (0.0, 0.0, 0.0)
        shift = expansion.shift / self.n_features - 0.5 * scatter * curvature
        return shift, expansion.variance / self.n_features - scatter * slope**2

    def _taken_at(self, expected: float, fewest: float, most: float) -> np.ndarray:
        """Numbers of mistakes at which S is taken: the expected alone, where it is many."""
        if expected > _FEW:
            return np.array([expected])
        first, last = np.searchsorted(_NUMBERS, [fewest / 2, min(self.n_kept, max(2 * most, 1.0)) + 0.5])
        return _NUMBERS[first:last]

    def _values(self, numbers: np.ndarray) -> np.ndarray:
        """ε(n) at whole numbers, interpolated where they are many."""
        if numbers.size <= _NODES:
            return np.array([self._at(float(n)) for n in numbers])
        domain = [float(numbers[0]), float(numbers[-1])]
        return Chebyshev.interpolate(np.vectorize(self._at, otypes=[float]), deg=_NODES - 1, domain=domain)(numbers)


def _binomial(size: int, share: float, *, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers n of P and their chances, C(P, n) mⁿ (1 − m)ᴾ⁻ⁿ, without what lies in a tail of that weight."""
    n = np.arange(size + 1)
    choices = gammaln(size + 1) - gammaln(n + 1) - gammaln(size - n + 1)
    chances = np.exp(choices + xlogy(n, share) + xlog1py(size - n, -share))
    below = np.cumsum(chances)
    counts = (below >= tail) & (below - chances < 1 - tail)
    return n[counts], chances[counts] / chances[counts].sum()
