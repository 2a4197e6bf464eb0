"""A claim with its verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from perceptron_pruning.evidence.effect import UNDECIDED
from perceptron_pruning.output.tables import Row

NO_POINTS = "no simulated points"
NO_NUMBER = "no number: the data are neither isotropic nor separable"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One row of the summary.

    Attributes:
        claim: The statement.
        theory: What the exact theory says.
        measured: What simulation or real data say, with their 95 % interval, N, trials and seed.
        verdict: confirmed, confirmed in this regime, refuted, or undecided.
        figure: Where to look.
        predicted: The verdict that the theory gives by itself; empty where it is silent.
    """

    claim: str
    theory: str
    measured: str
    verdict: str
    figure: str
    predicted: str = ""

    @property
    def contradicts_theory(self) -> bool:
        """Whether the data decide otherwise than the theory does."""
        return bool(self.predicted) and self.verdict not in (self.predicted, UNDECIDED)


def origin(rows: Sequence[Row]) -> str:
    """N, trials and seed of simulated points."""
    sizes = sorted({row["n_features"] for row in rows})
    dimensions = f"N = {sizes[0]}" if len(sizes) == 1 else f"N = {sizes[0]} to {sizes[-1]}"
    return f"{dimensions}, {rows[0]['n_trials']} trials a point, seed {rows[0]['seed']}"
