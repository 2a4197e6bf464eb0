"""Probes that were trained on the pool which they prune, as everyone's are."""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.figures.theory import figure_memory, figure_own_probe
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper
from perceptron_pruning.reproduction.claims.agreement import calibrated
from perceptron_pruning.reproduction.claims.cells import log_error, log_ratio, origin

_NEARLY = 0.1  # |ln(error/error of the whole pool)| within which hardly anything is lost
_HALF_POOL = 3.0  # α_total of the pool whose half is kept
_SCARCE, _FRACTION = 1.0, 0.4  # α_total and f at which hard and easy are compared


def own_theory_predicts_simulation(*tables: Sequence[Row]) -> Claim:
    """Every pool pruned by a minimiser or by full-batch steps of its own agrees with its theory."""
    rows = [row for table in tables for row in table if row["kind"] == "simulation" and row.get("batches") in (None, 1)]
    return calibrated(
        "The theory of probes trained on their own pool predicts the test error",
        "exact as N → ∞: one field and one multiplier more for each learner before the student",
        rows,
        figure="own_probe",
        source="",
    )


def hard_pruning_keeps_the_information(table: Sequence[Row]) -> Claim:
    """The half of a pool that its own probe finds hardest is worth nearly all of it; by a foreign probe it is not."""
    statement = "Hard pruning by a probe of the pool's own keeps nearly all of the pool's information"
    half = figure_own_probe.HALF
    point = _at(figure_own_probe.rows_of(table, "simulation", "hard", half), _HALF_POOL)
    whole = _at(figure_own_probe.rows_of(table, "whole pool", "random", 1.0), _HALF_POOL)
    foreign = _at(figure_own_probe.rows_of(table, "foreign", "hard", half), _HALF_POOL)
    if point is None or whole is None or foreign is None:
        return Claim(statement=statement, paper=paper.TRAINED_PROBE, limited=True, figure="own_probe")
    reference = math.log(whole["theory"])
    lost = Effect(value=log_error(point).value - reference, standard_error=log_error(point).standard_error)
    return Claim(
        statement=statement,
        paper=paper.TRAINED_PROBE,
        setting=f"logistic probe, ridge 0.01; α_total = {_HALF_POOL:g}, f = {half:g}; {origin([point])}",
        theory=(
            f"a foreign probe at the same angle loses a factor {foreign['theory'] / whole['theory']:.2f}: the kept "
            "examples hold the force by which their own probe was trained"
        ),
        measurements=(
            Measurement(
                quantity="ln(error of the kept half / theory's error of the whole pool)",
                effect=lost,
                criterion="within",
                reference=_NEARLY,
                theory=math.log(point["theory"]) - reference,
            ),
        ),
        limited=True,
        figure="own_probe",
    )


def scarce_data_want_the_easy(table: Sequence[Row]) -> Claim:
    """In a small pool hard beats easy if the probe is the pool's own; the theory of a foreign one says the opposite."""
    statement = "When data are scarce, keep the easy: of a probe trained on the pool, too"
    hard, easy = (
        _at(figure_own_probe.rows_of(table, "simulation", rule, _FRACTION), _SCARCE) for rule in ("hard", "easy")
    )
    foreign = [_at(figure_own_probe.rows_of(table, "foreign", rule, _FRACTION), _SCARCE) for rule in ("hard", "easy")]
    if hard is None or easy is None or foreign[0] is None or foreign[1] is None:
        return Claim(statement=statement, paper=paper.ABUNDANT_OR_SCARCE, figure="own_probe")
    apart = math.log(foreign[0]["theory"] / foreign[1]["theory"])
    return Claim(
        statement=statement,
        paper=paper.ABUNDANT_OR_SCARCE,
        setting=f"logistic probe, ridge 0.1; α_total = {_SCARCE:g}, f = {_FRACTION:g}; {origin([hard])}",
        theory=f"of a foreign probe at the same angle ln(error of hard / error of easy) = {apart:+.3f}",
        measurements=(
            Measurement(
                quantity="ln(error of hard / error of easy), own probe",
                effect=log_ratio(hard, easy),
                criterion="above",
                theory=math.log(hard["theory"] / easy["theory"]),
            ),
        ),
        figure="own_probe",
    )


def iterating_helps(table: Sequence[Row]) -> Claim:
    """Three rounds of pruning, each by a probe trained anew on what is left, against one."""
    statement = "Pruning in rounds, with a probe trained anew on what is left, beats pruning at once"
    measurements, points = [], []
    for rule in figure_memory.RULES:
        line = figure_memory.rows_of(table, "rounds", "simulation", rule)
        if line:
            once, last = line[0], line[-1]
            points += [once, last]
            measurements.append(
                Measurement(
                    quantity=f"ln(error of one round / error of {last['rounds']}), keep {rule}",
                    effect=log_ratio(once, last),
                    criterion="above",
                    theory=math.log(once["theory"] / last["theory"]),
                )
            )
    place = f"logistic probe, ridge 0.1; α_total = {figure_memory.ROUNDS_ALPHA:g}, f = {figure_memory.FIFTH:g}"
    return Claim(
        statement=statement,
        setting=f"{place}; {origin(points)}" if points else "",
        measurements=tuple(measurements),
        figure="memory",
    )


def _at(rows: Sequence[Row], alpha_total: float) -> Row | None:
    return next((row for row in rows if row["alpha_total"] == alpha_total), None)
