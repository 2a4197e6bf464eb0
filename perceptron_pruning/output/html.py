"""One HTML file with everything in it: no script, no picture and no style from elsewhere, so it opens offline."""

import base64
import html
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from perceptron_pruning.output.atomic import write_text_atomically
from perceptron_pruning.output.page_style import STYLE


def write_page(path: Path, title: str, parts: Iterable[str]) -> Path:
    """Writes a page of HTML parts under a title, whole or not at all."""
    head = (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><main>"
    )
    text = "\n".join([head, f"<h1>{html.escape(title)}</h1>", *parts, "</main></body></html>\n"])
    write_text_atomically(path, text)
    return path


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """A table that scrolls by itself where the window is narrow; numbers stand right. All text is escaped."""
    cells = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in head)
    body = "\n".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    titled = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    name = html.escape(caption or ", ".join(head), quote=True)
    scrolled = f"<div class='wide' role='region' aria-label='{name}' tabindex='0'>"
    return f"{scrolled}<table>{titled}<tr>{cells}</tr>\n{body}</table></div>"


def folded(summary: str, *blocks: str, anchor: str = "") -> str:
    """Blocks of HTML behind a summary of HTML, folded until they are asked for, by a link to the anchor too."""
    name = f" id='{html.escape(anchor, quote=True)}'" if anchor else ""
    return "\n".join([f"<details{name}><summary>{summary}</summary>", *blocks, "</details>"])


def link(address: str, text: str) -> str:
    """A link; the text is escaped."""
    return f"<a href='{html.escape(address, quote=True)}'>{html.escape(text)}</a>"


def picture(png: bytes, description: str, *, narrow: bytes | None = None, scale: float = 1.0) -> str:
    """An image within the page; its description is for readers who cannot see it.

    Args:
        png: The image.
        description: What it shows.
        narrow: The same for windows of up to 600 pixels.
        scale: CSS pixels for one of the image's.
    """
    width, height = (round(scale * pixels) for pixels in _size(png))
    size = f"width='{width}' height='{height}'"
    image = f"<img alt='{html.escape(description, quote=True)}' {size} src='{_address(png)}'>"
    if narrow is None:
        return image
    return f"<picture><source media='(max-width:600px)' srcset='{_address(narrow)}'>{image}</picture>"


def drawn(figure: Figure, description: str) -> str:
    """A matplotlib figure within the page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return picture(buffer.getvalue(), description)


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header of a PNG."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def _cell(value: object) -> str:
    text = html.escape(str(value))
    return f"<td class='number'>{text}</td>" if _is_number(text) else f"<td>{text}</td>"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
