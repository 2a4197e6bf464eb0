"""Test error against α under each rule, and which is best where the sliders stand."""

import math
from dataclasses import replace
from typing import Any

from perceptron_pruning.explorer.chart import Axis, Chart, Mark, Series, count, equal, short
from perceptron_pruning.explorer.memory import Memory, Missing, Task
from perceptron_pruning.explorer.state import NAMES, RANGES, Rule, State
from perceptron_pruning.explorer.students import (
    ALPHAS,
    Point,
    curve_of,
    curve_tasks,
    known_at,
    known_curves,
    task_at,
)
from perceptron_pruning.output.tables import Row

LABELS: dict[Rule, str] = {"hardest": "hard", "easiest": "easy", "random": "random", "window": "window"}
_ADVICE: dict[Rule, str] = {
    "hardest": "keep the hard ones",
    "easiest": "keep the easy ones",
    "random": "keep at random",
    "window": "keep the window",
}
_TO_COME = "…"


def rules(state: State) -> tuple[Rule, ...]:
    """Hard, easy and random, and the window where it is chosen."""
    plain: tuple[Rule, ...] = ("hardest", "easiest", "random")
    return (*plain, "window") if state.rule == "window" else plain


def tasks(state: State) -> list[Task]:
    """The students where the sliders stand, then the curves from coarse to fine."""
    whole, alpha = _unpruned(state)
    unpruned = replace(task_at(whole, "random", alpha), first=True)
    return [*tasks_here(state), unpruned, *curve_tasks(state, rules(state))]


def tasks_here(state: State) -> list[Task]:
    """The students where the sliders stand: the random one, which is quick, that of the chosen rule, and the others."""
    order: list[Rule] = sorted(rules(state), key=lambda rule: (rule != "random", rule != state.rule))
    return [task_at(state, rule) for rule in order]


def drawing(state: State, memory: Memory) -> Chart | None:
    """Curves of all rules, and the point at which the sliders stand."""
    points = known_points(state, memory)
    if not points:
        return None
    curves = known_curves(state, rules(state), memory)
    abscissa = "examples of the pool" if state.abscissa == "pool" else "kept examples"
    return Chart(
        title=f"Test error of the {NAMES[state.student]} student, {state.keep_fraction:.3g} of the pool kept",
        sentence=_sentence(points, sum(known_at(state, rule, memory) is None for rule in rules(state))),
        numbers=_numbers(state, memory),
        notes=_notes(curves),
        x=Axis(f"α, {abscissa} per dimension", "log", RANGES["alpha"], parameter="alpha"),
        y=Axis("ε, test error", "log"),
        series=[Series(rule, LABELS[rule], ALPHAS.tolist(), _errors(curve)) for rule, curve in curves.items()],
        marks=[Mark(rule, state.alpha, point.error) for rule, point in points.items()],
        rows=[row for rule, curve in curves.items() for row in _rows(state, rule, curve)],
    )


def known_points(state: State, memory: Memory) -> dict[Rule, Point]:
    """The students where the sliders stand that are solved and exist, by rule.

    Raises:
        ValueError: There is none under the chosen rule.
    """
    if isinstance(chosen := known_at(state, state.rule, memory), Missing):
        raise ValueError(f"no student here: {chosen.reason}")
    found: dict[Rule, Any] = {rule: known_at(state, rule, memory) for rule in rules(state)}
    return {rule: point for rule, point in found.items() if isinstance(point, Point)}


def _sentence(points: dict[Rule, Point], to_come: int) -> str:
    """Advice at this size: the rule of least error beside the others; no advice before all are known."""
    listed = [f"{short(point.error)} {LABELS[rule]}" for rule, point in points.items()]
    if to_come:
        return f"At this size ε = {', '.join(listed)}; {to_come} more to come."
    if len(listed) == 1:
        return f"At this size ε = {listed[0]}; there is no other student."
    best = min(points, key=lambda rule: points[rule].error)
    others: list[Rule] = [rule for rule in points if rule != best]
    *first, last = (f"{short(points[rule].error)} {LABELS[rule]}" for rule in others)
    against = f"{', '.join(first)} and {last}" if first else last
    if all(equal(points[rule].error, points[best].error) for rule in others):
        return f"At this size it makes no difference which ones you keep: ε = {short(points[best].error)}."
    return f"At this size {_ADVICE[best]}: ε = {short(points[best].error)} against {against}."


def _unpruned(state: State) -> tuple[State, float]:
    """The student of the whole pool, and where: α_total, which may lie beyond the slider's range."""
    whole = replace(
        state,
        keep_fraction=1.0,
        abscissa="pool",
        probe="independent",
        probe_angle_degrees=0.0,
        rule="random",
        lower=0.0,
    )
    return whole, state.alpha_total


def _numbers(state: State, memory: Memory) -> list[tuple[str, str]]:
    chosen = known_at(state, state.rule, memory)
    whole, alpha = _unpruned(state)
    unpruned = memory.at((curve_of(whole, "random"), "random"), alpha)
    known = isinstance(chosen, Point)
    angle = f"{math.degrees(chosen.probe_angle):.3g}°" if known else _TO_COME
    return [
        (f"ε, {LABELS[state.rule]}", f"{chosen.error:.5f}" if known else _TO_COME),
        ("overlap R", f"{chosen.overlap:.5f}" if known else _TO_COME),
        ("ε of the whole pool", _error(unpruned)),
        ("kept per dimension", count(state.alpha_prune)),
        ("pool per dimension", count(state.alpha_total)),
        *([] if state.rule == "random" else [("probe to teacher", angle)]),
    ]


def _error(point: Point | Missing | None) -> str:
    """ε as text: of a student that is not there, and of one that is not solved yet."""
    if isinstance(point, Point):
        return f"{point.error:.5f}"
    return _TO_COME if point is None else "–"


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
