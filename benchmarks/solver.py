"""fit_max_margin against the solvers people would otherwise use, on the same pruned problems in the same run.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/solver.py 200         # writes solver_200.csv; or 1000
    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/solver.py 1000 20 .05 # its cases of this P/N and f alone

One thread each, processor time (another process on the machine costs cache, not time), medians. A solve of less than
20 ms that the system interrupted for another process is timed again, since it went on with cold caches. A rival that on
three problems takes more than twice as long as the quickest is measured on those three alone; the others on all
fifteen. The column ``problems`` says on how many. Beyond N = 500 there are three problems, and from P N = 1e7 on, where
the quickest rival takes half a minute, that one solves one; the others' times there are known from P = 5 N to be
hopeless. The column ``load`` has the processes that competed for the cores.
``gap`` of a rival: how far its student, scaled to violate nothing, is from the optimal ‖w‖².
"""

import math
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from machine import description, load
from rivals import RIVALS

from perceptron_pruning import fit_max_margin
from perceptron_pruning.output.tables import read_table, write_table
from perceptron_pruning.sampling import pruned_data
from replica_theory import KeepHardest

PROBLEMS, FIRST, SLOW = 15, 3, 2.0
ENORMOUS = 10_000_000  # entries of the inputs, from which a rival solves the first problem only
SMALL = 500  # beyond this N only the first problems: a rival's solve takes seconds to minutes
ACCURATE = 1e-9
SHORT, TRIES = 0.02, 10  # seconds of a solve up to which it is timed again where it was interrupted, and how often
RATIOS, FRACTIONS, DEGREES = (0.5, 2, 5, 20, 50), (0.05, 0.2, 1.0), (0, 10, 20)
OURS = "perceptron-pruning"


def ours(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return fit_max_margin(inputs, labels).weights


def problem(ratio: float, fraction: float, degrees: float, features: int, trial: int) -> tuple:
    """Raw inputs and labels, and the scaled rows that rivals get ready made."""
    kept = round(ratio * features)
    rule, angle = KeepHardest(fraction), math.radians(degrees)
    inputs, labels, _ = pruned_data(rule, probe_angle=angle, n_kept=kept, n_features=features, seed=1, trial=trial)
    return inputs, labels, np.ascontiguousarray(inputs * labels[:, None] / math.sqrt(features))


def timed(solve, arguments: tuple) -> tuple[np.ndarray, float]:
    """The weights, and processor seconds."""
    tries = TRIES
    while True:
        interruptions = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        start = time.process_time()
        weights = solve(*arguments)
        seconds = time.process_time() - start
        tries -= 1
        interrupted = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw > interruptions
        if not interrupted or seconds > SHORT or tries == 0:
            return weights, seconds


class Measurements:
    """Times and errors of one solver on the problems of one case."""

    def __init__(self):
        self.seconds, self.violation, self.gap, self.angle = [], [], [], []

    def add(self, solve, arguments: tuple, rows: np.ndarray, optimum: np.ndarray) -> None:
        weights, seconds = timed(solve, arguments)
        self.seconds.append(seconds)
        margin = float((rows @ weights).min())
        length, best = np.linalg.norm(weights), np.linalg.norm(optimum)
        self.violation.append(1 - margin)
        self.gap.append((length / margin / best) ** 2 - 1 if margin > 0 else math.inf)
        self.angle.append(float(np.linalg.norm(weights / length - optimum / best)))

    def row(self) -> dict:
        return {
            "problems": len(self.seconds),
            "milliseconds": 1e3 * float(np.median(self.seconds)),
            "quartile_1": 1e3 * float(np.quantile(self.seconds, 0.25)),
            "quartile_3": 1e3 * float(np.quantile(self.seconds, 0.75)),
            "violation": max(self.violation),
            "gap": max(self.gap, key=abs),
            "angle_error": max(self.angle),
            "accurate": max(self.violation) <= ACCURATE and abs(max(self.gap, key=abs)) <= ACCURATE,
        }


def rivals_for(ratio: float, features: int) -> list[str]:
    """Without those that need minutes a problem there."""
    hopeless = {"DAQP, dual"} if ratio > 2 else set()
    if ratio > 2 or features > 200:
        hopeless |= {"Clarabel", "scikit-learn SVC", "scikit-learn LinearSVC"}
    if ratio > 5 or features > 200:
        hopeless |= {"SciPy NNLS", "quadprog"}
    if ratio > 5 and features > 200:
        hopeless |= {"DAQP, primal"}
    return [name for name in RIVALS if name not in hopeless]


def compare_case(ratio: float, fraction: float, degrees: float, features: int) -> list[dict]:
    problems = (
        problem(ratio, fraction, degrees, features, trial) for trial in range(PROBLEMS if features <= SMALL else FIRST)
    )
    measured = {name: Measurements() for name in [OURS, *rivals_for(ratio, features)]}
    names = list(measured)
    for trial, (inputs, labels, rows) in enumerate(problems):
        optimum, unit = ours(inputs, labels), math.sqrt(features)
        for name in names:
            if name == OURS:
                measured[name].add(ours, (inputs, labels), unit * rows, optimum)
                measured[name].gap[-1] = fit_max_margin(inputs, labels).gap
            else:
                measured[name].add(RIVALS[name], (rows,), rows, unit * optimum)
        if inputs.size >= ENORMOUS:
            names = [OURS]
        elif trial + 1 == FIRST:
            middle = {name: np.median(measured[name].seconds) for name in names}
            quickest = min(time for name, time in middle.items() if name != OURS)
            names = [name for name in names if name == OURS or middle[name] <= SLOW * quickest]
    case = {"examples_per_feature": ratio, "keep_fraction": fraction, "probe_angle_degrees": degrees}
    table = [case | {"n_features": features, "solver": name} | result.row() for name, result in measured.items()]
    accurate = [row for row in table[1:] if row["accurate"]]
    fastest = min(accurate or table[1:], key=lambda row: row["milliseconds"])
    for row in table:
        row["times_ours"] = row["milliseconds"] / table[0]["milliseconds"]
        row["load"] = load()
        row["machine"] = description()
    print(
        f"P = {ratio} N, f = {fraction}, {degrees} degrees: {table[0]['milliseconds']:.3g} ms, "
        f"{fastest['solver']} {fastest['milliseconds']:.3g} ms: {fastest['times_ours']:.2f} x"
        + ("" if accurate else " (no rival is accurate)"),
        flush=True,
    )
    return table


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of rivals that do not converge
    size, *chosen = sys.argv[1:]
    path = Path(__file__).with_name(f"solver_{size}.csv")
    ratios = [float(chosen[0])] if chosen else RATIOS
    fractions = [float(chosen[1])] if len(chosen) > 1 else FRACTIONS
    table = read_table(path) if chosen else []
    for ratio in ratios:
        for fraction in fractions:
            table = [row for row in table if (row["examples_per_feature"], row["keep_fraction"]) != (ratio, fraction)]
            for degrees in DEGREES:
                table += compare_case(ratio, fraction, degrees, int(size))
            write_table(path, sorted(table, key=lambda row: row["examples_per_feature"]))
