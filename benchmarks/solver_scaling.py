"""Cost of a solve against N and P, beside its floors and the quickest rival: a table and a picture.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/solver_scaling.py     # solver_scaling.csv and .png

Floors, measured in the same run: one read of the inputs (A w, single precision) and one N × N factorisation. Problems
keep the hardest fifth at 10 degrees; processor time, medians.
"""

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from machine import description
from rivals import RIVALS
from scipy.linalg import get_lapack_funcs
from solver import ours, problem

from perceptron_pruning.output.tables import write_table

CASES = [("P", 200, ratio) for ratio in (0.5, 1, 2, 5, 10, 20, 50, 100, 200)]
CASES += [("N", features, 5) for features in (10, 20, 50, 100, 200, 500, 1000, 2000)]
RIVAL, RIVAL_ENTRIES = "PIQP", 1_000_000  # of the inputs, up to which the rival is run
PROBLEMS, LARGE = 5, 2_000_000


def seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(varied: str, features: int, ratio: float) -> dict:
    count = PROBLEMS if ratio * features**2 <= LARGE else 2
    problems = [problem(ratio, 0.2, 10, features, trial) for trial in range(count)]
    single, weights = problems[0][2].astype(np.float32), np.ones(features, np.float32)
    (potrf,) = get_lapack_funcs(("potrf",), dtype=np.dtype(np.float32))
    matrix = single.T @ single + np.eye(features, dtype=np.float32)
    row = {
        "varied": varied,
        "n_features": features,
        "n_kept": len(single),
        "milliseconds": float(np.median([seconds(lambda p=p: ours(*p[:2])) for p in problems])),
        "read_floor": float(np.median([seconds(lambda: single @ weights) for _ in range(9)])),
        "factorisation_floor": float(np.median([seconds(lambda: potrf(matrix, lower=True)) for _ in range(9)])),
        "rival_milliseconds": np.nan,
    }
    if single.size <= RIVAL_ENTRIES:
        row["rival_milliseconds"] = float(np.median([seconds(lambda p=p: RIVALS[RIVAL](p[2])) for p in problems[:3]]))
    for name in ("milliseconds", "read_floor", "factorisation_floor", "rival_milliseconds"):
        row[name] *= 1e3
    print(row, flush=True)
    return row | {"rival": RIVAL, "machine": description()}


def draw(table: list[dict], path: Path) -> None:
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", sharey=True)
    for panel, varied, axis in zip(panels, ("P", "N"), ("n_kept", "n_features"), strict=True):
        rows = [row for row in table if row["varied"] == varied]
        across = [row[axis] for row in rows]
        panel.loglog(across, [row["milliseconds"] for row in rows], "o-", color="C0", label="perceptron-pruning")
        panel.loglog(across, [row["rival_milliseconds"] for row in rows], "s--", color="C1", label=RIVAL)
        panel.loglog(across, [row["read_floor"] for row in rows], ":", color="0.4", label="one read of the inputs")
        panel.loglog(across, [row["factorisation_floor"] for row in rows], "-.", color="0.6", label="one factorisation")
        panel.set_title("N = 200" if varied == "P" else "P = 5 N")
        panel.set_xlabel(varied)
    panels[0].set_ylabel("milliseconds a solve, one thread")
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    rows = [measure(*case) for case in CASES]
    write_table(Path(__file__).with_suffix(".csv"), rows)
    draw(rows, Path(__file__).with_suffix(".png"))
