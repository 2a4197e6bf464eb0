"""The best rule at each fraction, and how far down the fractions may go within a tolerance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perceptron_pruning.embeddings.recommendation.judge import Judge, mistakes
from perceptron_pruning.embeddings.recommendation.race import best_setting
from perceptron_pruning.embeddings.recommendation.random_curve import random_of_the_whole_pool
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, hardest_rule, random_rule
from perceptron_pruning.embeddings.recommendation.students import Student
from perceptron_pruning.evidence.effect import Effect, exact

WITHIN = 1.28  # standard errors to the tolerance: 90 % confidence, one-sided
Verdict = Literal["prune", "random", "keep all", "cannot tell"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A rule that was tried at a fraction, at its best setting.

    Attributes:
        rule: The rule.
        setting: The student's setting that does best with it.
        error: Share of mistakes on the rows put aside, in [0, 1].
        folds: Folds it was trained in; fewer than all if it was clearly worse in the first.
        against_random, against_all: Difference of error, with its interval; of the winner chosen and measured on
            different folds.
    """

    rule: Rule
    setting: str
    error: float
    folds: int
    against_random: Effect
    against_all: Effect


@dataclass(frozen=True, kw_only=True)
class Option:
    """What to do if a fraction is to be kept.

    Attributes:
        best: The rule chosen, with honest differences.
        tried: All rules, best first.
        hardest_against_random: What it costs (+) to keep the hardest by margin instead of random rows.
        hardest_trend: That at 0.4 n and at 0.8 n rows, or None.
    """

    best: Tried
    tried: tuple[Tried, ...]
    hardest_against_random: Effect
    hardest_trend: tuple[float, float] | None

    @property
    def keep_fraction(self) -> float:
        return self.best.rule.keep_fraction

    @property
    def gain_is_sure(self) -> bool:
        """Whether the gain over random exceeds one standard error."""
        gain = self.best.against_random
        return not self.best.rule.is_random and gain.value + gain.standard_error < 0

    def is_within(self, tolerance: float) -> bool:
        """Whether it costs no more than the tolerance against all rows, with 90 % confidence."""
        return self.best.against_all.value + WITHIN * self.best.against_all.standard_error <= tolerance

    def is_beyond(self, tolerance: float) -> bool:
        """Whether it costs more than the tolerance, with 90 % confidence."""
        return self.best.against_all.value - WITHIN * self.best.against_all.standard_error > tolerance


def option_at(rules: Sequence[Rule], judge: Judge, student: Student, fractions: Sequence[float]) -> Option:
    """The option at the fraction of the rules, one of those raced; ``judge`` may lack the small races of the trend."""
    fraction = rules[0].keep_fraction
    random, hardest = random_rule(fraction), hardest_rule(fraction)
    alive = [key for rule in rules for key in judge.of(rule)]
    winner, setting = judge.best(alive)
    measured = {rule: tried(rule, judge, student, random) for rule in rules}
    at_random = random_of_the_whole_pool(fraction, fractions)
    best = Tried(
        rule=winner,
        setting=student.settings[setting],
        error=mistakes((winner, setting), judge.everything),
        folds=len(judge.everything),
        against_random=exact(0.0) if winner.is_random else judge.difference(rules, at_random),
        against_all=judge.difference([random] if winner.is_random else rules, {EVERYTHING: 1.0}),
    )
    return Option(
        best=best,
        tried=tuple(sorted(measured.values(), key=lambda entry: entry.against_random.value)),
        hardest_against_random=measured[hardest].against_random,
        hardest_trend=judge.step(hardest, random),
    )


def tried(rule: Rule, judge: Judge, student: Student, random: Rule) -> Tried:
    """A rule at its best setting, as measured in the folds where it was trained."""
    groups = [group for group in judge.groups if rule in group.candidates_of]
    best = best_setting(rule, groups)
    return Tried(
        rule=rule,
        setting=student.settings[best[1]],
        error=mistakes(best, groups),
        folds=len(groups),
        against_random=exact(0.0) if rule.is_random else judge.plain_difference(best, random),
        against_all=judge.plain_difference(best, EVERYTHING),
    )


def deepest_within(options: Sequence[Option], tolerance: float) -> Option | None:
    """The smallest fraction within the tolerance, above which none is surely beyond it; or None. Largest first.

    A larger fraction that is not within, for want of rows, does not count against a smaller one that is: to keep more
    does no harm.
    """
    deepest = None
    for option in options:
        if option.is_beyond(tolerance):
            break
        if option.is_within(tolerance):
            deepest = option
    return deepest


def verdict_on(options: Sequence[Option], tolerance: float) -> Verdict:
    """What the options allow to be said. Largest fraction first."""
    deepest = deepest_within(options, tolerance)
    if deepest is None:
        return "keep all" if options[0].is_beyond(tolerance) else "cannot tell"
    return "random" if deepest.best.rule.is_random else "prune"


def error_of_all(judge: Judge) -> float:
    """Share of mistakes with all rows kept, at the setting that the folds choose."""
    return mistakes(judge.best(judge.of(EVERYTHING)), judge.everything)
