"""The transition at α = 2 of a perfect probe with an unlimited pool."""

import math
from collections.abc import Sequence

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.figures.theory import figure_transition
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper
from perceptron_pruning.reproduction.claims.cells import cells_of, origin, slope
from replica_theory.asymptotics import GARDNER_CAPACITY, perfect_probe_slope
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_BELOW, _ABOVE = figure_transition.ALPHAS[0], figure_transition.ALPHAS[2]
_FEW, _MANY = min(figure_transition.SIMULATED_FRACTIONS), max(figure_transition.SIMULATED_FRACTIONS)
_FALLING = 0.5  # d ln ε/d ln f above which the error falls with f towards 0; c f has slope 1


def unlimited_pool_has_a_transition(table: Sequence[Row]) -> Claim:
    """ε falls with f above α = 2, without end, and rises to 1/2 below it."""
    points = {(alpha, f): _cell(table, alpha, f) for alpha in (_BELOW, _ABOVE) for f in (_FEW, _MANY)}
    cells = {place: cell for place, cell in points.items() if cell}
    complete = len(cells) == len(points)
    return Claim(
        statement=(
            f"With an unlimited pool a perfect metric has a transition at α = {GARDNER_CAPACITY:g}, and beyond it any "
            "error can be reached at a fixed number of examples: better than exponential"
        ),
        paper=paper.SHRINKING_FRACTION,
        setting=f"θ = 0, from f = {_MANY:g} to {_FEW:g}; {origin(list(cells.values()))}" if complete else "",
        theory=f"as f → 0, ε → 1/2 at α = {_BELOW:g}, and ε → {perfect_probe_slope(_ABOVE):.4f} f at α = {_ABOVE:g}",
        measurements=(_rises(cells), _falls(cells)) if complete else (),
        figure="transition",
    )


def _cell(table: Sequence[Row], alpha: float, fraction: float) -> Row | None:
    return cells_of(table, selection=KeepHardest(fraction)).get(alpha)


def _rises(cells: dict[tuple[float, float], Row]) -> Measurement:
    """d ln ε/d ln f < 0 below the transition."""
    few, many = cells[_BELOW, _FEW], cells[_BELOW, _MANY]
    return Measurement(
        quantity=f"d ln ε/d ln f at α = {_BELOW:g}, up to ε = {few['simulation']:.4f}",
        effect=slope(many, few, math.log(_FEW / _MANY)),
        criterion="below",
        theory=_exact_slope(_BELOW),
    )


def _falls(cells: dict[tuple[float, float], Row]) -> Measurement:
    """d ln ε/d ln f > 1/2 above the transition."""
    few, many = cells[_ABOVE, _FEW], cells[_ABOVE, _MANY]
    return Measurement(
        quantity=f"d ln ε/d ln f at α = {_ABOVE:g}, down to ε = {few['simulation']:.3g}",
        effect=slope(many, few, math.log(_FEW / _MANY)),
        criterion="above",
        reference=_FALLING,
        theory=_exact_slope(_ABOVE),
    )


def _exact_slope(alpha: float) -> float:
    few, many = (max_margin(alpha, selection=KeepHardest(f)).generalization_error for f in (_FEW, _MANY))
    return math.log(few / many) / math.log(_FEW / _MANY)
