"""Both engines of `simulate` on this machine's CPU: trials a second, and processor time a trial.

    python benchmarks/engines.py                       # about 5 minutes on two cores; writes engines.csv

JAX has a device for every core, as JAX_NUM_CPU_DEVICES tells it: one for all cores takes up to half as long again. The
engines alternate, the smallest of several times counts; programs are compiled and workers started before. With
other work on the machine the processor time is the fairer of the two: ``processor_ratio`` and ``ratio`` are the NumPy
engine's time over the compiled one's, above 1 where the compiled engine wins.
"""

import argparse
import math
import os
import time
from pathlib import Path

from machine import description, load, own_seconds

from perceptron_pruning import SimulationResult, simulate
from perceptron_pruning.output.tables import Row, write_table
from perceptron_pruning.parallel.cores import usable_cores
from replica_theory import KeepHardest

CELLS = [(n_features, alpha) for n_features in (20, 50, 100, 200) for alpha in (2.0, 5.0, 20.0)]
TRIALS = {20: 4096, 50: 2048, 100: 512, 200: 128}  # powers of two, of which the compiled engine computes no more
REPEATS = 3


def run(engine: str, n_features: int, alpha: float) -> SimulationResult:
    return simulate(
        alpha,
        selection=KeepHardest(0.2),
        probe_angle=math.radians(10),
        n_features=n_features,
        n_trials=TRIALS[n_features],
        engine=engine,  # pyright: ignore[reportArgumentType]
    )


def measured(engine: str, n_features: int, alpha: float) -> tuple[float, float]:
    """Wall and processor seconds a trial."""
    wall, processor = time.perf_counter(), own_seconds()
    run(engine, n_features, alpha)
    taken = time.perf_counter() - wall, own_seconds() - processor
    return taken[0] / TRIALS[n_features], taken[1] / TRIALS[n_features]


def row(n_features: int, alpha: float) -> Row:
    verified = run("jax", n_features, alpha).verified_by  # compiles
    run("numpy", n_features, alpha)
    rounds = [[measured(engine, n_features, alpha) for engine in ("numpy", "jax")] for _ in range(REPEATS)]
    (numpy_wall, numpy_processor), (jax_wall, jax_processor) = (
        [min(of_round[engine][kind] for of_round in rounds) for kind in (0, 1)] for engine in (0, 1)
    )
    return {
        "n_features": n_features,
        "alpha": alpha,
        "trials": TRIALS[n_features],
        "ratio": numpy_wall / jax_wall,
        "processor_ratio": numpy_processor / jax_processor,
        "numpy_trials_per_second": 1 / numpy_wall,
        "jax_trials_per_second": 1 / jax_wall,
        "numpy_processor_milliseconds": 1e3 * numpy_processor,
        "jax_processor_milliseconds": 1e3 * jax_processor,
        **verified,
        "load": load(),
        "machine": description(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--table", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(usable_cores()))  # JAX is not loaded yet
    rows: list[Row] = []
    for cell in CELLS:
        rows.append(row(*cell))
        print(rows[-1], flush=True)
        write_table(options.table, rows, digits=5)


if __name__ == "__main__":
    main()
