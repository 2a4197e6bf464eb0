"""Where panels and legends stand: side by side on a page, one below the other on a phone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

_NARROW: ContextVar[bool] = ContextVar("narrow", default=False)
_NARROW_WIDTH, _NARROW_PANEL = 4.2, 2.9  # inches: width of a picture for a phone, height of each of its panels


@contextmanager
def narrow() -> Iterator[None]:
    """Context in which pictures are made for a phone: panels one below the other."""
    token = _NARROW.set(True)
    try:
        yield
    finally:
        _NARROW.reset(token)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, drawn without touching the user's matplotlib state; on a phone as wide as that."""
    if _NARROW.get():
        width, height = _NARROW_WIDTH, min(height, _NARROW_WIDTH * max(height / width, 0.75))
    return Figure(figsize=(width, height), layout="constrained")


def new_panels(rows: int, columns: int, *, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """A figure with panels, (rows, columns) of them: in a grid, or on a phone one below the other, row by row.

    Args:
        rows, columns: Of the grid.
        width, height: Of the whole figure, inches.
    """
    if not _NARROW.get():
        figure = new_figure(width, height)
        return figure, figure.subplots(rows, columns, squeeze=False)
    figure = Figure(figsize=(_NARROW_WIDTH, _NARROW_PANEL * rows * columns), layout="constrained")
    return figure, figure.subplots(rows * columns, 1, squeeze=False).reshape(rows, columns)


def share(panels: Sequence[Axes] | np.ndarray, *, x: bool = False, y: bool = False) -> None:
    """Gives panels the axes of the first of them."""
    for axes in panels[1:]:
        if x:
            axes.sharex(panels[0])
        if y:
            axes.sharey(panels[0])


def outer_labels(panels: np.ndarray, *, x: bool = True, y: bool = True) -> None:
    """Leaves labels to the outer panels of a grid whose panels share their axes; on a phone every panel has its own."""
    if _NARROW.get():
        return
    for axes in panels[:-1].ravel() if x else ():
        axes.tick_params(axis="x", labelbottom=False)
        axes.set_xlabel("")
    for axes in panels[:, 1:].ravel() if y else ():
        axes.tick_params(axis="y", labelleft=False)
        axes.set_ylabel("")


def legend_beside(
    figure: Figure, axes: Axes, *, title: str | None = None, below: bool = False, columns: int = 4
) -> Legend:
    """One legend for all panels, with the entries of one of them: on the right, or below as on a phone."""
    handles, labels = axes.get_legend_handles_labels()
    look = {"title": title, "title_fontsize": 7.5, "frameon": False}
    if below or _NARROW.get():
        columns = min(2 if _NARROW.get() else columns, len(handles))
        return figure.legend(handles, labels, loc="outside lower center", ncols=columns, **look)
    return figure.legend(handles, labels, loc="outside right center", **look)
