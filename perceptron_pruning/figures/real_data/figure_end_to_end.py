"""A residual network trained end to end on pixels, beside a head on frozen embeddings, on the same subsets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.experiments.analysis.end_to_end import agrees_with_embeddings, sees_images
from perceptron_pruning.experiments.analysis.size_claims import size_decides
from perceptron_pruning.experiments.run import study
from perceptron_pruning.experiments.source import source_of
from perceptron_pruning.experiments.tables import WITH_STUDENT, errors_of, mean_of, student_rows, students_in
from perceptron_pruning.figures.real_data.settings import Settings
from perceptron_pruning.figures.real_data.sources import PIXELS, claim_of
from perceptron_pruning.output.layout import legend_beside, new_panels
from perceptron_pruning.output.palette import RULE_COLOURS
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row
from perceptron_pruning.studies.study import Study

NAME = "end_to_end"
TITLE = "Real data: do frozen embeddings tell what training end to end does?"
CAPTION = (
    "Fashion-MNIST. Test error of random keeping less that of keeping the hardest or the easiest fraction f (positive: "
    "the rule helps), against the pool size: a small residual network trained from scratch on the pixels (lines), and "
    "a softmax head on frozen embeddings (dashed). Both get the same images, ranked by the margin of a linear probe on "
    "the embeddings. Right, both on random pools, unpruned. Bars: 95 % intervals over seeds, paired."
)
WHAT_TO_SEE = (
    "Whether the solid line (network on pixels) and the dashed one (head on frozen embeddings) of one colour run "
    "together: then frozen embeddings tell what training end to end would. Above 0 the rule helps."
)
AXES = ("student", "rule", "pool_size", "keep_fraction")
GAIN, WHOLE = "gain", "whole"
RULES = {"hard": "hard", "easy": "easy"}


def studies(settings: Settings, folder: Path) -> dict[str, Study]:
    """Both students on pools of all sizes."""
    return {"end-to-end": study(source_of(PIXELS), settings.end_to_end, folder)}


def measured(settings: Settings, datasets: Mapping[str, xr.Dataset]) -> list[Row]:
    """All students."""
    return student_rows(PIXELS, datasets["end-to-end"], columns=WITH_STUDENT)


def derived(rows: Sequence[Row]) -> list[Row]:
    """Gains over random keeping, and errors of unpruned pools."""
    errors = _errors(rows)
    derived_rows: list[Row] = []
    for student in errors.student.values:
        for size in errors.pool_size.values:
            own = errors.sel(student=student, pool_size=size)
            place = {"source": PIXELS, "student": str(student), "pool_size": int(size)}
            whole = own.sel(keep_fraction=1.0).isel(rule=0)
            derived_rows.append({"kind": WHOLE} | place | mean_of(whole.values))
            derived_rows += [
                {"kind": GAIN} | place | {"rule": rule, "keep_fraction": float(fraction)} | mean_of(gain.values)
                for fraction in _pruned(errors)
                for rule in RULES
                for at in [own.sel(keep_fraction=fraction)]
                for gain in [at.sel(rule="random") - at.sel(rule=rule)]
            ]
    return derived_rows


def claims(table: Sequence[Row]) -> list[Claim]:
    """Whether both tell the same, and for each of them whether the pool's size decides."""
    errors = _errors(table)
    fractions = _pruned(errors)
    networks, heads = ([n for n in errors.student.values if sees_images(n) == seen] for seen in (True, False))
    judged = [
        agrees_with_embeddings(errors.sel(keep_fraction=fractions), network, head, f"{network} and {head}, margin")
        for network in networks
        for head in heads
    ]
    judged += [
        size_decides(errors.sel(student=student, keep_fraction=fraction), f"{student}, margin, f = {fraction:g}")
        for student in errors.student.values
        for fraction in fractions
    ]
    return [claim_of(claim, PIXELS, NAME) for claim in judged]


def _errors(table: Sequence[Row]) -> xr.DataArray:
    return errors_of(students_in(table)[PIXELS], *AXES)


def _pruned(errors: xr.DataArray) -> list[float]:
    return [float(fraction) for fraction in errors.keep_fraction.values if fraction < 1]


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each fraction, and one for the errors themselves."""
    gains, whole = ([row for row in table if row["kind"] == kind] for kind in (GAIN, WHOLE))
    fractions = sorted({row["keep_fraction"] for row in gains})
    with styled():
        figure, grid = new_panels(1, len(fractions) + 1, width=3.2 * (len(fractions) + 1) + 0.4, height=3.5)
        panels = grid[0]
        for axes, fraction in zip(panels, fractions, strict=False):
            _draw_gains(axes, [row for row in gains if row["keep_fraction"] == fraction])
            axes.set(title=f"kept fraction f = {fraction:g}", ylabel="error of random − of the rule")
        for student, line in _lines(whole):
            _draw_line(panels[-1], line, student, color="0.2", label=student.replace("_", " "))
        panels[-1].set(yscale="log", title="unpruned", ylabel="test error")
        for axes in panels:
            axes.set(xscale="log", xlabel="pool size (images before pruning)")
            plain_ticks(axes)
        panels[-1].legend(loc="lower left")
        legend_beside(figure, panels[0], below=True)
    return figure


def _draw_gains(axes: Axes, rows: Sequence[Row]) -> None:
    axes.axhline(0, color="0.4", lw=0.9, zorder=0)
    for rule, label in RULES.items():
        for student, line in _lines([row for row in rows if row["rule"] == rule]):
            _draw_line(
                axes, line, student, color=RULE_COLOURS[rule], label=f"keep {label}, {student.replace('_', ' ')}"
            )


def _lines(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    students = dict.fromkeys(row["student"] for row in rows)
    return [(student, [row for row in rows if row["student"] == student]) for student in students]


def _draw_line(axes: Axes, rows: Sequence[Row], student: str, **style) -> None:
    axes.errorbar(
        [row["pool_size"] for row in rows],
        [row["value"] for row in rows],
        [row["half_width"] for row in rows],
        fmt="o-" if sees_images(student) else "s--",
        ms=3.5,
        capsize=2,
        lw=1.1,
        **style,
    )
