"""Which examples to keep."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from perceptron_pruning.evidence.claim import Allowance, Claim, Measurement
from perceptron_pruning.evidence.effect import Effect
from perceptron_pruning.evidence.judges import Criterion
from perceptron_pruning.figures.theory import figure_1b, figure_label_aware, figure_optimal_rule
from perceptron_pruning.figures.theory.curves import Curve
from perceptron_pruning.figures.theory.simulated import selection_of
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper
from perceptron_pruning.reproduction.claims.cells import cells_of, log_ratio, origin
from replica_theory.selection import KeepWindows, Selection

_GAP_SHARE = 1 / 16  # allowance for linear interpolation between two simulated pools, over their gap
_DEGREES = 20  # angle of the probe where the optimal rule is tested


def keep_easy_when_scarce(table: Sequence[Row]) -> Claim:
    """At the smallest pool, easy beats the better of hard and random."""
    rivals = (figure_1b.HARD, figure_1b.RANDOM)
    return _best_rule(table, figure_1b.EASY, rivals, min, "When data are scarce, keep the easy")


def keep_hard_when_abundant(table: Sequence[Row]) -> Claim:
    """At the largest pool, hard beats the better of easy and random."""
    rivals = (figure_1b.EASY, figure_1b.RANDOM)
    return _best_rule(table, figure_1b.HARD, rivals, max, "When data abound, keep the hard")


def _best_rule(
    table: Sequence[Row],
    best: Curve,
    rivals: Sequence[Curve],
    extreme: Callable[[Iterable[float]], float],
    statement: str,
) -> Claim:
    own = cells_of(table, selection=best.selection)
    others = [cells_of(table, selection=rival.selection) for rival in rivals]
    common = set(own).intersection(*others)
    if not common:
        return Claim(statement=statement, paper=paper.ABUNDANT_OR_SCARCE, figure="1B")
    alpha = extreme(common)
    cell = own[alpha]
    return Claim(
        statement=statement,
        paper=paper.ABUNDANT_OR_SCARCE,
        setting=f"α_total = {cell['alpha_total']:.3g}, f = {cell['keep_fraction']:g}, θ = 0; {origin([cell])}",
        measurements=(
            _least_gain([rival[alpha] for rival in others], cell, "ln(error of the next best rule / error)"),
        ),
        figure="1B",
    )


def _least_gain(rivals: Iterable[Row], cell: Row, quantity: str) -> Measurement:
    """What a cell's rule gains over the best of its rivals, by simulation and by theory."""
    rivals = list(rivals)
    return Measurement(
        quantity=quantity,
        effect=min((log_ratio(rival, cell) for rival in rivals), key=lambda gain: gain.value),
        criterion="above",
        theory=min(math.log(rival["theory"] / cell["theory"]) for rival in rivals),
    )


def flips_where_theory_says(table: Sequence[Row]) -> Claim:
    """Hard is worse at every fraction's smallest pool, better at its largest, and crosses where the theory does."""
    points = [row for row in table if row["kind"] == "simulation"]
    fractions = sorted({row["keep_fraction"] for row in points})
    lines = [_by_pool(row for row in points if row["keep_fraction"] == fraction) for fraction in fractions]
    return Claim(
        statement="The optimal strategy flips with the size of the pool",
        paper=paper.STRATEGY_DEPENDS,
        setting=f"θ = 0, f = {', '.join(f'{f:g}' for f in fractions)}; {origin(points)}" if points else "",
        theory="hard overtakes easy at one pool size for each f",
        measurements=tuple(m for line in lines for m in (*_ends(line), *_crossing(line, table))),
        figure="1C",
    )


def _by_pool(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row["alpha_total"])


def _ends(line: Sequence[Row]) -> tuple[Measurement, Measurement]:
    """What hard gains over easy in the smallest and in the largest pool of a fraction."""
    return _gain_of_hard(line[0], "hurts"), _gain_of_hard(line[-1], "helps")


def _gain_of_hard(row: Row, criterion: Criterion) -> Measurement:
    return Measurement(
        quantity=f"ln(ε of easy / ε of hard) at f = {row['keep_fraction']:g}, α_total = {row['alpha_total']:.3g}",
        effect=Effect(value=-row["simulation"], standard_error=row["standard_error"]),
        criterion=criterion,
        theory=-row["theory"],
    )


def _crossing(line: Sequence[Row], table: Sequence[Row]) -> list[Measurement]:
    """Where hard overtakes easy at a fraction, beside the theory's place; none if it never does."""
    fraction = line[0]["keep_fraction"]
    exact = _equality(table, "crossover", fraction)
    simulated = _equality(table, "simulated crossover", fraction)
    if exact is None or simulated is None:
        return []
    return [
        Measurement(
            quantity=f"α_total at which both are equal, f = {fraction:g}",
            effect=Effect(value=simulated["alpha_total"], standard_error=simulated["standard_error"]),
            criterion="equal",
            reference=exact["alpha_total"],
            theory=exact["alpha_total"],
            allowances=(_interpolation([row["alpha_total"] for row in line], simulated["alpha_total"]),),
        )
    ]


def _equality(table: Sequence[Row], kind: str, fraction: float) -> Row | None:
    rows = (row for row in table if row["kind"] == kind and row["keep_fraction"] == fraction)
    return next(rows, None)


def _interpolation(pools: Sequence[float], place: float) -> Allowance:
    """What linear interpolation of the log ratio between two simulated pools may add to its zero."""
    after = int(np.searchsorted(pools, place))
    gap = pools[min(after, len(pools) - 1)] - pools[max(after - 1, 0)]
    return Allowance(
        name="interpolation between simulated pools", size=_GAP_SHARE * gap, source=f"1/16 of their gap {gap:g}"
    )


def optimal_rule_beats_both(table: Sequence[Row]) -> Claim:
    """Where theory sees the largest gain over the better of hard and easy, the optimal windows of margins win."""
    statement = "Between scarce and abundant a window of intermediate margins beats the hardest and the easiest"
    angle = math.radians(_DEGREES)
    rivals = [cells_of(table, selection=rule, probe_angle=angle) for rule in figure_optimal_rule.RIVALS.values()]
    optimal = _optimal_cells(table, angle)
    gains = {
        alpha: _least_gain([cells[alpha] for cells in rivals], cell, "ln(better of hard and easy / optimal rule)")
        for alpha, cell in optimal.items()
        if all(alpha in cells for cells in rivals)
    }
    if not gains:
        return Claim(statement=statement, limited=True, figure="optimal_rule")
    alpha = max(gains, key=lambda alpha: gains[alpha].theory or 0.0)
    cell = optimal[alpha]
    place = f"α_total = {cell['alpha_total']:.3g}, f = {cell['keep_fraction']:g}, θ = {_DEGREES}°"
    return Claim(
        statement=statement,
        setting=f"{place}; {origin([cell])}",
        theory="the gain is largest there, of all simulated pools",
        measurements=(gains[alpha],),
        limited=True,
        figure="optimal_rule",
    )


def _optimal_cells(table: Sequence[Row], angle: float) -> dict[float, Row]:
    """The simulated cells of the optimal rule, which keeps other windows at every α_prune."""
    rules = {selection_of(row) for row in table if row["kind"] == "simulation"}
    windows = [cells_of(table, selection=rule, probe_angle=angle) for rule in rules if isinstance(rule, KeepWindows)]
    return {alpha: cell for cells in windows for alpha, cell in cells.items()}


def labels_help(table: Sequence[Row]) -> Claim:
    """At the pool where the theory sees the largest difference, counting the probe's mistakes as hard helps."""
    agnostic, aware = (_label_aware_cells(table, curve.selection) for curve in figure_label_aware.CURVES[:2])
    statement = "A metric that sees the labels, and counts the probe's mistakes as hardest, picks better hard examples"
    gains = {
        alpha: _least_gain([agnostic[alpha]], aware[alpha], "ln(label-agnostic error / label-aware error)")
        for alpha in sorted(set(agnostic) & set(aware))
    }
    if not gains:
        return Claim(statement=statement, limited=True, figure="label_aware")
    alpha = max(gains, key=lambda alpha: abs(gains[alpha].theory or 0.0))
    return Claim(
        statement=statement,
        setting=f"α_prune = {alpha:g}, f = {figure_label_aware.KEEP_FRACTION:g}, θ = 20°; {origin([aware[alpha]])}",
        theory="the difference is largest there, of all simulated pools",
        measurements=(gains[alpha],),
        limited=True,
        figure="label_aware",
    )


def _label_aware_cells(table: Sequence[Row], selection: Selection) -> dict[float, Row]:
    return cells_of(table, selection=selection, probe_angle=figure_label_aware.ANGLE)
