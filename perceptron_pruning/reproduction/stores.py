"""What a reproduction simulates, figure by figure, in two stores that survive whatever stops it."""

from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from perceptron_pruning.figures.theory import FIGURES, figure_embeddings
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.run import estimated_seconds, run_study
from perceptron_pruning.sweeps import CellList
from perceptron_pruning.sweeps.sweep import OUTPUTS, study

SIMULATION, EMBEDDINGS = "simulation.zarr", "embeddings.zarr"


class Stores:
    """The stores of a folder: one of every figure's points, and one of the experiment on real embeddings.

    Both have room for all figures from the beginning, so that what one run has simulated for a figure serves the next.
    """

    def __init__(self, folder: Path, settings: Settings):
        cells = [cell for figure in FIGURES.values() for cell in figure.cells(settings)]
        grid = CellList(cells=cells, n_trials=settings.n_trials, seed=settings.seed)
        self._settings, self._cells = settings, grid.cells
        self._simulation = study(grid), folder / SIMULATION
        self._experiment = figure_embeddings.study(settings), folder / EMBEDDINGS

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        """Estimated seconds on one core for some figures, and how many of them are done.

        Raises:
            StoreError: A store was made with other settings, or by another version.
        """
        names = list(names)
        found = [estimated_seconds(*self._simulation, cells=self._places(names))]
        if figure_embeddings.NAME in names:
            found.append(estimated_seconds(*self._experiment))
        whole, done = np.sum(found, axis=0)
        return float(whole), float(done)

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> Simulated:
        """Simulates what the stores lack of a figure, and gives all that it asked for."""
        embedded = self._embedded(executor, bar) if name == figure_embeddings.NAME else ()
        trials = self._trials(self._places([name]), executor, bar)
        return Simulated(trials=trials, seed=self._settings.seed, embedded=embedded)

    def table(self, name: str, found: Simulated) -> list[Row]:
        """A figure's table."""
        return FIGURES[name].compute(self._settings, found)

    def points(self, found: Simulated) -> list[Row]:
        """A row for every simulated point."""
        return found.all_rows

    def _places(self, names: Iterable[str]) -> list[int]:
        wanted = {cell for name in names for cell in FIGURES[name].cells(self._settings)}
        return [place for place, cell in enumerate(self._cells) if cell in wanted]

    def _trials(self, places: list[int], executor: Executor, bar: tqdm) -> dict:
        if not places:
            return {}
        dataset = run_study(*self._simulation, executor=executor, cells=places, bar=bar)
        arrays = {name: dataset[name].values for name in OUTPUTS}
        return {self._cells[place]: {name: values[place] for name, values in arrays.items()} for place in places}

    def _embedded(self, executor: Executor, bar: tqdm) -> list:
        dataset = run_study(*self._experiment, executor=executor, bar=bar)
        return figure_embeddings.rows_of_study(dataset, self._settings)
