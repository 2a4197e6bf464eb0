"""Figure 1D: where keeping the hard beats keeping the easy, over pool size and kept fraction, on real data."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.size_claims import size_decides
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED, errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import METRICS, SOURCES, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels, outer_labels, share
from perceptron_pruning.output.palette import HARD_OR_EASY
from perceptron_pruning.output.style import no_grid, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "1D"
TITLE = "Real data: where to keep the hard, and where the easy"
CAPTION = (
    "ln(test error keeping the hardest / test error keeping the easiest), over pool size and kept fraction: blue "
    "where hard is better, orange where easy is, mean over seeds; above by EL2N, the paper's metric, below by the "
    "size of a linear probe's margin, its theory's. Crosses: the 95 % interval over seeds includes zero. Circles: "
    "where both are equal. Softmax head, retrained from scratch; class floor 0.5."
)
WHAT_TO_SEE = (
    "The same map as figure 1C, on real data, in the same colours: whether it turns from orange on the left, "
    "where pools are small, to blue on the right; circles mark the turn. The row of the smallest fraction is the "
    "hardest test."
)
AXES = ("metric", "rule", "pool_size", "keep_fraction")


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Pools of all sizes, for each source."""
    return {f"scaling-{source}": study(source_of(source), settings.scaling, folder) for source in SOURCES}


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """The students of pruned pools."""
    return [row for row in scaling_students(datasets) if row["keep_fraction"] < 1]


def scaling_students(datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """The students of the scaling experiments of all sources."""
    return [row for source in SOURCES for row in student_rows(source, datasets[f"scaling-{source}"])]


def derived(students: Sequence[Row]) -> list[Row]:
    """Differences at every pool size and fraction, and the sizes at which they change sign."""
    rows: list[Row] = []
    for source, own in students_in(students).items():
        errors = errors_of(own, *AXES)
        logs = errors.copy(data=np.log(errors.values))
        ratios = logs.sel(rule="hard") - logs.sel(rule="easy")
        for metric, fraction in itertools.product(errors.metric.values, errors.keep_fraction.values):
            place = {"kind": "difference", "source": source, "metric": str(metric), "keep_fraction": float(fraction)}
            at = ratios.sel(metric=metric, keep_fraction=fraction)
            line = [
                place | {"pool_size": int(size)} | mean_of(at.sel(pool_size=size).values)
                for size in errors.pool_size.values
            ]
            rows += line + _equalities(line)
    return rows


def _equalities(line: Sequence[Row]) -> list[Row]:
    """Where the difference falls through zero, linear in the logarithm of the pool size."""
    equalities = []
    for left, right in itertools.pairwise(line):
        if left["value"] > 0 >= right["value"]:
            share = left["value"] / (left["value"] - right["value"])
            size = left["pool_size"] * (right["pool_size"] / left["pool_size"]) ** share
            place = {name: left[name] for name in ("source", "metric", "keep_fraction")}
            equalities.append({"kind": "equality", **place, "pool_size": size})
    return equalities


def claims(table: Sequence[Row]) -> list[Claim]:
    """Keeping hard hurts in small pools and helps in large ones: against easy and random, for every source."""
    return [
        claim_of(
            size_decides(
                errors.sel(metric=metric, keep_fraction=fraction), f"{METRICS[metric]}, f = {fraction:g}", rival
            ),
            source,
            NAME,
        )
        for source, own in students_in(table).items()
        for errors in [errors_of(own, *AXES)]
        for metric, fraction in itertools.product(errors.metric.values, errors.keep_fraction.values)
        for rival in ("easy", "random")
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a column of maps for each source, a row for each metric."""
    rows = [row for row in table if row["kind"] != MEASURED]
    largest = max(abs(row["value"]) for row in rows if row["kind"] == "difference")
    sources, metrics = (list(dict.fromkeys(row[name] for row in rows)) for name in ("source", "metric"))
    with styled():
        figure, panels = new_panels(
            len(metrics), len(sources), width=3.0 * len(sources) + 0.8, height=2.3 * len(metrics) + 0.7
        )
        share(panels.ravel(), x=True, y=True)
        for line, metric in zip(panels, metrics, strict=True):
            shades = [
                _draw_map(axes, [row for row in rows if (row["metric"], row["source"]) == (metric, source)], largest)
                for axes, source in zip(line, sources, strict=True)
            ]
            for axes, source in zip(line, sources, strict=True):
                axes.set(ylabel=f"{METRICS[metric]}\n" + r"kept fraction, $f$", title=SOURCES[source])
                axes.set_xlabel("pool size (examples before pruning)")
            figure.colorbar(shades[0], ax=line, label=r"$\ln(\varepsilon_{\mathrm{hard}}/\varepsilon_{\mathrm{easy}})$")
        outer_labels(panels)
        first = panels[0, 0]
        first.plot([], [], "x", color="0.25", ms=5, mew=1, label="cross: the 95 % interval includes 0")
        first.plot([], [], "ko", ms=5, mfc="white", label="circle: hard = easy")
        legend_beside(figure, first, below=True)
    return figure


def _draw_map(axes: Axes, rows: Sequence[Row], largest: float):
    cells = [row for row in rows if row["kind"] == "difference"]
    sizes, fractions = (sorted({row[name] for row in cells}) for name in ("pool_size", "keep_fraction"))
    by_place = {(row["keep_fraction"], row["pool_size"]): row["value"] for row in cells}
    values = [[by_place[fraction, size] for size in sizes] for fraction in fractions]
    axes.set_xscale("log")
    shade = axes.pcolormesh(
        np.exp(_edges(np.log(sizes))), _edges(fractions), values, cmap=HARD_OR_EASY, vmin=-largest, vmax=largest
    )
    unclear = [row for row in cells if abs(row["value"]) <= row["half_width"]]
    places = [row["pool_size"] for row in unclear], [row["keep_fraction"] for row in unclear]
    axes.plot(*places, "x", color="0.25", ms=5, mew=1)
    equal = [row for row in rows if row["kind"] == "equality"]
    axes.plot([row["pool_size"] for row in equal], [row["keep_fraction"] for row in equal], "ko", ms=5, mfc="white")
    plain_ticks(axes)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_yticks(fractions)
    no_grid(axes)
    return shade


def _edges(centres: Sequence[float] | np.ndarray) -> np.ndarray:
    """Borders half-way between centres, and as far beyond the ends."""
    centres = np.asarray(centres, dtype=float)
    middle = (centres[1:] + centres[:-1]) / 2
    return np.array([2 * centres[0] - middle[0], *middle, 2 * centres[-1] - middle[-1]])
