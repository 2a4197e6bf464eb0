"""Which examples to keep."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from perceptron_pruning.comparison import LARGEST_Z
from perceptron_pruning.evidence.claim import NO_POINTS, Claim, origin
from perceptron_pruning.evidence.effect import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED, Effect
from perceptron_pruning.figures.theory import figure_1b, figure_label_aware
from perceptron_pruning.figures.theory.curves import Curve
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims.cells import cells_of, log_error
from replica_theory.selection import Selection


def keep_easy_when_scarce(points: Sequence[Row]) -> Claim:
    """At the smallest pool, easy beats the better of hard and random."""
    others = (figure_1b.HARD, figure_1b.RANDOM)
    return _best_rule(points, figure_1b.EASY, others, min, "When data are scarce, keep the easy")


def keep_hard_when_abundant(points: Sequence[Row]) -> Claim:
    """At the largest pool, hard beats the better of easy and random."""
    others = (figure_1b.EASY, figure_1b.RANDOM)
    return _best_rule(points, figure_1b.HARD, others, max, "When data abound, keep the hard")


def _best_rule(
    points: Sequence[Row], best: Curve, others: Sequence[Curve], extreme: Callable[..., float], statement: str
) -> Claim:
    champion = cells_of(points, best.selection, 0.0)
    rivals = [cells_of(points, other.selection, 0.0) for other in others]
    common = set(champion).intersection(*rivals)
    if not common:
        return Claim(claim=statement, theory="", measured=NO_POINTS, verdict=UNDECIDED, figure="1B")
    alpha = extreme(common)
    own = champion[alpha]
    effect = min((log_ratio(rival[alpha], own) for rival in rivals), key=lambda gain: gain.value)
    exact = min(math.log(rival[alpha]["theory"] / own["theory"]) for rival in rivals)
    return Claim(
        claim=statement,
        theory=f"ln(error of the next best rule / error) = {exact:+.3f}",
        measured=(
            f"{effect} at α_total = {own['alpha_total']:.3g}, f = {own['keep_fraction']:g}, θ = 0; {origin([own])}"
        ),
        verdict=effect.verdict(),
        figure="1B",
        predicted=Effect(exact, 0.0).verdict(),
    )


def flips_where_theory_says(table: Sequence[Row]) -> Claim:
    """Hard is worse at every fraction's smallest pool, better at its largest, and crosses where the theory does."""
    exact = {row["keep_fraction"]: row["alpha_total"] for row in table if row["kind"] == "crossover"}
    found = [row for row in table if row["kind"] == "simulated crossover" and row["keep_fraction"] in exact]
    points = [row for row in table if row["kind"] == "simulation"]
    z = np.array([(row["alpha_total"] - exact[row["keep_fraction"]]) / _bar(row, points) for row in found])
    verdict = UNDECIDED
    if len(found) > 1:
        verdict = CONFIRMED if np.abs(z).max() <= LARGEST_Z else REFUTED
    elif points and exact and not found:
        verdict = REFUTED  # hard never overtakes easy
    listed = ", ".join(
        f"{row['alpha_total']:.2f} ± {1.96 * row['standard_error']:.2f} (f = {row['keep_fraction']:g})" for row in found
    )
    return Claim(
        claim="The optimal strategy flips with the size of the pool",
        theory="hard overtakes easy at α_total = "
        + ", ".join(f"{exact[row['keep_fraction']]:.2f} (f = {row['keep_fraction']:g})" for row in found),
        measured=f"at α_total = {listed}; {origin(points)}" if found else NO_POINTS if not points else "never",
        verdict=verdict,
        figure="1C",
        predicted=CONFIRMED,
    )


def _bar(crossing: Row, points: Sequence[Row]) -> float:
    """Standard error of a crossing, with what interpolation between simulated pools may add to it."""
    pools = sorted({row["alpha_total"] for row in points if row["keep_fraction"] == crossing["keep_fraction"]})
    place = int(np.searchsorted(pools, crossing["alpha_total"]))
    gap = pools[min(place, len(pools) - 1)] - pools[max(place - 1, 0)]
    return math.hypot(crossing["standard_error"], gap / 16)


def optimal_rule_beats_both(table: Sequence[Row]) -> Claim:
    """Where hard and easy are nearest to each other, a window of margins between them does better, at θ = 20°."""
    statement = "Between scarce and abundant a window of intermediate margins beats the hardest and the easiest"
    rows = [row for row in table if row["kind"] == "simulation" and row["probe_angle_degrees"] == 20]
    pools = sorted({round(row["alpha_total"], 9) for row in rows})
    trios = [[row for row in rows if abs(row["alpha_total"] - pool) < 1e-6] for pool in pools]
    complete = [trio for trio in trios if len(trio) == 3]
    if not complete:
        return Claim(claim=statement, theory="", measured=NO_POINTS, verdict=UNDECIDED, figure="optimal_rule")
    split = [([r for r in t if "Windows" not in r["rule"]], [r for r in t if "Windows" in r["rule"]]) for t in complete]
    exact = [math.log(min(r["theory"] for r in ends) / best[0]["theory"]) for ends, best in split if best]
    ends, (best,) = split[int(np.argmax(exact))]
    effect = min((log_ratio(end, best) for end in ends), key=lambda gain: gain.value)
    return Claim(
        claim=statement,
        theory=f"ln(error of the better of hard and easy / error of the optimal rule) = {max(exact):+.3f}",
        measured=f"{effect} at α_total = {best['alpha_total']:.3g}, f = {best['keep_fraction']:g}, θ = 20°; "
        f"{origin([best])}",
        verdict=effect.verdict(IN_REGIME),
        figure="optimal_rule",
        predicted=Effect(max(exact), 0.0).verdict(IN_REGIME),
    )


def labels_help(points: Sequence[Row]) -> Claim:
    """At the pool where the theory sees the largest difference, counting the probe's mistakes as hard helps."""
    agnostic, aware = (_at(points, curve.selection) for curve in figure_label_aware.CURVES[:2])
    common = set(agnostic) & set(aware)
    statement = "A metric that sees the labels, and counts the probe's mistakes as hardest, picks better hard examples"
    if not common:
        return Claim(claim=statement, theory="", measured=NO_POINTS, verdict=UNDECIDED, figure="label_aware")
    exact = {alpha: math.log(agnostic[alpha]["theory"] / aware[alpha]["theory"]) for alpha in common}
    alpha = max(exact, key=lambda alpha: abs(exact[alpha]))
    effect = log_ratio(agnostic[alpha], aware[alpha])
    return Claim(
        claim=statement,
        theory=f"ln(label-agnostic error / label-aware error) = {exact[alpha]:+.3f}, where it is largest",
        measured=f"{effect} at α_prune = {alpha:g}, f = 0.4, θ = 20°; {origin([aware[alpha]])}",
        verdict=effect.verdict(IN_REGIME),
        figure="label_aware",
        predicted=Effect(exact[alpha], 0.0).verdict(IN_REGIME),
    )


def _at(points: Sequence[Row], selection: Selection) -> dict[float, Row]:
    return cells_of(points, selection, figure_label_aware.ANGLE)


def log_ratio(numerator: Row, denominator: Row) -> Effect:
    """ln of the ratio of two simulated errors."""
    return log_error(numerator).minus(log_error(denominator))
