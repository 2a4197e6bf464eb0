"""What a suite's stores offer: the work of its figures, done and to do, and what was computed for each."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from tqdm import tqdm

from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.run import estimated_seconds, run_study
from perceptron_pruning.studies.study import Study

if TYPE_CHECKING:
    import xarray as xr


class FigureData(Protocol):
    """What was computed for one figure."""

    def table(self) -> list[Row]:
        """The figure's table."""
        ...

    def points(self) -> list[Row]:
        """Its simulated points; none where nothing is simulated."""
        ...


@dataclass(frozen=True)
class Computed:
    """What the theory makes of a figure's data.

    Attributes:
        table: The figure's table.
        points: Its simulated points.
        seconds: That it took.
    """

    table: list[Row]
    points: list[Row]
    seconds: float


def computed(data: FigureData) -> Computed:
    """Table and points, in whatever process this runs."""
    started = time.perf_counter()
    table, points = data.table(), data.points()
    return Computed(table, points, time.perf_counter() - started)


class Stores(Protocol):
    """The stores of a folder: what one run has computed for a figure serves every figure and every later run."""

    def work(self, names: Iterable[str]) -> tuple[float, float]:
        """Estimated seconds on one core for some figures, and how many of them are done.

        Raises:
            StoreError: A store was made with other settings, or by another version.
        """
        ...

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> FigureData:
        """Computes what the stores lack of a figure, and gives all of it."""
        ...


def work_of(studies: Mapping[str, Study], folder: Path) -> tuple[float, float]:
    """Estimated seconds on one core for studies, each in a store of its name, and how many of them are done."""
    whole, done = np.sum(
        [(0.0, 0.0), *(estimated_seconds(study, _path(folder, name)) for name, study in studies.items())], axis=0
    )
    return float(whole), float(done)


def run_all(studies: Mapping[str, Study], folder: Path, *, executor: Executor, bar: tqdm) -> "dict[str, xr.Dataset]":
    """Computes what the stores of studies lack, and gives all of it by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: run_study(study, _path(folder, name), executor=executor, bar=bar) for name, study in studies.items()}


def _path(folder: Path, study: str) -> Path:
    return folder / f"{study}.zarr"
