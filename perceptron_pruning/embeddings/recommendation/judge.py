"""What the race says: the best rule at each fraction, and honest differences with 95 % intervals.

The rule is chosen by its mean smoothed error over groups of rows: two folds or more, each run for the rules that led in
those before it, or the halves of one fold. Its difference to random and to all rows is measured where it was not
chosen: of the rules run in a group, the one that is best on the groups before it, measured there (of halves also the
other way round); and the one chosen on all, measured on further folds, in which the chosen rules, random and all rows
alone were run. Otherwise the winner looks a point better than it is. Differences are of the same rows, so that most of
their scatter cancels.

Differences are of smoothed errors, which scatter less, unless mistakes contradict them: where many margins crowd within
the smoothing's width of the boundary, as in tables with outliers, smoothed errors may show a third of a gain. Both are
marks of the same rows, and where mistakes and smoothed errors differ by more than 3.29 times the standard error of that
gap, as one in a thousand do that are the same in the mean, mistakes are counted. From 1.96 times on, gap² less its
variance, an estimate of the squared bias, is added to the variance.

The standard error is that of the rows times a factor, for the scatter between training sets. On 70 pools of 300 to
12 000 rows, drawn for this alone, what is said misses the truth by 1.2 times the standard error of rows and test rows
together (root mean square; against all rows) and by 1.3 times (against random; by 1.5 times at a tenth of the rows, and
from 5000 rows on): about as much from the training sets as from the rows. Differences are those of races on four fifths
of the pool. What they were on half of it does not tell how they go on: the truth does not follow the step between the
two in a fold (slope 0.01 ± 0.02).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from perceptron_pruning.embeddings.recommendation.groups import (
    Candidate,
    Group,
    halves,
    mean_error,
    weighted_mean,
)
from perceptron_pruning.embeddings.recommendation.marks import MISTAKE, SMOOTHED
from perceptron_pruning.embeddings.recommendation.rules import Rule
from perceptron_pruning.evidence.effect import Effect

INFLATION = 1.6  # of standard errors over rows; see the module's docstring
DOUBTED, CONTRADICTED = 1.96, 3.29  # standard errors of the gap from smoothed errors to mistakes: 95 and 99.9 %


def groups_that_choose(folds: Sequence[Group]) -> list[Group]:
    """The folds; a single one is split into its even and odd rows."""
    return list(folds) if len(folds) > 1 else halves(folds[0])


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
        self._of: dict[Rule, list[Candidate]] = {}
        for key in self.candidates:
            self._of.setdefault(key[0], []).append(key)
        # among what it is chosen, on what, and where it is measured
        self.measurements = [
            (group.candidates_of, self.groups[:number], group) for number, group in enumerate(self.groups) if number
        ]
        self.measurements += [(self._of, self.groups, group) for group in self.confirming]
        first, *others = self.groups
        if len(others) == 1 and set(others[0].errors) == set(first.errors):  # nothing was dropped after the first
            self.measurements.append((self._of, others, first))

    @property
    def everything(self) -> list[Group]:
        """All groups at full size."""
        return self.groups + self.confirming

    def of(self, rule: Rule) -> list[Candidate]:
        """A rule's candidates: one for each setting of the student."""
        return self._of.get(rule, [])

    def best(self, candidates: Sequence[Candidate], groups: Sequence[Group] | None = None) -> Candidate:
        """The candidate of least mean smoothed error over the groups that choose."""
        return min(candidates, key=lambda key: mean_error(key, self.groups if groups is None else groups))

    def difference(self, rules: Sequence[Rule], reference: Mapping[Rule, float]) -> Effect:
        """Honest difference of error, best of the rules minus the reference, a weighted sum of rules."""
        values, weights = [], []
        for run, choosing, group in self.measurements:
            chosen = self.best([key for rule in rules for key in run.get(rule, [])], choosing)
            others = [weight * group.errors[self.best(run[rule], choosing)] for rule, weight in reference.items()]
            values.append(group.errors[chosen] - sum(others))
            weights.append(group.importance)
        return _effect(values, weights)

    def plain_difference(self, candidate: Candidate, reference: Rule) -> Effect:
        """Difference of a candidate and a rule's best setting, on the groups that have them."""
        groups = [group for group in self.groups if candidate in group.errors]
        settings = groups[0].candidates_of[reference]
        other = self.best([key for key in settings if all(key in group.errors for group in groups)], groups)
        values = [group.errors[candidate] - group.errors[other] for group in groups]
        return _effect(values, [group.importance for group in groups])

    def step(self, rule: Rule, reference: Rule) -> tuple[float, float] | None:
        """Difference of the two rules' errors at half size and at full size, each at its best setting."""
        if not self.small or not self._everywhere(rule, self.small) or not self._everywhere(reference, self.small):
            return None
        same = self.groups[: len(self.small)]
        if not self._everywhere(rule, same):  # it was dropped after the first fold
            return None
        return self._gap(rule, reference, self.small), self._gap(rule, reference, same)

    def _gap(self, rule: Rule, reference: Rule, groups: Sequence[Group]) -> float:
        return least_error(rule, groups) - least_error(reference, groups)

    @staticmethod
    def _everywhere(rule: Rule, groups: Sequence[Group]) -> bool:
        return all(rule in group.candidates_of for group in groups)


def _effect(differences: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> Effect:
    """Mean difference of marks, (2, n) of each group: of smoothed errors, or of mistakes that contradict them."""
    both, importance = np.concatenate(differences, axis=1), np.concatenate(weights)
    gap, scatter = weighted_mean(both[MISTAKE] - both[SMOOTHED], importance)
    contradicted = abs(gap) > CONTRADICTED * scatter
    mean, standard_error = weighted_mean(both[MISTAKE if contradicted else SMOOTHED], importance)
    doubted = not contradicted and abs(gap) > DOUBTED * scatter
    bias = np.sqrt(gap**2 - scatter**2) if doubted else 0.0
    return Effect(value=mean, standard_error=float(np.hypot(INFLATION * standard_error, bias)))


def least_error(rule: Rule, groups: Sequence[Group]) -> float:
    """Mean smoothed error of a rule at its best setting."""
    settings = {key for group in groups for key in group.candidates_of.get(rule, [])}
    return min(mean_error(key, groups) for key in settings)


def mistakes(candidate: Candidate, groups: Sequence[Group]) -> float:
    """Share of mistakes, over all rows of the groups that have the candidate."""
    return mean_error(candidate, groups, MISTAKE)
