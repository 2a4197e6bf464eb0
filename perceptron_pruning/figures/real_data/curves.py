"""Parts that pictures of real data share: a panel for each source, and means with their intervals."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.style import new_figure, styled
from perceptron_pruning.output.tables import Row


def panel_for_each_source(
    table: Sequence[Row], draw: Callable[[Axes, list[Row]], None], *, xlabel: str, room: float, height: float
) -> tuple[Figure, np.ndarray]:
    """A row of panels of test error, each drawn from its source's derived rows, with room (inches) on the right."""
    rows = [row for row in table if row["kind"] != MEASURED]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure = new_figure(2.9 * len(sources) + room, height)
        panels = figure.subplots(1, len(sources), squeeze=False)[0]
        for axes, source in zip(panels, sources, strict=True):
            draw(axes, [row for row in rows if row["source"] == source])
            axes.set(xlabel=xlabel, title=SOURCES[source])
        panels[0].set_ylabel(r"test error, $\varepsilon$")
    return figure, panels


def draw_means(
    axes: Axes,
    rows: Sequence[Row],
    column: str,
    *,
    color: str,
    label: str,
    marker: str = "o",
    ls: str = "-",
    ms: float = 3.5,
) -> None:
    """Means over seeds with 95 % intervals against a column."""
    axes.errorbar(
        [row[column] for row in rows],
        [row["value"] for row in rows],
        [row["half_width"] for row in rows],
        lw=1.1,
        color=color,
        label=label,
        marker=marker,
        ls=ls,
        ms=ms,
    )
