"""What the race says: the best rule at each fraction, and honest differences with 95 % intervals.

The rule is chosen by its mean smoothed error over groups of rows: two folds or more, each run for the rules that led in
those before it, or the halves of one fold. Its difference to random and to all rows is measured where it was not
chosen: of the rules run in a group, the one that is best on the groups before it, measured there (of halves also the
other way round); and the one chosen on all, measured on further folds, in which the chosen rules, random and all rows
alone were run. Otherwise the winner looks a point better than it is. Differences are of the same rows, so that most of
their scatter cancels. The standard error is that of the rows times a factor, for the scatter between training sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.marks import MISTAKE, SMOOTHED
from perceptron_pruning.embeddings.recommendation.race import Candidate, Errors, weighted_mean
from perceptron_pruning.embeddings.recommendation.rules import Rule
from perceptron_pruning.evidence.effect import Effect

INFLATION = 1.5  # of standard errors over rows
TREND = 0.2  # ln(1/0.8)/ln 2 = 0.32 of the step from 0.4 n to 0.8 n, shrunk: carries 0.8 n to n


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rows that were put aside together.

    Attributes:
        errors: Mistakes and smoothed errors of every candidate on each row, (2, n).
        importance: Weight of each row.
    """

    errors: Errors
    importance: np.ndarray


def groups_of(folds: Sequence[tuple[Errors, np.ndarray]]) -> list[Group]:
    """The folds as groups; a single fold is split into its even and odd rows."""
    if len(folds) != 1:
        return [Group(errors=errors, importance=importance) for errors, importance in folds]
    ((errors, importance),) = folds
    return [
        Group(errors={key: row[:, half::2] for key, row in errors.items()}, importance=importance[half::2])
        for half in (0, 1)
    ]


class Judge:
    """Means, choices and differences over groups.

    Args:
        groups: At full size, two of them or more.
        small: The first of them at half size, for fewer rules; may be empty.
        confirming: At full size, with the rules that the groups chose, random and all rows alone; may be empty.
    """

    def __init__(self, groups: Sequence[Group], small: Sequence[Group], confirming: Sequence[Group] = ()):
        self.groups, self.small, self.confirming = list(groups), list(small), list(confirming)
        common = set.intersection(*(set(group.errors) for group in self.groups))
        self.candidates = [key for key in self.groups[0].errors if key in common]
        # among what it is chosen, on what, and where it is measured
        self.measurements = [
            (list(group.errors), self.groups[:number], group) for number, group in enumerate(self.groups) if number
        ]
        self.measurements += [(self.candidates, self.groups, group) for group in self.confirming]
        first, *others = self.groups
        if len(others) == 1 and set(others[0].errors) == set(first.errors):  # nothing was dropped after the first
            self.measurements.append((self.candidates, others, first))

    @property
    def everything(self) -> list[Group]:
        """All groups at full size."""
        return self.groups + self.confirming

    def of(self, rule: Rule) -> list[Candidate]:
        """A rule's candidates: one for each setting of the student."""
        return [key for key in self.candidates if key[0] == rule]

    def best(self, candidates: Sequence[Candidate], groups: Sequence[Group] | None = None) -> Candidate:
        """The candidate of least mean smoothed error over the groups that choose."""
        return min(candidates, key=lambda key: mean_error(key, self.groups if groups is None else groups))

    def difference(self, rules: Sequence[Rule], reference: Sequence[Rule]) -> Effect:
        """Honest difference of error, best of the rules minus best of the reference."""
        values, weights = [], []
        for run, choosing, group in self.measurements:
            chosen, other = (
                self.best([key for key in run if key[0] in among], choosing) for among in (rules, reference)
            )
            values.append((group.errors[chosen] - group.errors[other])[SMOOTHED])
            weights.append(group.importance)
        return _effect(values, weights)

    def plain_difference(self, candidate: Candidate, reference: Rule) -> Effect:
        """Difference of a candidate and a rule's best setting, on the groups that have them."""
        groups = [group for group in self.groups if candidate in group.errors]
        settings = [key for key in groups[0].errors if key[0] == reference]
        other = self.best([key for key in settings if all(key in group.errors for group in groups)], groups)
        values = [(group.errors[candidate] - group.errors[other])[SMOOTHED] for group in groups]
        return _effect(values, [group.importance for group in groups])

    def step(self, rule: Rule, reference: Rule) -> tuple[float, float] | None:
        """Difference of the two rules' errors at half size and at full size, each at its best setting."""
        if not self.small or not self._everywhere(rule, self.small) or not self._everywhere(reference, self.small):
            return None
        same = self.groups[: len(self.small)]
        if not self._everywhere(rule, same):  # it was dropped after the first fold
            return None
        return self._gap(rule, reference, self.small), self._gap(rule, reference, same)

    def carried(self, difference: Effect, rule: Rule, reference: Rule) -> Effect:
        """A difference at 0.8 n carried to n along its trend, half of the step added to the standard error."""
        sizes = self.step(rule, reference)
        if sizes is None:
            return difference
        shift = TREND * (sizes[1] - sizes[0])
        return Effect(
            value=difference.value + shift,
            standard_error=float(np.hypot(difference.standard_error, shift / 2)),
        )

    def _gap(self, rule: Rule, reference: Rule, groups: Sequence[Group]) -> float:
        return least_error(rule, groups) - least_error(reference, groups)

    @staticmethod
    def _everywhere(rule: Rule, groups: Sequence[Group]) -> bool:
        return all(any(key[0] == rule for key in group.errors) for group in groups)


def _effect(values: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> Effect:
    mean, standard_error = weighted_mean(np.concatenate(values), np.concatenate(weights))
    return Effect(value=mean, standard_error=INFLATION * standard_error)


def mean_error(candidate: Candidate, groups: Sequence[Group], kind: int = SMOOTHED) -> float:
    """Weighted mean error, smoothed or of mistakes, over all rows of the groups that have the candidate."""
    pairs = [(group.errors[candidate][kind], group.importance) for group in groups if candidate in group.errors]
    values, weights = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return float(np.average(values, weights=weights))


def least_error(rule: Rule, groups: Sequence[Group]) -> float:
    """Mean smoothed error of a rule at its best setting."""
    settings = {key for group in groups for key in group.errors if key[0] == rule}
    return min(mean_error(key, groups) for key in settings)


def mistakes(candidate: Candidate, groups: Sequence[Group]) -> float:
    """Share of mistakes, over all rows of the groups that have the candidate."""
    return mean_error(candidate, groups, MISTAKE)
