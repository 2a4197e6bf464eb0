"""Figures 3A to 3C: how test error falls with the examples that are kept, at fixed fractions and at the best one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.scaling import envelope, exponent
from perceptron_pruning.experiments.analysis.scaling_claims import envelope_claims, fixed_fraction_is_power_law
from perceptron_pruning.experiments.plan import SEED, n_kept
from perceptron_pruning.experiments.tables import MEASURED, errors_of, mean_of, students_in
from perceptron_pruning.figures.real_data import figure_1d
from perceptron_pruning.figures.real_data.curves import draw_means
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import METRICS, SOURCES, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS, fraction_colour
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "3ABC"
TITLE = "Real data: scaling with the examples that are kept"
CAPTION = (
    "Test error when the hardest fraction f of pools of growing size is kept, over the power law fitted to as many "
    "random examples, against the number of kept examples; above by EL2N, below by the size of a linear probe's "
    "margin. Grey: random examples themselves; wide and pale, the envelope, whose fraction the other seeds chose. A "
    "straight line is a power law on these axes, too. Bars: 95 % intervals over seeds. Softmax head, retrained from "
    "scratch; class floor 0.5."
)
WHAT_TO_SEE = (
    "Which lines fall below 1, where the hardest examples are worth more than as many random ones, and from how "
    "many examples on; and whether they go on falling, which would be faster than a power law, or turn flat."
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
    return [
        row
        for source, own in students_in(students).items()
        for errors in [errors_of(own, *figure_1d.AXES)]
        for metric in errors.metric.values
        for row in _curves({"kind": "curve", "source": source, "metric": str(metric)}, errors.sel(metric=metric))
    ]


def _curves(place: Row, errors: xr.DataArray) -> list[Row]:
    """The rows of one source and metric."""
    rows = [
        place | _point(RANDOM if fraction == 1 else HARD, fraction, n_kept(int(size), fraction), mean_of(at.values))
        for fraction in map(float, errors.keep_fraction.values)
        for size in errors.pool_size.values
        for at in [errors.sel(rule=HARD, keep_fraction=fraction, pool_size=size)]
    ]
    best = envelope(errors)
    columns = zip(best.keep_fraction, best.kept, best.errors.T, strict=True)
    rows += [place | _point(ENVELOPE, float(f), int(kept), mean_of(column)) for f, kept, column in columns]
    whole = errors.sel(rule=RANDOM, keep_fraction=1.0).transpose(SEED, "pool_size")
    return rows + [place | row for row in _law(errors.pool_size.values, whole.values)]


def _point(curve: str, fraction: float, kept: int, numbers: Row) -> Row:
    return {"curve": curve, "keep_fraction": fraction, "kept": kept} | numbers


def _law(sizes: np.ndarray, errors: np.ndarray) -> list[Row]:
    """ln ε linear in ln P, fitted to every seed; value at both ends of the range, and the exponent."""
    slope, level = np.polyfit(np.log(sizes), np.log(errors).mean(axis=0), 1)
    steepness = exponent(sizes, errors)
    columns = {"exponent": steepness.value, "exponent_half_width": steepness.half_width}
    return [
        _point(LAW, 1.0, int(size), {"value": float(np.exp(level + slope * np.log(size)))} | columns)
        for size in sizes[[0, -1]]
    ]


def claims(table: Sequence[Row]) -> list[Claim]:
    """A power law at every fixed fraction; an envelope below random data, and steeper: for every source and metric."""
    return [
        claim_of(claim, source, NAME)
        for source, own in students_in(table).items()
        for errors in [errors_of(own, *figure_1d.AXES)]
        for metric in errors.metric.values
        for claim in _claims(errors.sel(metric=metric), METRICS[str(metric)])
    ]


def _claims(errors: xr.DataArray, metric: str) -> Iterator[Claim]:
    for fraction in errors.keep_fraction.values:
        if fraction < 1:
            yield fixed_fraction_is_power_law(errors.sel(keep_fraction=fraction), f"{metric}, f = {fraction:g}")
    yield from envelope_claims(errors, metric)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a column of panels for each source, a row for each metric."""
    rows = [row for row in table if row["kind"] != MEASURED]
    sources, metrics = (list(dict.fromkeys(row[name] for row in rows)) for name in ("source", "metric"))
    with styled():
        size = {"width": 3.2 * len(sources) + 0.4, "height": 2.7 * len(metrics) + 0.6}
        figure, panels = new_panels(len(metrics), len(sources), **size)
        share(panels.ravel(), x=True, y=True)
        for line, metric in zip(panels, metrics, strict=True):
            for axes, source, letter in zip(line, sources, "ABC", strict=False):
                exponent = _draw(axes, [row for row in rows if (row["metric"], row["source"]) == (metric, source)])
                title = rf"{letter}  {SOURCES[source]}, random: $P^{{{exponent:.2f}}}$"
                axes.set(xlabel=r"examples kept, $P$", title=title, ylim=(0.78, 3.2))
                axes.set_ylabel(f"{METRICS[metric]}\nerror / power law of random")
                plain_ticks(axes)
        outer_labels(panels)
        legend_beside(figure, panels[0, 0], below=True, columns=5)
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> float:
    """Every curve over the power law of random examples; gives that law's exponent."""
    law, *_ = (row for row in rows if row["curve"] == LAW)

    def over_law(row: Row) -> float:
        return law["value"] * (row["kept"] / law["kept"]) ** law["exponent"]

    axes.axhline(1.0, color="0.4", lw=0.9)
    best = [row for row in rows if row["curve"] == ENVELOPE]
    places = [row["kept"] for row in best], [row["value"] / over_law(row) for row in best]
    axes.plot(*places, color="0.84", lw=6, solid_capstyle="round", label="best f of the hardest", zorder=0)
    fractions = sorted({row["keep_fraction"] for row in rows if row["curve"] == HARD}, reverse=True)
    looks = [(RANDOM, 1.0, RULE_COLOURS["random"], RULE_MARKERS["random"], "random, f = 1")]
    looks += [(HARD, f, fraction_colour(f), RULE_MARKERS["hard"], f"hardest, f = {f:g}") for f in fractions]
    for curve, fraction, colour, marker, label in looks:
        line = [
            row | {"value": row["value"] / over_law(row), "half_width": row["half_width"] / over_law(row)}
            for row in rows
            if (row["curve"], row["keep_fraction"]) == (curve, fraction)
        ]
        draw_means(axes, line, "kept", ms=3, marker=marker, color=colour, label=label)
    axes.set(xscale="log", yscale="log")
    return law["exponent"]
