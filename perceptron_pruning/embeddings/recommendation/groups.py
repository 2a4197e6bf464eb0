"""Rows that were put aside together, with the errors of every candidate on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from perceptron_pruning.embeddings.recommendation.marks import SMOOTHED
from perceptron_pruning.embeddings.recommendation.rules import Rule

Candidate = tuple[Rule, int]
"""A rule and the number of the student's setting."""
Errors = dict[Candidate, np.ndarray]
"""Candidate → mistake and smoothed error on each row put aside, in [0, 1], (2, n_E)."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that were put aside together.

    Attributes:
        errors: Mistakes and smoothed errors of every candidate on each row, (2, n).
        importance: Weight of each row.
    """

    errors: Errors
    importance: np.ndarray

    @cached_property
    def total(self) -> dict[Candidate, tuple[float, float]]:
        """Σ w e of every candidate's mistakes and smoothed errors."""
        sums = (np.array(list(self.errors.values())) * self.importance).sum(axis=-1)
        return dict(zip(self.errors, map(tuple, sums.tolist()), strict=True))

    @cached_property
    def weight(self) -> float:
        """Σ w."""
        return float(self.importance.sum())

    @cached_property
    def candidates_of(self) -> dict[Rule, list[Candidate]]:
        """Rule → its candidates: one for each setting of the student that was trained."""
        found: dict[Rule, list[Candidate]] = {}
        for key in self.errors:
            found.setdefault(key[0], []).append(key)
        return found


def halves(group: Group) -> list[Group]:
    """The even and the odd rows."""
    return [
        Group(errors={key: row[:, half::2] for key, row in group.errors.items()}, importance=group.importance[half::2])
        for half in (0, 1)
    ]


def mean_error(candidate: Candidate, groups: Sequence[Group], kind: int = SMOOTHED) -> float:
    """Weighted mean error, smoothed or of mistakes, over all rows of the groups that have the candidate."""
    having = [group for group in groups if candidate in group.errors]
    return sum(group.total[candidate][kind] for group in having) / sum(group.weight for group in having)


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean Σ w v / Σ w, and its standard error √(Σ w² (v − mean)²) / Σ w."""
    total = float(weights.sum())
    mean = float(values @ weights) / total
    scatter = (values - mean) * weights
    return mean, float(np.sqrt(scatter @ scatter)) / total
