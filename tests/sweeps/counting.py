"""Cells for the tests: they take the time they are told to, and write down that they were begun."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perceptron_pruning.studies import Output, Study

OUTPUTS = {
    "value": Output(long_name="a random number"),
    "pair": Output(long_name="two numbers", dimensions={"part": 2}),
}


@dataclass(frozen=True)
class Logged:
    """A function whose calls are lines in a log: the cell's number or repr, and the first trial."""

    log: str
    function: Callable

    def __call__(self, cell, trials: range) -> dict[str, np.ndarray]:
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"{cell!r} {trials.start}\n")
        return self.function(cell, trials)


@dataclass(frozen=True)
class Slow:
    """Random numbers of a cell and its trials, after a while."""

    seconds: float = 0.0

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        time.sleep(self.seconds)
        rng = [np.random.default_rng([cell, trial]) for trial in trials]
        return {"value": np.array([r.random() for r in rng]), "pair": np.array([r.random(2) for r in rng])}


@dataclass(frozen=True)
class Held(Slow):
    """Waits until a file is there."""

    gate: str = ""

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        while not os.path.exists(self.gate):
            time.sleep(0.01)
        return super().__call__(cell, trials)


@dataclass(frozen=True)
class Deadly(Slow):
    """Kills its own process at one cell."""

    cell: int = 3

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        if cell == self.cell:
            os.kill(os.getpid(), 9)
        return super().__call__(cell, trials)


@dataclass(frozen=True)
class Failing(Slow):
    """Runs out of memory at some cells."""

    cells: tuple[int, ...] = (3,)

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        if cell in self.cells:
            raise MemoryError("of all things")
        return super().__call__(cell, trials)


@dataclass(frozen=True)
class FailsSooner(Failing):
    """Later cells fail sooner."""

    def __call__(self, cell: int, trials: range) -> dict[str, np.ndarray]:
        time.sleep(0.05 * max(0, 12 - cell))
        return super().__call__(cell, trials)


def counting_study(log: Path, *, function: Callable = Slow(), n_cells: int = 12, n_trials: int = 3) -> Study:
    return Study(
        function=Logged(str(log), function),
        cells=range(n_cells),
        outputs=OUTPUTS,
        coordinates={"number": list(range(n_cells))},
        n_trials=n_trials,
    )


def calls(log: Path) -> list[str]:
    """Every call so far."""
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []
