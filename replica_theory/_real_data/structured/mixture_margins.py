"""Law of signed margins over a pool that is given by examples, for rules that rank: nodes of a quadrature, or rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from replica_theory._numerics.one_variable import root
from replica_theory._real_data.structured.examples import Examples
from replica_theory.selection.kept_distribution import Piece, Probability, keep_probability
from replica_theory.selection.margins import MarginDistribution

_EQUAL = 1e-12  # difference of |m|, of which the root mean square is 1, up to which it is rounding


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
    """Margins of rows: ±(rank of |m| + 1/2), 0 among those that are not right, so that equal margins are told apart.

    Attributes:
        margin: y z of each row, (n,).
    """

    margin: np.ndarray

    @property
    def has_errors(self) -> bool:
        return bool(np.any(self.margin <= 0))

    @cached_property
    def _size(self) -> np.ndarray:
        """Number of each row's |m| among the different ones, ascending, (n,)."""
        size, order = np.abs(self.margin), np.argsort(np.abs(self.margin), kind="stable")
        numbers = np.empty(len(size), dtype=int)
        numbers[order] = np.cumsum(np.diff(size[order], prepend=0.0) > _EQUAL)
        return numbers

    @cached_property
    def _signed(self) -> np.ndarray:
        """Number of each row's m among the different ones, (n,)."""
        return 2 * self._size + (self.margin > 0)

    @cached_property
    def place(self) -> np.ndarray:
        """±(rank + 1/2), (n,); right and wrong ones of an equal |m| take turns."""
        counts, alike = np.bincount(self._signed), np.argsort(self._signed, kind="stable")
        turn = np.empty(len(alike))
        turn[alike] = np.arange(len(alike)) - np.repeat(np.cumsum(counts) - counts, counts)
        order = np.lexsort(((turn + 0.5) / counts[self._signed], self._size))
        rank = np.empty(len(order))
        rank[order] = np.arange(len(order)) + 0.5
        return np.where(self.margin > 0, rank, -rank)

    def keep_probability(self, pieces: Sequence[Piece]) -> np.ndarray:
        """Of each row, (n,): the same for all of one margin, or of one |m| where the rule does not tell labels."""
        each, mirrored = keep_probability(pieces, np.stack([self.place, -self.place]))
        alike = self._size if np.array_equal(each, mirrored) else self._signed
        counts = np.bincount(alike)
        return (np.bincount(alike, each) / np.maximum(counts, 1))[alike]

    def quantile(self, below: float, above: float, *, label_aware: bool) -> float:
        """Between the rows on both sides, of two quantiles at different places even where no row is between them."""
        ranked = np.sort(self.place if label_aware else np.abs(self.place))
        ends = np.concatenate([ranked[:1] - 1, ranked, ranked[-1:] + 1])
        wanted = below * len(ranked)
        number = round(wanted)
        return float(ends[number] + (ends[number + 1] - ends[number]) * (0.5 + 0.9 * (wanted - number)))

    def mean(self, probability: Probability, edges: Sequence[float]) -> float:
        return float(np.mean(probability(self.place)))

    def of_probe_field(self, edges: Sequence[float]) -> tuple[float, ...]:
        size = np.sort(np.abs(self.margin))
        return tuple(sorted({float(np.sign(edge) * np.searchsorted(size, abs(edge))) for edge in edges}))

    def as_function_of_margin(self, probability: Probability) -> Probability:
        order = np.argsort(self.place)
        place, margin = self.place[order], self.margin[order]
        return lambda at: probability(np.interp(at, place, margin))
