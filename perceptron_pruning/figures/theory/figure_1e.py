"""Figure 1E: accuracy over the kept fraction and the number of kept examples, with the best fraction."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_PRUNE, KEEP_FRACTION, column, frontier_rows
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import SEQUENTIAL
from perceptron_pruning.output.style import no_grid, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest

NAME = "1E"
TITLE = "The best fraction to keep falls as data grow"
CAPTION = (
    "Test accuracy 1 − ε of keeping the hardest fraction f by a perfect probe, over f and the number of kept "
    "examples: replica theory (colour), its best f ≥ 0.05 at each α_prune (line), and the best of the simulated "
    "fractions (circles; N = {n_features}, {n_trials} trials; filled small dots: all that were simulated)."
)
WHAT_TO_SEE = (
    "The white line, the best fraction at each number of kept examples: all of the pool as long as examples are "
    "few, the hardest sliver of it from α_prune of about 2 on. Black dots, the best simulated fractions, follow "
    "it within the grid of the small dots."
)
LEAST = 0.05
ALPHAS = np.geomspace(0.4, 8.0, 41)
LINE_ALPHAS = np.unique([0.4, 0.7, *np.linspace(0.9, 2.1, 41), 2.4, 3.0, 8.0])  # finer where the best f falls
FRACTIONS = np.geomspace(LEAST, 1.0, 33)
SIMULATED_FRACTIONS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def cells(settings: Settings) -> list[Cell]:
    """A grid of f and α_prune."""
    return [
        Cell(alpha_prune=alpha, selection=KeepHardest(f), n_features=settings.n_features)
        for alpha in settings.alphas
        for f in SIMULATED_FRACTIONS
    ]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Error over f and α_prune, the best fractions, and the simulated points."""
    return [
        *(row for f in FRACTIONS.tolist() for row in _line(min(f, 1.0))),
        *frontier_rows(LINE_ALPHAS, probe_angle=0.0, least=LEAST),
        *simulated.rows(cells(settings)),
    ]


def _line(fraction: float) -> list[Row]:
    rule = KeepHardest(fraction)
    errors = max_margin(ALPHAS, selection=rule).generalization_error
    return [
        point(rule, 0.0, alpha) | {"theory": error}
        for alpha, error in zip(ALPHAS.tolist(), errors.tolist(), strict=True)
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    rows = [row for row in table if row["kind"] == "theory"]
    alphas, fractions = (sorted({row[name] for row in rows}) for name in ("alpha_prune", "keep_fraction"))
    accuracy = 1 - np.reshape(column(rows, "theory"), (len(fractions), len(alphas)))
    dots = [row for row in table if row["kind"] == "simulation"]
    best = [
        min((dot for dot in dots if dot["alpha_prune"] == alpha), key=lambda dot: dot["simulation"])
        for alpha in sorted(set(column(dots, "alpha_prune")))
    ]
    with styled():
        figure = new_figure(5.6, 4.0)
        axes = figure.add_subplot()
        axes.set(xscale="log", yscale="log")
        shade = axes.pcolormesh(alphas, fractions, accuracy, cmap=SEQUENTIAL, shading="gouraud", rasterized=True)
        figure.colorbar(shade, label=r"test accuracy, $1-\varepsilon$")
        line = [row for row in table if row["kind"] == "frontier"]
        axes.plot(column(line, "alpha_prune"), column(line, "keep_fraction"), "w", lw=2.5, label="line: best f, theory")
        places = column(dots, "alpha_prune"), column(dots, "keep_fraction")
        axes.plot(*places, ".", color="0.75", ms=3, clip_on=False, label="all simulated f")
        axes.plot(
            column(best, "alpha_prune"),
            column(best, "keep_fraction"),
            "o",
            color="black",
            mec="white",
            ms=6,
            clip_on=False,
            zorder=5,
            label="dots: best f, simulation",
        )
        axes.set(xlabel=ALPHA_PRUNE, ylabel=KEEP_FRACTION, title="Accuracy when the hardest are kept (θ = 0)")
        plain_ticks(axes)
        axes.legend(loc="upper right", facecolor="0.35", edgecolor="0.35", labelcolor="white")
        no_grid(axes)
    return figure
