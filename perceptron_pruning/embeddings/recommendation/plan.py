"""What a recommendation takes, known once its first head is trained.

How many rows every student is trained on follows from the request; which rules lead does not matter, only how many.
How many steps a head needs is the secret of the pool: from 11 to 124 on 19 pools of 300 to 12 000 rows. So the first
of the heads that score, which is trained anyway, is trained before the cost is said; the others take a share of its
steps. What is left unknown, such as labels that are wrong, without which heads converge later, makes it a range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perceptron_pruning.embeddings.recommendation.difficulty import N_FOLDS
from perceptron_pruning.embeddings.recommendation.race import (
    SHARE_ASIDE,
    choosing_folds,
    most_alive,
    random_draws,
)
from perceptron_pruning.embeddings.recommendation.request import Request
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, hardest_rule, random_rule
from perceptron_pruning.embeddings.recommendation.students import Student
from perceptron_pruning.embeddings.recommendation.training_work import training, warm_evaluations
from perceptron_pruning.embeddings.recommendation.work import Shape, Work, bookkeeping, head, marking, selecting
from perceptron_pruning.embeddings.runtime.cost import duration_text

LEAST, MOST = 0.8, 1.15  # first and last tenth of processor seconds over the estimate, on other pools
COMPLETED_SHARE = 0.75  # evaluations of a quick answer's head of all rows, which starts from four fifths', over c


@dataclass(frozen=True, kw_only=True)
class PlannedRule:
    """A rule of a race, or several of a fraction of which so many are expected.

    Attributes:
        among: The rules.
        count: How many of them are raced.
        draws: Sets of rows that each is trained on.
    """

    among: Sequence[Rule]
    count: int
    draws: int = 1

    @property
    def keep_fraction(self) -> float:
        return self.among[0].keep_fraction


@dataclass(frozen=True, kw_only=True)
class PlannedRace:
    """A race.

    Attributes:
        n_rows: Rows that rules keep some of.
        n_aside: Rows that students are tested on.
        n_settings: Of the student, for every set of rows.
        rules: What is raced.
    """

    n_rows: int
    n_aside: int
    n_settings: int
    rules: Sequence[PlannedRule]

    @property
    def n_fits(self) -> int:
        """Students trained."""
        return self.n_settings * sum(rule.count * rule.draws for rule in self.rules)

    def batches(self, student: Student, shape: Shape) -> list[list[int]]:
        """Rows of every set; those of a list are trained together."""
        sets = [(round(rule.keep_fraction * self.n_rows), rule.draws) for rule in self.rules for _ in range(rule.count)]
        together = student.batches([size for size, _ in sets], shape.d, shape.n_classes)
        return [[sets[number][0] for number in batch for _ in range(sets[number][1])] for batch in together]

    def selecting(self, shape: Shape) -> Work:
        """To apply the rules."""
        work = Work()
        for planned in self.rules:
            each = planned.draws * planned.count / len(planned.among)
            for rule in planned.among:
                work += selecting(rule, self.n_rows, shape).times(each)
        return work


@dataclass(frozen=True, kw_only=True)
class RacePlan:
    """All races of a recommendation, and the scoring of the pool.

    Attributes:
        n_rows: n of the pool.
        n_more: Rows that are scored but not raced.
        shape: Features and classes.
        asked: Fractions and folds.
        student: What is trained.
    """

    n_rows: int
    n_more: int
    shape: Shape
    asked: Request
    student: Student

    @property
    def n_fits(self) -> int:
        """Students trained at most."""
        return sum(race.n_fits for race in self.races())

    def races(self) -> Iterator[PlannedRace]:
        """The races, in order but for that at half size."""
        for fold in range(self.asked.n_folds):
            yield self._race(fold)
        if not self.asked.quick:
            fractions = self.asked.fractions
            tried = [*map(random_rule, fractions), *map(hardest_rule, fractions)]
            rules = [PlannedRule(among=[rule], count=1) for rule in tried]
            yield PlannedRace(n_rows=self._n_rest // 2, n_aside=self._n_aside, n_settings=1, rules=rules)

    @property
    def _n_aside(self) -> int:
        return self.n_rows // SHARE_ASIDE

    @property
    def _n_rest(self) -> int:
        return self.n_rows - self._n_aside

    def _race(self, fold: int) -> PlannedRace:
        rules = [PlannedRule(among=[EVERYTHING], count=1)]
        alive = most_alive(fold) if fold < choosing_folds(self.n_rows, self.asked.n_folds) else 1
        for listed in self.asked.rules.values():
            draws = random_draws(listed[0].keep_fraction) if fold else 1
            others = [rule for rule in listed if not rule.is_random]
            rules.append(PlannedRule(among=[random_rule(listed[0].keep_fraction)], count=1, draws=draws))
            rules.append(PlannedRule(among=others, count=min(alive, len(others)) if fold else len(others)))
        all_settings = fold == 0 or (fold == 1 and alive > 1)
        n_settings = len(self.student.settings) if all_settings else 1
        return PlannedRace(n_rows=self._n_rest, n_aside=self._n_aside, n_settings=n_settings, rules=rules)

    def scoring(self, evaluations: float) -> Work:
        """Heads that score the folds and the whole pool, the first of which took so many evaluations."""
        n, n_folds, shape = self.n_rows, self.asked.n_folds, self.shape
        pairs = sum(SHARE_ASIDE - 1 - fold for fold in range(n_folds))  # of fifths, neither of which a head saw
        warm = warm_evaluations(evaluations)
        work = head(n * (1 - 2 / SHARE_ASIDE), shape, evaluations).times(pairs)
        work += head(self._n_rest, shape, warm).times(n_folds)
        if n_folds == 1:
            work += head(n, shape, COMPLETED_SHARE * evaluations)
        else:
            work += head(self._n_rest, shape, warm).times(N_FOLDS) + head(n, shape, warm)
        return work + bookkeeping(n, shape).times(n_folds) + marking(self.n_more, shape)

    def racing(self, evaluations: float) -> tuple[Work, bool]:
        """Students and rules of all races, and whether that includes the training, whose time is not always known."""
        work, is_known = Work(), True
        for race in self.races():
            trained = training(
                self.student,
                race.batches(self.student, self.shape),
                race.n_settings,
                race.n_aside,
                self.shape,
                evaluations,
            )
            is_known = is_known and trained is not None
            marked = marking(race.n_aside, self.shape).times(race.n_fits)
            work += race.selecting(self.shape) + marked + (trained or Work())
        return work, is_known

    def seconds(self, evaluations: float, slowness: float) -> tuple[float, bool]:
        """Seconds of all of it on one core, and whether that includes the training of students.

        Args:
            evaluations: That the first head took.
            slowness: Of the machine.
        """
        work, is_known = self.racing(evaluations)
        return slowness * (self.scoring(evaluations) + work).seconds, is_known

    def text(self, evaluations: float, slowness: float, spent: float = 0.0) -> str:
        """What is trained, and how long all of it takes.

        Args:
            evaluations, slowness: As for `seconds`.
            spent: Seconds that passed before.
        """
        n, d, n_classes, n_folds = self.n_rows, self.shape.d, self.shape.n_classes, self.asked.n_folds
        seconds, is_known = self.seconds(evaluations, slowness)
        least, middle, most = (_brief(spent + share * seconds) for share in (LEAST, 1.0, MOST))
        besides = "" if is_known else "besides their training, whose time is not known, "
        return (
            f"{n} rows x {d}, {n_classes} classes: up to {self.n_fits} students ({self.student.name}) on up to "
            f"{self._n_rest} rows in {n_folds} {'folds' if n_folds > 1 else 'fold'}; {besides}about {middle} "
            f"on one core ({least} to {most} on eight pools of ten)"
        )


def _brief(seconds: float) -> str:
    """Two digits: "0.46 s"."""
    return duration_text(seconds) if seconds >= 1 else f"{seconds:.2g} s"
