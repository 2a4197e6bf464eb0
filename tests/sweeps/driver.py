"""A driver of its own process, to be killed: driver.py cells|held|simulation LOG STORE."""

import sys
from dataclasses import replace
from pathlib import Path

from counting import Held, Logged, Slow, counting_study

from perceptron_pruning.parallel import ProcessExecutor
from perceptron_pruning.studies import Study
from perceptron_pruning.studies.run import run_study
from perceptron_pruning.sweeps import Grid
from perceptron_pruning.sweeps.sweep import study
from replica_theory import KeepEasiest, KeepHardest, KeepRandom

N_WORKERS = 2


def cells(log: Path) -> Study:
    return counting_study(log, function=Slow(0.1), n_cells=60)


def held(log: Path) -> Study:
    """Cells that end once LOG.open is there."""
    return counting_study(log, function=Held(gate=f"{log}.open"))


def simulation(log: Path) -> Study:
    """432 cells of real students."""
    simulated = study(
        Grid(
            alpha_total=tuple(1.0 + 0.5 * step for step in range(18)),
            selection=tuple(rule(f) for f in (0.3, 0.6) for rule in (KeepHardest, KeepEasiest, KeepRandom)),
            probe_angle=(0.0, 0.2),
            n_features=(60, 100),
            n_trials=20,
        )
    )
    return replace(simulated, function=Logged(str(log), simulated.function))


STUDIES = {"cells": cells, "held": held, "simulation": simulation}

if __name__ == "__main__":
    kind, log, store = sys.argv[1:]
    with ProcessExecutor(N_WORKERS) as workers:
        run_study(STUDIES[kind](Path(log)), store, executor=workers, task_seconds=0.1)
