"""The best rule of all at this pool and fraction, and what it keeps."""

from dataclasses import replace

import numpy as np

from perceptron_pruning.explorer.chart import Axis, Chart, Series, short
from perceptron_pruning.explorer.memory import Missing
from perceptron_pruning.explorer.state import Rule, State
from perceptron_pruning.explorer.students import Point, Students
from perceptron_pruning.explorer.views.error import LABELS, rules
from replica_theory import optimal_selection

Windows = tuple[tuple[float, float], ...]


def chart(state: State, students: Students, seconds: float) -> Chart:
    """Kept quantiles of difficulty under the best rule.

    Raises:
        ValueError: There is no such student where the sliders stand.
    """
    key = ("best_rule", replace(state, alpha=1.0, abscissa="kept", rule="hardest", lower=0.0))
    best = students.choices.at(
        key,
        state.alpha_total,
        lambda alpha: optimal_selection(
            alpha, keep_fraction=state.keep_fraction, label_aware=state.label_aware, **state.student_setting
        ),
    )
    if isinstance(best, Missing):
        raise ValueError(f"no best rule here: {best.reason}")
    windows: Windows = tuple((float(low), float(high)) for low, high in best.selection.windows)
    places, kept = _steps(windows)
    points: dict[Rule, Point | Missing] = {
        rule: students.at(state, rule, np.array([state.alpha]))[0] for rule in rules(state)
    }
    beside = ", ".join(f"{short(at.error)} {LABELS[rule]}" for rule, at in points.items() if isinstance(at, Point))
    error = short(best.generalization_error)
    return Chart(
        title="What the best rule keeps, by quantile of difficulty",
        sentence=f"The best rule keeps {_words(windows)}: ε = {error} against {beside}.",
        numbers=[
            ("ε of the best rule", f"{best.generalization_error:.5f}"),
            ("first-order gain left", f"{best.first_order_gain:.1e}"),
        ],
        x=Axis("quantile of difficulty, 0 = hardest", "linear", (0.0, 1.0)),
        y=Axis("share kept", "linear", (0.0, 1.0)),
        series=[Series("plain", "", places, kept, steps=True)],
        rows=[{"lower": low, "upper": high} for low, high in windows],
    )


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
