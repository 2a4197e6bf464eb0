"""A task, the unit that workers are sent: a run of cells and of trials, each computed once, failures named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.output.provenance import package_version
from perceptron_pruning.parallel.blas_threads import check_one_blas_thread, one_blas_thread
from perceptron_pruning.studies.packing import fill_value
from perceptron_pruning.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class Task:
    """A run of cells, a run of trials of each.

    Attributes:
        cells: Indices into the study's cells.
        trials: Numbers of the trials.
        seconds: Estimated seconds on one core.
    """

    cells: range
    trials: range
    seconds: float


@dataclass(frozen=True, kw_only=True)
class TaskResult:
    """A task's arrays, by output: (cells, trials, *the output's dimensions), with fill values where a cell failed.

    Attributes:
        arrays: By output.
        failures: Why a cell failed, by its place in the task.
    """

    arrays: dict[str, np.ndarray]
    failures: dict[int, str]


@dataclass(frozen=True, kw_only=True)
class TaskRunner:
    """Computes any task of a study: what every worker is sent, without the cells.

    Attributes:
        function: The study's.
        outputs: Type and shape of what a trial gives, by output.
        version: The driver's, of this package.
    """

    function: Callable[[Any, range], Mapping[str, ArrayLike]]
    outputs: Mapping[str, tuple[str, tuple[int, ...]]]
    version: str

    @classmethod
    def of(cls, study: Study) -> "TaskRunner":
        outputs = {name: (o.dtype, tuple(o.dimensions.values())) for name, o in study.outputs.items()}
        return cls(function=study.function, outputs=outputs, version=package_version())

    def __call__(self, cells: Sequence[Any], trials: range) -> TaskResult:
        """Computes cells one by one; one that fails leaves the others of its task.

        Raises:
            ValueError: The worker has another version of this package than the driver.
            RuntimeError: Linear algebra cannot be held to one thread.
        """
        if package_version() != self.version:
            raise ValueError(
                f"this worker has version {package_version()}, its driver {self.version}; install the same"
            )
        arrays = {
            name: np.full((len(cells), len(trials), *shape), fill_value(dtype), dtype)
            for name, (dtype, shape) in self.outputs.items()
        }
        failures = {}
        with one_blas_thread():
            check_one_blas_thread()
            for place, cell in enumerate(cells):
                try:
                    results = self._checked(self.function(cell, trials), len(trials))
                except Exception as error:  # whatever it is, the other cells are still worth having
                    failures[place] = " ".join(f"{type(error).__name__}: {error}".split())  # one line
                else:
                    for name, values in results.items():
                        arrays[name][place] = values
        return TaskResult(arrays=arrays, failures=failures)

    def _checked(self, results: Mapping[str, ArrayLike], n_trials: int) -> dict[str, np.ndarray]:
        """The function's results as arrays, of the shapes and kinds of number that the study announced."""
        if masked := [name for name, value in results.items() if np.ma.is_masked(value)]:
            raise ValueError(f"the function must give numbers; some of {masked[0]} are masked, for which NaN may stand")
        values = {name: np.asarray(value) for name, value in results.items()}
        shapes = {name: value.shape for name, value in values.items()}
        expected = {name: (n_trials, *shape) for name, (_, shape) in self.outputs.items()}
        if shapes != expected:
            raise ValueError(f"the function must give arrays of shapes {expected}; got {shapes}")
        for name, value in values.items():
            if not np.can_cast(value.dtype, dtype := self.outputs[name][0], "same_kind"):
                raise ValueError(f"the function must give {name} as {dtype}, which does not hold {value.dtype}")
        return values
