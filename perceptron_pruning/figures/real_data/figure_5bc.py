"""Figures 5B and 5C: the benchmark of all metrics, prototypes without labels, and subsets that no ranking gives."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.metrics.registry import family_of
from perceptron_pruning.embeddings.selections.methods import METHODS
from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.metric_claims import (
    LABEL_FREE,
    best_metric,
    best_metric_helps,
    label_free_suffices,
)
from perceptron_pruning.experiments.plan import CHANCE
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.selections import COLUMNS, SELECT, selections_study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import COLOURS, KINDS
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "5BC"
TITLE = "Real data: the benchmark of metrics"
CAPTION = (
    "Test accuracy of a softmax head retrained on the fraction f of one pool, less that of as many random examples, in "
    "percentage points. B: the hardest by every metric (the best five at the smallest fraction in colour). C: the "
    "hardest by prototypes without and with labels beside the best metric that sees labels, which the other seeds "
    "chose. D: subsets that no ranking gives. Bars: 95 % intervals over seeds, paired. The scale is linear up to two "
    "points and logarithmic beyond. Class floor 0.5 in B and C."
)
WHAT_TO_SEE = (
    "B: how few lines lie above the black one, which is random keeping, and that most metrics lose more, the "
    "smaller the kept fraction; the best five are named. C: whether prototypes that see no label stay near the "
    "best metric with labels, and whose bars exclude 0. D: strata of the margin, and subsets with the covariance, the "
    "mean or representatives of every class, gain most where least is kept, where metrics lose; k-centre greedy, which "
    "takes outliers, and more of the classes in error lose."
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
SELECTIONS = {
    "covariance_matching": "covariance of every class",
    "facility_location": "facility location",
    "herding": "herding",
    "k_centre": "k-centre greedy",
    "stratified": "strata of the margin (CCS)",
    "class_quotas": "class quotas by error",
}


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Every metric and every selection, for each source."""
    metrics = {f"benchmark-{source}": study(source_of(source), settings.benchmark, folder) for source in SOURCES}
    return metrics | {
        f"selections-{source}": selections_study(source_of(source), settings.benchmark, METHODS) for source in SOURCES
    }


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """All students."""
    return [
        row
        for source in SOURCES
        for row in (
            *student_rows(source, datasets[f"benchmark-{source}"]),
            *student_rows(source, datasets[f"selections-{source}"], columns=COLUMNS),
        )
    ]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Mean errors at every fraction, and gains over random keeping: of metrics, the best with labels, selections."""
    derived_rows: list[Row] = []
    for source, own in students_in(rows).items():
        largest, selected = _errors(own).isel(pool_size=-1), _errors_of_selections(own)
        for fraction in largest.keep_fraction.values:
            at = largest.sel(keep_fraction=fraction)
            place = {"source": source, "keep_fraction": float(fraction)}
            chance = at.sel(rule="random").isel(metric=0).values
            derived_rows.append({"kind": "mean"} | place | {"metric": CHANCE} | mean_of(chance))
            if fraction == 1:
                continue
            hard = at.sel(rule="hard")
            errors = {str(metric): hard.sel(metric=metric).values for metric in hard.metric.values}
            name, best = best_metric(hard, [m for m in hard.metric.values if family_of(m).labels])
            errors |= {BEST: best} | {
                method: table.sel(keep_fraction=fraction).values for method, table in selected.items()
            }
            for metric, values in errors.items():
                chosen = {"chosen": name} if metric == BEST else {}
                derived_rows.append({"kind": "mean"} | place | {"metric": metric} | mean_of(values) | chosen)
                derived_rows.append({"kind": GAIN} | place | {"metric": metric} | mean_of(chance - values))
    return derived_rows


def _errors(students: Sequence[Row]) -> xr.DataArray:
    """Of what rankings keep, and random keeping."""
    return errors_of([row for row in students if row["rule"] != SELECT], *AXES)


def _errors_of_selections(students: Sequence[Row]) -> dict[str, xr.DataArray]:
    """Method → test errors with the dimensions keep_fraction and seed."""
    rows = [row for row in students if row["rule"] == SELECT]
    methods = dict.fromkeys(row["metric"] for row in rows)
    return {method: errors_of([row for row in rows if row["metric"] == method], "keep_fraction") for method in methods}


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether any metric beats chance, and whether one without labels suffices: for every source and fraction."""
    return [
        claim_of(claim, source, NAME) for source, own in students_in(table).items() for claim in _claims(_errors(own))
    ]


def _claims(errors: xr.DataArray) -> Iterator[Claim]:
    for fraction in errors.keep_fraction.values:
        if fraction < 1:
            at, setting = errors.sel(keep_fraction=fraction), f"f = {fraction:g}"
            yield best_metric_helps(at, setting)
            yield label_free_suffices(at, setting)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a column for each source; metrics, comparison, selections below each other."""
    rows = [row for row in table if row["kind"] == GAIN]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure, panels = new_panels(3, len(sources), width=3.4 * len(sources) + 0.4, height=8.9)
        share(panels.ravel(), x=True)
        share(panels[:2].ravel(), y=True)
        share(panels[2], y=True)
        for column, source in zip(panels.T, sources, strict=True):
            own = [row for row in rows if row["source"] == source]
            _draw_all(column[0], [row for row in own if row["metric"] not in (BEST, *SELECTIONS)])
            _draw_compared(column[1], own, COMPARED, KINDS[::2])
            _name(column[1], list(COMPARED.values()), KINDS[::2])
            _draw_compared(column[2], own, SELECTIONS, COLOURS)
            for axes, letter in zip(column, "BCD", strict=True):
                axes.axhline(0, color="black", lw=1.4, zorder=2)
                axes.set_yscale("symlog", linthresh=_LINEAR)
                axes.set_yticks(_TICKS, [f"{tick:+g}" if tick else "random" for tick in _TICKS])
                axes.set(title=SOURCES[source], xlabel=r"kept fraction, $f$", ylabel=f"{letter}  points above random")
        outer_labels(panels)
        legend_beside(figure, panels[2, 0], below=True, columns=3)
    return figure


_TICKS = (-30, -10, -5, -2, -1, 0, 1, 2, 5, 10)


def _draw_all(axes: Axes, rows: Sequence[Row]) -> None:
    """All metrics in grey, the best at the smallest fraction in colour and named below the panel's lines."""
    lines = {metric: _line(rows, metric) for metric in dict.fromkeys(row["metric"] for row in rows)}
    order = sorted(lines, key=lambda metric: -lines[metric][1][0])
    for metric in order[NAMED:]:
        axes.plot(*lines[metric][:2], color="0.8", lw=0.9, zorder=1)
    for place, metric in enumerate(order[:NAMED]):
        fractions, gains, _ = lines[metric]
        colour, marker = KINDS[place], "osD^v"[place]
        axes.plot(fractions, gains, color=colour, marker=marker, ms=4, lw=1.5, zorder=3)
        axes.annotate(str(place + 1), (fractions[0], gains[0]), (-7 - 6 * (place % 2), 0), textcoords="offset points",
                      color=colour, fontsize=7.5, va="center", ha="right")  # fmt: skip
    named = order[:NAMED]
    _name(axes, [f"{place}  {metric.replace('_', ' ')}" for place, metric in enumerate(named, 1)], KINDS)
    axes.set_xlim(left=min(lines[order[0]][0]) - 0.12)


def _draw_compared(axes: Axes, rows: Sequence[Row], compared: Mapping[str, str], colours: Sequence[str]) -> None:
    """Lines with bars."""
    for number, (metric, label) in enumerate(compared.items()):
        fractions, gains, bars = _line(rows, metric)
        shifted = [fraction + 0.008 * (number - (len(compared) - 1) / 2) for fraction in fractions]
        style = {"fmt": "osD^vP"[number] + "-", "ms": 4, "lw": 1.2, "capsize": 2, "zorder": 3}
        axes.errorbar(shifted, gains, bars, color=colours[number], label=label, **style)


def _name(axes: Axes, words: Sequence[str], colours: Sequence[str]) -> None:
    """Names of lines in their colours, at the lower right."""
    for place, (word, colour) in enumerate(zip(words, colours, strict=False)):
        axes.text(
            *(0.97, 0.03 + 0.075 * (len(words) - 1 - place)),
            word,
            transform=axes.transAxes,
            color=colour,
            fontsize=7.5,
            ha="right",
            zorder=6,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )


def _line(rows: Sequence[Row], metric: str) -> tuple[list[float], list[float], list[float]]:
    """Fractions, gains over random keeping and half of their intervals, in percentage points."""
    line = [row for row in rows if row["metric"] == metric]
    return (
        [row["keep_fraction"] for row in line],
        [100 * row["value"] for row in line],
        [100 * row["half_width"] for row in line],
    )
