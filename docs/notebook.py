"""Runs a notebook, cell by cell in one session, as Jupyter does: ``python docs/notebook.py`` rewrites its outputs.

The tests run it too, and hold what is printed against what is committed. No package of Jupyter's is needed.
"""

import ast
import base64
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NOTEBOOK = Path(__file__).parent / "start" / "ten_minutes.ipynb"
_DOTS = 80  # to the inch


def read(path: Path = NOTEBOOK) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def run(notebook: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Outputs of every code cell: what it printed, the value of its last line, the figures that it left open."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [_outputs("".join(cell["source"]), names, number) for number, cell in enumerate(cells, 1)]


def _outputs(source: str, names: dict[str, Any], number: int) -> list[dict[str, Any]]:
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append(
            {"name": "stdout", "output_type": "stream", "text": printed.getvalue().splitlines(keepends=True)}
        )
    if value is not None and not source.rstrip().endswith(";"):
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append({"data": data, "execution_count": number, "metadata": {}, "output_type": "execute_result"})
    for figure in map(plt.figure, plt.get_fignums()):
        outputs.append({"data": {"image/png": _png(figure)}, "metadata": {}, "output_type": "display_data"})
    plt.close("all")
    return outputs


def _png(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS)
    return base64.b64encode(buffer.getvalue()).decode()


def texts(outputs: list[dict[str, Any]]) -> list[str]:
    """What a cell says in words."""
    parts = [one.get("text") or one.get("data", {}).get("text/plain") for one in outputs]
    return ["".join(part).rstrip("\n") for part in parts if part]


def as_markdown(notebook: dict[str, Any], folder: Path, name: str) -> str:
    """The notebook as a part of a page of a folder beside this one, into which its pictures are written."""
    parts, pictures = [], 0
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        outputs = cell.get("outputs", [])
        parts += [f"```text\n{text}\n```" for text in texts(outputs)]
        for output in outputs:
            if png := output.get("data", {}).get("image/png"):
                pictures += 1
                (folder / f"{name}_{pictures}.png").write_bytes(base64.b64decode(png))
                parts.append(f"```{{image}} ../{folder.name}/{name}_{pictures}.png\n:alt: What this cell draws\n```")
    return "\n\n".join(parts) + "\n"


def rewrite(path: Path = NOTEBOOK) -> None:
    """Runs the notebook and puts what it says and draws into the file."""
    notebook = read(path)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(cells, run(notebook), strict=True), 1):
        cell |= {"outputs": outputs, "execution_count": number}
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()
