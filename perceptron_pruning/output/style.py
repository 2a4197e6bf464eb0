"""One style for every picture: colour-blind safe, thin axes, theory as lines and simulation as dots."""

import json
from pathlib import Path

import matplotlib as mpl
from matplotlib import ft2font
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from perceptron_pruning.output.atomic import temporary_beside, write_text_atomically

# Okabe & Ito's colours, which remain distinct for colour-blind readers
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

RENDERER = "renderer.json"
DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"  # colour scales for maps

# Each format's metadata: the entry with a date or version, which is left out, and the entry for a description
_METADATA = {".png": ("Software", "Description"), ".svg": ("Date", "Description"), ".pdf": ("CreationDate", "Subject")}

PARAMETERS = {
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
    return mpl.rc_context(PARAMETERS)  # pyright: ignore[reportArgumentType]


def plain_ticks(axes: Axes) -> None:
    """Labels logarithmic axes with plain numbers, as many a decade as the range leaves room for."""
    for axis in (axis for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"):
        low, high = axis.get_view_interval()
        steps = (1.0, 2.0, 3.0, 5.0) if high < 12 * low else (1.0, 2.0, 5.0) if high < 150 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Writes PNG and SVG."""
    for kind in ("png", "svg"):
        save_picture(figure, folder / f"{name}.{kind}")


def save_picture(figure: Figure, path: Path, *, about: str | None = None) -> None:
    """Writes PNG, SVG or PDF by the suffix, whole or not at all, without dates that would show as a change."""
    undated, described = _METADATA[path.suffix]
    metadata = {undated: None} | ({described: about} if about else {})
    with styled(), temporary_beside(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=160, metadata=metadata)


def renderer() -> dict[str, str]:
    """What decides a picture's pixels: they are compared only between equal renderers."""
    return {"matplotlib": mpl.__version__, "freetype": ft2font.__freetype_version__}


def write_renderer(folder: Path) -> None:
    """Stamps a folder of pictures with what drew them."""
    write_text_atomically(folder / RENDERER, json.dumps(renderer()) + "\n")
