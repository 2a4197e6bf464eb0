"""How long the parts of a recommendation take: work that is counted, times rates that were measured.

The rates are seconds on one core of the machine of `benchmarks/recommend_cost.csv`, fitted to the parts of 57
recommendations on 19 pools of 300 to 12 000 rows, none of which is in that table. `slowness` is that of another
machine.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.heads import HeadLoss
from perceptron_pruning.embeddings.recommendation.rules import Rule
from perceptron_pruning.embeddings.selections.methods import COVARIANCE, FACILITY_LOCATION, HERDING

REFERENCE = (2000, 64, 10)  # rows, features and classes of the evaluation that is timed
REFERENCE_SECONDS = 1.6e-4
TIMES = 7  # that it is timed; the shortest counts


@dataclass(frozen=True, kw_only=True)
class Work:
    """Work that adds up.

    Attributes:
        evaluations: Of loss and gradient of heads.
        products: Σ n d C over them.
        seconds: On one core of the machine where the rates were measured.
    """

    evaluations: float = 0.0
    products: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            evaluations=self.evaluations + other.evaluations,
            products=self.products + other.products,
            seconds=self.seconds + other.seconds,
        )

    def times(self, count: float) -> "Work":
        """The same so many times."""
        return Work(evaluations=count * self.evaluations, products=count * self.products, seconds=count * self.seconds)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What work depends on besides rows.

    Attributes:
        d: Features that students see.
        n_classes: C.
        class_share: Mean over rows of the share of rows that are in the row's class: 1/C if all are equally large.
    """

    d: int
    n_classes: int
    class_share: float

    @property
    def n_parameters(self) -> int:
        """(d + 1) C."""
        return (self.d + 1) * self.n_classes

    @property
    def products(self) -> int:
        """Of a row in an evaluation, d C."""
        return self.d * self.n_classes


def head(n: float, shape: Shape, evaluations: float) -> Work:
    """A head that is trained alone on n rows."""
    each = 6.7e-5 + 5.2e-9 * shape.n_parameters + 9.6e-11 * n * shape.products
    return Work(
        evaluations=evaluations,
        products=evaluations * n * shape.products,
        seconds=evaluations * each + 1.7e-9 * n * shape.d,
    )


def heads_together(sizes: Sequence[float], shape: Shape, evaluations: float) -> Work:
    """Heads that are trained together; all sets are filled up to the largest."""
    filled, total = len(sizes) * max(sizes), evaluations * len(sizes)
    numbers = filled * (7.0e-11 * shape.products + 4.0e-9 * shape.n_classes)
    steps = 2.2e-5 * evaluations + total * (7.8e-6 + 3.0e-8 * shape.n_parameters)
    return Work(
        evaluations=total,
        products=evaluations * sum(sizes) * shape.products,
        seconds=2.4e-3 + steps + evaluations * numbers,
    )


def marking(n: float, shape: Shape) -> Work:
    """Scores and marks of a head on n rows."""
    return Work(seconds=3.5e-5 + n * (1.0e-7 + 1.3e-10 * shape.products))


def bookkeeping(n: float, shape: Shape) -> Work:
    """Of a fold of a pool of n rows: drawing and gathering rows, difficulties, differences."""
    return Work(seconds=3.5e-3 + n * (1.0e-6 + 1.3e-8 * shape.d))


@dataclass(frozen=True, kw_only=True)
class StepRates:
    """Seconds of a selection that keeps one row after the other: a class, a step, a pair of rows, its numbers, d²."""

    of_class: float
    step: float
    pair: float
    number: float
    square: float = 0.0


STEP_RATES = {
    HERDING: StepRates(of_class=6.5e-5, step=5.4e-6, pair=1.2e-9, number=6.8e-11),
    FACILITY_LOCATION: StepRates(of_class=1.2e-4, step=1.5e-5, pair=4.7e-9, number=1.3e-11),
    "k_centre": StepRates(of_class=5.4e-5, step=4.9e-6, pair=7.0e-10, number=6.3e-11),
    COVARIANCE: StepRates(of_class=7.2e-5, step=2.1e-5, pair=5.7e-9, number=4.1e-10, square=2.0e-9),
}


def selecting(rule: Rule, n: float, shape: Shape) -> Work:
    """What a rule keeps of n rows."""
    ranking = 3.5e-5 + 1.9e-7 * n
    rates = STEP_RATES.get(rule.metric)
    if rates is None:
        return Work(seconds=ranking)
    steps = rule.keep_fraction * n
    pairs = (n if rule.metric == FACILITY_LOCATION else steps) * n * shape.class_share
    return Work(
        seconds=rates.of_class * shape.n_classes
        + steps * (rates.step + rates.square * shape.d**2)
        + pairs * (rates.pair + rates.number * shape.d)
    )


def slowness() -> float:
    """Time of a head's evaluation on this machine, over that on the one where the rates were measured."""
    n, d, n_classes = REFERENCE
    rng = np.random.default_rng(0)
    inputs, classes = rng.normal(size=(n, d)).astype(np.float32), rng.integers(0, n_classes, n)
    loss, parameters = HeadLoss(inputs, classes, n_classes=n_classes, ridge=1e-3), np.zeros((d + 1) * n_classes)
    return min(_seconds(loss, parameters.astype(np.float32)) for _ in range(TIMES)) / REFERENCE_SECONDS


def _seconds(loss: HeadLoss, parameters: np.ndarray) -> float:
    begun = time.perf_counter()
    loss(parameters)
    return time.perf_counter() - begun
