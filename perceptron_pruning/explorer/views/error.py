"""Test error against α under each rule, and which is best where the sliders stand."""

import math
from dataclasses import replace
from time import perf_counter

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, short
from perceptron_pruning.explorer.memory import Missing
from perceptron_pruning.explorer.state import NAMES, RANGES, Rule, State
from perceptron_pruning.explorer.students import ALPHAS, Point, Students
from perceptron_pruning.output.tables import Row

LABELS: dict[Rule, str] = {"hardest": "hard", "easiest": "easy", "random": "random", "window": "window"}
_ADVICE: dict[Rule, str] = {
    "hardest": "keep the hard ones",
    "easiest": "keep the easy ones",
    "random": "keep at random",
    "window": "keep the window",
}
_EQUAL = 1e-6  # |ln ε₁/ε₂| up to which rules are equal


def rules(state: State) -> tuple[Rule, ...]:
    """Hard, easy and random, and the window where it is chosen."""
    plain: tuple[Rule, ...] = ("hardest", "easiest", "random")
    return (*plain, "window") if state.rule == "window" else plain


def chart(state: State, students: Students, seconds: float) -> Chart:
    """Curves of all rules, and the point at which the sliders stand.

    Raises:
        ValueError: There is no such student where the sliders stand, under the chosen rule.
    """
    end = perf_counter() + seconds
    points: dict[Rule, Point | Missing] = {
        rule: students.at(state, rule, np.array([state.alpha]))[0] for rule in rules(state)
    }
    if isinstance(chosen := points[state.rule], Missing):
        raise ValueError(f"no student here: {chosen.reason}")
    solved: dict[Rule, Point] = {rule: point for rule, point in points.items() if isinstance(point, Point)}
    curves = students.curves(state, rules(state), seconds=end - perf_counter())
    abscissa = "examples of the pool" if state.abscissa == "pool" else "kept examples"
    return Chart(
        title=f"Test error of the {NAMES[state.student]} student, {state.keep_fraction:.3g} of the pool kept",
        sentence=_sentence(solved),
        numbers=_numbers(state, students, chosen),
        notes=_notes(curves),
        x=Axis(f"α, {abscissa} per dimension", "log", RANGES["alpha"], parameter="alpha"),
        y=Axis("ε, test error", "log"),
        series=[Series(rule, LABELS[rule], ALPHAS.tolist(), _errors(curve)) for rule, curve in curves.items()],
        marks=[Mark(rule, state.alpha, point.error) for rule, point in solved.items()],
        rows=[row for rule, curve in curves.items() for row in _rows(state, rule, curve)],
        complete=all(point is not None for curve in curves.values() for point in curve),
    )


def _sentence(points: dict[Rule, Point]) -> str:
    """Advice at this size: the rule of least error beside the others."""
    best = min(points, key=lambda rule: points[rule].error)
    others: list[Rule] = [rule for rule in points if rule != best]
    *first, last = (f"{short(points[rule].error)} {LABELS[rule]}" for rule in others)
    against = f"{', '.join(first)} and {last}"
    if all(abs(math.log(points[rule].error / points[best].error)) < _EQUAL for rule in others):
        return f"At this size it makes no difference which ones you keep: ε = {short(points[best].error)}."
    return f"At this size {_ADVICE[best]}: ε = {short(points[best].error)} against {against}."


def _numbers(state: State, students: Students, chosen: Point) -> list[tuple[str, str]]:
    whole = replace(
        state, keep_fraction=1.0, abscissa="pool", probe="independent", probe_angle_degrees=0.0, rule="random"
    )
    (unpruned,) = students.at(whole, "random", np.array([state.alpha_total]))
    angle = [] if state.rule == "random" else [("probe to teacher", f"{math.degrees(chosen.probe_angle):.3g}°")]
    return [
        (f"ε, {LABELS[state.rule]}", f"{chosen.error:.5f}"),
        ("overlap R", f"{chosen.overlap:.5f}"),
        ("ε of the whole pool", f"{unpruned.error:.5f}" if isinstance(unpruned, Point) else "–"),
        ("kept per dimension", f"{state.alpha_prune:.3g}"),
        ("pool per dimension", f"{state.alpha_total:.3g}"),
        *angle,
    ]


def _notes(curves: dict[Rule, list[Point | Missing | None]]) -> list[str]:
    """Why points are missing, a reason for each rule."""
    gaps: dict[Rule, list[Missing]] = {
        rule: [point for point in curve if isinstance(point, Missing)] for rule, curve in curves.items()
    }
    return [
        f"{LABELS[rule]}: no student at {len(missing)} of {len(ALPHAS)} α ({missing[0].reason})"
        for rule, missing in gaps.items()
        if missing
    ]


def _errors(curve: list[Point | Missing | None]) -> list[float | None]:
    return [point.error if isinstance(point, Point) else None for point in curve]


def _rows(state: State, rule: Rule, curve: list[Point | Missing | None]) -> list[Row]:
    return [
        {
            "rule": rule,
            "alpha_total": alpha * state.kept_per_alpha / state.keep_fraction,
            "alpha_prune": alpha * state.kept_per_alpha,
            "generalization_error": point.error,
            "overlap": point.overlap,
            "probe_angle_degrees": None if rule == "random" else math.degrees(point.probe_angle),
        }
        for alpha, point in zip(ALPHAS.tolist(), curve, strict=True)
        if isinstance(point, Point)
    ]
