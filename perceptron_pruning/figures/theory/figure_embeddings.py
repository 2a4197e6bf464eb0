"""The paper's question on real images: which examples to keep, as the pool grows.

Fashion-MNIST through a network trained on ImageNet; the metric is the margin of a linear probe; a
linear head is retrained on what is kept. The counterpart of figure 1B, with nothing fitted.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.datasets.loaders import load_fashion_mnist
from perceptron_pruning.embeddings import experiment
from perceptron_pruning.embeddings.experiment import CurvePoint, CurveSettings, CurveSummary
from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import Simulated
from perceptron_pruning.output.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies import Output, Study
from perceptron_pruning.sweeps import Cell

if TYPE_CHECKING:
    import xarray as xr

NAME = "embeddings"
TITLE = "The same question on real images"
CAPTION = (
    "Test error of a linear head retrained on the hardest, the easiest or random fractions of Fashion-MNIST, as seen "
    "by a network trained on ImageNet and ranked by a linear probe's margin; bars of one standard error over seeds."
)
LABELS = {"KeepHardest": "keep hard", "KeepEasiest": "keep easy", "KeepRandom": "keep at random"}


def study(settings: Settings) -> Study:
    """The experiment, one pool a cell: every rule's retrained head on it. `run_study` resumes it."""
    whole = settings.embeddings
    pools = [replace(whole, pool_sizes=(size,), seeds=(seed,)) for size in whole.pool_sizes for seed in whole.seeds]
    rules = {"rule": len(whole.selections)}
    return Study(
        function=retrained_heads,
        cells=pools,
        outputs={
            "test_error": Output(long_name="test error of the retrained head", dimensions=rules),
            "kept": Output(long_name="images kept", dtype="int64", dimensions=rules),
        },
        coordinates={
            "pool_size": [pool.pool_sizes[0] for pool in pools],
            "seed": [pool.seeds[0] for pool in pools],
        },
        seconds=[0.3 + 6e-4 * pool.pool_sizes[0] for pool in pools],
        parameters={"selections": [repr(rule) for rule in whole.selections]},
    )


def retrained_heads(pool: CurveSettings, trials: range) -> dict[str, np.ndarray]:
    """Outputs of one pool, (1, n_rules); its seed is its own."""
    by_rule = {(row.selection, row.keep_fraction): row for row in experiment.pruning_curves(_data(), pool)}
    rows = [by_rule[type(rule).__name__, rule.keep_fraction] for rule in pool.selections]
    return {name: np.array([[getattr(row, name) for row in rows]]) for name in ("test_error", "kept")}


def rows_of_study(dataset: "xr.Dataset", settings: Settings) -> list[Row]:
    """The figure's table, of the pools that are there."""
    whole = settings.embeddings
    return [
        {
            "metric": whole.metric,
            "pool_size": int(pool.pool_size),
            "kept": int(pool.kept[0, i]),
            "selection": type(rule).__name__,
            "keep_fraction": rule.keep_fraction,
            "seed": int(pool.seed),
            "test_error": float(pool.test_error[0, i]),
        }
        for pool in (dataset.isel(cell=number) for number in range(dataset.sizes["cell"]))
        if bool(pool.done.all())
        for i, rule in enumerate(whole.selections)
    ]


@cache
def _data():
    return load_fashion_mnist()


def cells(settings: Settings) -> list[Cell]:
    """None: nothing here is isotropic."""
    return []


def compute(settings: Settings, simulated: Simulated) -> list[Row]:
    """One row for each retrained head."""
    return list(simulated.embedded)


def means(rows: Sequence[Row], baseline: str = "KeepRandom") -> list[CurveSummary]:
    """Means and paired differences over seeds; none before there is a baseline to subtract."""
    if not any(row["selection"] == baseline for row in rows):
        return []
    return experiment.summarise((CurvePoint(**row) for row in rows), baseline=baseline)


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each kept fraction."""
    summary = means(table)
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
