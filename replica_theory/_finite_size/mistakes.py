"""Few mistakes: the number of the probe's mistakes among the kept is binomial, and the theory is not linear in it.

Among P kept examples n have a label that contradicts the probe, y z < 0, with mean P m. An expansion in 1/N takes their
fluctuation to second order, ε(P m) + ½ P m(1 − m) ε''(P m), with ε(n) the theory's value at n mistakes among P. Where
few are expected and each matters, as to a max-margin student that must fit it, the mean over n itself is needed; the
difference is of higher order in 1/N where many are expected.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import Chebyshev
from scipy.special import gammaln, xlog1py, xlogy

from replica_theory._finite_size.contribution import Contribution
from replica_theory.selection.base import Selection
from replica_theory.selection.kept_distribution import KeptDistribution, mean_keep_probability

_MOST = 400.0  # expected mistakes beyond which the difference counts for nothing
_MOST_OF_ALL = 0.5  # share of the kept beyond which it is not mistakes that are few
_RARE = 1e-7  # chance of a number n below which it is left out
_NODES = 10  # of an interpolation in n, where more values are possible
_LINEAR = 2e-4  # |½ P m(1 − m) ε''|/ε up to which ε(n) counts as linear
_STEP, _SHORTEST_STEP = 0.05, 5e-4  # in which ε'' is taken: of the expected number, and in mistakes


@dataclass(frozen=True)
class _WithMistakes(Selection):
    """A rule of whose kept examples a share n/P are mistakes, whatever is expected."""

    selection: Selection
    share: float

    def keep(self, margin: np.ndarray, *, count: int, rng: np.random.Generator) -> np.ndarray:
        raise ValueError("`selection` of given mistakes must stay within the theory: it keeps no rows")

    def kept_distribution(self, probe_angle: float, label_noise: float = 0.0) -> KeptDistribution:
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


def few_mistakes_effect(
    selection: Selection, kept: KeptDistribution, *, n_kept: int, value: Callable[[Selection], float]
) -> Contribution:
    """E ε(n) − ε(P m) − ½ P m(1 − m) ε''(P m), and Var ε(n) − P m(1 − m) ε'(P m)²."""
    share = share_of_mistakes(kept)
    expected, variance = n_kept * share, n_kept * share * (1 - share)
    if not 0 < expected <= _MOST or share > _MOST_OF_ALL:
        return Contribution()

    def at(number: float) -> float:
        return value(_WithMistakes(selection, number / n_kept))

    step = max(_STEP * expected, _SHORTEST_STEP)
    below, middle, above = (at(max(expected, step) + shift) for shift in (-step, 0.0, step))
    slope, curvature = (above - below) / (2 * step), (above - 2 * middle + below) / step**2
    if 0.5 * variance * abs(curvature) <= _LINEAR * abs(middle):
        return Contribution()
    centre = middle if expected >= step else at(expected)
    numbers, chances = _binomial(n_kept, share)
    values = _values(at, numbers)
    mean = float(chances @ values / chances.sum())
    scatter = float(chances @ (values - mean) ** 2 / chances.sum())
    return Contribution(shift=mean - centre - 0.5 * variance * curvature, variance=scatter - variance * slope**2)


def _values(function: Callable[[float], float], numbers: np.ndarray) -> np.ndarray:
    """The function at whole numbers, interpolated where they are many."""
    if numbers.size <= _NODES:
        return np.array([function(float(n)) for n in numbers])
    domain = [float(numbers[0]), float(numbers[-1])]
    return Chebyshev.interpolate(np.vectorize(function, otypes=[float]), deg=_NODES - 1, domain=domain)(numbers)


def _binomial(size: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and their chances, C(P, n) mⁿ (1 − m)ᴾ⁻ⁿ, without either tail of weight `_RARE`."""
    n = np.arange(size + 1)
    choices = gammaln(size + 1) - gammaln(n + 1) - gammaln(size - n + 1)
    chances = np.exp(choices + xlogy(n, share) + xlog1py(size - n, -share))
    below = np.cumsum(chances)
    counts = (below >= _RARE) & (below - chances < 1 - _RARE)
    return n[counts], chances[counts]
