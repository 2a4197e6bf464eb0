"""The replica prediction beside two classes of real embeddings, reality added step by step."""

from collections.abc import Sequence
from math import degrees

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.reproduction.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.reproduction.tables import Row
from perceptron_pruning.theory_beside_data import Beside

NAME = "embeddings_theory"
TITLE = "Real embeddings: theory beside data, nothing fitted"
CAPTION = (
    "Test error of a logistic student on two classes of embeddings, retrained on the hardest, the easiest or a random "
    "half: replica theory (lines), told α, θ, the ridge and the label noise, and measurement (dots; bars: 95 % "
    "intervals over seeds). From left to right: Gaussian inputs with the converged classifier's labels, whitened "
    "embeddings with these labels, with their own labels, and without whitening."
)
RULES = {"random": "at random", "hard": "keep hard", "easy": "keep easy"}


def compute(points: Sequence[Beside]) -> list[Row]:
    """One row a point."""
    return [
        {
            "step": point.step,
            "rule": point.rule,
            "alpha_prune": point.alpha_prune,
            "probe_angle_degrees": degrees(point.probe_angle),
            "measured": point.measured.value,
            "half_width": point.measured.half_width,
            "theory": point.predicted,
            "measured_angle": point.measured_angle.value,
            "theory_angle": point.predicted_angle,
        }
        for point in points
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each step."""
    steps = list(dict.fromkeys(row["step"] for row in table))
    with styled():
        figure = new_figure(2.4 * len(steps) + 0.6, 3.2)
        panels = figure.subplots(1, len(steps), sharey=True, squeeze=False)[0]
        for axes, step in zip(panels, steps, strict=True):
            rows = [row for row in table if row["step"] == step]
            _draw(axes, rows)
            title = f"{step}, θ = {rows[0]['probe_angle_degrees']:.0f}°"
            axes.set(xlabel=r"kept examples per dimension, $\alpha$", title=title)
        panels[0].set_ylabel(r"test error, $\varepsilon$")
        panels[0].legend(loc="lower left")
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    for (rule, label), colour in zip(RULES.items(), COLOURS, strict=False):
        line = [row for row in rows if row["rule"] == rule]
        alphas = [row["alpha_prune"] for row in line]
        axes.plot(alphas, [row["theory"] for row in line], color=colour, label=label)
        measured, half_widths = [row["measured"] for row in line], [row["half_width"] for row in line]
        axes.errorbar(alphas, measured, half_widths, fmt="o", ms=3.5, color=colour)
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
