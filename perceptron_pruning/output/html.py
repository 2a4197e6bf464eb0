"""One HTML file with everything in it: no script, no picture and no style from elsewhere, so it opens offline."""

import base64
import html
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from perceptron_pruning.output.atomic import write_text_atomically

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1,h2,h3{line-height:1.2}
a{color:#005a9c}
img{max-width:100%;height:auto}
figure{margin:1em 0 2em}
figcaption{max-width:50em}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:14px}
caption{text-align:left;padding:.3em 0}
th,td{padding:3px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
td.number{text-align:right;font-variant-numeric:tabular-nums}
th{border-bottom:2px solid #888}
.strip{margin:.3em 0}
"""


def write_page(path: Path, title: str, parts: Iterable[str]) -> Path:
    """Writes a page of HTML parts under a title, whole or not at all."""
    head = (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main>"
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


def picture(png: bytes, description: str) -> str:
    """An image within the page; its description is for readers who cannot see it."""
    address = base64.b64encode(png).decode()
    return f"<img alt='{html.escape(description, quote=True)}' src='data:image/png;base64,{address}'>"


def drawn(figure: Figure, description: str) -> str:
    """A matplotlib figure within the page."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return picture(buffer.getvalue(), description)


def _cell(value: object) -> str:
    text = html.escape(str(value))
    return f"<td class='number'>{text}</td>" if _is_number(text) else f"<td>{text}</td>"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
