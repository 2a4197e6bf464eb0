"""The best rule of all at this pool and fraction, and what it keeps."""

from dataclasses import dataclass, replace
from functools import partial

from perceptron_pruning.explorer.chart import Axis, Chart, Series, equal, short
from perceptron_pruning.explorer.memory import Memory, Missing, Task, one_by_one
from perceptron_pruning.explorer.state import Rule, State
from perceptron_pruning.explorer.students import Point, curve_of, known_at, task_at
from perceptron_pruning.explorer.views.error import LABELS, known_points, tasks_here
from replica_theory import optimal_selection

Windows = tuple[tuple[float, float], ...]
_STARTS = 0.5, 0.25, 0.75  # of windows that are tried before the best rule is found: shares of what is not kept


@dataclass(frozen=True)
class Best:
    """The best rule of a pool, as `OptimalSelection` has it."""

    windows: Windows
    generalization_error: float
    first_order_gain: float


def tasks(state: State) -> list[Task]:
    """The students of two rules, the best rule, then the other rules' students and those of some windows."""
    here = tasks_here(state)
    curve = _curve(state)
    best = Task(curve, (state.alpha_total,), one_by_one(partial(_best, curve[1])))
    return [*here[:2], best, *here[2:], *(task_at(at, "window", state.alpha) for at in _windows(state))]


def drawing(state: State, memory: Memory) -> Chart | None:
    """Kept quantiles of difficulty under the best rule, or under the best of those that are tried so far.

    Raises:
        ValueError: There is no such student where the sliders stand.
    """
    best = memory.at(_curve(state), state.alpha_total)
    if isinstance(best, Missing):
        raise ValueError(f"no best rule here: {best.reason}")
    points = known_points(state, memory)
    return _searching(state, points, memory) if best is None else _found(best, points)


def _found(best: Best, points: dict[Rule, Point]) -> Chart:
    beside = ", ".join(f"{short(at.error)} {LABELS[rule]}" for rule, at in points.items())
    against = f" against {beside}" if points else ""
    title = "What the best rule keeps, by quantile of difficulty"
    sentence = f"The best rule keeps {_words(best.windows)}: ε = {short(best.generalization_error)}{against}."
    if "random" in points and equal(best.generalization_error, points["random"].error):
        title = "What one of the rules keeps that are as good as random, by quantile of difficulty"
        sentence = f"No rule is better than random here: ε = {short(best.generalization_error)}{against}."
    return _picture(
        title=title,
        sentence=sentence,
        numbers=[
            ("ε of the best rule", f"{best.generalization_error:.5f}"),
            ("first-order gain left", f"{best.first_order_gain:.1e}"),
        ],
        windows=best.windows,
    )


def _searching(state: State, points: dict[Rule, Point], memory: Memory) -> Chart | None:
    """The best rule of those that are tried so far; None before the first of them is."""
    tried = [(at.error, _kept(state, rule)) for rule, at in points.items() if rule != "random"]
    for window in _windows(state):
        if isinstance(at := known_at(window, "window", memory), Point):
            tried.append((at.error, _kept(window, "window")))
    random = f"{short(points['random'].error)} at random" if "random" in points else ""
    if not tried:
        return _at_random(state, random) if random else None
    error, windows = min(tried)
    return _picture(
        title=f"What the best of {len(tried)} tried keeps, by quantile of difficulty",
        sentence=f"Best of {len(tried)} tried: {_words(windows)}, ε = {short(error)}"
        f"{f' against {random}' if random else ''}. Searching the best …",
        numbers=[("ε of the best so far", f"{error:.5f}")],
        windows=windows,
    )


def _at_random(state: State, random: str) -> Chart:
    chart = _picture(
        title="What random keeping keeps, by quantile of difficulty",
        sentence=f"ε = {random}. Searching the best …",
        numbers=[],
        windows=(),
    )
    return replace(chart, series=[Series("random", "", [0.0, 1.0], [state.keep_fraction] * 2, steps=True)])


def _picture(*, title: str, sentence: str, numbers: list[tuple[str, str]], windows: Windows) -> Chart:
    places, kept = _steps(windows)
    return Chart(
        title=title,
        sentence=sentence,
        numbers=numbers,
        x=Axis("quantile of difficulty, 0 = hardest", "linear", (0.0, 1.0)),
        y=Axis("share kept", "linear", (0.0, 1.0)),
        series=[Series("plain", "", places, kept, steps=True)],
        rows=[{"lower": low, "upper": high} for low, high in windows],
    )


def _windows(state: State) -> list[State]:
    """The sliders at windows of the same fraction."""
    spare = 1 - state.keep_fraction
    return [replace(state, rule="window", lower=round(share * spare, 12)) for share in _STARTS] if spare else []


def _kept(state: State, rule: Rule) -> Windows:
    """Quantiles that a rule keeps."""
    fraction = state.keep_fraction
    lower = {"hardest": 0.0, "easiest": 1 - fraction, "window": state.lower}[rule]
    return ((lower, min(1.0, lower + fraction)),)


def _curve(state: State) -> tuple[str, State]:
    """By which the best rule is remembered, at α_total: the state without what does not change it."""
    plain = replace(state, rule="hardest", lower=0.0, abscissa="pool")
    return "best_rule", curve_of(plain, "hardest")


def _best(state: State, alpha_total: float) -> Best:
    found = optimal_selection(
        alpha_total, keep_fraction=state.keep_fraction, label_aware=state.label_aware, **state.student_setting
    )
    windows = tuple((float(low), float(high)) for low, high in found.selection.windows)
    return Best(windows, found.generalization_error, found.first_order_gain)


def _steps(windows: Windows) -> tuple[list[float], list[float]]:
    """Places where the kept share changes, and what it is from there on."""
    places, kept = [0.0], [0.0]
    for low, high in windows:
        places, kept = [*places, low, high], [*kept, 1.0, 0.0]
    return [*places, 1.0], [*kept, 1.0 if windows and windows[-1][1] >= 1.0 else 0.0]


def _words(windows: Windows) -> str:
    """The windows in words."""
    spans = [f"{low:.2f} to {high:.2f}" for low, high in windows]
    return f"quantiles {' and '.join(spans)}"
