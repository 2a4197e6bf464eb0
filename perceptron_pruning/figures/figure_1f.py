"""Figure 1F: what an example tells about the teacher, pruned and not, by the exact theory and by the paper's formula."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.curves import ALPHA_PRUNE, column
from perceptron_pruning.figures.settings import Settings
from perceptron_pruning.figures.simulated import Simulated, point
from perceptron_pruning.reproduction.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.reproduction.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.errors import SaddlePointError
from replica_theory.paper_version_space import paper_version_space
from replica_theory.selection import KeepHardest
from replica_theory.version_space import version_space

NAME = "1F"
TITLE = "Pruned examples tell more, each"
CAPTION = (
    "Information gain per kept example, I = −dS/dα in nats, of the version space when the hardest fraction f is kept "
    "by a perfect probe: the exact replica-symmetric theory (q ≠ R, lines) and the paper's form (q = R, dashed, where "
    "its entropy has a maximum); the dotted line is one bit. Theory alone: nothing is simulated here."
)
FRACTIONS = (1.0, 0.6, 0.4, 0.2, 0.1)
ALPHAS = np.geomspace(0.1, 20.0, 61)


def cells(settings: Settings) -> list[Cell]:
    """None."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Both forms, for every fraction."""
    return [row for f in FRACTIONS for row in (*_exact(f), *_paper(f))]


def _exact(fraction: float) -> list[Row]:
    solution = version_space(ALPHAS, selection=KeepHardest(fraction))
    columns = zip(ALPHAS, solution.information_gain, solution.entropy, strict=True)
    return [_row("theory", fraction, alpha, gain, entropy) for alpha, gain, entropy in columns]


def _paper(fraction: float) -> list[Row]:
    """Where the restricted entropy has a maximum: the largest α down to the first that has none."""
    rows: list[Row] = []
    for alpha in ALPHAS[::-1]:
        try:
            solution = paper_version_space(float(alpha), selection=KeepHardest(fraction))
        except SaddlePointError:
            break
        rows.append(_row("paper", fraction, alpha, solution.information_gain, solution.entropy))
    return rows[::-1]


def _row(kind: str, fraction: float, alpha: float, gain: float, entropy: float) -> Row:
    return point(KeepHardest(fraction), 0.0, float(alpha)) | {
        "kind": kind,
        "information_gain": float(gain),
        "entropy": float(entropy),
    }


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.4, 4.0)
        axes = figure.add_subplot()
        for fraction, colour in zip(FRACTIONS, COLOURS, strict=False):
            same = [row for row in table if row["keep_fraction"] == fraction]
            for kind, style in (("theory", "-"), ("paper", "--")):
                line = [row for row in same if row["kind"] == kind]
                label = ("no pruning, f = 1" if fraction == 1 else f"f = {fraction:g}") if kind == "theory" else None
                axes.plot(
                    column(line, "alpha_prune"), column(line, "information_gain"), style, color=colour, label=label
                )
        axes.plot([], [], "--", color="0.4", label="the paper's form, q = R")
        axes.axhline(np.log(2), color="0.4", lw=1, ls=":")
        axes.text(0.105, 0.705, "one bit", color="0.3", fontsize=8)
        axes.set(xscale="log", yscale="log", xlabel=ALPHA_PRUNE, ylabel="information gain per example, $I$ (nats)")
        axes.set_title("What one more example tells (θ = 0)")
        plain_ticks(axes)
        axes.legend(loc="lower left")
    return figure
