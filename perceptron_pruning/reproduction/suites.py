"""Groups of figures: each is made by one run, into one folder, with a report of its own."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.figures.figure import Figure
from perceptron_pruning.figures.real_data import FIGURES as REAL_FIGURES
from perceptron_pruning.figures.real_data import settings as real_data
from perceptron_pruning.figures.theory import FIGURES
from perceptron_pruning.figures.theory.settings import FULL, QUICK
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction import claims
from perceptron_pruning.reproduction.experiments import Experiments
from perceptron_pruning.reproduction.stores import Stores


class Opened(Protocol):
    """The stores of a folder, and what its figures' tables make of them."""

    def work(self, names: Sequence[str]) -> tuple[float, float]:
        """Estimated seconds on one core for some figures, and how many of them are done."""
        ...

    def run(self, name: str, *, executor: Executor, bar: tqdm) -> Any:
        """Computes what the stores lack of a figure, and gives what its table needs."""
        ...

    def table(self, name: str, found: Any) -> list[Row]:
        """A figure's table, of what `run` gave."""
        ...

    def points(self, found: Any) -> list[Row]:
        """The simulated points of what `run` gave."""
        ...


@dataclass(frozen=True, kw_only=True)
class Group:
    """Figures that are made together.

    Attributes:
        name: Of its default folder, before "quick" or "full".
        title: Of its report.
        about: Opens the report.
        seeds: Where its chance comes from.
        figures: Modules by name, in the report's order.
        quick, full: Settings of the two sizes.
        opened: From a folder and settings to its stores.
        judge: From tables and simulated points to claims.
    """

    name: str
    title: str
    about: str
    seeds: str
    figures: Mapping[str, Figure]
    quick: Any
    full: Any
    opened: Callable[[Path, Any], Opened]
    judge: Callable[[Mapping[str, Sequence[Row]], Sequence[Row]], list[Claim]]


def _judge_real_data(tables: Mapping[str, Sequence[Row]], points: Sequence[Row]) -> list[Claim]:
    return [claim for name, figure in REAL_FIGURES.items() if name in tables for claim in figure.claims(tables[name])]


PAPER = Group(
    name="",
    title="Reproduction",
    about=(
        "Beyond neural scaling laws (Sorscher et al. 2022, arXiv:2206.14486), held against the exact theory, its "
        "simulation and real embeddings. Every verdict is computed from the tables: a claim says that an effect is "
        "positive, and its 95 % interval decides."
    ),
    seeds="Every simulated point has a seed of its own, drawn from the seed below; simulation.csv has them all.",
    figures=FIGURES,
    quick=QUICK,
    full=FULL,
    opened=Stores,
    judge=claims.judge,
)

REAL_DATA = Group(
    name="real-data",
    title="Real data",
    about=(
        "The predictions of Beyond neural scaling laws (Sorscher et al. 2022, arXiv:2206.14486) held against real "
        "data. Every verdict is computed from the tables; intervals are 95 %, Student's, over seeds, each of which "
        "draws its own pools from the same training rows."
    ),
    seeds="Seeds 0, 1, …: each draws a pool, and decides all chance in metric, rule and student.",
    figures=REAL_FIGURES,
    quick=real_data.QUICK,
    full=real_data.FULL,
    opened=Experiments,
    judge=_judge_real_data,
)

GROUPS = (PAPER, REAL_DATA)
