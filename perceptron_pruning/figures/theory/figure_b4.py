"""Figure B4, beyond the paper: how to curate a generator's examples by another oracle."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import HARD_OR_EASY, SEQUENTIAL
from perceptron_pruning.output.style import no_grid, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.curation import curation_diagram

NAME = "B4"
TITLE = "Keep the generator's hard examples or its easy ones, and how many"
CAPTION = (
    "Labels come from a generator at an angle to the truth, selection from an oracle at 20°, the test from the truth "
    "(square loss, λ = 0.1; theory). Left: the best share to keep, towards blue the hardest, towards orange the "
    "easiest, white all. Right: the least test error. Good generators and large pools want the hard examples, poor or "
    "scarce ones the easy."
)
WHAT_TO_SEE = (
    "Left: blue at the bottom right, where the generator is good and examples abound, says to keep the hardest; "
    "orange, where it is poor (above) or examples are few (left), the easiest; white, to prune nothing. Same "
    "colours as in figure 1C."
)
ORACLE_ANGLE, RIDGE = math.radians(20), 0.1
GENERATOR_DEGREES = np.linspace(0.0, 72.0, 25)
ALPHAS_TOTAL = np.geomspace(0.5, 50.0, 21)
FRACTIONS = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0])


def cells(settings: Settings) -> list[Cell]:
    """No simulated cells: a map of theory."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """The best rule at each point of the map."""
    best = curation_diagram(
        np.radians(GENERATOR_DEGREES),
        ALPHAS_TOTAL,
        loss="square",
        ridge=RIDGE,
        oracle_angle=ORACLE_ANGLE,
        keep_fractions=FRACTIONS,
    )
    return [
        {
            "kind": "theory",
            "generator_degrees": float(degrees),
            "alpha_total": float(alpha),
            "rule": str(best.rule[row, column]),
            "keep_fraction": float(best.keep_fraction[row, column]),
            "theory": float(best.generalization_error[row, column]),
        }
        for row, degrees in enumerate(GENERATOR_DEGREES)
        for column, alpha in enumerate(ALPHAS_TOTAL)
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    degrees, alphas = (sorted({row[name] for row in table}) for name in ("generator_degrees", "alpha_total"))
    signs = {"hard": -1.0, "easy": 1.0, "all": 0.0}
    shape = len(degrees), len(alphas)
    removed = np.reshape([signs[row["rule"]] * (1 - row["keep_fraction"]) for row in table], shape)
    errors = np.reshape([row["theory"] for row in table], shape)
    with styled():
        figure, ((left, right),) = new_panels(1, 2, width=9.2, height=3.6)
        shade = left.pcolormesh(alphas, degrees, removed, cmap=HARD_OR_EASY, vmin=-1, vmax=1, rasterized=True)
        bar = figure.colorbar(shade, ax=left)
        bar.set_ticks(
            [-0.9, -0.5, 0, 0.5, 0.9], labels=["hardest 10%", "hardest 50%", "all", "easiest 50%", "easiest 10%"]
        )
        shade = right.pcolormesh(alphas, degrees, errors, cmap=SEQUENTIAL, rasterized=True)
        figure.colorbar(shade, ax=right, label=r"least test error, $\varepsilon$")
        for axes, title in ((left, "What to keep (theory)"), (right, "What it gives (theory)")):
            axes.set(xscale="log", xlabel=ALPHA_TOTAL, ylabel="generator's angle to the truth (°)", title=title)
            plain_ticks(axes)
            no_grid(axes)
        right.set_ylabel("")
        left.text(45, 1, "keep hard", ha="right", fontsize=9, color="white")
        left.text(0.6, 67, "keep easy", fontsize=9)
    return figure
