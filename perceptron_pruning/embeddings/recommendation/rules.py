"""The rules that are raced: windows of difficulty, representatives of every class, at random, with or without doubt."""

from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.keep import kept_rows
from perceptron_pruning.embeddings.recommendation.difficulty import AGNOSTIC, GRADIENT, SIGNED, TRAINED, Difficulty
from perceptron_pruning.embeddings.selections.methods import FACILITY_LOCATION, HERDING, METHODS, rows_by_method
from perceptron_pruning.embeddings.selections.methods import WORDS as METHOD_WORDS
from replica_theory.selection import KeepBetween, KeepEasiest, KeepHardest, Selection

RANDOM = "random"
ALL = "all"
MOST_OF_A_CLASS = 2000  # rows of a class up to which it is represented in less time than a student's training
WORDS = {
    SIGNED: "out-of-fold margin",
    AGNOSTIC: "out-of-fold margin that ignores labels",
    TRAINED: "margin of a head trained on all rows",
    GRADIENT: "out-of-fold gradient (GraNd)",
}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is kept.

    Attributes:
        metric: What ranks the rows: a metric of `Difficulty`, "random", or "all"; or a method of `select`.
        keep_fraction: Share of the rows that is kept.
        skip: Share of the hardest rows that is passed over; of every class, by a method of `select`.
        class_floor: Share of its proportional quota that each class is sure of.
        without_doubtful: Whether rows whose label is in doubt are kept last.
    """

    metric: str
    keep_fraction: float
    skip: float = 0.0
    class_floor: float = 0.0
    without_doubtful: bool = False

    @property
    def selection(self) -> Selection:
        """The same rule for `keep`, given scores of which high means hard."""
        if self.skip == 0:
            return KeepHardest(self.keep_fraction)
        if self.is_easiest:
            return KeepEasiest(self.keep_fraction)
        return KeepBetween(self.skip, min(1.0, self.skip + self.keep_fraction))

    @property
    def is_easiest(self) -> bool:
        return self.skip > 0 and self.skip + self.keep_fraction > 1 - 1e-9

    @property
    def is_random(self) -> bool:
        """Whether it is pruning at random and nothing else."""
        return self.metric == RANDOM and not self.without_doubtful

    def select(self, difficulty: Difficulty, classes: np.ndarray, seed: int) -> np.ndarray:
        """Indices of the kept rows, ascending.

        Args:
            difficulty: Of the n rows.
            classes: (n,), in 0..C−1.
            seed: Of what is drawn at random.
        """
        if self.metric == ALL:
            return np.arange(len(classes))
        if self.metric in METHODS:
            return self._by_method(difficulty, classes, seed)
        if self.metric == RANDOM:
            scores = np.random.default_rng([seed, 2]).random(len(classes))
        else:
            scores = difficulty.scores[self.metric]
        if self.without_doubtful:
            scores = np.where(difficulty.doubtful, scores.min() - 1, scores)
        floored = classes if self.class_floor else None
        return kept_rows(self.selection, -scores, floored, class_floor=self.class_floor, seed=seed)

    def _by_method(self, difficulty: Difficulty, classes: np.ndarray, seed: int) -> np.ndarray:
        count, offered = max(1, round(self.keep_fraction * len(classes))), np.arange(len(classes))
        if self.skip:
            hardness, easier = difficulty.scores[SIGNED], KeepEasiest(1 - self.skip)
            offered = kept_rows(easier, -hardness, classes, class_floor=1.0, seed=seed)
        part = difficulty.part(offered)
        kept = rows_by_method(
            self.metric,
            count,
            inputs=part.inputs,
            classes=classes[offered],
            scores=part.scores[SIGNED],
            wrong=part.predicted != classes[offered],
            seed=seed,
        )
        return offered[kept]

    @property
    def text(self) -> str:
        """In words, after "keep 50 %"."""
        if self.metric == ALL:
            return "all rows"
        if self.metric in METHODS:
            return METHOD_WORDS[self.metric] + (f", without its hardest {percent(self.skip)}" if self.skip else "")
        doubt = ", rows whose label is in doubt last" if self.without_doubtful else ""
        if self.metric == RANDOM:
            return "at random" + doubt
        by = f"by the {WORDS[self.metric]}"
        if self.is_easiest:
            return f"the easiest {'of every class ' if self.class_floor == 1 else ''}{by}"
        if self.skip == 0:
            return f"the hardest {by}{doubt}"
        top = 1 - self.skip - self.keep_fraction
        share = ", the same share of every class" if self.class_floor == 1 else ""
        return f"skipping the hardest {percent(self.skip)} and the easiest {percent(top)} {by}{share}"


EVERYTHING = Rule(metric=ALL, keep_fraction=1.0)


def percent(share: float) -> str:
    """0.425 → "42.5 %"."""
    return f"{100 * share:.3g} %"


def random_rule(keep_fraction: float) -> Rule:
    """As many rows at random."""
    return Rule(metric=RANDOM, keep_fraction=keep_fraction)


def hardest_rule(keep_fraction: float) -> Rule:
    """The textbook's rule: the smallest signed margins."""
    return Rule(metric=SIGNED, keep_fraction=keep_fraction, class_floor=0.5)


def shortlist(keep_fraction: float, *, quick: bool = False, representing: bool = True) -> list[Rule]:
    """The rules tried at a fraction, random first.

    The list is short because each of them is trained at nearly full size: many rules on small pilots choose worse.

    Args:
        keep_fraction: f.
        quick: Whether only those that matter most.
        representing: Whether representatives of every class are tried at small fractions; see `can_represent`.
    """
    f = keep_fraction
    middle, end = round((1 - f) / 2, 4), round(1 - f, 4)
    representatives = _representatives(f) if representing else []
    rules = [
        random_rule(f),
        hardest_rule(f),
        Rule(metric=AGNOSTIC, keep_fraction=f, class_floor=0.5, without_doubtful=True),
    ]
    if f + 0.15 <= 1:
        rules.append(Rule(metric=TRAINED, keep_fraction=f, skip=0.15, class_floor=0.5))
    if quick:
        rules.append(Rule(metric=RANDOM, keep_fraction=f, without_doubtful=True))
        return rules + (_middles(f, middle)[: 1 if f > 0.3 else 2] if f < 0.6 else []) + representatives[-1:]
    if f > 0.2 and f + 0.15 < 1:
        rules.append(Rule(metric=SIGNED, keep_fraction=f, skip=0.15, class_floor=0.5))
    if f > 0.4:
        rules.append(Rule(metric=AGNOSTIC, keep_fraction=f, class_floor=0.5))
    if f > 0.8:
        rules.append(Rule(metric=TRAINED, keep_fraction=f, skip=middle, class_floor=0.5))
    elif f >= 0.6:
        rules.append(Rule(metric=SIGNED, keep_fraction=f, skip=end, class_floor=0.5))
    else:
        rules += _middles(f, middle)
    if f < 0.2:
        rules.append(Rule(metric=TRAINED, keep_fraction=f, skip=end, class_floor=1.0))
    elif f < 0.4:
        rules.append(Rule(metric=TRAINED, keep_fraction=f, skip=0.25, class_floor=0.5))
    if f < 0.6 and not representatives:
        rules.append(Rule(metric=TRAINED, keep_fraction=f, skip=middle, class_floor=1.0))
        if f < 0.2:
            rules += [Rule(metric=SIGNED, keep_fraction=f, skip=middle, class_floor=floor) for floor in (0.5, 1.0)]
    return rules + representatives


def can_represent(classes: np.ndarray) -> bool:
    """Whether representatives of every class are cheap: their work grows with the square of its rows."""
    return int(np.bincount(classes).max()) <= MOST_OF_A_CLASS


def by_methods(keep_fraction: float) -> list[Rule]:
    """The selections that are no rankings, at a fraction, and the largest and the smallest gradients."""
    gradients = (Rule(metric=GRADIENT, keep_fraction=keep_fraction, skip=s) for s in (0.0, round(1 - keep_fraction, 4)))
    return [*(Rule(metric=method, keep_fraction=keep_fraction) for method in METHODS), *gradients]


def _representatives(f: float) -> list[Rule]:
    """Representatives of every class among all but its hardest rows: for fractions that keep few of each."""
    if f < 0.2:
        return [Rule(metric=FACILITY_LOCATION, keep_fraction=f, skip=skip) for skip in (0.15, 0.3)]
    return [Rule(metric=HERDING, keep_fraction=f, skip=0.15)] if f < 0.4 else []


def _middles(f: float, middle: float) -> list[Rule]:
    """The middle of the ranking, and its easy end of every class: for small fractions."""
    return [
        Rule(metric=TRAINED, keep_fraction=f, skip=middle, class_floor=0.5),
        Rule(metric=SIGNED, keep_fraction=f, skip=round(1 - f, 4), class_floor=1.0),
    ]
