"""Cells for the tests: they take the time they are told to, and write down that they were run."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perceptron_pruning.sweeps import Output, Study

OUTPUTS = {
    "value": Output(long_name="a random number"),
    "pair": Output(long_name="two numbers", dimensions={"part": 2}),
}


@dataclass(frozen=True)
class Counted:
    """Random numbers of a cell and its trials; every call is a line in a log, written at once."""

    log: str
    seconds: float = 0.0

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        time.sleep(self.seconds)
        rng = [np.random.default_rng([cell, trial]) for trial in trials]
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{cell} {trials.start} {trials.stop} {os.getpid()}\n")
        return {"value": np.array([r.random() for r in rng]), "pair": np.array([r.random(2) for r in rng])}


def counted_study(log: Path, *, n_cells: int = 12, n_trials: int = 3, seconds: float = 0.0, function=None) -> Study:
    return Study(
        function=function or Counted(str(log), seconds),
        cells=range(n_cells),
        outputs=OUTPUTS,
        coordinates={"number": list(range(n_cells))},
        n_trials=n_trials,
    )


def calls(log: Path) -> list[tuple[int, int]]:
    """Cell and first trial of every call so far."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [(int(line.split()[0]), int(line.split()[1])) for line in lines]
