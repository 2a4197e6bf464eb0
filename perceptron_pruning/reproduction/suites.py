"""Suites of figures: each is made by one run, into one folder, with a report of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from perceptron_pruning.evidence.claim import DATA, SIMULATION, Claim
from perceptron_pruning.figures.field import settings as field
from perceptron_pruning.figures.field.collection import FIGURES as FIELD_FIGURES
from perceptron_pruning.figures.field.collection import FieldFigure
from perceptron_pruning.figures.figure import Figure, WithClaims
from perceptron_pruning.figures.real_data import settings as real_data
from perceptron_pruning.figures.real_data.collection import FIGURES as REAL_FIGURES
from perceptron_pruning.figures.real_data.collection import RealFigure
from perceptron_pruning.figures.theory import settings as theory
from perceptron_pruning.figures.theory.collection import FIGURES, SimulatedFigure
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction import claims
from perceptron_pruning.reproduction.experiment_stores import ExperimentStores
from perceptron_pruning.reproduction.simulation_stores import SimulationStores
from perceptron_pruning.reproduction.stores import Stores
from perceptron_pruning.reproduction.table_stores import TableStores


class SuiteSettings(Protocol):
    """What the settings of every suite have."""

    @property
    def name(self) -> str:
        """Name of the size, such as "quick"."""
        ...

    @property
    def parameters(self) -> Mapping[str, str]:
        """All of them, in words."""
        ...


SettingsT = TypeVar("SettingsT", bound=SuiteSettings)
FigureT = TypeVar("FigureT", bound=Figure)
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, kw_only=True)
class Suite(Generic[SettingsT, FigureT]):
    """Figures that are made together.

    A suite of one's own: ``replace(PAPER, figures={figure.NAME: figure}, common_claims=no_claims)``; the figure has its
    claims in a function ``claims(table)``, if it makes any.

    Attributes:
        name: First part of its default folder, before "quick" or "full".
        title: Title of its report.
        about: What is held against what, as a sentence: the report begins with it.
        seeds: Where its chance comes from.
        figures: Modules, or other objects that are figures, by name, in the report's order.
        quick, full: Settings of the two sizes.
        open_stores: From a folder, settings and figures to their stores.
        common_claims: From tables and simulated points to the claims that are no single figure's own.
        tested_on: What claims are tested on that do not say it themselves; see `Claim`.
    """

    name: str
    title: str
    about: str
    seeds: str
    figures: Mapping[str, FigureT]
    quick: SettingsT
    full: SettingsT
    open_stores: Callable[[Path, SettingsT, Mapping[str, FigureT]], Stores]
    common_claims: Callable[[Tables, Sequence[Row]], list[Claim]]
    tested_on: str = SIMULATION

    def stores(self, folder: Path, settings: SettingsT) -> Stores:
        """The stores of its figures in a folder."""
        return self.open_stores(folder, settings, self.figures)

    def judge(self, tables: Tables, points: Sequence[Row]) -> list[Claim]:
        """All claims: the common ones, and those of the figures that have a table."""
        claims = self.common_claims(tables, points)
        for name, figure in self.figures.items():
            if name in tables and isinstance(figure, WithClaims):
                claims += figure.claims(tables[name])
        return [replace(claim, tested_on=claim.tested_on or self.tested_on) for claim in claims]


def no_claims(tables: Tables, points: Sequence[Row]) -> list[Claim]:
    """No common claims: every claim is a figure's own."""
    return []


PAPER: Suite[theory.Settings, SimulatedFigure] = Suite(
    name="",
    title="Reproduction",
    about=(
        "The claims of Beyond neural scaling laws (Sorscher et al. 2022, arXiv:2206.14486), held against the exact "
        "theory, its simulation and real embeddings."
    ),
    seeds="Every simulated point has a seed of its own, drawn from the seed below; simulation.csv has them all.",
    figures=FIGURES,
    quick=theory.QUICK,
    full=theory.FULL,
    open_stores=SimulationStores,
    common_claims=claims.judge,
)

REAL_DATA: Suite[real_data.Settings, RealFigure] = Suite(
    name="real-data",
    title="Real data",
    about=(
        "The predictions of Beyond neural scaling laws (Sorscher et al. 2022, arXiv:2206.14486), held against real "
        "data."
    ),
    seeds="Seeds 0, 1, …: each draws a pool, and decides all chance in metric, rule and student.",
    figures=REAL_FIGURES,
    quick=real_data.QUICK,
    full=real_data.FULL,
    open_stores=ExperimentStores,
    common_claims=no_claims,
    tested_on=DATA,
)

FIELD: Suite[field.Settings, FieldFigure] = Suite(
    name="field",
    title="The papers that followed",
    about=(
        "Results of the papers that followed Beyond neural scaling laws (Sorscher et al. 2022, arXiv:2206.14486), "
        "recomputed by the same theory and simulation."
    ),
    seeds="Every simulated point has the seed below and streams of its own trials.",
    figures=FIELD_FIGURES,
    quick=field.QUICK,
    full=field.FULL,
    open_stores=TableStores,
    common_claims=no_claims,
)

SUITES: tuple[Suite[Any, Any], ...] = (PAPER, REAL_DATA, FIELD)
