"""One style for every picture: colour-blind safe, thin axes, theory as lines and simulation as dots."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

# Okabe & Ito's colours, which remain distinct for colour-blind readers
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

_PARAMETERS = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "perceptron-pruning",
}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, drawn without touching the user's matplotlib state."""
    return Figure(figsize=(width, height), layout="constrained")


def styled():
    """Context in which axes are made in the project's style."""
    return mpl.rc_context(_PARAMETERS)  # pyright: ignore[reportArgumentType]


def plain_ticks(axes: Axes) -> None:
    """Labels logarithmic axes with plain numbers, as many a decade as the range leaves room for."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = axis.get_view_interval()
        steps = (1.0, 2.0, 3.0, 5.0) if high < 12 * low else (1.0, 2.0, 5.0) if high < 150 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Writes PNG and SVG, each whole or not at all, without dates that would show as a change."""
    with styled():
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            partial = folder / f"{name}.partial"
            figure.savefig(partial, format=kind, dpi=160, metadata=metadata)
            partial.replace(folder / f"{name}.{kind}")
