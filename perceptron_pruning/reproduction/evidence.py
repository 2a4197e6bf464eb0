"""What the tables say about an effect: estimates with standard errors, and the verdict they allow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import t

from perceptron_pruning.reproduction.tables import Row
from replica_theory.selection import Selection

CONFIRMED, IN_REGIME, REFUTED, UNDECIDED = "confirmed", "confirmed in this regime", "refuted", "undecided"


@dataclass(frozen=True)
class Effect:
    """An estimate with its standard error; a claim says that it is positive.

    Attributes:
        value: The estimate.
        standard_error: Its standard error.
        degrees_of_freedom: Of Student's t for the interval; finite where few seeds gave the error.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float = math.inf

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval."""
        return float(t.ppf(0.975, self.degrees_of_freedom)) * self.standard_error

    def verdict(self, positive: str = CONFIRMED) -> str:
        """``positive``, or refuted, if the 95 % interval excludes zero, else undecided."""
        if not abs(self.value) > self.half_width:
            return UNDECIDED
        return positive if self.value > 0 else REFUTED

    def minus(self, other: "Effect") -> "Effect":
        """Difference of independent estimates."""
        return Effect(self.value - other.value, math.hypot(self.standard_error, other.standard_error))

    def __str__(self) -> str:
        return f"{self.value:+.3f} ± {self.half_width:.3f}"


def cells_of(simulated: Sequence[Row], selection: Selection, angle: float) -> dict[float, Row]:
    """A rule's simulated cells at a probe angle, by α_prune."""
    return {
        row["alpha_prune"]: row
        for row in simulated
        if row["rule"] == repr(selection) and abs(row["probe_angle_degrees"] - math.degrees(angle)) < 1e-6
    }


def log_error(row: Row) -> Effect:
    """ln ε of a simulated cell."""
    return Effect(math.log(row["simulation"]), row["standard_error"] / row["simulation"])


def exponent(first: Row, second: Row) -> Effect:
    """d ln ε / d ln α between two simulated cells."""
    rise, run = log_error(second).minus(log_error(first)), math.log(second["alpha_prune"] / first["alpha_prune"])
    return Effect(rise.value / run, rise.standard_error / run)


def best_cell(simulated: Sequence[Row], rules: Sequence[Selection], angle: float, alpha: float) -> Row | None:
    """The cell of the rule that *theory* puts lowest, so that noise does not choose; None if there is none."""
    found = [cells_of(simulated, rule, angle).get(alpha) for rule in rules]
    return min((row for row in found if row is not None), key=lambda row: row["theory"], default=None)
