"""What the theory's figures simulate, in one store for all of them, and their experiments on embeddings."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from perceptron_pruning.figures.theory.collection import SimulatedFigure, WithExperiments
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.experiment_stores import FOLDER
from perceptron_pruning.reproduction.stores import run_all, work_of
from perceptron_pruning.studies.run import estimated_seconds, run_study
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell, CellList
from perceptron_pruning.sweeps.sweep import OUTPUTS, study

SIMULATION = "simulation.zarr"


@dataclass(frozen=True, kw_only=True)
class SimulationData:
    """What was simulated for one figure."""

    figure: SimulatedFigure
    settings: Settings
    simulated: Simulated

    def table(self) -> list[Row]:
        """Theory, and the simulated points that the figure shows."""
        return self.figure.compute(self.settings, self.simulated)

    def points(self) -> list[Row]:
        """A row for every simulated point."""
        return self.simulated.all_rows


class SimulationStores:
    """The stores of a folder; see `Stores`.

    The store of the simulation has room for the cells of all figures from the beginning, so that what one run has
    simulated for a figure serves the next.
    """

    def __init__(self, folder: Path, settings: Settings, figures: Mapping[str, SimulatedFigure]):
        self._settings, self._figures = settings, figures
        self._cells = tuple(dict.fromkeys(cell for figure in figures.values() for cell in figure.cells(settings)))
        self._path, self._experiments = folder / SIMULATION, folder / FOLDER

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        names = list(names)
        simulated = (
            estimated_seconds(self._simulation, self._path, cells=self._places(names)) if self._cells else (0.0, 0.0)
        )
        whole, done = np.add(simulated, work_of(self._studies(names), self._experiments))
        return float(whole), float(done)

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> SimulationData:
        simulated = Simulated(
            trials=self._trials(self._places([name]), executor, bar),
            seed=self._settings.seed,
            datasets=run_all(self._studies([name]), self._experiments, executor=executor, bar=bar),
        )
        return SimulationData(figure=self._figures[name], settings=self._settings, simulated=simulated)

    @cached_property
    def _simulation(self) -> Study:
        return study(CellList(cells=self._cells, n_trials=self._settings.n_trials, seed=self._settings.seed))

    def _places(self, names: Iterable[str]) -> list[int]:
        wanted = {cell for name in names for cell in self._figures[name].cells(self._settings)}
        return [place for place, cell in enumerate(self._cells) if cell in wanted]

    def _trials(self, places: list[int], executor: Executor, bar: tqdm) -> dict[Cell, dict[str, np.ndarray]]:
        """The outputs (n_trials,) of each of these cells."""
        if not places:
            return {}
        dataset = run_study(self._simulation, self._path, executor=executor, cells=places, bar=bar)
        arrays = {name: dataset[name].values for name in OUTPUTS}
        return {self._cells[place]: {name: values[place] for name, values in arrays.items()} for place in places}

    def _studies(self, names: Iterable[str]) -> dict[str, Study]:
        studies: dict[str, Study] = {}
        for figure in (self._figures[name] for name in names):
            if isinstance(figure, WithExperiments):
                studies |= figure.studies(self._settings, self._experiments)
        return studies
