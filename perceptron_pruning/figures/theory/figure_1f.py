"""Figure 1F: what an example tells about the teacher, pruned and not, in both forms."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import fraction_colour
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.errors import SaddlePointError
from replica_theory.selection import KeepHardest
from replica_theory.version_spaces.sorscher import paper_information_gain, paper_version_space
from replica_theory.version_spaces.version_space import version_space

NAME = "1F"
TITLE = "Pruned examples tell more, each"
CAPTION = (
    "Information gain per kept example, I = −dS/dα in nats, of the version space when the hardest fraction f is kept "
    "by a perfect probe: the exact replica-symmetric theory (q ≠ R, lines), the paper's formula at the exact R "
    "(dashed) and at its own R (q = R, dotted, where its entropy has a maximum); the grey line is one bit. At any "
    "fixed fraction the gain ends as 1/α; with a fraction that shrinks as examples are added it does not run out "
    "(dash-dotted, −dS/dα along f = e^(−α)). Theory alone: nothing is simulated here."
)
WHAT_TO_SEE = (
    "Lines above the grey line of one bit: an example chosen for its hardness tells more than one bit, because "
    "the selector knows the teacher. All solid lines end as 1/α; only the dash-dotted one, of a fraction that "
    "shrinks, stays up. Dashed and dotted lines are the paper's formula."
)
FRACTIONS = (1.0, 0.6, 0.4, 0.2, 0.1)
ALPHAS = np.unique([*np.geomspace(0.1, 20.0, 61), *np.linspace(1.3, 2.4, 12)])  # finer at the peaks
SHRINKING_ALPHAS = (2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 16.0)


def cells(settings: Settings) -> list[Cell]:
    """No simulated cells: theory alone."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Exact and paper's information gain, for every fraction."""
    lines = [row for f in FRACTIONS for row in (*_exact(f), *_paper_at_its_own_overlap(f))]
    return [*lines, *(_shrinking(alpha) for alpha in SHRINKING_ALPHAS)]


def _exact(fraction: float) -> list[Row]:
    """The exact gain, and the paper's formula at the exact R."""
    rule = KeepHardest(fraction)
    solution = version_space(ALPHAS, selection=rule)
    papers = np.asarray(paper_information_gain(solution.overlap, selection=rule))
    columns = (("theory", solution.information_gain), ("paper", papers))
    return [_row(kind, rule, alpha, gain) for kind, gains in columns for alpha, gain in zip(ALPHAS, gains, strict=True)]


def _paper_at_its_own_overlap(fraction: float) -> list[Row]:
    """Where the restricted entropy has a maximum: from the largest α down to the first that has none."""
    rule, rows = KeepHardest(fraction), []
    for alpha in ALPHAS[::-1]:
        try:
            gain = paper_version_space(float(alpha), selection=rule).information_gain
        except SaddlePointError:
            break
        rows.append(_row("paper, own R", rule, alpha, gain))
    return rows[::-1]


def _shrinking(alpha: float) -> Row:
    """The entropy at a fraction that falls as examples are added, f = e^{−α}."""
    rule = KeepHardest(math.exp(-alpha))
    return point(rule, 0.0, alpha) | {"kind": "shrinking", "entropy": version_space(alpha, selection=rule).entropy}


def _row(kind: str, rule: KeepHardest, alpha: float, gain: float) -> Row:
    return point(rule, 0.0, float(alpha)) | {"kind": kind, "information_gain": float(gain)}


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.4, 4.0)
        axes = figure.add_subplot()
        for fraction in FRACTIONS:
            colour = fraction_colour(fraction)
            same = [row for row in table if row["keep_fraction"] == fraction]
            for kind, style in (("theory", "-"), ("paper", "--"), ("paper, own R", ":")):
                line = [row for row in same if row["kind"] == kind]
                label = f"f = {fraction:g}" if kind == "theory" else None
                axes.plot(
                    column(line, "alpha_prune"), column(line, "information_gain"), style, color=colour, label=label
                )
        axes.plot([], [], "--", color="0.4", label="paper's formula at the exact R")
        axes.plot([], [], ":", color="0.4", label="paper's formula at its own R = q")
        _draw_shrinking(axes, [row for row in table if row["kind"] == "shrinking"])
        axes.axhline(np.log(2), color="0.4", lw=0.8)
        axes.text(20, 0.71, "one bit", color="0.3", fontsize=8, ha="right")
        axes.set(xscale="log", yscale="log", xlabel=ALPHA_PRUNE, ylabel="information gain per example, $I$ (nats)")
        axes.set_title("What one more example tells (θ = 0)")
        plain_ticks(axes)
        axes.legend(loc="lower left")
    return figure


def _draw_shrinking(axes: Axes, rows: Sequence[Row]) -> None:
    """−ΔS/Δα between neighbouring points, in their middle."""
    steps = [(first, second, second["alpha_prune"] - first["alpha_prune"]) for first, second in pairwise(rows)]
    middles = [first["alpha_prune"] + 0.5 * step for first, _, step in steps]
    gains = [(first["entropy"] - second["entropy"]) / step for first, second, step in steps]
    axes.plot(middles, gains, "k-.", lw=1.2, label=r"a shrinking fraction, $f = e^{-\alpha}$")
