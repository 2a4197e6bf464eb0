"""The paper's question on real images: which examples to keep, as the pool grows.

Fashion-MNIST through a network trained on ImageNet; the metric is the margin of a linear probe; a
linear head is retrained on what is kept. The counterpart of figure 1B, with nothing fitted.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings import experiment
from perceptron_pruning.embeddings.experiment import CurvePoint, CurveSettings, CurveSummary
from perceptron_pruning.embeddings.fashion_mnist import load_fashion_mnist
from perceptron_pruning.reproduction.settings import Settings
from perceptron_pruning.reproduction.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.reproduction.tables import Row

NAME = "figure_embeddings"
LABELS = {"KeepHardest": "keep hard", "KeepEasiest": "keep easy", "KeepRandom": "keep at random"}


def tasks(settings: Settings) -> list[CurveSettings]:
    """One task a pool: every rule on it. The largest first, so that no core is left with it at the end."""
    whole = settings.embeddings
    sizes = sorted(whole.pool_sizes, reverse=True)
    return [replace(whole, pool_sizes=(size,), seeds=(seed,)) for size in sizes for seed in whole.seeds]


def run_task(task: CurveSettings) -> list[Row]:
    """Rows of the figure's table: one retrained head each."""
    return [asdict(point) for point in experiment.pruning_curves(_data(), task)]


@cache
def _data():
    return load_fashion_mnist()


def means(rows: Sequence[Row], baseline: str = "KeepRandom") -> list[CurveSummary]:
    """Means and paired differences over seeds; none before there is a baseline to subtract."""
    if not any(row["selection"] == baseline for row in rows):
        return []
    return experiment.summarise((CurvePoint(**row) for row in rows), baseline=baseline)


def draw(rows: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each kept fraction."""
    summary = means(rows)
    fractions = sorted({mean.keep_fraction for mean in summary})
    with styled():
        figure = new_figure(2.6 * len(fractions) + 0.8, 3.2)
        panels = figure.subplots(1, len(fractions), sharey=True, squeeze=False)[0]
        for axes, fraction in zip(panels, fractions, strict=True):
            _draw_panel(axes, [mean for mean in summary if mean.keep_fraction == fraction])
            axes.set(xlabel="images before pruning", title=f"kept fraction f = {fraction:g}")
        panels[0].set_ylabel("test error of the retrained head")
        panels[0].legend(loc="lower left")
        figure.suptitle("Fashion-MNIST embeddings, ranked by a linear probe's margin", fontsize=10)
    return figure


def _draw_panel(axes: Axes, summary: list[CurveSummary]) -> None:
    for (rule, label), colour in zip(LABELS.items(), COLOURS, strict=False):
        line = sorted((mean for mean in summary if mean.selection == rule), key=lambda mean: mean.pool_size)
        axes.errorbar(
            [mean.pool_size for mean in line],
            [mean.test_error for mean in line],
            [mean.test_error_se for mean in line],
            fmt="o-",
            ms=3.5,
            color=colour,
            label=label,
        )
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
