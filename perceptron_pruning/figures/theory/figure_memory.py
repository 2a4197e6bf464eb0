"""What a probe of the pool's own remembers: its share of the pool, rounds of pruning, its ridge, its mistakes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.figures.theory.curves import ALPHA_TOTAL, TEST_ERROR, column, draw_dots
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
from perceptron_pruning.output.palette import FOREIGN, OWN, RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import name_marks, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell
from replica_theory.empirical_risk import empirical_risk
from replica_theory.losses.risk import EmpiricalRisk
from replica_theory.max_margin import max_margin
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, TrainedProbe

NAME = "memory"
TITLE = "What a probe remembers of the pool that it prunes"
CAPTION = (
    "Test error of students on what a logistic probe of the pool's own keeps; theory (lines) and simulation (dots; "
    "N = {n_features}, {n_trials} trials, bars of 95 %). A: half of α_total = 3 when the probe was "
    "trained on a share of the pool alone. B: a fifth of α_total = 10 in one, two or three rounds, each with a probe "
    "trained anew on what is left. C: 1.3 N of 10 N examples, against the probe's ridge: from the number of support "
    "vectors on (below 1), a nearly max-margin probe keeps all that the pool has to say; dashed, by a foreign probe at "
    "its angle. D: one label in ten is wrong and the fifth that looks most mistaken is dropped (label-aware, logistic "
    "student): the pool's own probe has memorised mistakes, and cleans worse than a foreign one at its angle (dashed)."
)
WHAT_TO_SEE = (
    "A: the more of the pool the probe saw, the better what it keeps. B: pruning in rounds does no better than at "
    "once. C: towards small ridges the own probe's tenth of the pool reaches the black line of all of it; a "
    "foreign probe's (dashed) never does. D: cleaning wrong labels by the pool's own probe gains little over not "
    "cleaning."
)
RULES = {"hard": KeepHardest, "easy": KeepEasiest}
SHARE_ALPHA, HALF = 3.0, 0.5
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
ROUNDS_ALPHA, FIFTH, MOST_ROUNDS = 10.0, 0.2, 3
RIDGE_ALPHA, FEW = 10.0, 0.13
RIDGES = np.geomspace(1e-4, 10.0, 21)
NOISE, CLEAN = 0.1, 0.8
NOISY_STUDENT = EmpiricalRisk("logistic", 0.05)
CLEAN_ALPHAS = np.geomspace(1.0, 20.0, 15)
PROBE = TrainedProbe("logistic", 0.1)
_DOTS = {
    "quick": {"shares": (0.25, 1.0), "ridges": (0.01, 1.0), "alphas": (3.0, 10.0)},
    "full": {"shares": (0.1, 0.25, 0.5, 1.0), "ridges": (1e-3, 1e-2, 0.1, 1.0), "alphas": (1.5, 3.0, 6.0, 10.0)},
}
_PANEL = "panel"  # column that says where a row belongs


def cells(settings: Settings) -> list[Cell]:
    """None of `simulate`: the pools are those of `studies`."""
    return []


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Pools pruned by their own probes."""
    return {NAME: own_pool_study(NAME, [pool for _, pool in _dots(settings)], settings)}


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """Theory lines, foreign probes beside them, and simulated points."""
    lines = [
        *(("share", pool) for pool in _shares(SHARES)),
        *(("ridge", pool) for pool in _ridges(RIDGES.tolist())),
        *(("noise", pool) for pool in _noisy(CLEAN_ALPHAS.tolist())),
    ]
    foreign = [(panel, pool) for panel, pool in lines if panel != "share"]
    points = _dots(settings)
    rounds = [("rounds", pool) for pool in _rounds()]
    return [
        *_in_panels(lines + rounds, theory_rows(pool for _, pool in lines + rounds)),
        *_in_panels(foreign, foreign_rows(pool for _, pool in foreign)),
        *_unpruned(),
        *_in_panels(points, simulated_rows(simulated.datasets[NAME], [pool for _, pool in points], settings)),
    ]


def _in_panels(pools: Sequence[tuple[str, OwnPool]], rows: Sequence[Row]) -> list[Row]:
    """With the panel, and the probe's ridge and share as columns."""
    return [
        {_PANEL: panel} | row | {"share": pool.rounds[-1][0].share, "ridge": pool.rounds[-1][0].ridge}
        for (panel, pool), row in zip(pools, rows, strict=True)
    ]


def _dots(settings: Settings) -> list[tuple[str, OwnPool]]:
    dots = _DOTS[settings.scale]
    return [
        *(("share", pool) for pool in _shares(dots["shares"])),
        *(("rounds", pool) for pool in _rounds()),
        *(("ridge", pool) for pool in _ridges(dots["ridges"])),
        *(("noise", pool) for pool in _noisy(dots["alphas"])),
    ]


def _shares(shares: Sequence[float]) -> list[OwnPool]:
    return [
        OwnPool(alpha_total=SHARE_ALPHA, rounds=((TrainedProbe("logistic", 0.1, share), rule(HALF)),))
        for rule in RULES.values()
        for share in shares
    ]


def _rounds() -> list[OwnPool]:
    return [
        OwnPool(alpha_total=ROUNDS_ALPHA, rounds=((PROBE, rule(FIFTH ** (1 / number))),) * number)
        for rule in RULES.values()
        for number in range(1, MOST_ROUNDS + 1)
    ]


def _ridges(ridges: Sequence[float]) -> list[OwnPool]:
    return [
        OwnPool(alpha_total=RIDGE_ALPHA, rounds=((TrainedProbe("logistic", ridge), KeepHardest(FEW)),))
        for ridge in ridges
    ]


def _noisy(alphas: Sequence[float]) -> list[OwnPool]:
    return [
        OwnPool(
            alpha_total=alpha,
            rounds=((PROBE, KeepEasiest(CLEAN, label_aware=True)),),
            student=NOISY_STUDENT,
            label_noise=NOISE,
        )
        for alpha in alphas
    ]


def _unpruned() -> list[Row]:
    """Students on all of the pool: of panel C's, and of the noisy ones."""
    whole = float(max_margin(RIDGE_ALPHA, selection=KeepRandom()).generalization_error)
    noisy = empirical_risk(
        CLEAN_ALPHAS, selection=KeepRandom(), loss=NOISY_STUDENT.loss, ridge=NOISY_STUDENT.ridge, label_noise=NOISE
    ).generalization_error
    places = [("ridge", RIDGE_ALPHA, whole), *(("noise", a, e) for a, e in zip(CLEAN_ALPHAS, noisy, strict=True))]
    return [
        {_PANEL: panel, "kind": "whole pool", "rule": repr(KeepRandom()), "keep_fraction": 1.0}
        | {"alpha_total": float(alpha), "alpha_prune": float(alpha), "theory": float(error), "theory_error": 0.0}
        for panel, alpha, error in places
    ]


def rows_of(table: Sequence[Row], panel: str, kind: str, rule: str = "") -> list[Row]:
    """Rows of a panel, in order of what it shows; of one rule if it is named."""
    abscissa = {"share": "share", "rounds": "rounds", "ridge": "ridge", "noise": "alpha_total"}[panel]
    same = [row for row in table if (row[_PANEL], row["kind"]) == (panel, kind)]
    name = RULES[rule].__name__ if rule else ""
    return sorted((row for row in same if row["rule"].startswith(name)), key=lambda row: row[abscissa] or 0.0)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table."""
    with styled():
        figure, ((share, rounds), (ridge, noise)) = new_panels(2, 2, width=8.8, height=6.4)
        _draw_rules(share, table, "share", "share")
        share.set(xlabel="share of the pool that the probe saw", title="A  how much of the pool it saw")
        _draw_rules(rounds, table, "rounds", "rounds")
        rounds.set(xlabel="rounds", title="B  prune, train again, prune", xticks=range(1, MOST_ROUNDS + 1))
        name_marks(share)
        share.legend(loc="lower left")
        rounds.plot([], [], "_", ms=14, mew=1.6, color="0.25", label="bars: theory")
        name_marks(rounds, line="")
        rounds.legend(loc="lower right")
        _draw_ridge(ridge, table)
        _draw_noise(noise, table)
        for axes in (share, rounds, ridge, noise):
            axes.set_ylabel(TEST_ERROR)
    return figure


def _draw_rules(axes: Axes, table: Sequence[Row], panel: str, abscissa: str) -> None:
    for rule in RULES:
        colour, marker = RULE_COLOURS[rule], RULE_MARKERS[rule]
        line = rows_of(table, panel, "theory", rule)
        style = "-" if panel == "share" else ":"
        axes.plot(column(line, abscissa), column(line, "theory"), style, color=colour, label=f"keep {rule}")
        if panel == "rounds":
            axes.plot(column(line, abscissa), column(line, "theory"), "_", ms=14, mew=1.6, color=colour)
        draw_dots(axes, rows_of(table, panel, "simulation", rule), colour, abscissa=abscissa, fmt=marker)
    axes.set_ylim(bottom=0.0)


def _draw_ridge(axes: Axes, table: Sequence[Row]) -> None:
    (whole,) = rows_of(table, "ridge", "whole pool")
    axes.axhline(whole["theory"], color="black", label="all of the pool")
    for kind, colour, style, label in (
        ("theory", OWN, "-", "own probe"),
        ("foreign", FOREIGN, "--", "foreign probe at its angle"),
    ):
        line = rows_of(table, "ridge", kind)
        axes.plot(column(line, "ridge"), column(line, "theory"), style, color=colour, label=label)
    draw_dots(axes, rows_of(table, "ridge", "simulation"), OWN, abscissa="ridge")
    axes.set(xscale="log", yscale="log", xlabel=r"ridge of the probe, $\lambda$", title="C  1.3 N of 10 N examples")
    plain_ticks(axes)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.08))


def _draw_noise(axes: Axes, table: Sequence[Row]) -> None:
    for kind, colour, style, label in (
        ("whole pool", "black", "-", "all of the pool"),
        ("theory", OWN, "-", "cleaned by its own probe"),
        ("foreign", FOREIGN, "--", "cleaned by a foreign probe"),
    ):
        line = rows_of(table, "noise", kind)
        axes.plot(column(line, "alpha_total"), column(line, "theory"), style, color=colour, label=label)
    draw_dots(axes, rows_of(table, "noise", "simulation"), OWN, abscissa="alpha_total")
    axes.set(xscale="log", yscale="log", xlabel=ALPHA_TOTAL, title="D  wrong labels, and their removal")
    plain_ticks(axes)
    axes.legend(loc="lower left")
