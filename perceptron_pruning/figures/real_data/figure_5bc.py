"""Figures 5B and 5C: the benchmark of all metrics, and prototypes without labels against the best that sees them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.metric_claims import (
    LABEL_FREE,
    best_metric,
    best_metric_helps,
    label_free_suffices,
)
from perceptron_pruning.experiments.plan import CHANCE
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import KINDS
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "5BC"
TITLE = "Real data: the benchmark of metrics"
CAPTION = (
    "Test accuracy of a softmax head retrained on the hardest fraction f of one pool, less that of as many random "
    "examples, in percentage points: by every metric (B; the best five at the smallest fraction in colour), and by "
    "prototypes without and with labels beside the best metric that sees labels, which the other seeds chose (C; bars: "
    "95 % intervals over seeds, paired). The scale is linear up to two points and logarithmic beyond. Class floor 0.5."
)
WHAT_TO_SEE = (
    "B: how few lines lie above the black one, which is random keeping, and that most metrics lose more, the "
    "smaller the kept fraction; the best five are named. C: whether prototypes that see no label stay near the "
    "best metric with labels, and whose bars exclude 0."
)
BEST, SUPERVISED = "best metric with labels", "supervised_prototypes"
AXES = ("metric", "rule", "pool_size", "keep_fraction")
GAIN, NAMED = "gain", 5  # kind of row: accuracy less that of random keeping; metrics that are named
_LINEAR = 2.0  # percentage points up to which the scale is linear
COMPARED = {
    BEST: BEST,
    SUPERVISED: "prototypes with labels",
    LABEL_FREE: "prototypes without labels",
}


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Every metric, for each source."""
    return {f"benchmark-{source}": study(source_of(source), settings.benchmark, folder) for source in SOURCES}


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """All students."""
    return [row for source in SOURCES for row in student_rows(source, datasets[f"benchmark-{source}"])]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Of every metric and of the best that sees labels, at every fraction: mean error, and gain over random keeping."""
    derived_rows: list[Row] = []
    for source, own in students_in(rows).items():
        largest = errors_of(own, *AXES).isel(pool_size=-1)
        for fraction in largest.keep_fraction.values:
            at = largest.sel(keep_fraction=fraction)
            place = {"source": source, "keep_fraction": float(fraction)}
            chance = at.sel(rule="random").isel(metric=0).values
            derived_rows.append({"kind": "mean"} | place | {"metric": CHANCE} | mean_of(chance))
            if fraction < 1:
                hard = at.sel(rule="hard")
                errors = {str(metric): hard.sel(metric=metric).values for metric in hard.metric.values}
                name, best = best_metric(hard, [m for m in hard.metric.values if family_of(m).labels])
                for metric, values in (errors | {BEST: best}).items():
                    chosen = {"chosen": name} if metric == BEST else {}
                    derived_rows.append({"kind": "mean"} | place | {"metric": metric} | mean_of(values) | chosen)
                    derived_rows.append({"kind": GAIN} | place | {"metric": metric} | mean_of(chance - values))
    return derived_rows


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether any metric beats chance, and whether one without labels suffices: for every source and fraction."""
    return [
        claim_of(claim, source, NAME)
        for source, own in students_in(table).items()
        for claim in _claims(errors_of(own, *AXES))
    ]


def _claims(errors: xr.DataArray) -> Iterator[Claim]:
    for fraction in errors.keep_fraction.values:
        if fraction < 1:
            at, setting = errors.sel(keep_fraction=fraction), f"f = {fraction:g}"
            yield best_metric_helps(at, setting)
            yield label_free_suffices(at, setting)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a column for each source, all metrics above the comparison."""
    rows = [row for row in table if row["kind"] == GAIN]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure, panels = new_panels(2, len(sources), width=3.4 * len(sources) + 0.4, height=6.4)
        share(panels.ravel(), x=True, y=True)
        for (every, compared), source in zip(panels.T, sources, strict=True):
            own = [row for row in rows if row["source"] == source]
            _draw_all(every, own)
            _draw_compared(compared, own)
            for axes, letter in ((every, "B"), (compared, "C")):
                axes.axhline(0, color="black", lw=1.4)
                axes.set_yscale("symlog", linthresh=_LINEAR)
                axes.set_yticks(_TICKS, [f"{tick:+g}" if tick else "random" for tick in _TICKS])
                axes.set(title=SOURCES[source], xlabel=r"kept fraction, $f$", ylabel=f"{letter}  points above random")
        outer_labels(panels)
        legend_beside(figure, panels[1, 0], below=True, columns=3)
    return figure


_TICKS = (-30, -10, -5, -2, -1, 0, 1, 2, 5)


def _draw_all(axes: Axes, rows: Sequence[Row]) -> None:
    """All metrics in grey, the best at the smallest fraction in colour and named beside the panel's lines."""
    lines = {metric: _line(rows, metric) for metric in dict.fromkeys(row["metric"] for row in rows) if metric != BEST}
    order = sorted(lines, key=lambda metric: -lines[metric][1][0])
    for metric in order[NAMED:]:
        axes.plot(*lines[metric][:2], color="0.8", lw=0.9, zorder=1)
    for place, metric in enumerate(order[:NAMED]):
        fractions, gains, _ = lines[metric]
        colour, marker = KINDS[place], "osD^v"[place]
        axes.plot(fractions, gains, color=colour, marker=marker, ms=4, lw=1.5, zorder=3)
        axes.text(
            *(0.97, 0.03 + 0.075 * (NAMED - 1 - place)),
            f"{place + 1}  {metric.replace('_', ' ')}",
            transform=axes.transAxes,
            color=colour,
            fontsize=7.5,
            ha="right",
            zorder=6,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )
        axes.annotate(str(place + 1), (fractions[0], gains[0]), (-7 - 6 * (place % 2), 0), textcoords="offset points",
                      color=colour, fontsize=7.5, va="center", ha="right")  # fmt: skip
    axes.set_xlim(left=min(lines[order[0]][0]) - 0.12)


def _draw_compared(axes: Axes, rows: Sequence[Row]) -> None:
    for number, (metric, label) in enumerate(COMPARED.items()):
        fractions, gains, bars = _line(rows, metric)
        shifted = [fraction + 0.008 * (number - 1) for fraction in fractions]
        axes.errorbar(
            shifted, gains, bars, fmt="osD"[number] + "-", ms=4, lw=1.2, capsize=2, color=KINDS[2 * number], label=label
        )


def _line(rows: Sequence[Row], metric: str) -> tuple[list[float], list[float], list[float]]:
    """Fractions, gains over random keeping and half of their intervals, in percentage points."""
    line = [row for row in rows if row["metric"] == metric]
    return (
        [row["keep_fraction"] for row in line],
        [100 * row["value"] for row in line],
        [100 * row["half_width"] for row in line],
    )
