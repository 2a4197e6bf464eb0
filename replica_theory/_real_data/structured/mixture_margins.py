"""Law of signed margins over a pool that is given by examples, for rules that rank: nodes of a quadrature, or rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory._real_data.structured.examples import Examples
from replica_theory.selection.kept_distribution import Probability
from replica_theory.selection.margins import MarginDistribution


@dataclass(frozen=True, eq=False)
class MixtureMargins(MarginDistribution):
    """Margins of a law in closed form.

    Attributes:
        examples: Nodes over the pool that end at these margins.
        symmetric: Whether (x, y) and (−x, −y) are alike.
    """

    examples: Callable[[np.ndarray], Examples]
    symmetric: bool

    @property
    def has_errors(self) -> bool:
        return True

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        whole = self.examples(np.empty(0))
        reach = 2 * float(np.abs(whole.margin).max())

        def excess(edge: float) -> float:
            at = self.examples(np.array([edge]))
            margin = at.margin if label_aware else np.abs(at.margin)
            if below < above:
                return float(at.share @ (margin < edge)) - below
            return above - float(at.share @ (margin > edge))

        return root(excess, -reach if label_aware else 0.0, reach, xtol=1e-14, rtol=1e-14)

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        at = self.examples(np.asarray(edges, dtype=float))
        return float(at.share @ probability(at.margin))

    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        return tuple(edges)

    def as_function_of_margin(self, probability: Probability) -> Probability:
        return probability


@dataclass(frozen=True, eq=False)
class RowMargins(MarginDistribution):
    """Margins of rows.

    Attributes:
        margin: y z of each row, (n,).
    """

    margin: np.ndarray

    @property
    def has_errors(self) -> bool:
        return bool(np.any(self.margin < 0))

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        """Midway between the rows on both sides."""
        ranked = np.sort(self.margin if label_aware else np.abs(self.margin))
        last = len(ranked) - 1
        first = min(max(round(below * len(ranked)) - 1, 0), last)
        return float(0.5 * (ranked[first] + ranked[min(first + 1, last)]))

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        return float(np.mean(probability(self.margin)))

    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        return tuple(edges)

    def as_function_of_margin(self, probability: Probability) -> Probability:
        return probability
