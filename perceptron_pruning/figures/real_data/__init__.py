"""Figures of the paper's empirical half, on real data: a module each, from experiments to a table to a picture.

Every module has

- ``NAME``, ``TITLE`` and ``CAPTION``, as the others;
- ``studies(settings, folder)``, the experiments it rests on, by name: what `run_study` takes. Figures that share an
  experiment give it the same name; the folder is for what its workers leave for each other;
- ``measured(settings, datasets)``, of their results the rows of its table that are measured (``kind`` "measured"),
  with a seed each;
- ``derived(rows)``, its other rows: means, intervals and fits, which follow from the measured ones alone;
- ``claims(table)``, what its table says of the paper's predictions, with verdicts;
- ``draw(table)``, its picture.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from matplotlib.figure import Figure as Picture

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures.real_data import (
    figure_1d,
    figure_3abc,
    figure_4,
    figure_5a,
    figure_5bc,
    figure_class_floor,
    figure_end_to_end,
    figure_prototypes,
    figure_theory_beside_data,
)
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study


class RealFigure(Protocol):
    """What a figure's module has."""

    @property
    def NAME(self) -> str: ...

    @property
    def TITLE(self) -> str: ...

    @property
    def CAPTION(self) -> str: ...

    def studies(self, settings: Any, folder: Path) -> Mapping[str, Study]: ...

    def measured(self, settings: Any, datasets: Mapping[str, Any], /) -> list[Row]: ...

    def derived(self, rows: Sequence[Row], /) -> list[Row]: ...

    def claims(self, table: Sequence[Row]) -> list[Claim]: ...

    def draw(self, table: Sequence[Row]) -> Picture: ...


_MODULES: tuple[RealFigure, ...] = (
    figure_1d,
    figure_3abc,
    figure_4,
    figure_5a,
    figure_5bc,
    figure_class_floor,
    figure_prototypes,
    figure_theory_beside_data,
    figure_end_to_end,
)

FIGURES: dict[str, RealFigure] = {module.NAME: module for module in _MODULES}
