"""Target error after pretraining on pruned source classes, against the fraction that was kept."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.experiments.scaling import effect
from perceptron_pruning.figures.real_data.figure_theory_beside_data import RULES
from perceptron_pruning.reproduction.style import COLOURS, new_figure, styled
from perceptron_pruning.reproduction.tables import Row

NAME = "embeddings_transfer"
TITLE = "Real images: pretraining on pruned data, transferred"
CAPTION = (
    "Test error on classes that pretraining never saw: a linear head on the features of a network pretrained on the "
    "hardest, the easiest or a random part of other classes, from few labelled examples, less the error after "
    "pretraining on all of them (negative: pruning helps). Bars: 95 % intervals over seeds, which also draw classes."
)
UNTRAINED = "untrained"


def compute(table: xr.Dataset) -> list[Row]:
    """Rows of means, and of paired differences to pretraining on all, with half their intervals.

    Args:
        table: Of `transfer`, with a fraction of 1; its largest pool and first class floor are shown.
    """
    shown = table.isel(class_floor=0, pool_size=-1)
    rows = []
    for student in shown.student.values:
        for metric in shown.metric.values:
            own = shown.sel(student=student, metric=metric)
            whole = own.test_error.sel(keep_fraction=1.0).isel(rule=0)
            curves = {
                (str(rule), float(fraction)): own.test_error.sel(rule=rule, keep_fraction=fraction)
                for rule in own.rule.values
                for fraction in own.keep_fraction.values
            }
            curves[UNTRAINED, 0.0] = own.untrained_error.sel(keep_fraction=1.0).isel(rule=0)
            for (rule, fraction), errors in curves.items():
                mean, difference = effect(errors.values), effect((errors - whole).values)
                rows.append(
                    {
                        "student": str(student),
                        "metric": str(metric),
                        "rule": rule,
                        "keep_fraction": fraction,
                        "target_error": mean.value,
                        "half_width": mean.half_width,
                        "difference": difference.value,
                        "difference_half_width": difference.half_width,
                    }
                )
    return rows


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each network and metric."""
    panels = list(dict.fromkeys((row["student"], row["metric"]) for row in table))
    with styled():
        figure = new_figure(3.0 * len(panels) + 0.6, 3.2)
        for axes, (student, metric) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            rows = [row for row in table if (row["student"], row["metric"]) == (student, metric)]
            _draw(axes, rows)
            (untrained,) = (row for row in rows if row["rule"] == UNTRAINED)
            axes.set_title(f"{student}, {metric}\n(untrained: {untrained['difference']:+.2f})".replace("_", " "))
        figure.axes[0].set_ylabel("target error − that after pretraining on all")
        figure.axes[0].legend(loc="upper right")
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    axes.axhline(0, color="0.6", lw=0.8, zorder=0)
    for (rule, label), colour in zip(RULES.items(), COLOURS, strict=False):
        line = [row for row in rows if row["rule"] == rule]
        axes.errorbar(
            [row["keep_fraction"] for row in line],
            [row["difference"] for row in line],
            [row["difference_half_width"] for row in line],
            fmt="o-",
            ms=3.5,
            color=colour,
            label=label,
        )
    axes.set_xlabel("kept fraction f of the pretraining data")
