"""Margins of a pool as training leaves them: what a rule ranks when the probe was trained on the pool.

A share ψ of the pool has the margins f = prox_{Vℓ}(‖p‖ z) of the probe's training examples, the rest f = ‖p‖ z, so that
with F the distribution function of z and f + V ℓ'(f) the inverse of the proximal operator

    P(f < x) = ψ F((x + V ℓ'(x))/‖p‖) + (1 − ψ) F(x/‖p‖),        P(|f| < x) = P(f < x) − P(f < −x)

Ties. The corner of a hinge loss leaves a finite share of its training examples at margin 1 exactly. To rank them, the
margin axis is opened there: m = f up to 1, m − 1 in [0, 1] is the rank among the tied, and m = f + 1 beyond
(m = f − 1 below −1, so that |m| grows with |f|). The rank among the tied is random, or by the dual variable: the
examples on which the probe pulls hardest, G = (1 − h)/V, count as hardest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from replica_theory._numerics.gaussian import normal_density
from replica_theory._numerics.quadrature import breakpoints, composite_rule
from replica_theory._trained_probe.kept_fields import label_moments
from replica_theory._trained_probe.probe import Probe
from replica_theory.selection.kept_distribution import Piece, Probability
from replica_theory.selection.margins import MarginDistribution

Ties = Literal["random", "dual"]

REACH = 8.5  # |z| beyond which φ(z) < 1e-16
_GRID = np.linspace(-REACH, REACH, 25)
_FARTHEST = 40.0  # |z| by which every quantile is bracketed


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Kept examples of one kind between two z.

    Attributes:
        trained: Whether the probe was trained on them.
        lower: z.
        upper: z.
        probability: Of keeping one, times the kind's share of the pool; a number or a function of m.
        share: What a function is multiplied by.
    """

    trained: bool
    lower: float
    upper: float
    probability: float | Probability
    share: float

    def keep(self, m: np.ndarray) -> np.ndarray | float:
        """Chance that an example is of this kind and kept, given z."""
        return self.share * (self.probability(m) if callable(self.probability) else self.probability)


@dataclass(frozen=True)
class TrainedMargins(MarginDistribution):
    """The pool's margins after the probe's training."""

    probe: Probe
    ties: Ties = "random"

    @property
    def has_errors(self) -> bool:
        return True

    @cached_property
    def _tied(self) -> tuple[float, float] | None:
        return self.probe.ties

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
        return tuple(self.opened(np.array(edges, dtype=float) * self.probe.norm).tolist())

    def as_function_of_margin(self, probability: Probability) -> Probability:
        return lambda m: probability(self.margin(m) / self.probe.norm)

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        def excess(m: float) -> float:
            low, high = self._shares(m)
            if not label_aware:
                opposite = self._shares(-m)
                low, high = low - opposite[0], high + opposite[0]
            return low - below if below < above else above - high

        far = _FARTHEST * self.probe.norm + self.probe.scale + 2
        root = brentq(excess, -far if label_aware else 0.0, far, xtol=1e-15)
        return float(root)  # pyright: ignore[reportArgumentType]

    def _shares(self, m: float) -> tuple[float, float]:
        """Shares of the pool below and above m."""
        probe, margin = self.probe, float(self.margin(np.array(m)))
        outside = margin / probe.norm
        if self._tied is not None and 1 <= m <= 2:
            low, high = self._tied
            tied = probe.below(high) - probe.below(low)
            below, above = probe.below(low) + (m - 1) * tied, probe.above(high) + (2 - m) * tied
        else:
            z = probe.cavity(margin)
            below, above = probe.below(z), probe.above(z)
        if probe.share == 1:
            return below, above
        rest = 1 - probe.share
        return probe.share * below + rest * probe.below(outside), probe.share * above + rest * probe.above(outside)

    def intervals(self, pieces: Sequence[Piece]) -> list[Interval]:
        """The kept examples as intervals of z, trained ones and others."""
        kept = [part for piece in pieces for part in self._trained(piece)]
        if self.probe.share < 1:
            kept += [self._untrained(piece) for piece in pieces]
        return [part for part in kept if part.lower < part.upper]

    def _untrained(self, piece: Piece) -> Interval:
        lower, upper = self.margin(np.array([piece.lower, piece.upper])) / self.probe.norm
        share = 1 - self.probe.share
        return Interval(trained=False, lower=lower, upper=upper, probability=piece.probability, share=share)

    def _trained(self, piece: Piece) -> list[Interval]:
        def between(lower: float, upper: float, share: float = 1.0) -> Interval:
            return Interval(
                trained=True,
                lower=lower,
                upper=upper,
                probability=piece.probability,
                share=share * self.probe.share,
            )

        if self._tied is None:
            return [between(self.probe.cavity(piece.lower), self.probe.cavity(piece.upper))]
        low, high = self._tied
        parts = []
        if piece.lower < 1:
            below = (self.probe.cavity(float(self.margin(np.array(end)))) for end in (piece.lower, piece.upper))
            lower, upper = below
            parts.append(between(lower, low if piece.upper >= 1 else upper))
        first, last = max(piece.lower, 1.0) - 1, min(piece.upper, 2.0) - 1
        if first < last and self.ties == "random":
            parts.append(between(low, high, last - first))
        elif first < last:
            parts.append(between(self._among_tied(first), self._among_tied(last)))
        if piece.upper > 2:
            parts.append(
                between(
                    high if piece.lower <= 2 else (piece.lower - 1) / self.probe.norm,
                    self.probe.cavity(piece.upper - 1),
                )
            )
        return parts

    def _among_tied(self, rank: float) -> float:
        """z below which this share of the tied lies."""
        assert self._tied is not None
        low, high = self._tied
        start, end = self.probe.below(low), self.probe.below(high)
        if rank in (0.0, 1.0):
            return high if rank else low
        root = brentq(
            lambda z: self.probe.below(z) - start - rank * (end - start), max(low, -_FARTHEST), high, xtol=1e-15
        )
        return float(root)  # pyright: ignore[reportArgumentType]

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        ends = [-math.inf, *sorted(edges), math.inf]
        pieces = [Piece(lower=lower, upper=upper, probability=probability) for lower, upper in pairwise(ends)]
        return sum(self._mean(part) for part in self.intervals(pieces))

    def _mean(self, part: Interval) -> float:
        probe = self.probe
        width = np.full((1, 1), probe.sine / probe.cosine) if probe.cosine > 0 else np.full((1, 1), np.nan)
        marks = probe.loss.marks(probe.scale)[None] / probe.norm
        ends = breakpoints(
            max(part.lower, -REACH), min(part.upper, REACH), grid=_GRID, features=(np.zeros((1, 1)), width), kinks=marks
        )
        nodes = composite_rule(ends, 12)
        z = nodes.points
        margin = probe.trained(z) if part.trained else probe.norm * z
        density = label_moments(probe.cosine / probe.sine * z, probe.label_noise)[0] * normal_density(z)
        return float(nodes.weights @ (density * part.keep(self.opened(margin))))
