"""All figures of the theory, in the report's order, and what each of them has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from perceptron_pruning.figures.figure import Figure, figure_modules
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell


@runtime_checkable
class SimulatedFigure(Figure, Protocol):
    """What a module here has."""

    def cells(self, settings: Settings) -> list[Cell]:
        """The points it wants simulated."""
        ...

    def compute(self, settings: Settings, simulated: Simulated) -> list[Row]:
        """Its table."""
        ...


@runtime_checkable
class WithExperiments(Protocol):
    """A figure that rests on experiments on embeddings."""

    def studies(self, settings: Settings, folder: Path) -> Mapping[str, Study]:
        """What `run_study` takes, by name; scores of pools are kept in the folder."""
        ...


_PACKAGE = __name__.rpartition(".")[0]
_IN_ORDER = (
    *("1a", "1b", "1c", "1e", "1f", "2ab", "2cde"),
    *("transition", "order_parameters", "finite_size", "trained_probe"),
    *("own_probe", "memory", "gradient_steps", "label_aware", "optimal_rule", "self_training"),
    *("b1", "b2", "b3", "b4", "b5", "embeddings"),
)

FIGURES = {module.NAME: cast(SimulatedFigure, module) for module in figure_modules(_PACKAGE, _IN_ORDER)}
