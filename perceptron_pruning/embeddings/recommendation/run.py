"""The whole race: every rule at nearly full size in each fold, then a few at half size."""

from collections.abc import Sequence

import numpy as np

from perceptron_pruning.embeddings.recommendation.judge import Judge, groups_of
from perceptron_pruning.embeddings.recommendation.options import Option, option_at
from perceptron_pruning.embeddings.recommendation.plan import RacePlan
from perceptron_pruning.embeddings.recommendation.race import (
    RANDOM_DRAWS,
    SHARE_ASIDE,
    SMALL_FOLDS,
    Errors,
    Fold,
    Pool,
    make_fold,
    race,
    survivors,
)
from perceptron_pruning.embeddings.recommendation.request import Request
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, hardest_rule, random_rule
from perceptron_pruning.embeddings.recommendation.students import Student
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint
from perceptron_pruning.embeddings.runtime.cost import duration_text
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress


def run_races(
    pool: Pool, asked: Request, student: Student, store: Checkpoint, progress: Progress
) -> tuple[list[Option], Judge]:
    """Both races and what they say."""
    rules = asked.rules
    every = [EVERYTHING, *(rule for listed in rules.values() for rule in listed)]
    plan = RacePlan(
        n_rows=len(pool.classes),
        n_folds=asked.n_folds,
        rules=every,
        small_rules=0 if asked.quick else 3 * len(rules),
        n_settings=len(student.settings),
    )
    _say(plan, pool, student, progress)
    folds, full = [], []
    alive, draws = every, max(1, RANDOM_DRAWS // max(2, asked.n_folds))
    for number in range(asked.n_folds):
        fold = make_fold(pool, number, store)
        size = len(fold.rest)
        errors = race(pool, fold, alive, student, size=size, draws=draws, checkpoint=store, progress=progress)
        folds.append(fold)
        full.append((errors, pool.importance[fold.aside]))
        alive = [EVERYTHING, *_survivors(alive, asked.fractions, full)]
    groups = groups_of(full)
    first = Judge(groups, [])
    chosen = [option_at(listed, first, student).best.rule for listed in rules.values()]
    small = [] if asked.quick else groups_of(_small_races(pool, folds[:SMALL_FOLDS], chosen, student, store, progress))
    judge = Judge(groups, small)
    return [option_at(listed, judge, student) for listed in rules.values()], judge


def _survivors(
    alive: Sequence[Rule], fractions: Sequence[float], folds: Sequence[tuple[Errors, np.ndarray]]
) -> list[Rule]:
    """The rules that are worth training in the next fold."""
    listed = [[rule for rule in alive if rule.keep_fraction == fraction] for fraction in fractions]
    return [rule for rules in listed for rule in survivors(rules, folds)]


def _small_races(
    pool: Pool, folds: Sequence[Fold], chosen: Sequence[Rule], student: Student, store: Checkpoint, progress: Progress
) -> list[tuple[Errors, np.ndarray]]:
    """On half of the rows: all, random, the hardest, and the rule chosen at each fraction."""
    fractions = [rule.keep_fraction for rule in chosen]
    rules = [EVERYTHING, *map(random_rule, fractions), *map(hardest_rule, fractions), *chosen]
    rules = list(dict.fromkeys(rules))
    return [
        (
            race(pool, fold, rules, student, size=len(fold.rest) // 2, draws=2, checkpoint=store, progress=progress),
            pool.importance[fold.aside],
        )
        for fold in folds
    ]


def _say(plan: RacePlan, pool: Pool, student: Student, progress: Progress) -> None:
    if type(progress) is NoProgress:
        return
    n, d = pool.inputs.shape
    seconds = plan.seconds(pool)
    softmax = student.name == "a softmax head"
    progress.say(
        f"{n} rows x {d}, {pool.n_classes} classes: up to {plan.n_fits} students ({student.name}) on up to "
        f"{n - n // SHARE_ASIDE} rows in {plan.n_folds} folds; about {duration_text(seconds)} on one core"
        + ("" if softmax else " if they were softmax heads")
    )
