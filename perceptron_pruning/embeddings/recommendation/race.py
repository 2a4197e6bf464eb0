"""The race: every rule's student is trained at nearly full size and tested on rows put aside before scoring.

A fold puts a fifth of the pool aside, E, scores the rest, Q, and trains a student on what each rule keeps of Q. Scoring
the whole pool first and putting rows aside afterwards would leak: it makes rules look 1 to 2 points better than they
are. A head that saw neither of two fifths scores each of them where the other is put aside, so that five folds take ten
heads. A second race on half of Q shows the trend with the size of the pool.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import (
    SCORING_RIDGE,
    Difficulty,
    difficulty_with_trained,
)
from perceptron_pruning.embeddings.recommendation.heads import Head, fit_head
from perceptron_pruning.embeddings.recommendation.marks import SMOOTHED, marks
from perceptron_pruning.embeddings.recommendation.rules import Rule
from perceptron_pruning.embeddings.recommendation.students import Student, Task
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint
from perceptron_pruning.embeddings.runtime.progress import Progress

CHOOSING_FOLDS = {True: 5, False: 2}  # folds at most in which rules are raced, of a small pool or not
SMALL_POOL = 5000  # rows below which a pool is small
SHARE_ASIDE = 5  # a fold puts one row in so many aside
MOST_ALIVE, LEAST_ALIVE = 3, 2  # rules a fraction raced in the second fold, besides random; one less in each later one
CLEARLY_WORSE = 3.0  # standard errors behind the best, after the first fold, at which a rule is raced no more

Candidate = tuple[Rule, int]
"""A rule and the number of the student's setting."""
Errors = dict[Candidate, np.ndarray]
"""Candidate → mistake and smoothed error on each row put aside, in [0, 1], (2, n_E)."""


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What is raced on.

    Attributes:
        inputs: (n, d) float32.
        classes: (n,), in 0..C−1.
        n_classes: C.
        importance: Weight of each row where it is judged, (n,): 1, or test share over pool share of its class.
        seed: Draws folds and random rules.
    """

    inputs: np.ndarray
    classes: np.ndarray
    n_classes: int
    importance: np.ndarray
    seed: int


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Rows put aside, and the scored rest.

    Attributes:
        number: 0 … F − 1.
        aside: E, the rows on which students are tested.
        rest: Q, in random order.
        difficulty: Of the rows of Q, from Q alone.
    """

    number: int
    aside: np.ndarray
    rest: np.ndarray
    difficulty: Difficulty


def choosing_folds(n_rows: int, n_folds: int) -> int:
    """Folds in which the rules that lead are raced: two of a small pool decide little."""
    return min(n_folds, CHOOSING_FOLDS[n_rows < SMALL_POOL])


def most_alive(fold: int) -> int:
    """Rules a fraction that are raced in a fold after the first, 0, besides random."""
    return max(LEAST_ALIVE, MOST_ALIVE + 1 - fold)


class Folds:
    """The folds of a pool, each with difficulties of its rest that owe nothing to the rows aside.

    Args:
        pool: The pool.
        checkpoint: Finished work.
    """

    def __init__(self, pool: Pool, checkpoint: Checkpoint):
        self.pool, self.checkpoint = pool, checkpoint
        n = len(pool.classes)
        self.order = np.random.default_rng([pool.seed, 3]).permutation(n)
        self.fifth = np.empty(n, int)  # of each row
        self.fifth[self.order] = (np.arange(n) * SHARE_ASIDE + SHARE_ASIDE - 1) // n
        self.heads: dict[tuple[int, int], Head] = {}

    def make(self, number: int) -> Fold:
        """A fold, its difficulties computed or read from the checkpoint."""
        aside = self.order[self.fifth[self.order] == number]
        rest = np.random.default_rng([self.pool.seed, 4, number]).permutation(np.setdiff1d(self.order, aside))
        name = f"difficulties_{number}"
        stored = self.checkpoint.load(name)
        if stored is None:
            difficulty = self._measured(number, rest)
            own = {"doubtful": difficulty.doubtful, "predicted": difficulty.predicted, "start": difficulty.start}
            self.checkpoint.save(name, **own, **difficulty.scores)
        else:
            own = {key: stored.pop(key) for key in ("doubtful", "predicted", "start")}
            difficulty = Difficulty(scores=stored, inputs=self.pool.inputs[rest], **own)
        return Fold(number=number, aside=aside, rest=rest, difficulty=difficulty)

    def _measured(self, number: int, rest: np.ndarray) -> Difficulty:
        """Difficulties of the rest, each fifth's by a head that saw neither it nor the rows aside."""
        pool, fifth = self.pool, self.fifth[rest]
        others = [other for other in range(SHARE_ASIDE) if other != number]
        heads = [self._head(*sorted((number, other))) for other in others]
        probabilities = np.empty((len(rest), pool.n_classes), np.float32)
        for other, head in zip(others, heads, strict=True):
            probabilities[fifth == other] = head.probabilities(pool.inputs[rest[fifth == other]])
        start = np.mean([head.parameters for head in heads], axis=0)
        return difficulty_with_trained(probabilities, pool.inputs[rest], pool.classes[rest], start)

    def _head(self, one: int, other: int) -> Head:
        """A head that saw neither of two fifths; it starts from zero, as any other head saw one of them."""
        if (one, other) not in self.heads:
            seen = (self.fifth != one) & (self.fifth != other)
            inputs, classes = self.pool.inputs[seen], self.pool.classes[seen]
            self.heads[one, other] = fit_head(inputs, classes, n_classes=self.pool.n_classes, ridge=SCORING_RIDGE)
        return self.heads[one, other]


def race(
    pool: Pool,
    fold: Fold,
    rules: Mapping[Rule, Sequence[int]],
    student: Student,
    *,
    size: int,
    checkpoint: Checkpoint,
    progress: Progress,
) -> Errors:
    """Marks of rules on the rows put aside, trained on what is kept of the first ``size`` of Q.

    Args:
        rules: Rule → numbers of the student's settings.
    """
    errors: Errors = {}
    with progress.task(f"fold {fold.number + 1}, {size} rows", total=len(rules), unit="rule") as advance:
        for rule, settings in rules.items():
            name = f"errors_{fold.number}_{size}_{_slug(rule)}_{'-'.join(map(str, settings))}"
            stored = checkpoint.load(name)
            if stored is None:
                stored = {"errors": _errors_of_rule(pool, fold, rule, student, settings, size)}
                checkpoint.save(name, **stored)
            errors |= {(rule, setting): row for setting, row in zip(settings, stored["errors"], strict=True)}
            advance(1)
    return errors


def _errors_of_rule(
    pool: Pool, fold: Fold, rule: Rule, student: Student, settings: Sequence[int], size: int
) -> np.ndarray:
    """(settings, 2, n_E) float32."""
    rows, truth = fold.rest[:size], pool.classes[fold.aside]
    difficulty = fold.difficulty.part(slice(0, size))
    seed = _seed(pool.seed, fold.number, size)
    kept = rows[rule.select(difficulty, pool.classes[rows], seed)]
    task = Task(
        inputs=pool.inputs[kept],
        classes=pool.classes[kept],
        n_classes=pool.n_classes,
        start=difficulty.start,
        seed=seed,
    )
    scorers = student.train(task, settings)
    return np.array([marks(score(pool.inputs[fold.aside]), truth) for score in scorers])


def survivors(rules: Iterable[Rule], folds: Sequence[tuple[Errors, np.ndarray]]) -> list[Rule]:
    """The rules of one fraction that lead so far and are not clearly worse than the best; random always stays.

    Args:
        rules: Those trained in all folds so far.
        folds: Marks and weights of the rows of each fold so far.
    """
    importance = np.concatenate([weights for _, weights in folds])
    best = {rule: _best_setting(rule, folds, importance) for rule in rules}
    order = sorted(best, key=lambda rule: np.average(best[rule], weights=importance))
    leading = [rule for rule in order if not rule.is_random][: most_alive(len(folds))]
    return [
        rule
        for rule in best
        if rule.is_random or (rule in leading and not _clearly_worse(best[rule], best[order[0]], importance))
    ]


def _best_setting(rule: Rule, folds: Sequence[tuple[Errors, np.ndarray]], importance: np.ndarray) -> np.ndarray:
    """Smoothed errors on the rows of all folds at the setting that is best on them."""
    settings = [key for key in folds[-1][0] if key[0] == rule]  # from the third fold on the best alone
    runs = [np.concatenate([errors[key][SMOOTHED] for errors, _ in folds]) for key in settings]
    return min(runs, key=lambda row: np.average(row, weights=importance))


def _clearly_worse(errors: np.ndarray, leader: np.ndarray, importance: np.ndarray) -> bool:
    difference, standard_error = weighted_mean(errors - leader, importance)
    return difference > CLEARLY_WORSE * standard_error


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Mean Σ w v / Σ w, and its standard error √(Σ w² (v − mean)²) / Σ w."""
    mean = float(np.average(values, weights=weights))
    return mean, float(np.sqrt(np.sum((weights * (values - mean)) ** 2)) / weights.sum())


def _slug(rule: Rule) -> str:
    parts = (rule.metric, rule.keep_fraction, rule.skip, rule.class_floor, int(rule.without_doubtful))
    return "_".join(f"{part}" for part in parts)


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
