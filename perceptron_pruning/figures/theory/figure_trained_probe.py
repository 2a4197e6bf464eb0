"""A probe trained on the pool itself, beside one that lies at an exact angle and knows nothing of the pool."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated, point
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import sequence
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.sweeps import Cell
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepHardest, TrainedProbe

NAME = "trained_probe"
TITLE = "A trained probe beside an exact-angle probe"
CAPTION = (
    "Test error against the probe's angle when the hardest are kept: replica theory for a probe at that angle (lines), "
    "simulation with such probes (dots), and with perceptrons trained for three epochs on the pool itself, at the mean "
    "angle that they reach (squares); N = {n_features}, {n_trials} trials, bars of 95 %. Dash-dotted: "
    "the theory of logistic probes that minimise their risk on the pool itself, over their ridge. Training for a few "
    "epochs lies between the two: it remembers some of the pool."
)
WHAT_TO_SEE = (
    "The vertical gap between squares and lines of one colour: at the same angle, a probe that was trained on the "
    "pool which it prunes does better than one that knows nothing of it. Training for a few epochs lies between "
    "the lines and the dash-dotted theory of full training."
)
ALPHAS = (1.0, 2.0, 4.0)
FRACTIONS = (0.5, 0.2)
DEGREES = (10.0, 20.0, 30.0, 45.0)
POINTS = {"quick": (21, 9), "full": (30, 17)}  # of lines over θ, and over the ridge of the pool's own probes


def cells(settings: Settings) -> list[Cell]:
    """Exact probes at several angles, and trained ones."""
    size = settings.n_features
    exact = [
        Cell(alpha_prune=alpha, selection=KeepHardest(f), probe_angle=math.radians(degrees), n_features=size)
        for f in FRACTIONS
        for alpha in ALPHAS
        for degrees in DEGREES
    ]
    trained = [
        Cell(alpha_prune=alpha, selection=KeepHardest(f), probe="trained", n_features=size)
        for f in FRACTIONS
        for alpha in ALPHAS
    ]
    return exact + trained


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines over θ, and simulated points of both kinds of probe."""
    dots = [row | {"alpha": row["alpha_prune"]} for row in simulated.rows(cells(settings))]
    n_angles, n_ridges = POINTS[settings.scale]
    ridges = (*np.geomspace(1e-3, 10.0, n_ridges).tolist(), math.inf)
    lines = [row for f in FRACTIONS for degrees in np.linspace(2.0, 60.0, n_angles) for row in _theory(f, degrees)]
    own = [row for f in FRACTIONS for ridge in ridges for row in _own_probe(f, ridge)]
    return lines + own + dots


def _own_probe(fraction: float, ridge: float) -> list[Row]:
    """Logistic probes that minimise their risk on the pool, at the angles that they reach."""
    rule = KeepHardest(fraction)
    solution = max_margin(ALPHAS, selection=rule, probe=TrainedProbe("logistic", ridge))
    columns = zip(ALPHAS, np.atleast_1d(solution.probe_angle), solution.generalization_error, strict=True)
    return [
        point(rule, float(angle), alpha) | {"kind": "own probe", "ridge": ridge, "theory": float(error)}
        for alpha, angle, error in columns
    ]


def _theory(fraction: float, degrees: float) -> list[Row]:
    rule, angle = KeepHardest(fraction), math.radians(degrees)
    errors = max_margin(ALPHAS, selection=rule, probe_angle=angle).generalization_error
    return [point(rule, angle, alpha) | {"theory": float(error)} for alpha, error in zip(ALPHAS, errors, strict=True)]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 2, width=8.6, height=3.6)
        share(panels[0], y=True)
        for axes, fraction in zip(panels[0], FRACTIONS, strict=True):
            for alpha, colour in zip(ALPHAS, sequence(len(ALPHAS)), strict=True):
                same = [row for row in table if (row["keep_fraction"], row["alpha_prune"]) == (fraction, alpha)]
                line = [row for row in same if row["kind"] == "theory"]
                label = rf"$\alpha_{{\mathrm{{prune}}}}$ = {alpha:g}"
                axes.plot(column(line, "probe_angle_degrees"), column(line, "theory"), color=colour, label=label)
                own = [row for row in same if row["kind"] == "own probe"]
                axes.plot(column(own, "probe_angle_degrees"), column(own, "theory"), "-.", color=colour, lw=1)
                for probe, marker, size in (("exact", "o", 3.5), ("trained", "s", 6)):
                    dots = [row for row in same if row["kind"] == "simulation" and row["probe"] == probe]
                    face = {"mfc": "white"} if probe == "trained" else {}
                    draw_dots(axes, dots, colour, abscissa="probe_angle_degrees", fmt=marker, ms=size, **face)
            axes.set(yscale="log", title=f"kept fraction f = {fraction:g}")
            axes.set(xlabel=r"angle of probe and teacher, $\theta$ (degrees)", ylabel=TEST_ERROR)
            plain_ticks(axes)
        outer_labels(panels, x=False)
        axes = panels[0, 0]
        axes.plot([], [], "-", color="0.25", label="line: exact angle, theory")
        axes.plot([], [], "o", color="0.25", ms=3.5, label="dots: exact angle, simulation, 95 %")
        axes.plot([], [], "s", color="0.25", mfc="white", ms=6, label="squares: trained on the pool, 3 epochs")
        axes.plot([], [], "-.", color="0.25", lw=1, label="dash-dotted: trained on it, theory")
        legend_beside(figure, axes, below=True)
    return figure
