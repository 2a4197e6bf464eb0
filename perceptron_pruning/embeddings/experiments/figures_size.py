"""Which examples to keep as the pool grows, and what the best fraction for each size gains."""

from collections.abc import Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from perceptron_pruning.embeddings.experiments.scaling import effect, envelope
from perceptron_pruning.reproduction.style import COLOURS, new_figure, plain_ticks, styled
from perceptron_pruning.reproduction.tables import Row

NAME = "embeddings_size"
TITLE = "Real embeddings: hard, easy or random, as the pool grows"
CAPTION = (
    "Test error of a student retrained on the hardest, the easiest or random fractions f of pools of real embeddings, "
    "against the examples kept; right, the envelope over f of the hard rule, its fraction chosen by other seeds. Bars: "
    "95 % intervals over seeds."
)
RULES = {"random": "keep at random", "hard": "keep hard", "easy": "keep easy"}
ENVELOPE, WHOLE = "envelope", "random, no pruning"


def compute(errors: xr.DataArray) -> list[Row]:
    """Rows of means with half their intervals.

    Args:
        errors: With the dimensions rule, pool_size, keep_fraction and seed.
    """
    fractions = [float(fraction) for fraction in errors.keep_fraction.values if fraction < 1]
    rows = [
        _row(rule, fraction, round(size * fraction), point.values)
        for fraction in fractions
        for rule in RULES
        for size in errors.pool_size.values
        for point in [errors.sel(rule=rule, keep_fraction=fraction, pool_size=size)]
    ]
    best = envelope(errors)
    for curve, values in ((ENVELOPE, best.errors), (WHOLE, best.random)):
        rows += [_row(curve, 1.0, int(kept), column) for kept, column in zip(best.kept, values.T, strict=True)]
    return rows


def _row(curve: str, fraction: float, kept: int, values) -> Row:
    mean = effect(values)
    return {
        "curve": curve,
        "keep_fraction": fraction,
        "kept": kept,
        "test_error": mean.value,
        "half_width": mean.half_width,
    }


def draw(table: Sequence[Row]) -> Figure:
    """Draws the figure from its table: a panel for each kept fraction, and one for the envelope."""
    fractions = sorted({row["keep_fraction"] for row in table if row["curve"] in RULES})
    with styled():
        figure = new_figure(2.6 * len(fractions) + 3.4, 3.2)
        panels = figure.subplots(1, len(fractions) + 1, sharey=True, squeeze=False)[0]
        for axes, fraction in zip(panels, fractions, strict=False):
            _draw(axes, [row for row in table if row["keep_fraction"] == fraction], RULES)
            axes.set(xlabel="examples kept", title=f"kept fraction f = {fraction:g}")
        _draw(panels[-1], table, {WHOLE: WHOLE, ENVELOPE: "best fraction of the hardest"})
        panels[-1].set(xlabel="examples kept", title="envelope")
        panels[0].set_ylabel("test error")
        panels[0].legend(loc="lower left")
        panels[-1].legend(loc="lower left")
    return figure


def _draw(axes: Axes, table: Sequence[Row], curves: dict[str, str]) -> None:
    for (curve, label), colour in zip(curves.items(), COLOURS, strict=False):
        line = [row for row in table if row["curve"] == curve]
        axes.errorbar(
            [row["kept"] for row in line],
            [row["test_error"] for row in line],
            [row["half_width"] for row in line],
            fmt="o-",
            ms=3.5,
            color=colour,
            label=label,
        )
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes)
