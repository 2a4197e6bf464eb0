"""Figure 4: pretraining on a pruned part of some classes, transferred to others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.transfer_claims import judge_transfer
from perceptron_pruning.experiments.plan import AXES
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import MEASURED, WITH_STUDENT, errors_of, mean_of, student_rows, students_in
from perceptron_pruning.experiments.transfer import OUTPUTS, study
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import PIXELS, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS
from perceptron_pruning.output.style import styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "4"
TITLE = "Real data: pretraining on pruned data, transferred"
CAPTION = (
    "Fashion-MNIST. Test error on five classes that pretraining never saw, of a linear head on the features of a "
    "network that was pretrained on the hardest, the easiest or a random fraction f of the other five, less the error "
    "after pretraining on all of them (below zero: pruning helps). Ten labelled images of each target class; left, a "
    "two-layer network on frozen embeddings, right, a residual network on pixels. Bars: 95 % intervals over seeds, "
    "each with classes of its own, paired."
)
WHAT_TO_SEE = (
    "Whether bars exclude the line at 0: above it, pretraining on a part is worse than on all. The scale of each "
    "panel is its own; its title says what pretraining is worth at all."
)
DIFFERENCE, UNTRAINED = "difference", "untrained"
APART = 0.016  # shift in f between the rules' bars, so that they do not hide each other
RULES = {"random": "at random", "hard": "keep hard", "easy": "keep easy"}
STUDENTS = {"two_layer": "two layers on embeddings", "resnet": "ResNet on pixels", "resnet_quick": "ResNet on pixels"}


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """All networks."""
    return {"transfer": study(source_of(PIXELS), settings.transfer, settings.target, folder)}


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """All networks that were pretrained."""
    return student_rows(PIXELS, datasets["transfer"], columns=WITH_STUDENT, outputs=tuple(OUTPUTS))


def derived(rows: Sequence[Row]) -> list[Row]:
    """Differences to pretraining on all, and to no pretraining."""
    errors = _table(rows).isel(class_floor=0, pool_size=-1)
    derived_rows: list[Row] = []
    for student in errors.student.values:
        for metric in errors.metric.values:
            own = errors.sel(student=student, metric=metric)
            place = {"source": PIXELS, "student": str(student), "metric": str(metric)}
            whole = own.sel(keep_fraction=1.0).isel(rule=0)
            untrained = whole.untrained_error - whole.test_error
            derived_rows.append({"kind": UNTRAINED} | place | mean_of(untrained.values))
            derived_rows += [
                {"kind": DIFFERENCE}
                | place
                | {"rule": rule, "keep_fraction": float(fraction)}
                | mean_of((own.test_error.sel(rule=rule, keep_fraction=fraction) - whole.test_error).values)
                for rule in RULES
                for fraction in own.keep_fraction.values
            ]
    return derived_rows


def claims(table: Sequence[Row]) -> list[Claim]:
    """What `judge_transfer` finds."""
    return [claim_of(claim, PIXELS, NAME) for claim in judge_transfer(_table(table))]


def _table(rows: Sequence[Row]) -> xr.Dataset:
    own = students_in(rows)[PIXELS]
    return xr.Dataset({name: errors_of(own, *AXES, column=name) for name in OUTPUTS})


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each network and metric."""
    rows = [row for row in table if row["kind"] != MEASURED]
    panels = list(dict.fromkeys((row["student"], row["metric"]) for row in rows))
    with styled():
        figure, grid = new_panels(1, len(panels), width=3.6 * len(panels) + 1.6, height=3.3)
        for axes, panel in zip(grid[0], panels, strict=True):
            own = [row for row in rows if (row["student"], row["metric"]) == panel]
            _draw(axes, own)
            (none,) = (row["value"] for row in own if row["kind"] == UNTRAINED)
            axes.set_title(f"{STUDENTS[panel[0]]}\n(not pretrained: {none:+.3f})")
            axes.set_ylabel("target error − after all")
        legend_beside(figure, grid[0, 0])
    return figure


def _draw(axes: Axes, rows: Sequence[Row]) -> None:
    axes.axhline(0, color="0.4", lw=0.9, zorder=0)
    for place, (rule, label) in enumerate(RULES.items()):
        line = [row for row in rows if row["kind"] == DIFFERENCE and row["rule"] == rule and row["keep_fraction"] < 1]
        axes.errorbar(
            [row["keep_fraction"] + APART * (place - 1) for row in line],
            [row["value"] for row in line],
            [row["half_width"] for row in line],
            fmt=RULE_MARKERS[rule],
            ms=5,
            capsize=3,
            elinewidth=1.4,
            color=RULE_COLOURS[rule],
            label=label,
        )
    axes.set(
        xlabel="kept fraction f of the pretraining data",
        xticks=sorted({row["keep_fraction"] for row in rows if row["kind"] == DIFFERENCE and row["keep_fraction"] < 1}),
    )
