"""The race: every rule's student is trained at nearly full size and tested on rows put aside before scoring.

A fold puts a fifth of the pool aside, E, scores the rest, Q, and trains a student on what each rule keeps of Q. Scoring
the whole pool first and putting rows aside afterwards would leak: it makes rules look 1 to 2 points better than they
are. A head that saw neither of two fifths scores each of them where the other is put aside, so that five folds take ten
heads. A second race on half of Q shows the trend with the size of the pool.

Students of one fold are trained on each set of rows once, and on small sets together. After the first fold, where
differences are measured, random pruning to small fractions is the mean of a few draws: at a tenth of 6000 to 8000 rows
its error has a standard deviation of 0.7 to 0.9 points from draw to draw.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import (
    SCORING_RIDGE,
    Difficulty,
    Unseen,
    difficulty_with_trained,
)
from perceptron_pruning.embeddings.recommendation.groups import Candidate, Errors, Group, mean_error, weighted_mean
from perceptron_pruning.embeddings.recommendation.heads import Head, fit_head
from perceptron_pruning.embeddings.recommendation.marks import SMOOTHED, marks
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule
from perceptron_pruning.embeddings.recommendation.students import Predictor, Student, Task
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint
from perceptron_pruning.embeddings.runtime.progress import Progress

CHOOSING_FOLDS = {True: 5, False: 2}  # folds at most in which rules are raced, of a small pool or not
SMALL_POOL = 5000  # rows below which a pool is small
RANDOM_DRAWS = {0.2: 3, 0.4: 2, 1.0: 1}  # keep fraction below which → draws
SHARE_ASIDE = 5  # a fold puts one row in so many aside
MOST_ALIVE, LEAST_ALIVE = 3, 2  # rules a fraction raced in the second fold, besides random; one less in each later one
STORED = ("doubtful", "predicted", "start", "trained")  # of a fold's difficulty, besides its scores
CLEARLY_WORSE = 3.0  # standard errors behind the best, after the first fold, at which a rule is raced no more


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

    Attributes:
        starts: Number of every fold that was made → mean parameters of heads that did not see its rows aside.
        last: The fold that was made last.
    """

    def __init__(self, pool: Pool, checkpoint: Checkpoint):
        self.pool, self.checkpoint = pool, checkpoint
        n = len(pool.classes)
        self.order = np.random.default_rng([pool.seed, 3]).permutation(n)
        self.fifth = np.empty(n, int)  # of each row
        self.fifth[self.order] = (np.arange(n) * SHARE_ASIDE + SHARE_ASIDE - 1) // n
        self.heads: dict[tuple[int, int], Head] = {}
        self.starts: dict[int, np.ndarray] = {}
        self.last: Fold | None = None

    @property
    def unseen(self) -> Unseen:
        """The fifths, and the mean head of those that did not see one, of the folds that were made."""
        return Unseen(fold=self.fifth, starts=self.starts)

    def first_evaluations(self) -> int:
        """Evaluations of loss and gradient of the first head, which is trained now; it will be needed."""
        return self._head(0, 1).n_evaluations

    def make(self, number: int) -> Fold:
        """A fold, its difficulties computed or read from the checkpoint."""
        aside = self.order[self.fifth[self.order] == number]
        rest = np.random.default_rng([self.pool.seed, 4, number]).permutation(np.setdiff1d(self.order, aside))
        name = f"difficulties_{number}"
        stored = self.checkpoint.load(name)
        if stored is None:
            difficulty = self._measured(number, rest)
            self.checkpoint.save(name, **{key: getattr(difficulty, key) for key in STORED}, **difficulty.scores)
        else:
            own = {key: stored.pop(key) for key in STORED}
            difficulty = Difficulty(scores=stored, inputs=self.pool.inputs[rest], **own)
        self.starts[number] = difficulty.start
        self.last = Fold(number=number, aside=aside, rest=rest, difficulty=difficulty)
        return self.last

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
) -> Group:
    """Marks of rules on the rows put aside, trained on what is kept of the first ``size`` of Q.

    Args:
        rules: Rule → numbers of the student's settings.
    """
    errors: Errors = {}
    runner = _Runner(pool, fold, student, size)
    with progress.task(f"fold {fold.number + 1}, {size} rows", total=len(rules), unit="rule") as advance:
        for batch in runner.batches(rules):
            name = f"errors_{fold.number}_{size}_{_slug(batch)}"
            stored = checkpoint.load(name)
            if stored is None:
                stored = {"errors": runner.errors(batch)}
                checkpoint.save(name, **stored)
            for (rule, settings), rows in zip(batch.items(), stored["errors"], strict=True):
                errors |= {(rule, setting): row for setting, row in zip(settings, rows, strict=True)}
            advance(len(batch))
    return Group(errors=errors, importance=pool.importance[fold.aside])


class _Runner:
    """Trains students on what rules keep of the first ``size`` of Q, once on the same rows, and marks them on E."""

    def __init__(self, pool: Pool, fold: Fold, student: Student, size: int):
        self.pool, self.student, self.rows = pool, student, fold.rest[:size]
        self.difficulty = fold.difficulty if size == len(fold.rest) else fold.difficulty.part(slice(0, size))
        self.classes, self.seed = pool.classes[self.rows], _seed(pool.seed, fold.number, size)
        self.inputs_aside, self.classes_aside = pool.inputs[fold.aside], pool.classes[fold.aside]
        self.is_first = fold.number == 0

    def batches(self, rules: Mapping[Rule, Sequence[int]]) -> list[dict[Rule, Sequence[int]]]:
        """Rules that are trained together, with their settings, equally many."""
        found = []
        for count in sorted({len(settings) for settings in rules.values()}):
            alike = [rule for rule, settings in rules.items() if len(settings) == count]
            sizes = [round(rule.keep_fraction * len(self.rows)) for rule in alike]
            for batch in self.student.batches(sizes, self.pool.inputs.shape[1], self.pool.n_classes):
                found.append({alike[number]: rules[alike[number]] for number in batch})
        return found

    def errors(self, rules: Mapping[Rule, Sequence[int]]) -> np.ndarray:
        """Marks of each rule at each setting, of a random one their means over its draws, (R, settings, 2, n_E)."""
        kept = {rule: [(rows.tobytes(), rows) for rows in self._kept(rule)] for rule in rules}
        sets = {
            (key, tuple(rules[rule])): self._task(rule, rows) for rule, draws in kept.items() for key, rows in draws
        }
        scorers = self.student.train_all(list(sets.values()), [settings for _, settings in sets])
        marked = dict(zip(sets, map(self._marks, scorers), strict=True))
        means = [np.mean([marked[key, tuple(rules[rule])] for key, _ in draws], axis=0) for rule, draws in kept.items()]
        return np.array(means, np.float32)

    def _kept(self, rule: Rule) -> list[np.ndarray]:
        draws = random_draws(rule.keep_fraction) if rule.is_random and not self.is_first else 1
        return [rule.select(self.difficulty, self.classes, self.seed + draw) for draw in range(draws)]

    def _task(self, rule: Rule, kept: np.ndarray) -> Task:
        start, trained = self.difficulty.start, self.difficulty.trained
        return Task(
            inputs=self.pool.inputs[self.rows[kept]],
            classes=self.classes[kept],
            n_classes=self.pool.n_classes,
            start=trained if rule == EVERYTHING and trained is not None else start,
            seed=self.seed,
        )

    def _marks(self, scorers: Sequence[Predictor]) -> np.ndarray:
        return np.array([marks(score(self.inputs_aside), self.classes_aside) for score in scorers])


def random_draws(keep_fraction: float) -> int:
    """Draws of a random rule where differences to it are measured: the fewer rows, the more two draws differ."""
    return next(draws for limit, draws in RANDOM_DRAWS.items() if keep_fraction < limit)


def survivors(rules: Iterable[Rule], groups: Sequence[Group]) -> list[Rule]:
    """The rules of one fraction that lead so far and are not clearly worse than the best; random always stays.

    Args:
        rules: Those trained in all folds so far.
        groups: The folds so far.
    """
    best = {rule: best_setting(rule, groups) for rule in rules}
    order = sorted(best, key=lambda rule: mean_error(best[rule], groups))
    leading = [rule for rule in order if not rule.is_random][: most_alive(len(groups))]
    leader = best[order[0]]
    return [
        rule
        for rule in best
        if rule.is_random or (rule in leading and not _is_clearly_worse(best[rule], leader, groups))
    ]


def best_setting(rule: Rule, groups: Sequence[Group]) -> Candidate:
    """The setting that is best in all groups, of those that were trained in the last."""
    return min(groups[-1].candidates_of[rule], key=lambda key: mean_error(key, groups))


def _is_clearly_worse(candidate: Candidate, leader: Candidate, groups: Sequence[Group]) -> bool:
    differences = [(group.errors[candidate] - group.errors[leader])[SMOOTHED] for group in groups]
    weights = [group.importance for group in groups]
    difference, standard_error = weighted_mean(np.concatenate(differences), np.concatenate(weights))
    return difference > CLEARLY_WORSE * standard_error


def _slug(rules: Mapping[Rule, Sequence[int]]) -> str:
    names = ["_".join(map(str, (*astuple(rule), *settings))) for rule, settings in rules.items()]
    return names[0] if len(names) == 1 else f"{len(names)}_{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}"


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
