"""The races of a recommendation, one fold after the other.

In the first fold all rules are raced, at full and some at half size, in the next the leading ones: in one more of a
large pool, in all others of a small one. They choose a rule for each fraction. In the other folds of a large pool the
chosen rules, random and all rows alone are run, each at its best setting: that narrows the intervals for a tenth of the
cost.
"""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.embeddings.recommendation.groups import Candidate, Group
from perceptron_pruning.embeddings.recommendation.judge import Judge, groups_that_choose
from perceptron_pruning.embeddings.recommendation.options import Option, option_at
from perceptron_pruning.embeddings.recommendation.plan import RacePlan
from perceptron_pruning.embeddings.recommendation.race import (
    Fold,
    Folds,
    Pool,
    best_setting,
    choosing_folds,
    race,
    survivors,
)
from perceptron_pruning.embeddings.recommendation.request import Request
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, hardest_rule, random_rule
from perceptron_pruning.embeddings.recommendation.students import Student
from perceptron_pruning.embeddings.recommendation.work import Shape, slowness
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint
from perceptron_pruning.embeddings.runtime.progress import Progress


class Races:
    """The pool, its student, and what both races need.

    Args:
        pool: What is raced on.
        asked: Fractions and folds.
        student: What is trained.
        store: Finished work.
        progress: Told of every fold.
    """

    def __init__(self, pool: Pool, asked: Request, student: Student, store: Checkpoint, progress: Progress):
        self.pool, self.asked, self.student, self.store, self.progress = pool, asked, student, store, progress
        self.settings, self.folds = tuple(range(len(student.settings))), Folds(pool, store)

    def run(self) -> tuple[list[Option], Judge]:
        """All races, and what they say: an option for each fraction."""
        rules = self.asked.rules
        folds, full = self._choose([EVERYTHING, *(rule for listed in rules.values() for rule in listed)])
        groups = groups_that_choose(full)
        first = Judge(groups, [])
        small = [] if self.asked.quick else [self._small(folds[0], full[0])]
        confirming = [
            self._race(self.folds.make(number), self._finalists(first, rules))
            for number in range(len(folds), self.asked.n_folds)
        ]
        judge = Judge(groups, small, confirming)
        return [option_at(listed, judge, self.student, self.asked.fractions) for listed in rules.values()], judge

    def cost_text(self, n_more: int, spent: float) -> str:
        """What all of it takes, said once the first head is trained.

        Args:
            n_more: Rows that are scored but not raced.
            spent: Seconds that were spent before.
        """
        n, d = self.pool.inputs.shape
        counts = np.bincount(self.pool.classes)
        shape = Shape(d=d, n_classes=self.pool.n_classes, class_share=float(np.sum((counts / n) ** 2)))
        plan = RacePlan(n_rows=n, n_more=n_more, shape=shape, asked=self.asked, student=self.student)
        return plan.text(self.folds.first_evaluations(), slowness(), spent)

    def _choose(self, rules: list[Rule]) -> tuple[list[Fold], list[Group]]:
        """The folds in which all rules are raced, and their marks."""
        folds, full, raced = [], [], dict.fromkeys(rules, self.settings)
        for number in range(choosing_folds(len(self.pool.classes), self.asked.n_folds)):
            fold = self.folds.make(number)
            folds.append(fold)
            full.append(self._race(fold, raced))
            alive = [EVERYTHING, *_survivors(list(raced), self.asked.fractions, full)]
            raced = dict.fromkeys(alive, self.settings) if number == 0 else _at_best_settings(alive, full)
        return folds, full

    def _small(self, fold: Fold, full: Group) -> Group:
        """On half of the rows, at the settings best on all of them: random and the hardest."""
        fractions = self.asked.fractions
        rules = [*map(random_rule, fractions), *map(hardest_rule, fractions)]
        return self._race(fold, _at_best_settings(rules, [full]), size=len(fold.rest) // 2)

    def _finalists(self, judge: Judge, rules: dict[float, list[Rule]]) -> dict[Rule, tuple[int, ...]]:
        """All rows, and for each fraction random and the chosen rule; each at its best setting."""
        finalists: list[Candidate] = [judge.best(judge.of(EVERYTHING))]
        for listed in rules.values():
            finalists.append(judge.best(judge.of(random_rule(listed[0].keep_fraction))))
            finalists.append(judge.best([key for rule in listed for key in judge.of(rule)]))
        return {rule: (setting,) for rule, setting in finalists}

    def _race(self, fold: Fold, rules: dict[Rule, tuple[int, ...]], *, size: int | None = None) -> Group:
        return race(
            self.pool,
            fold,
            rules,
            self.student,
            size=len(fold.rest) if size is None else size,
            checkpoint=self.store,
            progress=self.progress,
        )


def _at_best_settings(rules: Sequence[Rule], groups: Sequence[Group]) -> dict[Rule, tuple[int, ...]]:
    """Each rule with the number of the setting at which it does best in the folds."""
    return {rule: (best_setting(rule, groups)[1],) for rule in rules}


def _survivors(alive: Sequence[Rule], fractions: Sequence[float], groups: Sequence[Group]) -> list[Rule]:
    """The rules that are worth training in the next fold."""
    listed = [[rule for rule in alive if rule.keep_fraction == fraction] for fraction in fractions]
    return [rule for rules in listed for rule in survivors(rules, groups)]
