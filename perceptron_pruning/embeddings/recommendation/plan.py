"""What a race takes, known before it begins."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.metrics.softmax_head import softmax_loss
from perceptron_pruning.embeddings.recommendation.difficulty import N_FOLDS
from perceptron_pruning.embeddings.recommendation.race import RANDOM_DRAWS, SHARE_ASIDE, SMALL_FOLDS, Pool
from perceptron_pruning.embeddings.recommendation.rules import Rule

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
        small_rules: How many are trained at half size as well.
        n_settings: Of the student.
    """

    n_rows: int
    n_folds: int
    rules: Sequence[Rule]
    small_rules: int
    n_settings: int

    @property
    def extra_draws(self) -> int:
        """Of the plain random rule over all folds, beyond one a fold."""
        return RANDOM_DRAWS - self.n_folds if self.n_folds > 1 else 1

    @property
    def n_fits(self) -> int:
        """Students trained at most."""
        random = sum(rule.is_random for rule in self.rules) * self.extra_draws
        small = self.small_rules * min(self.n_folds, SMALL_FOLDS)
        return self.n_settings * (self.n_folds * len(self.rules) + random + small)

    @property
    def full_fits(self) -> float:
        """Work of all students and of scoring, in fits on the whole pool."""
        shares = [rule.keep_fraction for rule in self.rules]
        random = sum(rule.keep_fraction for rule in self.rules if rule.is_random) * self.extra_draws
        small = self.small_rules * min(self.n_folds, SMALL_FOLDS) * float(np.mean(shares)) / 2
        kept = self.n_folds * sum(shares) + random + small
        return (1 - 1 / SHARE_ASIDE) * (self.n_settings * kept + self.n_folds * N_FOLDS) + N_FOLDS

    def seconds(self, pool: Pool) -> float:
        """Estimate for softmax heads on one core, from one evaluation that is timed here."""
        return EVALUATIONS * (self.full_fits * _evaluation_seconds(pool) + self.n_fits * OVERHEAD)


def _evaluation_seconds(pool: Pool) -> float:
    """Seconds of one loss and gradient on all rows, scaled up from part of them."""
    widest = max(pool.inputs.shape[1], pool.n_classes)
    count = min(len(pool.inputs), max(1, TIMED_NUMBERS // widest))
    targets = np.zeros((count, pool.n_classes), np.float32)
    targets[np.arange(count), pool.classes[:count]] = 1
    parameters = np.zeros((pool.inputs.shape[1] + 1) * pool.n_classes, np.float32)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        softmax_loss(parameters, pool.inputs[:count], targets, 1e-3)
        times.append(time.perf_counter() - begun)
    return min(times) * len(pool.inputs) / count
