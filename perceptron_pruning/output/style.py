"""One style for every picture: light grid, thin axes; lines are theory, dots simulation or measurement, bars 95 %."""

import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import ft2font
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from perceptron_pruning.output.atomic import temporary_beside, write_text_atomically
from perceptron_pruning.output.palette import RULE_COLOURS, RULE_MARKERS

RENDERER = "renderer.json"
Z_95 = 1.96  # standard errors to each side of a 95 % interval

# Each format's metadata: the entry with a date or version, which is left out, and the entry for a description
_METADATA = {".png": ("Software", "Description"), ".svg": ("Date", "Description"), ".pdf": ("CreationDate", "Subject")}

PARAMETERS = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.91",
    "grid.linewidth": 0.6,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "1.0",
    "legend.borderpad": 0.2,
    "legend.fontsize": 7.5,
    "lines.linewidth": 1.4,
    "svg.hashsalt": "perceptron-pruning",
}


def name_rules(axes: Axes, rules: Sequence[str] = tuple(RULE_COLOURS)) -> None:
    """Entries of the rules for a legend: markers in their colours."""
    words = {"hard": "keep hard", "easy": "keep easy", "random": "at random"}
    for rule in rules:
        axes.plot([], [], RULE_MARKERS[rule], ms=4, color=RULE_COLOURS[rule], label=words[rule])


def name_marks(axes: Axes, *, line: str = "theory", dots: str = "simulation, 95 %") -> None:
    """Entries that say what lines and dots are; an empty name leaves its entry out."""
    if line:
        axes.plot([], [], "-", color="0.25", lw=1.4, label=f"line: {line}")
    if dots:
        axes.errorbar([], [], [], fmt="o", ms=3.2, capsize=2, lw=1, color="0.25", label=f"dots: {dots}")


def styled():
    """Context in which axes are made in the project's style."""
    return mpl.rc_context(PARAMETERS)  # pyright: ignore[reportArgumentType]


def label_line(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Names a line at its right end, in its colour."""
    look = {"color": colour, "fontsize": 7.5, "ha": "left", "va": "center"}
    axes.annotate(text, (x, y), (4, 0), textcoords="offset points", annotation_clip=False, **look)  # pyright: ignore[reportArgumentType]


def plain_ticks(axes: Axes) -> None:
    """Labels logarithmic axes with plain numbers, as many a decade as the range leaves room for."""
    for axis in (axis for axis in (axes.xaxis, axes.yaxis) if axis.get_scale() == "log"):
        low, high = axis.get_view_interval()
        steps = (1.0, 2.0, 3.0, 5.0) if high < 12 * low else (1.0, 2.0, 5.0) if high < 150 * low else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def no_grid(axes: Axes) -> None:
    """For maps, which have colours where others have a grid."""
    axes.grid(False)


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
