"""What a worker does: the cells of one task, each trial once, failures named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceptron_pruning.output.provenance import package_version
from perceptron_pruning.studies.one_thread import one_thread
from perceptron_pruning.studies.packing import empty
from perceptron_pruning.studies.study import Study


@dataclass(frozen=True)
class Done:
    """A task's arrays (cells, trials, …), with nothing said of cells that failed.

    Attributes:
        arrays: By output.
        failures: Why, by the cell's place in the task.
    """

    arrays: dict[str, np.ndarray]
    failures: dict[int, str]


@dataclass(frozen=True)
class Work:
    """A study's function and outputs, without its cells: what every worker is sent."""

    function: Any
    outputs: dict[str, tuple[str, tuple[int, ...]]]
    version: str

    @classmethod
    def of(cls, study: Study) -> "Work":
        outputs = {name: (o.dtype, tuple(o.dimensions.values())) for name, o in study.outputs.items()}
        return cls(study.function, outputs, package_version())

    def __call__(self, cells: Sequence[Any], trials: range) -> Done:
        """Runs cells one by one; one that fails leaves the others of its task."""
        if package_version() != self.version:
            raise ValueError(
                f"this worker has version {package_version()}, its driver {self.version}; install the same"
            )
        arrays = {
            name: np.full((len(cells), len(trials), *shape), empty(dtype), dtype)
            for name, (dtype, shape) in self.outputs.items()
        }
        failures = {}
        with one_thread():
            for place, cell in enumerate(cells):
                try:
                    results = self._checked(self.function(cell, trials), len(trials))
                except Exception as error:  # of whatever kind: it is the cell's, and the others are still worth having
                    failures[place] = f"{type(error).__name__}: {error}"
                else:
                    for name, values in results.items():
                        arrays[name][place] = values
        return Done(arrays, failures)

    def _checked(self, results: Mapping[str, Any], n_trials: int) -> dict[str, np.ndarray]:
        values = {name: np.asarray(value) for name, value in results.items()}
        expected = {name: (n_trials, *shape) for name, (_, shape) in self.outputs.items()}
        if {name: value.shape for name, value in values.items()} != expected:
            raise ValueError(
                f"the function must give arrays of shapes {expected}; "
                f"got { {name: value.shape for name, value in values.items()} }"
            )
        return values
