"""All figures of real data, in the report's order, and what each of them has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from perceptron_pruning.figures.figure import Figure, WithClaims, figure_modules
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

if TYPE_CHECKING:
    import xarray as xr


@runtime_checkable
class RealFigure(Figure, WithClaims, Protocol):
    """What a module here has."""

    def studies(self, settings: Settings, folder: Path) -> Mapping[str, Study]:
        """The experiments it rests on, by name."""
        ...

    def measured(self, settings: Settings, datasets: "Mapping[str, xr.Dataset]") -> list[Row]:
        """The measured rows of its table."""
        ...

    def derived(self, rows: Sequence[Row], /) -> list[Row]:
        """The rows that follow from the measured ones."""
        ...


_PACKAGE = __name__.rpartition(".")[0]
_IN_ORDER = (
    "1d",
    "3abc",
    "4",
    "5a",
    "5bc",
    "class_floor",
    "prototypes",
    "theory_beside_data",
    "pilot",
    "window",
    "end_to_end",
)

FIGURES = {module.NAME: cast(RealFigure, module) for module in figure_modules(_PACKAGE, _IN_ORDER)}
