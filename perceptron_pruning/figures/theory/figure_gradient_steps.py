"""Probes that descend for a few steps: their theory, and where mini-batches leave it."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.own_probes import OwnPool, own_pool_study, simulated_rows, theory_rows
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import RULE_COLOURS
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell
from replica_theory.selection import GradientProbe, KeepEasiest, KeepHardest, TrainedProbe

NAME = "gradient_steps"
TITLE = "A probe of a few gradient steps"
CAPTION = (
    "Test error when half of α_total = 3 is kept by a logistic probe (ridge 0.1) that took some full-batch gradient "
    "steps on the pool: theory (lines) and simulation (dots; N = {n_features}, {n_trials} trials, bars of one standard "
    "error). A: steps of size 1; dotted, the minimiser to which they lead. B: three steps of any size, and the same "
    "three epochs in 64 mini-batches (crosses): they follow the full batch's theory where steps are short, and leave "
    "it where a long step of the full batch overshoots, which mini-batches correct on the way."
)
WHAT_TO_SEE = (
    "A: dots on lines, which approach the dotted minimiser as steps are added. B: crosses near the line on the "
    "left, where steps are short, and off it on the right, where a long full-batch step overshoots and "
    "mini-batches do not."
)
ALPHA, HALF = 3.0, 0.5
LOSS, STEP, RIDGE = "logistic", 1.0, 0.1
STEPS = (1, 2, 3, 5)
EPOCHS, BATCHES = 3, 64
SIZES = {"quick": (1.0, 2.0, 8.0), "full": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)}
RULES = {"hard": KeepHardest, "easy": KeepEasiest}


def cells(settings: Settings) -> list[Cell]:
    """None of `simulate`: the pools are those of `studies`."""
    return []


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Pools pruned by probes of full-batch steps, and of mini-batches."""
    return {NAME: own_pool_study(NAME, _simulated(settings), settings)}


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory of the steps and of their limit, and simulated points, each beside the theory of the full batch."""
    limits = [_pool(TrainedProbe(LOSS, RIDGE), rule) for rule in RULES]
    rows = simulated_rows(simulated.datasets[NAME], _simulated(settings), settings)
    return [*theory_rows(_full_batches(settings)), *theory_rows(limits, "minimiser"), *rows]


def _pool(probe: GradientProbe | TrainedProbe, rule: str) -> OwnPool:
    return OwnPool(alpha_total=ALPHA, rounds=((probe, RULES[rule](HALF)),))


def _sizes(settings: Settings) -> tuple[float, ...]:
    return SIZES[settings.scale]


def _full_batches(settings: Settings) -> list[OwnPool]:
    """Several steps of one size, and some of several."""
    steps = [(steps, STEP) for steps in STEPS] + [(EPOCHS, size) for size in _sizes(settings) if size != STEP]
    return [_pool(GradientProbe(LOSS, count, size, RIDGE), rule) for rule in RULES for count, size in steps]


def _simulated(settings: Settings) -> list[OwnPool]:
    batches = [
        _pool(GradientProbe(LOSS, EPOCHS, size, RIDGE, batches=BATCHES), rule)
        for rule in RULES
        for size in _sizes(settings)
    ]
    return [*_full_batches(settings), *batches]


def rows_of(table: Sequence[Row], kind: str, rule: str) -> list[Row]:
    """Rows of one kind and rule, in the table's order."""
    return [row for row in table if row["kind"] == kind and row["rule"] == repr(RULES[rule](HALF))]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 2, width=8.4, height=3.5)
        ((left, right),) = panels
        share(panels[0], y=True)
        for rule in RULES:
            _draw_steps(left, table, rule, RULE_COLOURS[rule])
            _draw_sizes(right, table, rule, RULE_COLOURS[rule])
        left.set(xlabel="full-batch steps of size 1", ylabel=TEST_ERROR, title="A  steps", xticks=STEPS)
        right.set(xlabel="step size", title=f"B  {EPOCHS} epochs", xscale="log")
        plain_ticks(right)
        right.set_ylabel(TEST_ERROR)
        outer_labels(panels, x=False)
        left.plot([], [], ":", color="0.25", lw=1, label="dotted: the minimiser")
        left.plot([], [], "-", color="0.25", label="line: theory of the full batch")
        left.plot([], [], "o", ms=3.5, color="0.25", label="dots: full batch, simulation, 95 %")
        left.plot([], [], "x", ms=5, color="0.25", label=f"crosses: {BATCHES} mini-batches")
        legend_beside(figure, left, below=True, columns=3)
    return figure


def _draw_steps(axes: Axes, table: Sequence[Row], rule: str, colour: str) -> None:
    theory, points = (
        [row for row in rows_of(table, kind, rule) if (row["step_size"], row["batches"]) == (STEP, 1)]
        for kind in ("theory", "simulation")
    )
    (limit,) = rows_of(table, "minimiser", rule)
    axes.plot(column(theory, "steps"), column(theory, "theory"), "-", color=colour, label=f"keep {rule}")
    axes.axhline(limit["theory"], color=colour, ls=":", lw=1)
    draw_dots(axes, points, colour, abscissa="steps")


def _draw_sizes(axes: Axes, table: Sequence[Row], rule: str, colour: str) -> None:
    theory, points = (
        sorted((row for row in rows_of(table, kind, rule) if row["steps"] == EPOCHS), key=lambda row: row["step_size"])
        for kind in ("theory", "simulation")
    )
    axes.plot(column(theory, "step_size"), column(theory, "theory"), "-", color=colour)
    for batches, marker, size in ((1, "o", 3.5), (BATCHES, "x", 5)):
        dots = [row for row in points if row["batches"] == batches]
        draw_dots(axes, dots, colour, abscissa="step_size", fmt=marker, ms=size, capsize=2 if batches == 1 else 0)
