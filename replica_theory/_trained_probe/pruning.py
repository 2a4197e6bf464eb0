"""A probe and a rule, whatever the size of the pool."""

import math
from dataclasses import dataclass, field, replace

from replica_theory._trained_probe.curve import Curve
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.probe import Probe, train_probe
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory.errors import SaddlePointError
from replica_theory.losses.base import Loss, Weight
from replica_theory.losses.named import LOSSES
from replica_theory.selection import Selection, TrainedProbe
from replica_theory.selection.base import pieces_kept_by
from replica_theory.selection.label_noise import Noise, check_flip_rate
from replica_theory.selection.trained_probe import Ties

_ITERATIONS = 60  # steps of the secant method at most
_TOLERANCE = 1e-12  # of ln α_total
_SOME_ANGLE = math.pi / 8  # at which a rule's fraction is near enough to start from


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """How a pool is pruned.

    Attributes:
        loss: ℓ_p, of the probe.
        ridge: λ_p, in [0, ∞].
        share: ψ, share of the pool that the probe is trained on.
        ties: How equal margins are ranked.
        selection: The rule.
        label_noise: η.
        weight: Weight of a student's loss as a function of f/‖p‖; none is 1.
        probes: Probes found so far.
    """

    loss: Loss
    ridge: float
    share: float
    ties: Ties
    selection: Selection
    label_noise: float
    weight: Weight | None = None
    probes: Curve = field(default_factory=Curve)

    @classmethod
    def by(
        cls, probe: TrainedProbe, selection: Selection, *, label_noise: Noise, weight: Weight | None = None
    ) -> "Pruning":
        """By this probe and rule."""
        return cls(
            loss=LOSSES[probe.loss],
            ridge=probe.ridge,
            share=probe.share,
            ties=probe.ties,
            selection=selection,
            label_noise=check_flip_rate(label_noise),
            weight=weight,
        )

    def of_total(self, alpha_total: float) -> PrunedPool:
        """The pool of α_total examples per dimension."""
        probe = train_probe(
            self.loss,
            alpha=alpha_total,
            ridge=self.ridge,
            share=self.share,
            label_noise=self.label_noise,
            start=self.probes.ahead(math.log(alpha_total)),
        )
        self.probes.add(math.log(alpha_total), self._as_trained(probe))
        margins = TrainedMargins(probe, self.ties)
        pieces, fraction = pieces_kept_by(self.selection, margins)
        intervals = tuple(margins.intervals(pieces))
        return PrunedPool(probe=probe, margins=margins, intervals=intervals, keep_fraction=fraction, weight=self.weight)

    def _as_trained(self, probe: Probe) -> OrderParameters:
        """Order parameters at this ridge, where the probe has become that of another, 1."""
        at_limit = self.ridge in (0.0, math.inf)
        return probe.student if at_limit else replace(probe.student, scale=probe.scale * probe.ridge / self.ridge)

    def of_kept(self, alpha_prune: float, fraction: float) -> PrunedPool:
        """The pool of which α_prune are kept, α_total E[k] = α_prune, by the secant method in ln α_total.

        The fraction E[k] of rules that rank is always the same; others keep one that depends on the margins.

        Args:
            alpha_prune: α, kept examples per dimension.
            fraction: E[k], as far as it is known.

        Raises:
            SaddlePointError: There is no such pool.
        """
        size, previous, excess = math.log(alpha_prune / fraction), None, math.inf
        for _ in range(_ITERATIONS):
            pool = self.of_total(math.exp(size))
            excess = size + math.log(pool.keep_fraction / alpha_prune)
            slope = (excess - previous[1]) / (size - previous[0]) if previous else 1.0
            following = size - excess / slope
            if abs(excess) < _TOLERANCE or following == size:
                return pool
            previous, size = (size, excess), following
        raise SaddlePointError(f"no pool found of which alpha_prune = {alpha_prune} are kept", residual=abs(excess))

    def rough_fraction(self) -> float:
        """E[k] of an untrained probe: the fraction that the rule keeps, or one near it."""
        return self.selection.kept_distribution(_SOME_ANGLE, self.label_noise).keep_fraction
