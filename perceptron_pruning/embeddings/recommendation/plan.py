"""What a race takes, known before it begins."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import N_FOLDS
from perceptron_pruning.embeddings.recommendation.heads import HeadLoss
from perceptron_pruning.embeddings.recommendation.race import (
    SHARE_ASIDE,
    Pool,
    choosing_folds,
    most_alive,
    random_draws,
)
from perceptron_pruning.embeddings.recommendation.rules import EVERYTHING, Rule

EVALUATIONS = 60.0  # of loss and gradient in a fit, at most, as seen on real sets
OVERHEAD = 1.5e-4  # seconds of an evaluation that do not depend on the rows: L-BFGS and calls
TIMED_NUMBERS = 2**22  # numbers (rows x features, or rows x classes) on which an evaluation is timed


@dataclass(frozen=True, kw_only=True)
class RacePlan:
    """Folds, rules and settings.

    Attributes:
        n_rows: n of the pool.
        n_folds: F.
        rules: All of them.
        n_fractions: How many fractions are tried.
        with_small: Whether random and the hardest rules are trained at half size as well.
        n_settings: Of the student.
    """

    n_rows: int
    n_folds: int
    rules: Sequence[Rule]
    n_fractions: int
    with_small: bool
    n_settings: int

    def _work(self, weight: Callable[[Rule], float]) -> float:
        """Sum of a weight over all students: of all rules, of the leading ones, and where they confirm."""
        work = self.n_settings * sum(map(weight, self.rules))
        for fold in range(1, self.n_folds):
            ruled = 1 if fold >= choosing_folds(self.n_rows, self.n_folds) else most_alive(fold)
            students = weight(EVERYTHING)
            students += sum(weight(rule) * (ruled + random_draws(rule.keep_fraction)) for rule in self._random)
            work += students * (self.n_settings if fold == 1 else 1)
        return work

    @property
    def _random(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.is_random]

    @property
    def n_fits(self) -> int:
        """Students trained at most."""
        small = 2 * self.n_fractions * self.with_small
        return round(self._work(lambda rule: 1.0)) + small

    @property
    def full_fits(self) -> float:
        """Work of all students and of scoring, in fits on the whole pool."""
        small = sum(rule.keep_fraction for rule in self._random) * self.with_small
        rest, without_two = 1 - 1 / SHARE_ASIDE, 1 - 2 / SHARE_ASIDE
        heads = sum(SHARE_ASIDE - 1 - fold for fold in range(self.n_folds))  # that saw neither of two fifths
        students = self._work(lambda rule: rule.keep_fraction) + small + self.n_folds
        whole = 1 + rest * N_FOLDS * (self.n_folds > 1)
        return rest * students + without_two * heads + whole

    def seconds(self, pool: Pool) -> float:
        """Estimate for softmax heads on one core, from one evaluation that is timed here."""
        return EVALUATIONS * (self.full_fits * _evaluation_seconds(pool) + self.n_fits * OVERHEAD)


def _evaluation_seconds(pool: Pool) -> float:
    """Seconds of one loss and gradient on all rows, scaled up from part of them."""
    widest = max(pool.inputs.shape[1], pool.n_classes)
    count = min(len(pool.inputs), max(1, TIMED_NUMBERS // widest))
    loss = HeadLoss(pool.inputs[:count], pool.classes[:count], n_classes=pool.n_classes, ridge=1e-3)
    parameters = np.zeros((pool.inputs.shape[1] + 1) * pool.n_classes, np.float32)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        loss(parameters)
        times.append(time.perf_counter() - begun)
    return min(times) * len(pool.inputs) / count
