"""Figure 1C: where keeping the hard is better than keeping the easy, over the pool's size and the kept fraction."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, KEEP_FRACTION, column
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import HARD_OR_EASY
from perceptron_pruning.output.style import Z_95, no_grid, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.choices.crossover import crossover
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepEasiest, KeepHardest

NAME = "1C"
TITLE = "Where to keep the hard, and where the easy"
CAPTION = (
    "ln(error keeping the hardest / error keeping the easiest), θ = 0, over pool size and kept fraction: replica "
    "theory (colour; blue where hard is better, orange where easy is), the line on which both are equal from theory "
    "(black), and the same from simulation (dots; N = {n_features}, {n_trials} trials, bars of 95 %)."
)
WHAT_TO_SEE = (
    "The black line parts two regions: in the orange one, of small pools, the easy examples are worth keeping; in "
    "the blue one, of large pools, the hard ones. The smaller the kept fraction, the larger the pool that hard "
    "pruning needs. Simulation puts the border where theory does."
)
ALPHAS_TOTAL = np.geomspace(1.2, 24.0, 61)
FRACTIONS = np.geomspace(0.1, 0.9, 45)
SIMULATED_FRACTIONS = (0.2, 0.25, 0.3, 0.4, 0.5, 0.6)  # beyond, the two rules differ too little
LINE_FRACTIONS = tuple(sorted({*SIMULATED_FRACTIONS, *(round(0.1 + 0.025 * step, 3) for step in range(33))}))


def cells(settings: Settings) -> list[Cell]:
    """Hard and easy on a grid of f and α_total."""
    return [cell for pair in _pairs(settings) for cell in pair]


def _pairs(settings: Settings) -> list[tuple[Cell, Cell]]:
    return [
        (
            Cell(alpha_prune=f * alpha, selection=KeepHardest(f), n_features=settings.n_features),
            Cell(alpha_prune=f * alpha, selection=KeepEasiest(f), n_features=settings.n_features),
        )
        for f in SIMULATED_FRACTIONS
        for alpha in settings.alphas_total
    ]


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """ln(ε_hard/ε_easy) over f and α_total, and where it is 0, by theory and by simulation."""
    pairs = [simulated.rows(pair) for pair in _pairs(settings)]
    dots = [_difference(*pair) for pair in pairs if len(pair) == 2]
    equal = [_equality("crossover", f, crossover(KeepHardest(f), KeepEasiest(f)), None) for f in LINE_FRACTIONS]
    lines = ([dot for dot in dots if dot["keep_fraction"] == f] for f in SIMULATED_FRACTIONS)
    simulated_equal = [row for line in lines if (row := _simulated_equality(line))]
    return [*_map(), *dots, *equal, *simulated_equal]


def _map() -> list[Row]:
    return [
        {
            "kind": "theory",
            "keep_fraction": float(f),
            "alpha_total": float(alpha),
            "theory": float(difference),
        }
        for f in FRACTIONS
        for alpha, difference in zip(ALPHAS_TOTAL, _log_ratio(float(f), ALPHAS_TOTAL), strict=True)
    ]


def _log_ratio(fraction: float, alphas_total: np.ndarray) -> np.ndarray:
    hard, easy = (
        max_margin(fraction * alphas_total, selection=rule(fraction)).generalization_error
        for rule in (KeepHardest, KeepEasiest)
    )
    return np.log(hard / easy)


def _difference(hard: Row, easy: Row) -> Row:
    """ln(ε_hard/ε_easy) of two simulated cells."""
    return {
        "kind": "simulation",
        "keep_fraction": hard["keep_fraction"],
        "alpha_total": hard["alpha_total"],
        "theory": math.log(hard["theory"] / easy["theory"]),
        "simulation": math.log(hard["simulation"] / easy["simulation"]),
        "standard_error": math.hypot(*(row["standard_error"] / row["simulation"] for row in (hard, easy))),
        "n_features": hard["n_features"],
        "n_trials": hard["n_trials"],
        "seed": hard["seed"],
    }


def _simulated_equality(dots: Sequence[Row]) -> Row | None:
    """Where the simulated ln ratio falls through 0, linear in ln α_total between dots."""
    for left, right in itertools.pairwise(dots):
        high, low = left["simulation"], right["simulation"]
        if high > 0 >= low:
            share, run = high / (high - low), math.log(right["alpha_total"] / left["alpha_total"])
            noise = math.hypot((1 - share) * left["standard_error"], share * right["standard_error"])
            alpha = left["alpha_total"] * math.exp(share * run)
            return _equality("simulated crossover", left["keep_fraction"], alpha, alpha * run * noise / (high - low))
    return None


def _equality(kind: str, fraction: float, alpha_total: float, standard_error: float | None) -> Row:
    return {
        "kind": kind,
        "keep_fraction": fraction,
        "alpha_total": alpha_total,
        "standard_error": standard_error,
    }


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure = new_figure(5.6, 4.0)
        axes = figure.add_subplot()
        shade = _draw_map(axes, [row for row in table if row["kind"] == "theory"])
        figure.colorbar(shade, label=r"$\ln(\varepsilon_{\mathrm{hard}}/\varepsilon_{\mathrm{easy}})$")
        line = [row for row in table if row["kind"] == "crossover"]
        axes.plot(column(line, "alpha_total"), column(line, "keep_fraction"), "k", label="line: equal, theory")
        dots = [row for row in table if row["kind"] == "simulated crossover"]
        axes.errorbar(
            column(dots, "alpha_total"),
            column(dots, "keep_fraction"),
            xerr=[Z_95 * error for error in column(dots, "standard_error")],
            fmt="o",
            ms=4,
            capsize=2,
            lw=1,
            color="black",
            mfc="white",
            label="dots: equal, simulation, 95 %",
        )
        axes.text(1.4, 0.16, "keep easy", fontsize=10, color="white")
        axes.text(22, 0.5, "keep hard", fontsize=10, ha="right")
        axes.set(xlabel=ALPHA_TOTAL, ylabel=KEEP_FRACTION, title="Keep the hard or the easy? (θ = 0)")
        axes.legend(loc="upper left")
        no_grid(axes)
    return figure


def _draw_map(axes: Axes, rows: Sequence[Row]):
    alphas, fractions = (sorted({row[name] for row in rows}) for name in ("alpha_total", "keep_fraction"))
    values = np.reshape(column(rows, "theory"), (len(fractions), len(alphas)))
    largest = float(np.abs(values).max())
    axes.set_xscale("log")
    shade = axes.pcolormesh(
        alphas, fractions, values, cmap=HARD_OR_EASY, vmin=-largest, vmax=largest, shading="gouraud", rasterized=True
    )
    axes.set_xlim(alphas[0], alphas[-1])
    plain_ticks(axes)
    return shade
