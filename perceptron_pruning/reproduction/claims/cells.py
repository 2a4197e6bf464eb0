"""The simulated cells that a claim rests on, and what follows from them."""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.output.tables import Row
from replica_theory.selection import Selection


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
