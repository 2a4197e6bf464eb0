"""Figures 3A to 3C: how test error falls with the examples that are kept, at fixed fractions and at the best one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.experiments.scaling import envelope, exponent
from perceptron_pruning.embeddings.experiments.verdicts import (
    Verdict,
    envelope_beats_random,
    fixed_fraction_is_power_law,
)
from perceptron_pruning.figures.real_data import figure_1d
from perceptron_pruning.figures.real_data.settings import SOURCES, Settings
from perceptron_pruning.figures.real_data.students import (
    MEASURED,
    claim_of,
    errors_of,
    mean_of,
    students_in,
)
from perceptron_pruning.reproduction.claims.claim import Claim
from perceptron_pruning.reproduction.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.reproduction.tables import Row
from perceptron_pruning.sweeps.study import Study

NAME = "3ABC"
TITLE = "Real data: scaling with the examples that are kept"
CAPTION = (
    "Test error against the number of kept examples when the hardest fraction f of pools of growing size is kept by "
    "EL2N, beside as many random examples; dashed, the power law fitted to these; grey, the envelope, whose fraction "
    "the other seeds chose. Bars: 95 % intervals over seeds. Softmax head, retrained from scratch; class floor 0.5."
)
RANDOM, HARD, ENVELOPE, LAW = "random", "hard", "envelope", "power law of random"


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Those of figure 1D."""
    return figure_1d.studies(settings, folder)


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """Students trained on the hardest and on random examples."""
    return [row for row in figure_1d.scaling_students(datasets) if row["rule"] in (RANDOM, HARD)]


def derived(students: Sequence[Row]) -> list[Row]:
    """Means of every curve, the envelope, and the power law of random data at its ends."""
    return [row for source, own in students_in(students).items() for row in _curves(source, own)]


def _curves(source: str, students: Sequence[Row]) -> list[Row]:
    places: dict[tuple[str, float, int], list[float]] = {}
    for row in students:
        if row["rule"] == HARD or row["keep_fraction"] == 1.0:
            places.setdefault((row["rule"], row["keep_fraction"], row["kept"]), []).append(row["test_error"])
    rows = [
        _row(source, curve, fraction, kept, mean_of(np.array(errors)))
        for (curve, fraction, kept), errors in sorted(places.items())
    ]
    errors = errors_of(students, "rule", "pool_size", "keep_fraction")
    best = envelope(errors)
    columns = zip(best.keep_fraction, best.kept, best.errors.T, strict=True)
    rows += [_row(source, ENVELOPE, float(f), int(kept), mean_of(column)) for f, kept, column in columns]
    return rows + _law(source, errors.pool_size.values, errors.sel(rule=RANDOM, keep_fraction=1.0).values.T)


def _law(source: str, sizes: np.ndarray, errors: np.ndarray) -> list[Row]:
    """ln ε linear in ln P, fitted to every seed; value at both ends of the range, and the exponent."""
    slope, level = np.polyfit(np.log(sizes), np.log(errors).mean(axis=0), 1)
    found = exponent(sizes, errors)
    steepness = {"exponent": found.value, "exponent_half_width": found.half_width}
    return [
        _row(source, LAW, 1.0, int(size), {"value": float(np.exp(level + slope * np.log(size)))} | steepness)
        for size in sizes[[0, -1]]
    ]


def _row(source: str, curve: str, fraction: float, kept: int, numbers: Row) -> Row:
    return {"kind": "curve", "source": source, "curve": curve, "keep_fraction": fraction, "kept": kept} | numbers


def claims(table: Sequence[Row]) -> list[Claim]:
    """A power law at every fixed fraction; an envelope below random data, and steeper: for every source."""
    return [
        claim_of(verdict, source, NAME)
        for source, own in students_in(table).items()
        for verdict in _verdicts(errors_of(own, "rule", "pool_size", "keep_fraction"))
    ]


def _verdicts(errors: xr.DataArray) -> Iterator[Verdict]:
    for fraction in errors.keep_fraction.values:
        if fraction < 1:
            yield fixed_fraction_is_power_law(errors.sel(keep_fraction=fraction), f"f = {fraction:g}")
    yield from envelope_beats_random(errors, "el2n")


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each source."""
    rows = [row for row in table if row["kind"] != MEASURED]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure = new_figure(3.2 * len(sources), 3.6)
        panels = figure.subplots(1, len(sources), squeeze=False)[0]
        for axes, source, letter in zip(panels, sources, "ABC", strict=False):
            _draw(axes, [row for row in rows if row["source"] == source])
            axes.set(xlabel=r"examples kept, $P$", title=f"{letter}  {SOURCES[source]}")
        panels[0].set_ylabel(r"test error, $\varepsilon$")
        panels[0].legend(loc="lower left")
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    best = [row for row in rows if row["curve"] == ENVELOPE]
    places = [row["kept"] for row in best], [row["value"] for row in best]
    axes.plot(*places, color="0.8", lw=6, solid_capstyle="round", label="best f of the hardest", zorder=0)
    fractions = sorted({row["keep_fraction"] for row in rows if row["curve"] == HARD}, reverse=True)
    curves = [
        (RANDOM, 1.0, "random, f = 1", COLOURS[6]),
        *(
            (HARD, fraction, f"hardest, f = {fraction:g}", colour)
            for fraction, colour in zip(fractions, COLOURS, strict=False)
        ),
    ]
    for curve, fraction, label, colour in curves:
        line = [row for row in rows if (row["curve"], row["keep_fraction"]) == (curve, fraction)]
        axes.errorbar(
            [row["kept"] for row in line],
            [row["value"] for row in line],
            [row["half_width"] for row in line],
            fmt="o-",
            ms=3,
            lw=1.1,
            color=colour,
            label=label,
        )
    law = [row for row in rows if row["curve"] == LAW]
    label = rf"$P^{{{law[0]['exponent']:.2f}}}$"
    axes.plot([row["kept"] for row in law], [row["value"] for row in law], "--", color="0.4", lw=1)
    axes.annotate(label, (law[0]["kept"], law[0]["value"]), xytext=(4, 2), textcoords="offset points", color="0.4")
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
