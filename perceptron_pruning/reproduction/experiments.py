"""The experiments on real data behind figures: one store each, shared by the figures that rest on them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from perceptron_pruning.figures.real_data import FIGURES
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.run import estimated_seconds, run_study
from perceptron_pruning.studies.study import Study

if TYPE_CHECKING:
    import xarray as xr

FOLDER = "experiments"


class Experiments:
    """The stores of a folder: what one run has computed of an experiment serves every figure and every later run."""

    def __init__(self, folder: Path, settings: Any):
        self._settings, self._folder = settings, folder / FOLDER

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        """Estimated seconds on one core for some figures, and how many of them are done.

        Raises:
            StoreError: A store was made with other settings, or by another version.
        """
        found = [estimated_seconds(study, self._path(name)) for name, study in self._studies(names).items()]
        whole, done = np.sum([*found, (0.0, 0.0)], axis=0)
        return float(whole), float(done)

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> "dict[str, xr.Dataset]":
        """Computes what the stores lack of a figure's experiments, and gives them by their names."""
        self._folder.mkdir(parents=True, exist_ok=True)
        studies = self._studies([name]).items()
        return {key: run_study(study, self._path(key), executor=executor, bar=bar) for key, study in studies}

    def table(self, name: str, found: "Mapping[str, xr.Dataset]") -> list[Row]:
        """A figure's table: what was measured, and what follows from it."""
        rows = FIGURES[name].measured(self._settings, found)
        return rows + FIGURES[name].derived(rows)

    def points(self, found: "Mapping[str, xr.Dataset]") -> list[Row]:
        """None: nothing here is simulated, and held against an exact theory."""
        return []

    def _studies(self, names: Iterable[str]) -> dict[str, Study]:
        """Each once: figures that rest on the same experiment call it by the same name."""
        return {
            key: study for name in names for key, study in FIGURES[name].studies(self._settings, self._folder).items()
        }

    def _path(self, experiment: str) -> Path:
        return self._folder / f"{experiment}.zarr"
