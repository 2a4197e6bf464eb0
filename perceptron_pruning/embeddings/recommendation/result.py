"""A recommendation: the answer with its evidence, and the files it is written to."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import Difficulty
from perceptron_pruning.embeddings.recommendation.options import Option, Tried, Verdict, deepest_within, verdict_on
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule, hardest_rule
from perceptron_pruning.embeddings.recommendation.words import answer_text, report_text
from perceptron_pruning.evidence.effect import Effect, exact
from perceptron_pruning.output.atomic import write_atomically, write_json_atomically, write_text_atomically
from perceptron_pruning.output.provenance import provenance
from perceptron_pruning.output.tables import Row, write_table


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How a recommendation was judged.

    Attributes:
        n_rows: Rows of the pool.
        n_raced: Rows that the race was run on; fewer than the pool if it was sampled.
        n_judged: Rows put aside, over all folds.
        n_folds: F.
        n_trained: Rows of a full race: four fifths of `n_raced`.
        student: Name of the student that the answer is for.
        test_mix: "as the pool", or how classes were weighed.
        is_quick: Whether one fold and a few rules had to do.
        error_of_all: Error of the student on all rows, in [0, 1].
        doubtful_share: Share of rows whose label is in doubt.
        seed: Of all draws.
        seconds: Wall time, s.
    """

    n_rows: int
    n_raced: int
    n_judged: int
    n_folds: int
    n_trained: int
    student: str
    test_mix: str
    is_quick: bool
    error_of_all: float
    doubtful_share: float
    seed: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What to prune, or not to.

    Attributes:
        options: The best rule at every fraction tried, largest fraction first.
        tolerance: Error that may be lost, in [0, 1].
        evidence: How it was judged.
        difficulty, classes: Of all rows of the pool; `kept_at` selects with them.

    Example:
        >>> from perceptron_pruning.embeddings import load_fashion_mnist, recommend
        >>> data = load_fashion_mnist()
        >>> advice = recommend(data.train_embeddings[:1000], data.train_labels[:1000], fractions=[0.5], quick=True)
        >>> advice.answer.split()[0] in ("Keep", "Prune", "At", "Cannot"), len(advice.kept_at(0.5))
        (True, 500)
    """

    options: tuple[Option, ...]
    tolerance: float
    evidence: Evidence
    difficulty: Difficulty = field(repr=False)
    classes: np.ndarray = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """ "prune", "random" (no metric helps), "keep all" or "cannot tell"."""
        return verdict_on(self.options, self.tolerance)

    @property
    def chosen(self) -> Tried | None:
        """The rule at the smallest fraction within the tolerance; None if there is none."""
        option = deepest_within(self.options, self.tolerance)
        return None if option is None else option.best

    @property
    def rule(self) -> Rule:
        """What to keep: the chosen rule, or all rows."""
        return EVERYTHING if self.chosen is None else self.chosen.rule

    @property
    def metric(self) -> str:
        """What ranks the rows: a margin, "random", or "all" where nothing is pruned."""
        return self.rule.metric

    @property
    def keep_fraction(self) -> float:
        """Smallest fraction within the tolerance; 1 if there is none."""
        return self.rule.keep_fraction

    @property
    def change_against_random(self) -> Effect:
        """Error less that of as many random rows, with its 95 % interval; negative is better."""
        return exact(0.0) if self.chosen is None else self.chosen.against_random

    @property
    def change_against_all(self) -> Effect:
        """Error less that of all rows, with its 95 % interval; negative is better."""
        return exact(0.0) if self.chosen is None else self.chosen.against_all

    @property
    def kept(self) -> np.ndarray:
        """Row numbers to keep, ascending."""
        return self.rule.select(self.difficulty, self.classes, self.evidence.seed)

    def kept_at(self, keep_fraction: float) -> np.ndarray:
        """Row numbers to keep by the best rule at one of the fractions tried, whatever the tolerance.

        Raises:
            ValueError: The fraction was not tried.

        Example:
            >>> from perceptron_pruning.embeddings import load_fashion_mnist, recommend
            >>> data = load_fashion_mnist()
            >>> advice = recommend(data.train_embeddings[:1000], data.train_labels[:1000], fractions=[0.5], quick=True)
            >>> len(advice.kept_at(0.5))
            500
        """
        for option in self.options:
            if abs(option.keep_fraction - keep_fraction) < 1e-9:
                return option.best.rule.select(self.difficulty, self.classes, self.evidence.seed)
        tried = ", ".join(f"{option.keep_fraction:g}" for option in self.options)
        raise ValueError(f"`keep_fraction` must be one that was tried ({tried}); got {keep_fraction}")

    @property
    def answer(self) -> str:
        """One sentence."""
        return answer_text(self.verdict, self.options, self.chosen, self.tolerance, self.evidence)

    @property
    def text(self) -> str:
        """The answer, a table of the fractions, and what it rests on."""
        return report_text(self.answer, self.options, self.evidence)

    def __str__(self) -> str:
        return self.text

    @property
    def table(self) -> list[Row]:
        """A row for every rule at every fraction; errors and differences in points, half widths of 95 % intervals."""
        return [
            _row(entry, option, self.evidence.n_folds)
            for option in self.options
            for entry in (option.best, *(other for other in option.tried if other.rule != option.best.rule))
        ]

    def save(self, folder: str | Path, *, ids: np.ndarray | None = None) -> Path:
        """Writes `answer.txt`, `table.csv`, `picture.png`, `kept.npy` (row numbers) and `recommendation.json`.

        Args:
            folder: Made if it is not there.
            ids: Identifiers of the rows; then `kept.txt` has those of the kept ones.

        Returns:
            The folder.
        """
        from perceptron_pruning.embeddings.recommendation.picture import draw
        from perceptron_pruning.output.style import save_picture

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        kept = self.kept
        write_text_atomically(folder / "answer.txt", self.text + "\n")
        write_table(folder / "table.csv", self.table)
        save_picture(draw(self), folder / "picture.png")
        write_atomically(folder / "kept.npy", lambda file: np.save(file, kept))
        if ids is not None:
            write_text_atomically(folder / "kept.txt", "".join(f"{name}\n" for name in np.asarray(ids)[kept]))
        write_json_atomically(folder / "recommendation.json", self._manifest(kept))
        return folder

    def _manifest(self, kept: np.ndarray) -> dict[str, object]:
        return {
            "answer": self.answer,
            "verdict": self.verdict,
            "keep_fraction": self.keep_fraction,
            "metric": self.metric,
            "rule": vars(self.rule),
            "kept": len(kept),
            "tolerance": self.tolerance,
            "evidence": vars(self.evidence),
            **provenance("perceptron-pruning", "numpy", "scipy"),
        }


def _row(entry: Tried, option: Option, n_folds: int) -> Row:
    rule = entry.rule
    return {
        "keep_fraction": rule.keep_fraction,
        "rule": rule.text,
        "metric": rule.metric,
        "skip": rule.skip,
        "class_floor": rule.class_floor,
        "without_doubtful": int(rule.without_doubtful),
        "setting": entry.setting,
        "error_points": round(100 * entry.error, 3),
        "against_random": round(100 * entry.against_random.value, 3),
        "against_random_half_width": round(100 * entry.against_random.half_width, 3),
        "against_all": round(100 * entry.against_all.value, 3),
        "against_all_half_width": round(100 * entry.against_all.half_width, 3),
        "folds": min(entry.folds, n_folds),
        "chosen": int(rule == option.best.rule),
        "textbook": int(rule == hardest_rule(rule.keep_fraction)),
    }
