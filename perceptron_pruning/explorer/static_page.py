"""The theory in one page without a server: sliders over a grid that was solved beforehand."""

import html
import json
import math
from base64 import b64encode
from importlib.resources import files
from pathlib import Path

from perceptron_pruning.explorer.grid import (
    ANGLES,
    FRACTIONS,
    KEPT,
    LEVELS,
    RIDGE,
    RULES,
    SHAPE,
    STUDENTS,
    packed,
    read_grid,
)
from perceptron_pruning.output.atomic import write_text_atomically

_PAGE = files("perceptron_pruning.explorer") / "page"


def static_page() -> str:
    """One page of HTML that needs nothing else, and no network."""
    page = (_PAGE / "static.html").read_text(encoding="utf-8")
    style, plot, own = ((_PAGE / name).read_text(encoding="utf-8") for name in ("style.css", "plot.js", "static.js"))
    script = plot.replace("export function", "function") + own
    for mark, text in (("/*STYLE*/", style), ("/*SCRIPT*/", script), ("/*GRID*/", _grid())):
        page = page.replace(mark, text)
    return page


def write_static_page(path: Path) -> Path:
    """Writes the page.

    Raises:
        OSError: It cannot be written.
    """
    write_text_atomically(path, static_page())
    return path


def framed_page() -> str:
    """The page within another one, as high as it needs to be."""
    source = html.escape(static_page(), quote=True)
    look = "width:100%;height:900px;border:0;color-scheme:light dark"
    return (
        f'<iframe title="Which examples to keep: the theory, with sliders" style="{look}" srcdoc="{source}"></iframe>'
    )


def accuracy() -> str:
    """How far the page's numbers are from the theory, in a sentence."""
    grid, nodes = read_grid(), math.prod(SHAPE)
    middle, most, worst = (f"{100 * value:.2g} %" for value in grid.deviation)
    return (
        f"Interpolated between {nodes} solutions of the theory. At {grid.points} random settings the error ε is off by "
        f"less than {middle} in half of them and {most} in 99 of 100; by {worst} at the worst, beside a transition "
        f"where ε falls steeply. Labels are clean; losses have the ridge λ = {RIDGE}. The command "
        "perceptron-pruning explore solves any setting."
    )


def _grid() -> str:
    grid = read_grid()
    return json.dumps(
        {
            "students": STUDENTS,
            "rules": list(RULES),
            "fractions": FRACTIONS,
            "angles": ANGLES,
            "kept": [float(alpha) for alpha in KEPT],
            "ridge": RIDGE,
            "least": grid.least,
            "largest": grid.largest,
            "levels": LEVELS,
            "accuracy": accuracy(),
            "bytes": b64encode(packed(grid.levels)).decode(),
        },
        ensure_ascii=False,
    )
