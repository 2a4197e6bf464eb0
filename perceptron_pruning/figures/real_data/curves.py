"""Parts that pictures of real data share: a panel for each source, and means with their intervals."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.experiments.tables import MEASURED
from perceptron_pruning.figures.real_data.sources import SOURCES
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row


def panel_for_each_source(
    table: Sequence[Row], draw: Callable[[Axes, list[Row]], None], *, xlabel: str, height: float
) -> tuple[Figure, np.ndarray]:
    """A row of panels of test error, (1, sources), each drawn from its source's derived rows."""
    rows = [row for row in table if row["kind"] != MEASURED]
    sources = list(dict.fromkeys(row["source"] for row in rows))
    with styled():
        figure, panels = new_panels(1, len(sources), width=3.1 * len(sources) + 0.4, height=height)
        share(panels[0], y=True)
        for axes, source in zip(panels[0], sources, strict=True):
            draw(axes, [row for row in rows if row["source"] == source])
            axes.set(xlabel=xlabel, ylabel=r"test error, $\varepsilon$", title=SOURCES[source])
        outer_labels(panels)
    return figure, panels


def draw_means(
    axes: Axes, rows: Sequence[Row], column: str, *, color: str, label: str, marker: str = "o", ms: float = 3.5
) -> None:
    """Means over seeds with 95 % intervals against a column."""
    axes.errorbar(
        [row[column] for row in rows],
        [row["value"] for row in rows],
        [row["half_width"] for row in rows],
        lw=1.1,
        capsize=2,
        color=color,
        label=label,
        fmt=f"{marker}-",
        ms=ms,
    )
