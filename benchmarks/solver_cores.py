"""`fit_max_margin` of a batch on two cores against one, and what two processes that share nothing reach.

A round solves the same batch on one core, then on two, and then half of it in each of two processes that have their
inputs at hand. Rounds during which other processes took more than two percent of the cores' time are not kept. Wall
times, with the checks; `speedup` is one core over two, `yardstick` one core over the mean of the two processes.

    python benchmarks/solver_cores.py --minutes 4            # alone on the machine
"""

import argparse
import statistics
import time
from functools import cache
from pathlib import Path

import numpy as np
from machine import Others, description
from solver import problem

from perceptron_pruning import fit_max_margin
from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.parallel import ProcessExecutor, cores

CASES = {(200, 2): 400, (200, 5): 160, (200, 20): 80, (200, 50): 40, (400, 5): 60}  # N, P/N: problems of a batch
CORES = 2
MOST_OTHERS = 2.0  # percent of the cores' time that other processes may take during a round that is kept


@cache
def batch(features: int, ratio: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (count, P, N) and labels (count, P); different problems of a kind."""
    made = [problem(ratio, 0.2, 10, features, trial)[:2] for trial in range(min(count, 20))]
    chosen = [made[index % len(made)] for index in range(count)]
    return np.stack([x for x, _ in chosen]), np.stack([y for _, y in chosen])


def seconds(inputs: np.ndarray, labels: np.ndarray, n_cores: int) -> float:
    usable, cores.usable_cores = cores.usable_cores, lambda: n_cores
    try:
        begun = time.perf_counter()
        fit_max_margin(inputs, labels)
        return time.perf_counter() - begun
    finally:
        cores.usable_cores = usable


def half(case: tuple[int, int], count: int, part: int) -> float:
    """In a process of its own: every second problem; its seconds."""
    inputs, labels = batch(*case, count)
    return seconds(inputs[part::CORES], labels[part::CORES], 1)


def one_round(workers: ProcessExecutor, case: tuple[int, int], count: int) -> Row:
    others, inputs = Others(), batch(*case, count)
    one, two = seconds(*inputs, 1), seconds(*inputs, CORES)
    apart = statistics.mean(workers.map(half, [case] * CORES, [count] * CORES, range(CORES)))
    return {"one": one, "two": two, "apart": apart, "others": others.percent()}


def measure(workers: ProcessExecutor, case: tuple[int, int], count: int, end: float) -> list[Row]:
    """The case's row; none, if others disturbed every round."""
    one_round(workers, case, count)  # makes the inputs and wakes the workers
    rounds: list[Row] = []
    while time.perf_counter() < end:
        row = one_round(workers, case, count)
        if row["others"] <= MOST_OTHERS:
            rounds.append(row)
    if not rounds:
        print(f"{case}: disturbed throughout", flush=True)
        return []
    speedups, yardsticks = ([measured["one"] / measured[name] for measured in rounds] for name in ("two", "apart"))
    row = {
        "n_features": case[0],
        "n_kept": case[0] * case[1],
        "problems": count,
        "rounds": len(rounds),
        "milliseconds_a_problem": 1e3 * statistics.median(measured["one"] for measured in rounds) / count,
        "speedup": statistics.median(speedups),
        "speedup_lowest": min(speedups),
        "speedup_highest": max(speedups),
        "yardstick": statistics.median(yardsticks),
        "yardstick_lowest": min(yardsticks),
        "yardstick_highest": max(yardsticks),
        "others_percent": statistics.median(measured["others"] for measured in rounds),
        "machine": description(),
    }
    print({name: round(value, 2) for name, value in row.items() if isinstance(value, float)}, case, flush=True)
    return [row]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=4.0, help="over all cases")
    share = 60 * parser.parse_args().minutes / len(CASES)
    rows: list[Row] = []
    with ProcessExecutor(CORES) as workers:
        for case, count in CASES.items():
            rows += measure(workers, case, count, time.perf_counter() + share)
            write_table(Path(__file__).with_suffix(".csv"), rows, digits=4)


if __name__ == "__main__":
    main()
