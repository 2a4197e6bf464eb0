"""What a report tells, whatever its form."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Generic

from perceptron_pruning.evidence.calibration import Calibration
from perceptron_pruning.evidence.claim import THEORY, Claim
from perceptron_pruning.figures.figure import Figure, file_stem
from perceptron_pruning.finite_size import SOURCE
from perceptron_pruning.output.tables import Row, read_table
from perceptron_pruning.reproduction.names import CLAIMS
from perceptron_pruning.reproduction.reporting.findings import findings
from perceptron_pruning.reproduction.reporting.matrix import Matrix, matrix_of, place_of, slug
from perceptron_pruning.reproduction.reporting.predictions import Prediction
from perceptron_pruning.reproduction.suites import FigureT, SettingsT, Suite
from perceptron_pruning.reproduction.timings import STAGES

VERDICTS = (
    "Every verdict follows from the numbers beside it, which claims.csv has in full. A claim says that an effect is "
    "positive, and its 95 % interval decides (Student's, over trials or seeds), or that a number is the theory's, and "
    "its z-score does."
)
_WITHIN, _SIBLING = "real_data", "real-data-"  # names of the folder of real data: within the theory's, or beside it


@dataclass(frozen=True)
class Beside:
    """The claims of the other report, of theory beside real data or the other way round.

    Attributes:
        folder: Its folder, as seen from this one's.
        rows: Of its claims.csv; none where there is no other report.
    """

    folder: str = ""
    rows: Sequence[Row] = ()


@dataclass(frozen=True, kw_only=True)
class Reproduction(Generic[SettingsT, FigureT]):
    """What is reported, besides the pictures.

    Attributes:
        suite: The figures.
        settings: How large they are.
        claims: The claims, with their verdicts.
        calibration: z-scores of all pairs of theory and simulation; None where nothing is simulated.
        timings: Seconds of each figure's stages.
        beside: The claims of the other report.
    """

    suite: Suite[SettingsT, FigureT]
    settings: SettingsT
    claims: Sequence[Claim]
    calibration: Calibration | None
    timings: Sequence[Row]
    beside: Beside = field(default_factory=Beside)

    @property
    def title(self) -> str:
        """Title and size."""
        return f"{self.suite.title} ({self.settings.name})"

    @cached_property
    def matrix(self) -> Matrix:
        """Predictions and where they are tested."""
        return matrix_of([row for claim in self.claims for row in claim.rows], self.beside.rows)

    @cached_property
    def findings(self) -> list[str]:
        """What was asked and found."""
        return findings(self.matrix, self.claims, self.suite.about)

    @cached_property
    def places(self) -> dict[tuple[Prediction, str], list[Claim]]:
        """The report's own claims by prediction and by what they are tested on, in the matrix's order."""
        places: dict[tuple[Prediction, str], list[Claim]] = {}
        for claim in self.claims:
            places.setdefault(place_of(claim.rows[0]), []).append(claim)
        return {
            (prediction, column): places[prediction, column]
            for prediction in self.matrix.predictions
            for column in self.matrix.columns
            if (prediction, column) in places
        }

    def anchor(self, prediction: Prediction, column: str) -> str | None:
        """Where a cell's rows are told, theory's beside what was measured; None if it is not in this report."""
        own = [tested for other, tested in self.places if other == prediction]
        if column in own:
            return slug("rows", prediction.name, column)
        return slug("rows", prediction.name, own[0]) if column == THEORY and own else None

    def timings_table(self) -> list[tuple[str, ...]]:
        """Seconds of every figure and stage, and their sums."""
        rows = [(str(row["figure"]), *(f"{row[stage]:.1f}" for stage in STAGES)) for row in self.timings]
        return [*rows, ("all", *(f"{sum(row[stage] for row in self.timings):.1f}" for stage in STAGES))]

    def z_scores_caption(self) -> str:
        """What the picture of the z-scores shows."""
        return (
            f"{self.calibration}. A z-score is simulation less theory and less the finite-size term at that N (columns "
            "finite_size and finite_size_error of simulation.csv), over the uncertainties of the simulated value and "
            f"of the term. The term is {SOURCE}. Right theory and right errors give a standard normal. Points of "
            "trained probes are left out: the theory is that of a probe that knows nothing of the pool. Where the "
            "error falls steeply, trials are of two kinds, and medians stand for means (column statistic)."
        )


def what_to_see(figure: Figure) -> str:
    """What a reader should look at; the title where the figure does not say it."""
    return getattr(figure, "WHAT_TO_SEE", figure.TITLE)


def figure_anchor(name: str) -> str:
    """Name of the anchor of a figure, by the figure's name."""
    return slug(file_stem(name))


def beside(folder: Path) -> Beside:
    """The other report's claims: theory's for real data, and the other way round; none if there is no other."""
    for name in _others(folder):
        rows = read_table(folder / name / CLAIMS) if (folder / name / CLAIMS).exists() else []
        if rows and "tested_on" in rows[0]:  # older versions do not say where
            return Beside(name, rows)
    return Beside()


def _others(folder: Path) -> list[str]:
    """Where the other report may be, as seen from a folder."""
    name = folder.resolve().name
    if name == _WITHIN:
        return [".."]
    if name.startswith(_SIBLING):
        return [f"../{name.removeprefix(_SIBLING)}"]
    return [_WITHIN, f"../{_SIBLING}{name}"]
