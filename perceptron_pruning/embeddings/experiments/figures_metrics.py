"""The benchmark of metrics: what each gains over random keeping, at every fraction."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.experiments.verdicts import benchmark
from perceptron_pruning.reproduction.style import COLOURS, new_figure, styled
from perceptron_pruning.reproduction.tables import Row

NAME = "embeddings_metrics"
TITLE = "Real embeddings: the benchmark of metrics"
CAPTION = (
    "Test error of random keeping less that of keeping the hardest by each metric (positive: the metric helps), in the "
    "largest pool. Bars: 95 % intervals over seeds, paired."
)


def compute(errors: xr.DataArray) -> list[Row]:
    """Rows of the benchmark.

    Args:
        errors: With the dimensions metric, rule, pool_size, keep_fraction and seed.
    """
    return [
        {
            "metric": rank.metric,
            "keep_fraction": rank.keep_fraction,
            "test_error": rank.test_error.value,
            "gain": rank.gain.value,
            "half_width": rank.gain.half_width,
        }
        for rank in benchmark(errors)
    ]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: metrics in the order of their gain at the middle fraction."""
    fractions = sorted({row["keep_fraction"] for row in table})
    middle = fractions[len(fractions) // 2]
    ordered = sorted((row for row in table if row["keep_fraction"] == middle), key=lambda row: row["gain"])
    names = [row["metric"] for row in ordered]
    with styled():
        figure = new_figure(6.4, 0.28 * len(names) + 1.2)
        axes = figure.add_subplot()
        for shift, (fraction, colour) in enumerate(zip(fractions, COLOURS, strict=False)):
            rows = [row for row in table if row["keep_fraction"] == fraction]
            axes.errorbar(
                [row["gain"] for row in rows],
                [names.index(row["metric"]) + 0.2 * (shift - (len(fractions) - 1) / 2) for row in rows],
                xerr=[row["half_width"] for row in rows],
                fmt="o",
                ms=3.5,
                color=colour,
                label=f"f = {fraction:g}",
            )
        axes.axvline(0, color="0.6", lw=0.8, zorder=0)
        axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.set_xlabel("test error of random keeping − that of keeping the hardest")
        axes.legend(loc="upper left")
    return figure
