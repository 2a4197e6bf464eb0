"""The experiments on real data behind figures: one store each, shared by the figures that rest on them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from perceptron_pruning.figures.real_data.collection import RealFigure
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.stores import run_all, work_of
from perceptron_pruning.studies.study import Study

if TYPE_CHECKING:
    import xarray as xr

FOLDER = "experiments"


@dataclass(frozen=True, kw_only=True)
class ExperimentData:
    """The experiments that one figure rests on."""

    figure: RealFigure
    settings: Settings
    datasets: "Mapping[str, xr.Dataset]"

    def table(self) -> list[Row]:
        """What was measured, and what follows from it."""
        rows = self.figure.measured(self.settings, self.datasets)
        return rows + self.figure.derived(rows)

    def points(self) -> list[Row]:
        """None: nothing here is simulated, and held against an exact theory."""
        return []


class ExperimentStores:
    """The stores of a folder; see `Stores`."""

    def __init__(self, folder: Path, settings: Settings, figures: Mapping[str, RealFigure]):
        self._folder, self._settings, self._figures = folder / FOLDER, settings, figures

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        return work_of(self._studies(names), self._folder)

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> ExperimentData:
        datasets = run_all(self._studies([name]), self._folder, executor=executor, bar=bar)
        return ExperimentData(figure=self._figures[name], settings=self._settings, datasets=datasets)

    def _studies(self, names: Iterable[str]) -> dict[str, Study]:
        """Each once: figures that rest on the same experiment call it by the same name."""
        studies: dict[str, Study] = {}
        for name in names:
            studies |= self._figures[name].studies(self._settings, self._folder)
        return studies
