"""Margins of a pool as training leaves them: what a rule ranks when the probe was trained on the pool.

A share ψ of the pool has the margins f = prox_{Vℓ}(‖p‖ z) of the probe's training examples, the rest f = ‖p‖ z, so that
with F the distribution function of z (see `Learner`) and f + V ℓ'(f) the inverse of the proximal operator

    P(f < x) = ψ F((x + V ℓ'(x))/‖p‖) + (1 − ψ) F(x/‖p‖),        P(|f| < x) = P(f < x) − P(f < −x)

Ties. The corner of a hinge loss leaves a finite share of its training examples at margin 1 exactly. To rank them, the
margin axis is opened there: m = f up to 1, m − 1 in [0, 1] is the rank among the tied, and m = f + 1 beyond
(m = f − 1 below −1, so that |m| grows with |f|). The rank among the tied is random, or by the dual variable: the
examples on which the probe pulls hardest, G = (1 − h)/V, count as hardest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory._trained_probe.learner import Learner
from replica_theory.losses.named import NamedLoss
from replica_theory.selection.kept_distribution import Piece, Probability
from replica_theory.selection.margins import MarginDistribution
from replica_theory.selection.trained_probe import Ties

_FARTHEST = 40.0  # |z| by which every quantile is bracketed


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Kept examples of one kind between two z.

    Attributes:
        trained: Whether the learner was trained on them.
        lower: z.
        upper: z.
        probability: q of a rule, a number or a function of m.
        tied: Share of tied examples that are kept, by which q is multiplied.
    """

    trained: bool
    lower: float
    upper: float
    probability: float | Probability
    tied: float = 1.0

    @property
    def constant(self) -> float | None:
        """Chance that one is kept; none if it depends on m."""
        return None if callable(self.probability) else self.tied * self.probability

    def keep(self, m: np.ndarray) -> np.ndarray:
        """Chance that one is kept, given m."""
        if callable(self.probability):
            return self.tied * self.probability(m)
        return np.full_like(m, self.tied * self.probability)


@dataclass(frozen=True)
class TrainedMargins(MarginDistribution):
    """The margins of the examples that a learner ranks, some of which it was trained on."""

    learner: Learner
    ties: Ties = "random"

    @property
    def has_errors(self) -> bool:
        return True

    @cached_property
    def _tied(self) -> tuple[float, float] | None:
        return self.learner.ties

    def margin(self, m: np.ndarray) -> np.ndarray:
        """f at these m."""
        if self._tied is None:
            return m
        size = np.abs(m)
        return np.copysign(np.where(size <= 1, size, np.maximum(size - 1, 1.0)), m)

    def opened(self, margin: np.ndarray) -> np.ndarray:
        """m at these f, off the ties."""
        return margin if self._tied is None else margin + np.copysign(1.0 * (np.abs(margin) > 1), margin)

    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        return tuple(self.opened(np.array(edges, dtype=float) * self.learner.norm).tolist())

    def as_function_of_margin(self, probability: Probability) -> Probability:
        return lambda m: probability(self.margin(m) / self.learner.norm)

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        def excess(m: float) -> float:
            low, high = self._shares(m)
            if not label_aware:
                opposite = self._shares(-m)
                low, high = low - opposite[0], high + opposite[0]
            return low - below if below < above else above - high

        far = _FARTHEST * self.learner.norm + self.learner.scale + 2
        return root(excess, -far if label_aware else 0.0, far, xtol=1e-15)

    def share_below(self, m: float, *, label_aware: bool) -> float:
        """Share of the ranked examples below m, or with |m'| < m unless ``label_aware``."""
        below = self._shares(m)[0]
        return below if label_aware else below - self._shares(-m)[0]

    def cavity(self, m: float) -> float:
        """z of the training examples at m; at random ties, where m does not tell, that of their dual rank."""
        if self._tied is not None and 1 < m < 2:
            return self._among_tied(m - 1)
        return self.learner.cavity(float(self.margin(np.array(m))))

    def stiffness(self, m: np.ndarray) -> np.ndarray:
        """ℓ'' at these m, off the ties."""
        loss = self.learner.loss
        return loss.second_derivative(self.margin(m)) if isinstance(loss, NamedLoss) else np.zeros_like(m)

    def _shares(self, m: float) -> tuple[float, float]:
        """Shares of the ranked examples below and above m."""
        learner, margin = self.learner, float(self.margin(np.array(m)))
        below, above = self._trained_shares(m, margin)
        if learner.share == 1:
            return below, above
        z, rest = margin / learner.norm, 1 - learner.share
        return (
            learner.share * below + rest * learner.below(z, trained=False),
            learner.share * above + rest * learner.above(z, trained=False),
        )

    def _trained_shares(self, m: float, margin: float) -> tuple[float, float]:
        """The same of those that the learner was trained on."""
        if self._tied is None or not 1 <= m <= 2:
            z = self.learner.cavity(margin)
            return self.learner.below(z, trained=True), self.learner.above(z, trained=True)
        low, high = self._tied
        below, above = self.learner.below(low, trained=True), self.learner.above(high, trained=True)
        tied = self.learner.below(high, trained=True) - below
        return below + (m - 1) * tied, above + (2 - m) * tied

    def intervals(self, pieces: Sequence[Piece]) -> list[Interval]:
        """The kept examples as intervals of z, trained ones and others."""
        kept = [part for piece in pieces for part in self._trained(piece)]
        if self.learner.share < 1:
            kept += [self._untrained(piece) for piece in pieces]
        return [part for part in kept if part.lower < part.upper]

    def _untrained(self, piece: Piece) -> Interval:
        lower, upper = self.margin(np.array([piece.lower, piece.upper])) / self.learner.norm
        return Interval(trained=False, lower=lower, upper=upper, probability=piece.probability)

    def _trained(self, piece: Piece) -> list[Interval]:
        if self._tied is None:
            return [self._interval(piece, self.learner.cavity(piece.lower), self.learner.cavity(piece.upper))]
        return [*self._below_ties(piece), *self._among_ties(piece), *self._above_ties(piece)]

    def _interval(self, piece: Piece, lower: float, upper: float, tied: float = 1.0) -> Interval:
        return Interval(trained=True, lower=lower, upper=upper, probability=piece.probability, tied=tied)

    def _below_ties(self, piece: Piece) -> list[Interval]:
        """m < 1."""
        assert self._tied is not None
        if piece.lower >= 1:
            return []
        lower, upper = (self.learner.cavity(float(self.margin(np.array(end)))) for end in (piece.lower, piece.upper))
        return [self._interval(piece, lower, self._tied[0] if piece.upper >= 1 else upper)]

    def _among_ties(self, piece: Piece) -> list[Interval]:
        """1 < m < 2: all of the tied with a chance, or some of them; q(m) is the same for all of them in a piece."""
        assert self._tied is not None
        first, last = max(piece.lower, 1.0) - 1, min(piece.upper, 2.0) - 1
        if first >= last:
            return []
        chance = float(piece(np.array([1 + (first + last) / 2]))[0])
        piece = replace(piece, probability=chance)
        if self.ties == "random":
            return [self._interval(piece, *self._tied, tied=last - first)]
        return [self._interval(piece, self._among_tied(first), self._among_tied(last))]

    def _above_ties(self, piece: Piece) -> list[Interval]:
        """m > 2."""
        assert self._tied is not None
        if piece.upper <= 2:
            return []
        lower = self._tied[1] if piece.lower <= 2 else self.learner.cavity(piece.lower - 1)
        return [self._interval(piece, lower, self.learner.cavity(piece.upper - 1))]

    def _among_tied(self, rank: float) -> float:
        """z below which this share of the tied lies."""
        assert self._tied is not None
        low, high = self._tied
        if rank in (0.0, 1.0):
            return high if rank else low
        start, end = (self.learner.below(z, trained=True) for z in (low, high))

        def excess(z: float) -> float:
            return self.learner.below(z, trained=True) - start - rank * (end - start)

        return root(excess, max(low, -_FARTHEST), high, xtol=1e-15)

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        ends = [-math.inf, *sorted(edges), math.inf]
        pieces = [Piece(lower=lower, upper=upper, probability=probability) for lower, upper in pairwise(ends)]
        return sum(self._mean_on(part) for part in self.intervals(pieces))

    def _mean_on(self, part: Interval) -> float:
        share = self.learner.share if part.trained else 1 - self.learner.share
        return share * self.learner.mean(
            part.lower, part.upper, lambda f: part.keep(self.opened(f)), trained=part.trained
        )
