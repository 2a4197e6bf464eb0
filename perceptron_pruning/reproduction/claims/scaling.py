"""How fast the error falls."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, exact
from perceptron_pruning.figures.theory import figure_1a, figure_2cde
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import paper
from perceptron_pruning.reproduction.claims.cells import best_cell, cells_of, exponent, origin, slope
from replica_theory.asymptotics import frontier_fallback
from replica_theory.choices.frontier import pareto_frontier
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

_ALPHAS = (1.0, 3.0, 5.0)  # α_prune at which every size of reproduction has dots
_TELLING = 0.1  # relative standard error above which agreement says nothing
_LEAST = 0.1  # least kept fraction that is simulated at every probe angle
_CONSTANT = 0.2  # relative change below which a rate counts as constant
_AT_LIMIT, _AT_FRONTIERS_LIMIT = 0.01, 0.05  # distances of the theory's exponents from −1 that count as none
_RULE = KeepHardest(0.4)
_SHRINKING = ((3.0, 0.03), (5.0, 0.001))  # (α, f) of simulated cells between which f falls


def fixed_fraction_is_power_law(table: Sequence[Row]) -> Claim:
    """The exact exponent tends to −1, and the simulated one follows the exact one where it reaches."""
    limit = _exponent(max_margin([1e3, 1e4], selection=_RULE).generalization_error, 10.0)
    cells = {alpha: row for alpha, row in cells_of(table, selection=_RULE).items() if alpha >= _ALPHAS[1]}
    measured, setting = (), ""
    if len(cells) > 1:
        ends = cells[min(cells)], cells[max(cells)]
        measured, setting = _follows(*ends), f"; {origin(ends)}"
    return Claim(
        statement="At a fixed kept fraction the error is a power law of the number of examples",
        paper=paper.FIXED_FRACTION,
        setting=f"f = 0.4, θ = 0{setting}",
        theory="the exponent's limit is −1",
        measurements=(
            Measurement(
                quantity="theory's exponent from α = 1e3 to 1e4, plus 1",
                effect=exact(limit + 1),
                criterion="within",
                reference=_AT_LIMIT,
                theory=limit + 1,
            ),
            *measured,
        )
        if measured
        else (),
        figure="1A",
    )


def _follows(first: Row, second: Row) -> tuple[Measurement, Measurement]:
    """The simulated exponent between two cells, beside the theory's, and whether it is precise enough to tell."""
    simulated = exponent(first, second)
    theory = _exponent((first["theory"], second["theory"]), second["alpha_prune"] / first["alpha_prune"])
    span = f"α = {first['alpha_prune']:g} to {second['alpha_prune']:g}"
    return (
        Measurement(
            quantity=f"exponent from {span}", effect=simulated, criterion="equal", reference=theory, theory=theory
        ),
        Measurement(
            quantity="its standard error over the theory's exponent",
            effect=exact(simulated.standard_error / abs(theory)),
            criterion="below",
            reference=_TELLING,
            precondition=True,
        ),
    )


def frontier_beats_power_law(table: Sequence[Row]) -> Claim:
    """With the best fraction at each α, the exponent lies below −1, random data's limit."""
    errors = _frontier((1.0, 3.0, 30.0, 90.0), 0.0, _LEAST)
    steep, late = _exponent(errors[:2], 3.0), _exponent(errors[2:], 3.0)
    ends = _ends(table, 0.0)
    return Claim(
        statement="With the Pareto-optimal fraction for each size, error falls faster than a power law",
        paper=paper.BEYOND_POWER_LAWS,
        setting=f"θ = 0, f ≥ {_LEAST:g}, the simulated frontier; {origin(ends)}" if ends else "",
        theory=f"exponent {late:+.2f} from α = 30 to 90, where the pool's bound makes it a power law again",
        measurements=(
            Measurement(
                quantity="exponent from α = 1 to 3",
                effect=exponent(*ends),
                criterion="below",
                reference=-1.0,
                theory=steep,
            ),
        )
        if ends
        else (),
        limited=True,
        figure="1A",
    )


def frontier_is_exponential(table: Sequence[Row]) -> Claim:
    """An exponential has one decay rate: the rate from α = 1 to 3 is held against that from 3 to 5."""
    errors = _frontier(_ALPHAS, 0.0, _LEAST)
    early, late = -np.diff(np.log(errors)) / np.diff(_ALPHAS)
    dots = [dot for alpha in _ALPHAS if (dot := _best(table, 0.0, alpha))]
    measured: tuple[Measurement, ...] = ()
    if len(dots) == len(_ALPHAS):
        first, second = (_decay_rate(*pair) for pair in (dots[:2], dots[1:]))
        measured = (_constant_rate(first, second, float(early - late)),)
    return Claim(
        statement="The Pareto frontier of a pool of bounded size is an exponential of the number of kept examples",
        paper=paper.EXPONENTIAL,
        setting=f"θ = 0, f ≥ {_LEAST:g}, the simulated frontier; {origin(dots)}" if dots else "",
        theory=(
            f"−d ln ε/dα = {early:.3f} from α = 1 to 3 and {late:.3f} from 3 to 5; steep around α = 2 alone, and 1/α "
            "beyond whatever bounds the pool"
        ),
        measurements=measured,
        figure="transition",
    )


def shrinking_fraction_is_exponential(table: Sequence[Row]) -> Claim:
    """Beyond α = 2, ε → c(α) f as f → 0: an f that falls exponentially with α makes ε do so, at its rate and more."""
    line = {row["alpha_prune"]: row["theory"] for row in table if row["kind"] == "shrinking"}
    (few, f), (many, least) = _SHRINKING
    first, second = (cells_of(table, selection=KeepHardest(share)).get(alpha) for alpha, share in _SHRINKING)
    complete = bool(line) and first is not None and second is not None
    return Claim(
        statement="With a fraction that shrinks as data grow error is an exponential of the number of kept examples",
        paper=paper.SHRINKING_FRACTION,
        setting=f"θ = 0, f = e^(−α), and from α = {few:g}, f = {f:g} to α = {many:g}, f = {least:g}; {origin([first])}"
        if first is not None and complete
        else "",
        theory="ε → c(α) f as f → 0 at α > 2: at f = e^(−α) the pool is α e^α, and ε about the inverse of the pool",
        measurements=(_least_rate(line), _simulated_rate(first, second))
        if line and first is not None and second is not None
        else (),
        figure="transition",
    )


def _least_rate(line: Mapping[float, float]) -> Measurement:
    """The theory's least decay rate along f = e^{−α}, which must not fall below that of f."""
    least = min(math.log(line[low] / line[high]) / (high - low) for low, high in pairwise(sorted(line)))
    return Measurement(
        quantity=f"theory's least −Δln ε/Δα at f = e^(−α), from α = {min(line):g} to {max(line):g}",
        effect=exact(least),
        criterion="above",
        reference=1.0,
        theory=least,
    )


def _simulated_rate(first: Row, second: Row) -> Measurement:
    """−Δln ε/Δα between two simulated cells, against −Δln f/Δα."""
    run = second["alpha_prune"] - first["alpha_prune"]
    return Measurement(
        quantity="−Δln ε/Δα between the simulated points, against −Δln f/Δα",
        effect=_decay_rate(first, second),
        criterion="above",
        reference=math.log(first["keep_fraction"] / second["keep_fraction"]) / run,
        theory=math.log(first["theory"] / second["theory"]) / run,
    )


def _constant_rate(first: Effect, second: Effect, theory: float) -> Measurement:
    """The change of a decay rate, which must be less than a fifth of the rate."""
    return Measurement(
        quantity=f"decay rate from α = 1 to 3 ({first}) less that from 3 to 5 ({second})",
        effect=first.minus(second),
        criterion="within",
        reference=_CONSTANT * abs(first.value),
        theory=theory,
    )


def _decay_rate(first: Row, second: Row) -> Effect:
    """−d ln ε/dα between two simulated points."""
    return slope(first, second, first["alpha_prune"] - second["alpha_prune"])


def imperfect_probe_falls_back(table: Sequence[Row]) -> Claim:
    """At θ = 20° the frontier is shallower than at θ = 0, and its exponent tends to −1 whatever the pool."""
    degrees = max(figure_2cde.ANGLES_DEGREES)
    angle = math.radians(degrees)
    errors = _frontier((100.0, 1000.0), angle, 1e-3)
    ratio = errors[1] / float(frontier_fallback(1000.0, probe_angle=angle))
    imperfect, perfect = (_ends(table, theta) for theta in (angle, 0.0))
    complete = imperfect and perfect
    return Claim(
        statement="With an imperfect probe the scaling falls back to a power law",
        paper=paper.QUALITY_NEEDED,
        setting=f"θ = {degrees}°; simulated frontiers of f ≥ {_LEAST:g}; {origin(imperfect)}" if complete else "",
        theory=f"at θ = {degrees}°, α = 1000 and f ≥ 0.001 the frontier's error is {ratio:.3f} of 0.5005 sin θ/α",
        measurements=_falls_back(_exponent(errors, 10.0), imperfect, perfect, angle) if complete else (),
        figure="2CDE",
    )


def _falls_back(
    limit: float, imperfect: list[Row], perfect: list[Row], angle: float
) -> tuple[Measurement, Measurement]:
    shallow, steep = (_exponent(_frontier((1.0, 3.0), theta, _LEAST), 3.0) for theta in (angle, 0.0))
    return (
        Measurement(
            quantity="theory's exponent of the frontier of f ≥ 0.001 from α = 100 to 1000, plus 1",
            effect=exact(limit + 1),
            criterion="within",
            reference=_AT_FRONTIERS_LIMIT,
            theory=limit + 1,
        ),
        Measurement(
            quantity="exponent from α = 1 to 3 less that at θ = 0",
            effect=exponent(*imperfect).minus(exponent(*perfect)),
            criterion="above",
            theory=shallow - steep,
        ),
    )


def _ends(table: Sequence[Row], angle: float) -> list[Row]:
    """The simulated frontier's points at α = 1 and 3; none if one is missing."""
    ends = [_best(table, angle, alpha) for alpha in _ALPHAS[:2]]
    return [row for row in ends if row] if all(ends) else []


def _best(table: Sequence[Row], angle: float, alpha: float) -> Row | None:
    rules = [KeepHardest(f) for f in {*figure_1a.FRACTIONS, *figure_2cde.FRACTIONS} if f >= _LEAST]
    return best_cell(table, rules, angle, alpha)


@cache
def _frontier(alphas: tuple[float, ...], angle: float, least: float) -> np.ndarray:
    return pareto_frontier(alphas, probe_angle=angle, min_keep_fraction=least).generalization_error


def _exponent(errors: Sequence[float] | np.ndarray, ratio: float) -> float:
    """ln(ε₂/ε₁) / ln(α₂/α₁)."""
    return math.log(errors[1] / errors[0]) / math.log(ratio)
