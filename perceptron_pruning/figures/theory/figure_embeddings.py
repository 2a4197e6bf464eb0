"""The paper's question on real images: which examples to keep, as the pool grows.

Fashion-MNIST through a network trained on ImageNet; the metric is the margin of a linear probe; a
linear head is retrained on what is kept. The counterpart of figure 1B, with nothing fitted.
"""

from collections.abc import Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.effect import effect
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import errors_of, student_rows
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.layout import new_panels, outer_labels, share
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study
from perceptron_pruning.sweeps import Cell

NAME = "embeddings"
TITLE = "The same question on real images"
CAPTION = (
    "Test error of a linear head retrained on the hardest, the easiest or random fractions of Fashion-MNIST, as seen "
    "by a network trained on ImageNet and ranked by a linear probe's margin; bars of 95 % over seeds."
)
WHAT_TO_SEE = (
    "Whether the curves change places as the pool grows, as in figure 1B, whose colours these are: orange lowest where "
    "images are few (left), blue where they abound (right); and how the answer moves with the kept fraction f, from "
    "panel to panel."
)
SOURCE = "fashion-mnist"
LABELS = {"hard": "keep hard", "easy": "keep easy", "random": "keep at random"}


def cells(settings: Settings) -> list[Cell]:
    """No simulated cells: images are not isotropic."""
    return []


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Heads retrained on pools of every size."""
    return {NAME: study(source_of(SOURCE), settings.embeddings, folder)}


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """One row for each retrained head."""
    return student_rows(SOURCE, simulated.datasets[NAME])


def errors(table: Sequence[Row]) -> xr.DataArray:
    """Test errors with the dimensions rule, pool_size, keep_fraction and seed."""
    return errors_of(table, "rule", "pool_size", "keep_fraction")


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each kept fraction."""
    test_errors = errors(table)
    fractions = sorted(test_errors.keep_fraction.values.tolist())
    with styled():
        figure, panels = new_panels(1, len(fractions), width=2.6 * len(fractions) + 0.8, height=3.2)
        share(panels[0], y=True)
        for axes, fraction in zip(panels[0], fractions, strict=True):
            _draw_panel(axes, test_errors.sel(keep_fraction=fraction))
            axes.set(xlabel="images before pruning", title=f"kept fraction f = {fraction:g}")
            axes.set_ylabel("test error of the retrained head")
        outer_labels(panels, x=False)
        panels[0, 0].legend(loc="lower left", title="measured, 95 %", title_fontsize=7.5)
    return figure


def _draw_panel(axes: Axes, test_errors: xr.DataArray) -> None:
    sizes = sorted(test_errors.pool_size.values.tolist())
    for rule, label in LABELS.items():
        means = [effect(test_errors.sel(rule=rule, pool_size=size).values) for size in sizes]
        axes.errorbar(
            sizes,
            [mean.value for mean in means],
            [mean.half_width for mean in means],
            fmt=f"{RULE_MARKERS[rule]}-",
            ms=3.5,
            capsize=2,
            lw=1.1,
            color=RULE_COLOURS[rule],
            label=label,
        )
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
