"""What one question costs from cold: medians over random ordinary points of every kind.

    python benchmarks/theory_speed.py [points]      # 200 of each kind take a minute; writes theory_speed.csv
    PYTHONPATH=../another_tree python benchmarks/theory_speed.py 200 another.csv   # the same points by another tree

Ordinary points: f from .05 to .95, α_prune from .3 to 30, θ from 2 to 60 degrees or none, the hardest, the easiest or a
window, signed or not. Cold is a call with a rule that no call has seen, on a process that has answered others. A second
α asks the same rule again; a curve has 100 points from α_prune = .1 to 100. A soft rule keeps with a logistic chance of
the margin. Milliseconds of the processor, one thread.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from machine import description, load
from random_rules import ranked_rule
from scipy.special import expit

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import (
    KeepWithProbability,
    SaddlePointError,
    Selection,
    empirical_risk,
    max_margin,
    optimal_selection,
)
from replica_theory.losses import LossName

ALPHAS = np.geomspace(0.1, 100.0, 100)
LOSSES: tuple[LossName, ...] = ("square", "logistic", "hinge", "squared_hinge")
POINTS, SEED = 200, 2026
FOLDER = Path(__file__).parent


def soft(rng: np.random.Generator) -> Selection:
    """Keeps with the chance expit((|margin| − middle)/width), or one minus it."""
    middle, width, sign = rng.uniform(0.2, 1.5), rng.uniform(0.05, 0.5), rng.choice([-1.0, 1.0])
    return KeepWithProbability(lambda margin, label: expit(sign * (np.abs(margin) - middle) / width))


class Point:
    """An ordinary point."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.alpha = float(np.exp(rng.uniform(math.log(0.3), math.log(30.0))))
        self.angle = math.radians(rng.uniform(2.0, 60.0))
        self.ridge = float(np.exp(rng.uniform(math.log(1e-3), math.log(1.0))))
        self.loss: LossName = LOSSES[rng.integers(len(LOSSES))]
        self.fraction = float(rng.uniform(0.1, 0.9))
        self.rule, self.soft_rule = ranked_rule(rng, 0.05, 0.95), soft(rng)

    def margin(self, alpha: float | np.ndarray, angle: float) -> Callable[[], object]:
        return lambda: max_margin(alpha, selection=self.rule, probe_angle=angle)

    @property
    def questions(self) -> dict[str, list[Callable[[], object]]]:
        """Of each kind, what is asked first and what is timed; answers per call."""
        return {
            "max_margin, probe at an angle": [self.margin(self.alpha, self.angle)],
            "max_margin, perfect probe": [self.margin(self.alpha, 0.0)],
            "max_margin, a second alpha": [
                self.margin(self.alpha, self.angle),
                self.margin(1.3 * self.alpha, self.angle),
            ],
            "max_margin, curve, a point": [self.margin(ALPHAS, self.angle)],
            "max_margin, soft rule": [lambda: max_margin(self.alpha, selection=self.soft_rule, probe_angle=self.angle)],
            "optimal_selection": [
                lambda: optimal_selection(self.alpha, keep_fraction=self.fraction, probe_angle=self.angle)
            ],
            "empirical_risk": [
                lambda: empirical_risk(
                    self.alpha, selection=self.rule, probe_angle=self.angle, loss=self.loss, ridge=self.ridge
                )
            ],
        }


def milliseconds(asked: list[Callable[[], object]]) -> float:
    """Of the last question; not a number if it is refused."""
    *before, last = asked
    try:
        for question in before:
            question()
        start = time.process_time()
        last()
    except SaddlePointError:
        return math.nan
    return 1e3 * (time.process_time() - start)


def rows(points: int) -> list[Row]:
    """One a kind; its points are new rules each, so that nothing is remembered from another kind."""
    written = []
    for number, kind in enumerate(Point(np.random.default_rng(SEED)).questions):
        rng = np.random.default_rng([SEED, number])
        answers = ALPHAS.size if kind.endswith("a point") else 1
        costs = np.array([milliseconds(Point(rng).questions[kind]) / answers for _ in range(points)])
        written.append(
            {
                "question": kind,
                "points": points,
                "refused": int(np.isnan(costs).sum()),
                "median_milliseconds": float(np.nanmedian(costs)),
                "p90": float(np.nanquantile(costs, 0.9)),
                "p99": float(np.nanquantile(costs, 0.99)),
                "load_average": load(),
                "machine": description(),
            }
        )
        print(
            ", ".join(
                f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in written[-1].items() if k != "machine"
            ),
            flush=True,
        )
    return written


def main(points: str = str(POINTS), table: str = str(FOLDER / "theory_speed.csv")) -> None:
    for question in Point(np.random.default_rng(0)).questions.values():  # loads what a first call loads
        milliseconds(question)
    write_table(Path(table), rows(int(points)))


if __name__ == "__main__":
    main(*sys.argv[1:])
