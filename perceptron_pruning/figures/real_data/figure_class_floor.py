"""What a floor for every class does to students trained on the hardest examples."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.size_claims import class_floor_helps
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.curves import draw_means
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import SOURCES, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import KINDS, RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "class_floor"
TITLE = "Real data: the class floor"
CAPTION = (
    "Test error of a softmax head retrained on the hardest fraction f of one pool by a metric with labels (EL2N) and "
    "one without (prototypes), against the share of its proportional quota that every class is sure of; grey, random "
    "keeping. Bars: 95 % intervals over seeds."
)
WHAT_TO_SEE = (
    "Whether the lines of the hard rules fall from left to right, as classes are protected, and whether any "
    "reaches the grey line of random keeping; and that for the larger fraction (lower row) the floor matters "
    "less."
)
AXES = ("metric", "rule", "class_floor", "pool_size", "keep_fraction")
RANDOM, HARD = "random", "hard"


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """All floors, for each source."""
    return {f"floors-{source}": study(source_of(source), settings.floors, folder) for source in SOURCES}


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """All students."""
    return [row for source in SOURCES for row in student_rows(source, datasets[f"floors-{source}"])]


def derived(rows: Sequence[Row]) -> list[Row]:
    """Mean error at every floor."""
    derived_rows: list[Row] = []
    for source, own in students_in(rows).items():
        largest = errors_of(own, *AXES).isel(pool_size=-1)
        for fraction in largest.keep_fraction.values:
            for floor in largest.class_floor.values:
                at = largest.sel(keep_fraction=fraction, class_floor=floor)
                place = {
                    "kind": "mean",
                    "source": source,
                    "keep_fraction": float(fraction),
                    "class_floor": float(floor),
                }
                derived_rows.append(place | {"metric": RANDOM} | mean_of(at.sel(rule=RANDOM).isel(metric=0).values))
                derived_rows += [
                    place | {"metric": str(metric)} | mean_of(at.sel(rule=HARD, metric=metric).values)
                    for metric in at.metric.values
                ]
    return derived_rows


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether the largest floor beats the smallest: for every source, metric and fraction."""
    return [
        claim_of(
            class_floor_helps(errors.sel(metric=metric, keep_fraction=fraction), f"{metric}, f = {fraction:g}"),
            source,
            NAME,
        )
        for source, own in students_in(table).items()
        for errors in [errors_of(own, *AXES)]
        for metric in errors.metric.values
        for fraction in errors.keep_fraction.values
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a column for each source, a row for each kept fraction."""
    rows = [row for row in table if row["kind"] == "mean"]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    fractions = sorted({row["keep_fraction"] for row in rows})
    with styled():
        size = {"width": 3.1 * len(sources) + 0.4, "height": 2.5 * len(fractions) + 0.6}
        figure, panels = new_panels(len(fractions), len(sources), **size)
        share(panels.ravel(), x=True)
        for line, fraction in zip(panels, fractions, strict=True):
            share(line, y=True)
            for axes, source in zip(line, sources, strict=True):
                _draw(axes, [row for row in rows if (row["source"], row["keep_fraction"]) == (source, fraction)])
                axes.set(xlabel="class floor", ylabel=rf"$f$ = {fraction:g}: test error, $\varepsilon$")
                axes.set_title(SOURCES[source])
        outer_labels(panels)
        legend_beside(figure, panels[0, 0], below=True)
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    """Random keeping, and every metric."""
    looks = {RANDOM: (RULE_COLOURS["random"], RULE_MARKERS["random"], "at random")}
    others = [metric for metric in dict.fromkeys(row["metric"] for row in rows) if metric not in looks]
    looks |= {
        metric: (colour, marker, f"hardest by {metric.replace('_', ' ')}")
        for metric, colour, marker in zip(others, KINDS[::2], "osD", strict=False)
    }
    for metric, (colour, marker, label) in looks.items():
        own = [row for row in rows if row["metric"] == metric]
        draw_means(axes, own, "class_floor", marker=marker, color=colour, label=label)
