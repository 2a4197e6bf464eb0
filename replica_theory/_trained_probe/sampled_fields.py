"""Kept examples of several rounds, by points of a Sobol sequence.

After J rounds an example has J cavity fields, one independent Gaussian ξ_j each. Every point of the sequence is one
history of a kept example: its j-th coordinate is turned into a ξ_j among those that rule j keeps, given the rounds
before, and its weight is the share of examples that is kept there. No edge of a rule cuts through the points, and the
teacher's field and the next learner's ξ are left to exact averages, so that what is summed is smooth.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from replica_theory._trained_probe.kept_fields import KeptFields
from replica_theory._trained_probe.margins import Interval, TrainedMargins
from replica_theory._trained_probe.order_parameters import OrderParameters
from replica_theory._trained_probe.round_learner import RoundLearner
from replica_theory.losses.base import Loss

_LEAST = 1e-14  # weight of a point, relative to the mean, that is left out
_COLUMNS = ("weight", "mean", "spread", "margins", "forces")
_INSIDE = 1e-16  # distance of a uniform number from 0 and 1


def sobol_points(dimensions: int, log2_points: int, seed: int) -> np.ndarray:
    """Scrambled points of the unit cube, (2^log2_points, dimensions)."""
    from scipy.stats import qmc  # slow to import

    return qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random_base2(log2_points)


@dataclass(frozen=True)
class SampledFields:
    """A pool of examples in nodes that are the same for every student.

    Attributes:
        nodes: The examples.
        point: Number of the point of the sequence to which each node belongs.
    """

    nodes: KeptFields
    point: np.ndarray

    @classmethod
    def unseen(cls, points: int) -> "SampledFields":
        """The whole pool before the first round."""
        one, none = np.ones(points), np.empty((0, points))
        nodes = KeptFields(weight=one / points, mean=0 * one, spread=one, margins=none, forces=none, loss_weight=1.0)
        return cls(nodes, np.arange(points))

    def fields(self, student: OrderParameters, loss: Loss, order: int) -> KeptFields:
        return self.nodes

    def times(self, share: float) -> "SampledFields":
        """A share of the examples, at random."""
        return replace(self, nodes=replace(self.nodes, weight=share * self.nodes.weight))

    @classmethod
    def union(cls, parts: Iterable["SampledFields"]) -> "SampledFields":
        """All together."""
        parts = list(parts)
        columns = {name: np.concatenate([getattr(part.nodes, name) for part in parts], axis=-1) for name in _COLUMNS}
        nodes = replace(parts[0].nodes, **columns)
        return cls(nodes, np.concatenate([part.point for part in parts]))

    def pruned(
        self,
        learner: RoundLearner,
        margins: TrainedMargins,
        intervals: list[Interval],
        uniform: np.ndarray,
        trained: bool,
    ) -> "SampledFields":
        """What is kept of these examples, trained or not, by intervals of the learner's z.

        Args:
            learner: The learner.
            margins: Its margins.
            intervals: What is kept; those of the other kind are left out.
            uniform: One coordinate of all points of the sequence.
            trained: Whether the learner was trained on these examples.
        """
        nodes = self.nodes
        intervals = [part for part in intervals if part.trained == trained and part.constant != 0]
        if not (intervals and nodes.weight.size):
            none = np.empty((len(nodes.margins) + 1, 0))
            empty = replace(_selected(nodes, slice(0)), margins=none, forces=none)
            return SampledFields(empty, self.point[:0])
        centre, S = learner.shift_and_spread(nodes)
        ends = np.array([[part.lower, part.upper] for part in intervals])
        low, high = ndtr((learner.norm * ends.T[:, :, None] - centre) / S)
        chance = np.array([1.0 if part.constant is None else part.constant for part in intervals])[:, None]
        mass = np.cumsum(chance * (high - low), axis=0)
        total = mass[-1]
        level = uniform[self.point] * total
        chosen = np.minimum((level > mass).sum(0), len(intervals) - 1)
        row = np.arange(centre.size)
        start = mass[chosen, row] - chance[chosen, 0] * (high - low)[chosen, row]
        xi = ndtri(np.clip(low[chosen, row] + (level - start) / chance[chosen, 0], _INSIDE, 1 - _INSIDE))
        z = (centre + S * xi) / learner.norm
        keep = np.ones_like(z)
        for number, part in enumerate(intervals):
            if part.constant is None:
                margin = margins.opened(learner.margin(z, trained=trained))
                keep = np.where(chosen == number, part.keep(margin), keep)
        A, sigma = learner.student.along[0], nodes.spread
        margin_rows, force_rows = learner.rows(nodes, z, trained=trained)
        extended = KeptFields(
            weight=nodes.weight * total * keep,
            mean=nodes.mean + A * sigma**2 / S * xi,
            spread=sigma * learner.student.outside / S,
            margins=margin_rows,
            forces=force_rows,
            loss_weight=1.0,
        )
        full = extended.weight > _LEAST * extended.weight.mean()
        return SampledFields(_selected(extended, full), self.point[full])


def _selected(nodes: KeptFields, index: np.ndarray | slice) -> KeptFields:
    return replace(nodes, **{name: getattr(nodes, name)[..., index] for name in _COLUMNS})
