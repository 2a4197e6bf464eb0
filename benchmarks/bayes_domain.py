"""bayes_optimal(knows="rule") over random settings of its domain: refusals and times.

    python benchmarks/bayes_domain.py [settings]     # 1000 take some minutes; writes bayes_domain.csv

Rules by rank and windows, signed or not, f from .02 to .98; α_prune from .1 to 60; θ 0 in one case of four, else
from .005 to .8. The floor is held against the max-margin student, whom it may not exceed. Seconds of the
processor, one thread.
"""

import math
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from machine import description, load
from random_rules import ranked_rule

from perceptron_pruning.output.tables import write_table
from replica_theory import (
    SaddlePointError,
    Selection,
    bayes_optimal,
    max_margin,
)

SETTINGS, SEED = 1000, 19
_ROUNDING = 1e-8
FOLDER = Path(__file__).parent


def random_setting(rng: np.random.Generator) -> tuple[float, Selection, float]:
    rule = ranked_rule(rng, 0.02, 0.98)
    angle = 0.0 if rng.random() < 0.25 else float(rng.uniform(0.005, 0.8))
    return float(np.exp(rng.uniform(math.log(0.1), math.log(60.0)))), rule, angle


def main(settings: int = SETTINGS) -> None:
    rng, seconds, refused, above = np.random.default_rng(SEED), [], 0, 0
    for _ in range(settings):
        alpha, rule, angle = random_setting(rng)
        start = time.process_time()
        try:
            floor = bayes_optimal(alpha, selection=rule, probe_angle=angle, knows="rule").generalization_error
        except SaddlePointError as error:
            refused += 1
            print(f"refused: {alpha!r} {rule!r} {angle!r} {error}", flush=True)
            continue
        finally:
            seconds.append(time.process_time() - start)
        student = max_margin(alpha, selection=rule, probe_angle=angle).generalization_error
        above += floor > student * (1 + _ROUNDING)
    row = {
        "settings": settings,
        "refused": refused,
        "above_max_margin": above,
        "median_seconds": float(np.median(seconds)),
        "p99_seconds": float(np.quantile(seconds, 0.99)),
        "largest_seconds": float(np.max(seconds)),
        "load_average": load(),
        "machine": description(),
    }
    print(row)
    write_table(FOLDER / "bayes_domain.csv", [row])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
