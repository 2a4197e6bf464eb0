"""The simulated cells that a claim rests on, and what follows from them."""

import math
from collections.abc import Iterable, Sequence

from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.figures.theory.simulated import rule_label, student_label
from perceptron_pruning.output.tables import Row
from perceptron_pruning.students.training import Student
from replica_theory.selection import Selection

SAME_ANGLE = 1e-6  # degrees within which two probe angles are one


def cells_of(
    rows: Iterable[Row],
    *,
    selection: Selection,
    probe_angle: float = 0.0,
    student: Student = "max_margin",
    label_noise: float = 0.0,
    probe: str = "exact",
) -> dict[float, Row]:
    """The simulated cells of one rule, probe, student and label noise, by α_prune.

    Args:
        rows: Rows of one or several tables; those that are not simulated are passed over, and one cell may stand in
            several tables.
        selection: Which examples are kept.
        probe_angle: θ, radians.
        student: Who is trained.
        label_noise: η.
        probe: "exact" or "trained".

    Raises:
        ValueError: Two cells have all of these and α in common: they differ in N, or were simulated twice.
    """
    named = {"rule": rule_label(selection), "student": student_label(student), "label_noise": label_noise}
    named |= {"kind": "simulation", "probe": probe}
    cells: dict[float, Row] = {}
    for row in rows:
        if any(row.get(name) != value for name, value in named.items()):
            continue
        if abs(row["probe_angle_degrees"] - math.degrees(probe_angle)) > SAME_ANGLE:
            continue
        known = cells.setdefault(row["alpha_prune"], row)
        if known["cell_seed"] != row["cell_seed"]:
            raise ValueError(
                f"`rows` must have one cell of {named['rule']}, {named['student']}, label noise {label_noise:g}, "
                f"θ = {math.degrees(probe_angle):g}°, {probe} probe at α_prune = {row['alpha_prune']:g}; got two, of "
                f"N = {known['n_features']} and {row['n_features']}"
            )
    return cells


def log_error(row: Row) -> Effect:
    """ln ε of a simulated cell."""
    return Effect(value=math.log(row["simulation"]), standard_error=row["standard_error"] / row["simulation"])


def log_ratio(numerator: Row, denominator: Row) -> Effect:
    """ln of the ratio of two simulated errors."""
    return log_error(numerator).minus(log_error(denominator))


def slope(first: Row, second: Row, run: float) -> Effect:
    """(ln ε₂ − ln ε₁) / run between two simulated cells."""
    rise = log_ratio(second, first)
    return Effect(value=rise.value / run, standard_error=rise.standard_error / abs(run))


def exponent(first: Row, second: Row) -> Effect:
    """d ln ε / d ln α between two simulated cells."""
    return slope(first, second, math.log(second["alpha_prune"] / first["alpha_prune"]))


def best_cell(rows: Sequence[Row], rules: Iterable[Selection], probe_angle: float, alpha: float) -> Row | None:
    """The cell of the rule that *theory* puts lowest, so that noise does not choose; None if there is none."""
    cells = (cells_of(rows, selection=rule, probe_angle=probe_angle).get(alpha) for rule in rules)
    return min((cell for cell in cells if cell is not None), key=lambda cell: cell["theory"], default=None)


def origin(rows: Sequence[Row]) -> str:
    """N, trials and seed of simulated points."""
    sizes = sorted({row["n_features"] for row in rows})
    dimensions = f"N = {sizes[0]}" if len(sizes) == 1 else f"N = {sizes[0]} to {sizes[-1]}"
    return f"{dimensions}, {rows[0]['n_trials']} trials a point, seed {rows[0]['seed']}"
