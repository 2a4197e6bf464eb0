"""Windows of the ranking beside hard, easy and random, and the influence of bins: measured and predicted, by seed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.evidence.effect import Effect, effect
from perceptron_pruning.experiments.plan import SEED
from perceptron_pruning.output.tables import Row

RANDOM, WINDOW = "random", "window"
ENDS = ("hard", "easy")  # rules that the window is at the ends of its travel


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Students of one pair and size at every place of the window, and at random.

    Attributes:
        pair: Pair of classes.
        alpha_prune: α.
        skipped: Share of the pool that is harder than the window, ascending, (windows,).
        errors, predicted: On test rows, (seeds, windows).
        left_out: Predicted without test rows, (seeds, windows).
        random_errors, random_predicted, random_left_out: The same at random, (seeds,).
    """

    pair: str
    alpha_prune: float
    skipped: np.ndarray
    errors: np.ndarray
    predicted: np.ndarray
    left_out: np.ndarray
    random_errors: np.ndarray
    random_predicted: np.ndarray
    random_left_out: np.ndarray

    def rival(self, rule: str) -> np.ndarray:
        """Errors of hard, easy or random, (seeds,)."""
        return self.random_errors if rule == RANDOM else self.errors[:, -ENDS.index(rule)]

    @property
    def inner_choice(self) -> np.ndarray:
        """Window that each seed's theory chooses between the ends, by errors on rows left out, (seeds,)."""
        return self.left_out[:, 1:-1].argmin(axis=1) + 1

    @property
    def chosen_errors(self) -> np.ndarray:
        """Measured errors of the inner choices, (seeds,)."""
        return np.take_along_axis(self.errors, self.inner_choice[:, None], axis=1)[:, 0]

    @property
    def regret(self) -> np.ndarray:
        """ln ε of what each seed's theory chooses, ends and random among it, less the best in hindsight, (seeds,)."""
        measured = np.column_stack([self.random_errors, self.errors])
        choice = np.column_stack([self.random_left_out, self.left_out]).argmin(axis=1)
        chosen = np.take_along_axis(measured, choice[:, None], axis=1)[:, 0]
        return np.log(chosen / measured[:, measured.mean(axis=0).argmin()])

    def gain(self, rule: str) -> Effect:
        """Mean of ln(ε of a rule/ε of the inner choice) over seeds."""
        return effect(np.log(self.rival(rule) / self.chosen_errors))


def windows_of(rows: Iterable[Row]) -> list[Windows]:
    """Of a table's measured rows: by pair and α, in their order."""
    return [_windows(pair, alpha, group) for (pair, alpha), group in _conditions(rows, "rule").items()]


def _conditions(rows: Iterable[Row], column: str) -> dict[tuple[str, float], list[Row]]:
    """The rows that have this column, by pair and α, in their order."""
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        if row.get(column) is not None:
            groups.setdefault((row["pair"], row["alpha_prune"]), []).append(row)
    return groups


def _windows(pair: str, alpha: float, rows: Sequence[Row]) -> Windows:
    inside = [row for row in rows if row["rule"] == WINDOW]
    beside = sorted((row for row in rows if row["rule"] == RANDOM), key=lambda row: row[SEED])
    skipped = sorted({row["skipped"] for row in inside})
    ordered = sorted(inside, key=lambda row: (row[SEED], row["skipped"]))

    def array(name: str) -> np.ndarray:
        return np.array([row[name] for row in ordered]).reshape(len(beside), len(skipped))

    return Windows(
        pair=pair,
        alpha_prune=alpha,
        skipped=np.array(skipped),
        errors=array("test_error"),
        predicted=array("predicted"),
        left_out=array("left_out"),
        random_errors=np.array([row["test_error"] for row in beside]),
        random_predicted=np.array([row["predicted"] for row in beside]),
        random_left_out=np.array([row["left_out"] for row in beside]),
    )


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Change of ln ε when a bin's rows are always kept instead of never, at fixed P.

    Attributes:
        pair: Pair of classes.
        alpha_prune: α.
        changes: Measured, (seeds, bins), the hardest bin first.
        told: By theory, on the same test rows, (seeds, bins).
        influences: By the slope at chance 1/2, on rows left out, (seeds, bins).
    """

    pair: str
    alpha_prune: float
    changes: np.ndarray
    told: np.ndarray
    influences: np.ndarray


def bins_of(rows: Iterable[Row]) -> list[Bins]:
    """Of a table's measured rows: by pair and α, in their order."""
    return [_bins(pair, alpha, group) for (pair, alpha), group in _conditions(rows, "bin").items()]


def _bins(pair: str, alpha: float, rows: Sequence[Row]) -> Bins:
    n_seeds = len({row[SEED] for row in rows})
    ordered = sorted(rows, key=lambda row: (row[SEED], row["bin"]))

    def array(name: str) -> np.ndarray:
        return np.array([row[name] for row in ordered]).reshape(n_seeds, -1)

    return Bins(
        pair=pair, alpha_prune=alpha, changes=array("change"), told=array("told"), influences=array("influence")
    )


def slope(measured: Sequence[np.ndarray], predicted: Sequence[np.ndarray]) -> Effect:
    """Slope through 0 of measured on predicted changes, (seeds, any) each: mean over seeds, 1 where theory is right."""
    ours, theirs = np.concatenate(measured, axis=1), np.concatenate(predicted, axis=1)
    return effect((ours * theirs).sum(axis=1) / (theirs**2).sum(axis=1))
