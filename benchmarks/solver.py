"""fit_max_margin against the exact rival that ships with SciPy: NNLS in least-distance form.

    OPENBLAS_NUM_THREADS=1 python benchmarks/solver.py        # writes benchmarks/solver.csv, about two minutes

Same pruned problems in the same run, one thread; times are medians over problems.
"""

import math
import time
from pathlib import Path

import numpy as np
from machine import description

from perceptron_pruning import fit_max_margin
from perceptron_pruning.reproduction.tables import write_table
from perceptron_pruning.sampling import pruned_data
from perceptron_pruning.solver.least_distance import least_distance
from replica_theory import KeepHardest

N_FEATURES, PROBLEMS = 200, 7
CASES = [(ratio, f, degrees) for ratio in (0.5, 2, 5) for f, degrees in ((1.0, 0), (0.2, 0), (0.2, 20))]


def seconds(work) -> tuple:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def compare_case(ratio: float, keep_fraction: float, degrees: float) -> dict:
    """Median times and the angle between the two solutions, over fresh problems."""
    ours, theirs, angles = [], [], []
    for trial in range(PROBLEMS):
        inputs, labels = pruned_data(
            KeepHardest(keep_fraction),
            probe_angle=math.radians(degrees),
            n_kept=round(ratio * N_FEATURES),
            n_features=N_FEATURES,
            seed=0,
            trial=trial,
        )
        fit, mine = seconds(lambda x=inputs, y=labels: fit_max_margin(x, y))
        rows = inputs * labels[:, None] / math.sqrt(N_FEATURES)
        (weights, _), rivals = seconds(lambda rows=rows: least_distance(rows, problem=0))
        one, other = fit.weights / np.linalg.norm(fit.weights), weights / np.linalg.norm(weights)
        ours.append(mine)
        theirs.append(rivals)
        angles.append(float(np.linalg.norm(one - other)))
    row = {
        "examples_per_feature": ratio,
        "keep_fraction": keep_fraction,
        "probe_angle_degrees": degrees,
        "n_features": N_FEATURES,
        "milliseconds": 1e3 * float(np.median(ours)),
        "nnls_milliseconds": 1e3 * float(np.median(theirs)),
        "speed_up": float(np.median(theirs) / np.median(ours)),
        "largest_angle_between": max(angles),
        "machine": description(),
    }
    print(", ".join(f"{name} {value:.3g}" if isinstance(value, float) else str(value) for name, value in row.items()))
    return row


if __name__ == "__main__":
    write_table(Path(__file__).with_name("solver.csv"), [compare_case(*case) for case in CASES])
