"""What changes when the probe was trained on the pool that it prunes: hard pruning loses little, and the flip moves."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import TEST_ERROR, column, draw_dots
from perceptron_pruning.figures.theory.own_probes import (
    OwnPool,
    foreign_rows,
    own_pool_study,
    simulated_rows,
    theory_rows,
)
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels
from perceptron_pruning.output.palette import FOREIGN, OWN, RANDOM
from perceptron_pruning.output.style import Z_95, name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, TrainedProbe

NAME = "own_probe"
TITLE = "The probe was trained on the pool that it prunes"
CAPTION = (
    "A: test error when a logistic probe (ridge 0.01) trained on the pool keeps its hardest half: theory (line) and "
    "simulation (dots), beside a probe at the same angle that knows nothing of the pool (dashed), all of the pool "
    "(black) and a random half of it (grey). B, C: ln(error keeping the hardest / keeping the easiest), below 0 where "
    "hard is better, with the pool's own logistic probe (ridge 0.1; line and dots) and with a foreign one at its angle "
    "(dashed). Simulation at N = {n_features}, {n_trials} trials, bars of 95 %."
)
WHAT_TO_SEE = (
    "A: the solid purple line on the black one: the hardest half, by the pool's own probe, is worth nearly all of "
    "the pool, while a foreign probe at the same angle (dashed) loses much of it. B, C: the own probe's curve "
    "crosses 0 at a smaller pool, or is below it from the start: hard pruning pays sooner."
)
MEMORY = TrainedProbe("logistic", 0.01)
PROBE = TrainedProbe("logistic", 0.1)
HALF = 0.5
FRACTIONS = (0.2, 0.4)
POOL = r"pool, $\alpha_{\mathrm{total}}$"
RULES = {"hard": KeepHardest, "easy": KeepEasiest}
POINTS = {"quick": 17, "full": 25}  # of each line
POOLS = {"quick": (1.0, 3.0, 10.0), "full": (1.0, 1.75, 3.0, 6.0, 10.0)}


def cells(settings: Settings) -> list[Cell]:
    """None of `simulate`: the pools are those of `studies`."""
    return []


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Pools pruned by their own probes."""
    return {NAME: own_pool_study(NAME, _pools(_alphas(settings)), settings)}


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines of own and foreign probes, of whole pools and random halves, and simulated points."""
    alphas = _line(settings)
    lines = _pools(alphas.tolist())
    return [
        *theory_rows(lines),
        *foreign_rows(lines),
        *_unpruned("whole pool", 1.0, alphas),
        *_unpruned("random", HALF, alphas),
        *simulated_rows(simulated.datasets[NAME], _pools(_alphas(settings)), settings),
    ]


def _line(settings: Settings) -> np.ndarray:
    """α_total along the lines, that of the claims among them."""
    points = POINTS[settings.scale]
    return np.unique([*np.geomspace(1.0, 20.0, points), 3.0])


def _alphas(settings: Settings) -> Sequence[float]:
    return POOLS[settings.scale]


def _pools(alphas: Sequence[float]) -> list[OwnPool]:
    halves = [OwnPool(alpha_total=alpha, rounds=((MEMORY, KeepHardest(HALF)),)) for alpha in alphas]
    both = [
        OwnPool(alpha_total=alpha, rounds=((PROBE, rule(fraction)),))
        for fraction in FRACTIONS
        for rule in RULES.values()
        for alpha in alphas
    ]
    return halves + both


def _unpruned(kind: str, fraction: float, alphas: np.ndarray) -> list[Row]:
    errors = max_margin(fraction * alphas, selection=KeepRandom(fraction)).generalization_error
    return [
        {"kind": kind, "rule": repr(KeepRandom(fraction)), "keep_fraction": fraction, "alpha_total": float(alpha)}
        | {"alpha_prune": float(fraction * alpha), "theory": float(error), "theory_error": 0.0}
        for alpha, error in zip(alphas, errors, strict=True)
    ]


def rows_of(table: Sequence[Row], kind: str, rule: str, fraction: float, probe: str | None = None) -> list[Row]:
    """Rows of one kind and rule, by pool size; of a simulated or theory row the probe is asked for, too."""
    name = repr(RULES[rule](fraction)) if rule in RULES else repr(KeepRandom(fraction))
    same = [row for row in table if (row["kind"], row["rule"], row["keep_fraction"]) == (kind, name, fraction)]
    return sorted((row for row in same if probe in (None, row["probe"])), key=lambda row: row["alpha_total"])


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, panels = new_panels(1, 1 + len(FRACTIONS), width=10.0, height=3.5)
        first, *rest = panels[0]
        _draw_errors(first, table)
        for axes, fraction, letter in zip(rest, FRACTIONS, "BC", strict=True):
            _draw_ratio(axes, table, fraction)
            axes.set(title=f"{letter}  hard or easy, f = {fraction:g}", xlabel=POOL)
            axes.set_ylabel("ln(hard / easy), below 0 hard is better")
        rest[-1].set_ylabel("")
        name_marks(rest[0])
        rest[0].legend(loc="lower left")
    return figure


def _draw_errors(axes: Axes, table: Sequence[Row]) -> None:
    for kind, rule, fraction, colour, style, label in (
        ("random", "random", HALF, RANDOM, "-", "a random half"),
        ("foreign", "hard", HALF, FOREIGN, "--", "hardest half, foreign probe"),
        ("theory", "hard", HALF, OWN, "-", "hardest half, own probe"),
        ("whole pool", "random", 1.0, "black", "-", "all of the pool"),
    ):
        line = rows_of(table, kind, rule, fraction)
        axes.plot(column(line, "alpha_total"), column(line, "theory"), style, color=colour, label=label)
    draw_dots(axes, rows_of(table, "simulation", "hard", HALF), OWN, abscissa="alpha_total")
    axes.set(xscale="log", yscale="log", xlabel=POOL, ylabel=TEST_ERROR, title="A  hardest half, logistic probe")
    plain_ticks(axes)
    axes.legend(loc="lower left")


def _draw_ratio(axes: Axes, table: Sequence[Row], fraction: float) -> None:
    for kind, colour, style, label in (
        ("theory", OWN, "-", "own probe"),
        ("foreign", FOREIGN, "--", "foreign probe at its angle"),
    ):
        hard, easy = (rows_of(table, kind, rule, fraction) for rule in RULES)
        ratio = [math.log(h["theory"] / e["theory"]) for h, e in zip(hard, easy, strict=True)]
        axes.plot(column(hard, "alpha_total"), ratio, style, color=colour, label=label)
    hard, easy = (rows_of(table, "simulation", rule, fraction) for rule in RULES)
    ratio = [math.log(h["simulation"] / e["simulation"]) for h, e in zip(hard, easy, strict=True)]
    bars = [
        Z_95 * math.hypot(h["standard_error"] / h["simulation"], e["standard_error"] / e["simulation"])
        for h, e in zip(hard, easy, strict=True)
    ]
    axes.errorbar(column(hard, "alpha_total"), ratio, bars, fmt="o", ms=3.4, lw=1, capsize=2, color=OWN)
    axes.axhline(0.0, color="0.4", lw=0.9)
    axes.set(xscale="log")
    plain_ticks(axes)
