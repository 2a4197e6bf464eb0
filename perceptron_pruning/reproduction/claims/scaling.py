"""How fast the error falls."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from perceptron_pruning.comparison import LARGEST_Z
from perceptron_pruning.evidence.claim import NO_POINTS, Claim, origin
from perceptron_pruning.evidence.effect import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED, Effect
from perceptron_pruning.figures.theory import figure_1a, figure_2cde, figure_transition
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims.cells import best_cell, cells_of, exponent, log_error
from replica_theory.asymptotics import GARDNER_CAPACITY, frontier_fallback, perfect_probe_slope
from replica_theory.frontier import pareto_frontier
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_ALPHAS = (1.0, 3.0, 5.0)  # where every size of reproduction has dots
_TELLING = 0.1  # relative standard error above which agreement says nothing
_LEAST = 0.1  # fraction simulated at every probe angle


def fixed_fraction_is_power_law(points: Sequence[Row]) -> Claim:
    """The exact exponent tends to −1, and the simulated one follows the exact one where it reaches."""
    rule = KeepHardest(0.4)
    limit = _exponent(max_margin([1e3, 1e4], selection=rule).generalization_error, 10.0)
    cells = {alpha: row for alpha, row in cells_of(points, rule, 0.0).items() if alpha >= _ALPHAS[1]}
    verdict, measured = UNDECIDED, NO_POINTS
    if len(cells) > 1:
        first, second = cells[min(cells)], cells[max(cells)]
        effect = exponent(first, second)
        exact = _exponent((first["theory"], second["theory"]), second["alpha_prune"] / first["alpha_prune"])
        follows = abs(effect.value - exact) <= LARGEST_Z * effect.standard_error
        verdict = CONFIRMED if effect.standard_error < _TELLING * abs(exact) else UNDECIDED
        verdict = verdict if follows and abs(limit + 1) < 0.01 else REFUTED
        span = f"α = {first['alpha_prune']:g} to {second['alpha_prune']:g}"
        measured = f"exponent {effect} from {span}, where theory has {exact:+.3f}; {origin([first])}"
    return Claim(
        claim="At a fixed kept fraction the error is a power law of the number of examples",
        theory=f"exponent {limit:+.4f} between α = 1e3 and 1e4 at f = 0.4, θ = 0; its limit is −1",
        measured=measured,
        verdict=verdict,
        figure="1A",
        predicted=CONFIRMED if abs(limit + 1) < 0.01 else REFUTED,
    )


def frontier_beats_power_law(points: Sequence[Row]) -> Claim:
    """With the best fraction at each α, the exponent lies below −1, random data's limit."""
    errors = _frontier((1.0, 3.0, 30.0, 90.0), 0.0, _LEAST)
    inside, beyond = _exponent(errors[:2], 3.0), _exponent(errors[2:], 3.0)
    ends = _ends(points, 0.0, 1.0, 3.0)
    found = exponent(*ends) if ends else None
    return Claim(
        claim="With the Pareto-optimal fraction for each size, error falls faster than a power law",
        theory=(
            f"θ = 0, f ≥ {_LEAST:g}: exponent {inside:+.2f} from α = 1 to 3; {beyond:+.2f} from 30 to 90, "
            "where the pool's bound makes it a power law again"
        ),
        measured=f"exponent {found} along the simulated frontier, α = 1 to 3; {origin(ends)}" if ends else NO_POINTS,
        verdict=Effect(-1 - found.value, found.standard_error).verdict(IN_REGIME) if found else UNDECIDED,
        figure="1A",
        predicted=Effect(-1 - inside, 0.0).verdict(IN_REGIME),
    )


def frontier_is_exponential(points: Sequence[Row]) -> Claim:
    """An exponential has one decay rate: the rate from α = 1 to 3 is held against that from 3 to 5."""
    errors = _frontier(_ALPHAS, 0.0, _LEAST)
    rates = -np.diff(np.log(errors)) / np.diff(_ALPHAS)
    dots = [_best(points, 0.0, alpha) for alpha in _ALPHAS]
    present = [dot for dot in dots if dot]
    verdict, measured = UNDECIDED, NO_POINTS
    if len(present) == len(_ALPHAS):
        early, late = (_rate(*pair) for pair in (present[:2], present[1:]))
        change = early.minus(late)
        verdict = _constant(change, early)
        measured = f"rates {early} and {late}, not constant by {change}; {origin(present)}"
    return Claim(
        claim="The Pareto frontier is an exponential of the number of kept examples",
        theory=(
            f"θ = 0, f ≥ {_LEAST:g}: −d ln ε/dα = {rates[0]:.3f} from α = 1 to 3 and {rates[1]:.3f} from 3 to 5; steep "
            "around α = 2 alone, and 1/α beyond whatever bounds the pool"
        ),
        measured=measured,
        verdict=verdict,
        figure="transition",
        predicted=_constant(Effect(rates[0] - rates[1], 0.0), Effect(rates[0], 0.0)),
    )


def _constant(change: Effect, rate: Effect) -> str:
    """Whether a rate stays the same: refuted if its change is clear, confirmed if it is clearly small."""
    if abs(change.value) > max(change.half_width, _TELLING * abs(rate.value)):
        return REFUTED
    return CONFIRMED if abs(change.value) + change.half_width < 2 * _TELLING * abs(rate.value) else UNDECIDED


def unlimited_pool_has_a_transition(points: Sequence[Row]) -> Claim:
    """ε falls with f above α = 2, without end, and rises to 1/2 below it."""
    few, many = sorted(figure_transition.SIMULATED_FRACTIONS)[0], max(figure_transition.SIMULATED_FRACTIONS)
    below, above = figure_transition.ALPHAS[0], figure_transition.ALPHAS[2]
    cells = [(cells_of(points, KeepHardest(f), 0.0), alpha) for alpha in (below, above) for f in (few, many)]
    found = [rows[alpha] for rows, alpha in cells if alpha in rows]
    exact = [
        [max_margin(alpha, selection=KeepHardest(f)).generalization_error for f in (few, many)]
        for alpha in (below, above)
    ]
    run = math.log(few / many)
    slopes = [math.log(small / large) / run for small, large in exact]
    verdict, measured = UNDECIDED, NO_POINTS
    if len(found) == len(cells):
        rises, falls = _slope(found[0], found[1], run), _slope(found[2], found[3], run)
        verdict = _both(Effect(-rises.value, rises.standard_error), Effect(falls.value - 0.5, falls.standard_error))
        measured = (
            f"d ln ε/d ln f = {rises} at α = {below:g} and {falls} at α = {above:g}, from f = {many:g} to {few:g} "
            f"(ε = {found[0]['simulation']:.4f} and {found[2]['simulation']:.3g}); {origin(found)}"
        )
    predicted = CONFIRMED if slopes[0] < 0 and slopes[1] > 0.5 else REFUTED
    return Claim(
        claim=(
            f"With an unlimited pool a perfect metric has a transition at α = {GARDNER_CAPACITY:g}, and beyond it any "
            "error can be reached at a fixed number of examples: better than exponential"
        ),
        theory=(
            f"d ln ε/d ln f = {slopes[0]:+.3f} at α = {below:g} (ε → 1/2) and {slopes[1]:+.3f} at α = {above:g} "
            f"(ε → {perfect_probe_slope(above):.4f} f)"
        ),
        measured=measured,
        verdict=verdict,
        figure="transition",
        predicted=predicted,
    )


def _both(first: Effect, second: Effect) -> str:
    """The verdict on two effects at once."""
    verdicts = {first.verdict(), second.verdict()}
    return REFUTED if REFUTED in verdicts else UNDECIDED if UNDECIDED in verdicts else CONFIRMED


def _slope(few: Row, many: Row, run: float) -> Effect:
    rise = log_error(few).minus(log_error(many))
    return Effect(rise.value / run, rise.standard_error / abs(run))


def imperfect_probe_falls_back(points: Sequence[Row]) -> Claim:
    """At θ = 20° the frontier is shallower than at θ = 0, and its exponent tends to −1 whatever the pool."""
    degrees = max(figure_2cde.ANGLES_DEGREES)
    angle = math.radians(degrees)
    errors = _frontier((100.0, 1000.0), angle, 1e-3)
    limit = _exponent(errors, 10.0)
    gap = [_exponent(_frontier((1.0, 3.0), theta, _LEAST), 3.0) for theta in (angle, 0.0)]
    ends = [_ends(points, theta, 1.0, 3.0) for theta in (angle, 0.0)]
    verdict, measured = UNDECIDED, NO_POINTS
    if all(ends):
        imperfect, perfect = (exponent(*pair) for pair in ends)
        effect = imperfect.minus(perfect)
        verdict = effect.verdict() if abs(limit + 1) < 0.05 else REFUTED
        measured = (
            f"exponent shallower by {effect} than at θ = 0, α = 1 to 3, f ≥ {_LEAST:g}, where theory has "
            f"{gap[0] - gap[1]:+.3f}; {origin(ends[0])}"
        )
    return Claim(
        claim="With an imperfect probe the scaling falls back to a power law",
        theory=(
            f"θ = {degrees}°, f ≥ 0.001: the frontier's exponent is {limit:+.3f} from α = 100 to 1000, and its error "
            f"{errors[1] / float(frontier_fallback(1000.0, probe_angle=angle)):.3f} of 0.5005 sin θ/α at 1000"
        ),
        measured=measured,
        verdict=verdict,
        figure="2CDE",
        predicted=Effect(gap[0] - gap[1], 0.0).verdict() if abs(limit + 1) < 0.05 else REFUTED,
    )


def _ends(points: Sequence[Row], angle: float, first: float, second: float) -> list[Row]:
    """The simulated frontier's points at two sizes; none if one is missing."""
    found = [_best(points, angle, alpha) for alpha in (first, second)]
    return [row for row in found if row] if all(found) else []


def _best(points: Sequence[Row], angle: float, alpha: float) -> Row | None:
    rules = [KeepHardest(f) for f in {*figure_1a.FRACTIONS, *figure_2cde.FRACTIONS} if f >= _LEAST]
    return best_cell(points, rules, angle, alpha)


def _rate(first: Row, second: Row) -> Effect:
    """−d ln ε/dα between two simulated points."""
    fall, run = log_error(first).minus(log_error(second)), second["alpha_prune"] - first["alpha_prune"]
    return Effect(fall.value / run, fall.standard_error / run)


@cache
def _frontier(alphas: tuple[float, ...], angle: float, least: float) -> np.ndarray:
    return pareto_frontier(alphas, probe_angle=angle, min_keep_fraction=least).generalization_error


def _exponent(errors: Sequence[float] | np.ndarray, ratio: float) -> float:
    return math.log(errors[1] / errors[0]) / math.log(ratio)
