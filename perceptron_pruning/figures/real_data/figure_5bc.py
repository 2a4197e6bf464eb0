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
from perceptron_pruning.experiments.tables import MEASURED, errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES, claim_of
from perceptron_pruning.output.style import COLOURS, new_figure, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "5BC"
TITLE = "Real data: the benchmark of metrics"
CAPTION = (
    "Test accuracy of a softmax head retrained on the hardest fraction f of one pool, by every metric and at random "
    "(B); prototypes without and with labels beside the best metric that sees labels, which the other seeds chose (C; "
    "bars: 95 % intervals over seeds). Dashed: the whole pool. Class floor 0.5."
)
BEST, SUPERVISED = "best metric with labels", "supervised_prototypes"
AXES = ("metric", "rule", "pool_size", "keep_fraction")
COMPARED = {
    CHANCE: "at random",
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
    """Mean error of every metric and of chance, and of the best metric that sees labels, at every fraction."""
    derived_rows: list[Row] = []
    for source, own in students_in(rows).items():
        largest = errors_of(own, *AXES).isel(pool_size=-1)
        for fraction in largest.keep_fraction.values:
            at = largest.sel(keep_fraction=fraction)
            place = {"kind": "mean", "source": source, "keep_fraction": float(fraction)}
            derived_rows.append(place | {"metric": CHANCE} | mean_of(at.sel(rule="random").isel(metric=0).values))
            if fraction < 1:
                hard = at.sel(rule="hard")
                derived_rows += [
                    place | {"metric": str(m)} | mean_of(hard.sel(metric=m).values) for m in hard.metric.values
                ]
                name, errors = best_metric(hard, [m for m in hard.metric.values if family_of(m).labels])
                derived_rows.append(place | {"metric": BEST} | mean_of(errors) | {"chosen": name})
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
    rows = [row for row in table if row["kind"] != MEASURED]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure = new_figure(3.0 * len(sources) + 2.4, 6.0)
        panels = figure.subplots(2, len(sources), sharex=True, squeeze=False)
        for column, source in zip(panels.T, sources, strict=True):
            own = [row for row in rows if row["source"] == source]
            metrics = [name for name in dict.fromkeys(row["metric"] for row in own) if name != BEST]
            _draw_all(column[0], own, metrics)
            _draw_compared(column[1], own)
            column[0].set_title(SOURCES[source])
            column[1].set_xlabel(r"kept fraction, $f$")
            for axes in column:
                whole = next(row for row in own if row["keep_fraction"] == 1.0)
                axes.axhline(100 * (1 - whole["value"]), color="0.6", ls="--", lw=0.8, zorder=0)
        for axes, letter in zip(panels[:, 0], "BC", strict=True):
            axes.set_ylabel(f"{letter}  test accuracy, %")
        for axes in panels[:, -1]:
            axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=7)
    return figure


def _draw_all(axes: Axes, rows: Sequence[Row], metrics: Sequence[str]) -> None:
    for number, metric in enumerate(metrics):
        line = _line(rows, metric)
        chance = metric == CHANCE
        axes.plot(
            *line[:2],
            color="black" if chance else COLOURS[(number - 1) % 6],
            ls="-" if chance else ("-", "--", ":")[(number - 1) // 6],
            lw=2.2 if chance else 1.1,
            marker="o",
            ms=2.5,
            label=metric.replace("_", " "),
        )


def _draw_compared(axes: Axes, rows: Sequence[Row]) -> None:
    for (metric, label), colour in zip(COMPARED.items(), (COLOURS[6], *COLOURS), strict=False):
        fractions, accuracies, bars = _line(rows, metric)
        axes.errorbar(fractions, accuracies, bars, fmt="o-", ms=3, lw=1.1, color=colour, label=label)


def _line(rows: Sequence[Row], metric: str) -> tuple[list[float], list[float], list[float]]:
    """Fractions, accuracies and half of their intervals, in percent."""
    line = [row for row in rows if row["metric"] == metric and row["keep_fraction"] < 1]
    return (
        [row["keep_fraction"] for row in line],
        [100 * (1 - row["value"]) for row in line],
        [100 * row["half_width"] for row in line],
    )
