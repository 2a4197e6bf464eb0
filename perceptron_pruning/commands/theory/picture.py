"""Curves over α, or a map over α and the kept fraction."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from perceptron_pruning.commands.theory.request import Request
from perceptron_pruning.output.layout import new_figure
from perceptron_pruning.output.palette import COLOURS
from perceptron_pruning.output.style import plain_ticks, styled
from perceptron_pruning.output.tables import Row

LABELS = {
    "alpha_prune": r"kept examples per dimension, $\alpha_{\mathrm{prune}}$",
    "alpha_total": r"examples before pruning per dimension, $\alpha_{\mathrm{total}}$",
    "keep_fraction": "kept fraction $f$",
    "generalization_error": "test error ε",
    "overlap": "overlap with the teacher $R$",
    "probe_overlap": "overlap with the probe ρ",
    "margin": "margin κ",
    "scaling_exponent": r"scaling exponent $\mathrm{d} \ln ε / \mathrm{d} \ln α$",
    "residual": "largest relative residual",
    "entropy": "entropy $S$, nats per dimension",
    "information_gain": "information gain $I$, nats per example",
    "self_overlap": "overlap of two students $q$",
    "gibbs_error": "test error of a Gibbs student",
    "center_of_mass_error": "test error of the centre of mass",
}
_LOGARITHMIC = {"keep_fraction", "generalization_error", "margin", "residual", "gibbs_error", "center_of_mass_error"}
_NAMES: dict[str, Callable[[Row], str]] = {
    "rule": lambda row: f"keep {row['rule']}",
    "keep_fraction": lambda row: f"$f$ = {row['keep_fraction']:.4g}",
    "probe_angle_degrees": lambda row: f"θ = {row['probe_angle_degrees']:g}°",
}
_MOST_LEGEND_ENTRIES = 12  # more would cover the picture


def draw(rows: Sequence[Row], request: Request, column: str) -> Figure:
    """Draws one column of the table: a map if the kept fractions are a range, else a line for each curve."""
    with styled():
        figure = new_figure(5.6, 4.0)
        axes = figure.add_subplot()
        (_draw_map if request.surface else _draw_curves)(axes, rows, request, column)
        plain_ticks(axes)
    return figure


def _draw_curves(axes: Axes, rows: Sequence[Row], request: Request, column: str) -> None:
    count = len(request.alpha)
    curves = [rows[start : start + count] for start in range(0, len(rows), count)]
    varying, common = _told_apart(curves, request)
    for curve, colour in zip(curves, _colours(len(curves)), strict=True):
        points = sorted((row[request.abscissa], row[column]) for row in curve)
        axes.plot(*zip(*points, strict=True), color=colour, label=", ".join(_NAMES[name](curve[0]) for name in varying))
    axes.set(xscale="log", yscale="log" if column in _LOGARITHMIC else "linear")
    axes.set(xlabel=LABELS[request.abscissa], ylabel=LABELS[column], title=_title(rows[0], common, request))
    if 1 < len(curves) <= _MOST_LEGEND_ENTRIES:
        axes.legend()


def _draw_map(axes: Axes, rows: Sequence[Row], request: Request, column: str) -> None:
    alphas, fractions = (np.unique([row[name] for row in rows]) for name in (request.abscissa, "keep_fraction"))
    place = {(row[request.abscissa], row["keep_fraction"]): row[column] for row in rows}
    heights = np.array([[place[alpha, fraction] for alpha in alphas] for fraction in fractions])
    scale, levels = (LogNorm, LogLocator(subs=(1, 2, 5))) if column in _LOGARITHMIC else (Normalize, None)
    image = axes.pcolormesh(alphas, fractions, heights, norm=scale(), shading="gouraud", rasterized=True)
    lines = axes.contour(alphas, fractions, heights, norm=scale(), locator=levels, colors="white", linewidths=0.6)
    axes.clabel(lines, fmt=lambda level: f"{level:.2g}", fontsize=7)
    axes.set(xscale="log", yscale="log", xlabel=LABELS[request.abscissa], ylabel=LABELS["keep_fraction"])
    axes.set(title=_title(rows[0], ["rule", "probe_angle_degrees"], request))
    axes.figure.colorbar(image, label=LABELS[column])


def _told_apart(curves: Sequence[Sequence[Row]], request: Request) -> tuple[list[str], list[str]]:
    """What differs between curves, which a legend must say, and what is common to them all."""
    names = [name for name in _NAMES if not (name == "keep_fraction" and request.quantity == "frontier")]
    varying = [name for name in names if len({curve[0][name] for curve in curves}) > 1]
    return varying, [name for name in names if name not in varying]


def _title(row: Row, common: Sequence[str], request: Request) -> str:
    options = {
        "best $f$ ≥ {:g}": request.min_keep_fraction,
        "quantiles {:g}": request.lower,
        "to {:g}": request.upper,
        "label-aware": request.label_aware or None,
        "random share {:g}": request.calibrated_share,
    }
    words = [_NAMES[name](row) for name in common]
    words += [text.format(value) for text, value in options.items() if value is not None]
    return ", ".join(words).replace(", to", " to")


def _colours(count: int) -> Sequence:
    """The project's, or as many shades of one scale when they do not suffice."""
    return COLOURS[:count] if count <= len(COLOURS) else list(mpl.colormaps["viridis"](np.linspace(0, 0.95, count)))
