"""Figure 2A–B: the geometry of an imperfect probe, and what it keeps."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc
from scipy.special import ndtr

from perceptron_pruning.figures.theory.curves import column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sampling import kept_plane
from perceptron_pruning.sweeps import Cell
from replica_theory._numerics.gaussian import normal_density
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepEasiest, KeepHardest

NAME = "2AB"
TITLE = "The geometry of an imperfect probe"
CAPTION = (
    "A: examples in the plane of teacher T and probe P at θ = 20°, of which those nearest to the probe's boundary are "
    "kept (f = 0.3; a random draw of 300), with the max-margin student J at α_prune = 3 as it lies in that plane. "
    "B: density of the signed margin y z over the pool, and the part that is kept; left of 0 the probe is wrong."
)
WHAT_TO_SEE = (
    "A: the kept examples (dark) lie along the probe's boundary, not the teacher's, and the student J leans away "
    "from the teacher T accordingly. B: what is kept of the margins includes the probe's mistakes, left of 0."
)
DEGREES = 20
RULE = KeepHardest(0.3)
ALPHA = 3.0
_POOL = 300
_LABELS = ("#332288", "#CC79A7")  # colours of y = +1 and −1
_PROBE, _STUDENT = "#117733", "#AA3377"
_MARGINS = np.linspace(-2.0, 3.5, 221)


def cells(settings: Settings) -> list[Cell]:
    """No simulated cells: theory alone."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Examples, directions and densities."""
    return [*_examples(settings.seed), *_directions(), *_densities()]


def _examples(seed: int) -> list[Row]:
    rng, angle = np.random.default_rng(seed), math.radians(DEGREES)
    kept, kept_labels = kept_plane(RULE, probe_angle=angle, n_kept=round(_POOL * RULE.keep_fraction), rng=rng)
    easy = KeepEasiest(1 - RULE.keep_fraction)  # what is dropped is distributed as the easiest 1 − f
    rest, labels = kept_plane(easy, probe_angle=angle, n_kept=round(_POOL * easy.keep_fraction), rng=rng)
    return [
        {"kind": kind, "x": float(x), "y": float(y), "label": int(label)}
        for kind, points, signs in (("kept", kept, kept_labels), ("dropped", rest, labels))
        for (x, y), label in zip(points, signs, strict=True)
    ]


def _directions() -> list[Row]:
    """Unit vectors of teacher and probe, and the unit-norm student's part in their plane."""
    angle = math.radians(DEGREES)
    student = max_margin(ALPHA, selection=RULE, probe_angle=angle)
    across = (student.probe_overlap - student.overlap * math.cos(angle)) / math.sin(angle)
    arrows = {"teacher": (1.0, 0.0), "probe": (math.cos(angle), math.sin(angle)), "student": (student.overlap, across)}
    return [{"kind": name, "x": float(x), "y": float(y)} for name, (x, y) in arrows.items()]


def _densities() -> list[Row]:
    """2 φ(m) Φ(m cot θ), of which abs(m) below the threshold is kept."""
    angle = math.radians(DEGREES)
    density = 2 * normal_density(_MARGINS) * ndtr(_MARGINS / math.tan(angle))
    threshold = RULE.thresholds(angle)[1]
    return [
        {"kind": "density", "x": float(m), "pool": float(value), "kept": float(value) if abs(m) < threshold else 0.0}
        for m, value in zip(_MARGINS, density, strict=True)
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((plane, margins),) = new_panels(1, 2, width=8.6, height=3.8)
        _draw_plane(plane, table)
        _draw_margins(margins, [row for row in table if row["kind"] == "density"])
    return figure


def _draw_plane(axes: Axes, table: Sequence[Row]) -> None:
    for kind, alpha, size in (("dropped", 0.25, 9), ("kept", 0.95, 15)):
        for label, colour, marker in ((1, _LABELS[0], "o"), (-1, _LABELS[1], "s")):
            rows = [row for row in table if row["kind"] == kind and row["label"] == label]
            name = f"kept, y = {label:+d}" if kind == "kept" else None
            axes.scatter(
                column(rows, "x"), column(rows, "y"), s=size, alpha=alpha, c=colour, marker=marker, lw=0, label=name
            )
    arrows = {row["kind"]: (row["x"], row["y"]) for row in table if row["kind"] in ("teacher", "probe", "student")}
    for name, letter, colour in (("teacher", "T", "black"), ("probe", "P", _PROBE), ("student", "J", _STUDENT)):
        x, y = arrows[name]
        axes.annotate("", (2.2 * x, 2.2 * y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2})
        axes.text(2.4 * x, 2.4 * y, f"${letter}$", color=colour, fontsize=12, ha="center", va="center")
    axes.add_patch(Arc((0, 0), 2.8, 2.8, theta2=DEGREES, lw=1.2))
    axes.text(1.53, 0.24, r"$\theta$", fontsize=10)
    px, py = arrows["probe"]
    axes.plot([-4 * py, 4 * py], [4 * px, -4 * px], color=_PROBE, lw=1, ls="--", label="probe's boundary")
    axes.axvline(0, color="black", lw=1, ls="--", label="teacher's boundary")
    axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", title=f"A  the plane of teacher and probe, θ = {DEGREES}°")
    axes.set(xlabel="teacher field, $u = T \\cdot x$", ylabel="across it, towards the probe")
    axes.legend(loc="lower left", fontsize=6.5)


def _draw_margins(axes: Axes, rows: Sequence[Row]) -> None:
    margins = column(rows, "x")
    axes.plot(margins, column(rows, "pool"), color="black", label="pool")
    axes.fill_between(margins, column(rows, "kept"), color="0.7", lw=0, label="kept, f = 0.3")
    axes.axvline(0, color="0.4", lw=1, ls=":")
    axes.text(-0.08, 0.79, "probe wrong", ha="right", fontsize=8)
    axes.text(0.08, 0.79, "probe right", ha="left", fontsize=8)
    axes.set(ylim=(0, 0.85), title="B  what the probe keeps")
    axes.set(xlabel="signed probe margin, $m = y\\,P \\cdot x$", ylabel="density")
    axes.legend(loc="center right")
