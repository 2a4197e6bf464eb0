"""All figures of the papers that followed, in the report's order, and what each of them has."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast, runtime_checkable

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures.field.settings import Settings
from perceptron_pruning.figures.figure import Figure, figure_modules
from perceptron_pruning.output.tables import Row


@runtime_checkable
class FieldFigure(Figure, Protocol):
    """What a module here has."""

    @property
    def SECONDS(self) -> float:
        """About how long its full table takes on one core."""
        ...

    def theory_of(self, row: Row) -> float:
        """The theory's number of a row, from its other columns alone."""
        ...

    def compute(self, settings: Settings) -> list[Row]:
        """Its table."""
        ...

    def claims(self, table: Sequence[Row]) -> list[Claim]:
        """Claims with their verdicts."""
        ...


_PACKAGE = __name__.rpartition(".")[0]
_IN_ORDER = (
    "kolossov",
    "calibration",
    "less_is_more",
    "verified",
    "real_synthetic",
    "covariance",
    "classes",
    "deliberate",
    "best_subset",
    "power_law",
)

FIGURES: Mapping[str, FieldFigure] = {
    module.NAME: cast(FieldFigure, module) for module in figure_modules(_PACKAGE, _IN_ORDER)
}
