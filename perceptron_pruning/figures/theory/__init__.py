"""The figures of the paper, and B1 to B5 beyond it: a module each, from simulated cells to a table to a picture.

Every module has

- ``NAME``, by which it is asked for, ``TITLE``, and ``CAPTION``, whose fields are those of the settings;
- ``cells(settings)``, the points it wants simulated;
- ``compute(settings, simulated)``, its table: rows of theory, and of the simulated points that are there;
- ``draw(table)``, its picture.
"""

from typing import Protocol

from perceptron_pruning.figures.figure import Figure
from perceptron_pruning.figures.theory import (
    figure_1a,
    figure_1b,
    figure_1c,
    figure_1e,
    figure_1f,
    figure_2ab,
    figure_2cde,
    figure_b1,
    figure_b2,
    figure_b3,
    figure_b4,
    figure_b5,
    figure_embeddings,
    figure_finite_size,
    figure_label_aware,
    figure_optimal_rule,
    figure_order_parameters,
    figure_trained_probe,
    figure_transition,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell


class SimulatedFigure(Figure, Protocol):
    """What a module here has."""

    def cells(self, settings: Settings) -> list[Cell]: ...

    def compute(self, settings: Settings, simulated: Simulated) -> list[Row]: ...


_MODULES: tuple[SimulatedFigure, ...] = (
    figure_1a,
    figure_1b,
    figure_1c,
    figure_1e,
    figure_1f,
    figure_2ab,
    figure_2cde,
    figure_transition,
    figure_order_parameters,
    figure_finite_size,
    figure_trained_probe,
    figure_label_aware,
    figure_optimal_rule,
    figure_b1,
    figure_b2,
    figure_b3,
    figure_b4,
    figure_b5,
    figure_embeddings,
)

FIGURES: dict[str, SimulatedFigure] = {module.NAME: module for module in _MODULES}
