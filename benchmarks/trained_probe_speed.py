"""What a student of a pool pruned by its own probe costs: along curves of α, and one point from cold.

    python benchmarks/trained_probe_speed.py [settings]     # 40 curves of each student take a minute on one core;
                                                             # writes trained_probe_speed.csv

Ordinary settings: ridges of probe and student .001 to 10, fractions .1 to .9, the hardest, the easiest or a window,
signed or not, labels clean or 10 % of them wrong (clean for the max-margin student), the whole pool seen or half of
it. A curve has 100 points from α_prune = .1 to 100, as in theory_curves.py. Milliseconds of the processor, one thread.
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

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import (
    KeepHardest,
    SaddlePointError,
    TrainedProbe,
    empirical_risk,
    max_margin,
)

ALPHAS = np.geomspace(0.1, 100.0, 100)  # as in theory_curves.py
STUDENTS = ("square", "logistic", "hinge", "max_margin")
SETTINGS, SEED = 40, 20266
FOLDER = Path(__file__).parent

Student = Callable[[float | np.ndarray], object]  # from α_prune to a solution


def random_student(loss: str, rng: np.random.Generator) -> Student:
    """Of an ordinary setting."""

    def ridge() -> float:
        return float(np.exp(rng.uniform(math.log(1e-3), math.log(10.0))))

    probe = TrainedProbe(str(rng.choice(["square", "logistic", "hinge"])), ridge(), float(rng.choice([1.0, 0.5])))  # pyright: ignore[reportArgumentType]
    selection = ranked_rule(rng, 0.1, 0.9)
    if loss == "max_margin":
        return lambda alpha: max_margin(alpha, selection=selection, probe=probe)
    risk = {"loss": loss, "ridge": ridge(), "label_noise": float(rng.choice([0.0, 0.1]))}
    return lambda alpha: empirical_risk(alpha, selection=selection, probe=probe, **risk)


def milliseconds(work: Callable[[], object]) -> float:
    """Of the processor; not a number if the theory refuses."""
    start = time.process_time()
    try:
        work()
    except SaddlePointError:
        return math.nan
    return 1e3 * (time.process_time() - start)


def student_row(loss: str, settings: int) -> Row:
    """Medians and the 90th percentile over random settings."""
    rng = np.random.default_rng(SEED)
    curve, cold = [], []
    for _ in range(settings):
        student = random_student(loss, rng)
        alpha = float(rng.choice(ALPHAS))
        cold.append(milliseconds(lambda student=student, alpha=alpha: student(alpha)))
        curve.append(milliseconds(lambda student=student: student(ALPHAS)) / ALPHAS.size)
    return {
        "student": loss,
        "settings": settings,
        "refused": int(np.isnan(cold).sum() + np.isnan(curve).sum()),
        "curve_milliseconds": float(np.nanmedian(curve)),
        "curve_p90": float(np.nanquantile(curve, 0.9)),
        "cold_milliseconds": float(np.nanmedian(cold)),
        "cold_p90": float(np.nanquantile(cold, 0.9)),
        "load_average": load(),
        "machine": description(),
    }


def main(settings: int = SETTINGS) -> None:
    empirical_risk(1.0, loss="logistic", ridge=0.1, selection=KeepHardest(0.5), probe=TrainedProbe("logistic", 0.1))
    rows = [student_row(loss, settings) for loss in STUDENTS]
    for row in rows:
        print(", ".join(f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items() if k != "machine"))
    write_table(FOLDER / "trained_probe_speed.csv", rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
