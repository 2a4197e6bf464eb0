"""Pages that follow from what the repository holds: the gallery, the claims, the benchmarks, the sliders."""

import csv
from pathlib import Path

from notebook import as_markdown, read

from perceptron_pruning.explorer.static_page import framed_page, write_static_page
from perceptron_pruning.figures.field.collection import FIGURES as FIELD
from perceptron_pruning.figures.real_data.collection import FIGURES as REAL
from perceptron_pruning.figures.theory.collection import FIGURES as THEORY
from perceptron_pruning.output.tables import read_table

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "_generated"
GROUPS = (  # title, folder, package of the figures, the figures
    ("Theory and simulation", "figures", "theory", THEORY),
    ("Real data", "figures/real_data", "real_data", REAL),
    ("The papers that followed", "figures/field", "field", FIELD),
)
_ALONE = '<p><a href="explore.html">This on a page of its own, one file to take along</a></p>'
_MOST_COLUMNS, _MOST_ROWS, _SHORT = 8, 8, 40  # of a benchmark's table that are shown
_LONGEST = 60  # of a word


def write_pages() -> None:
    """Writes the parts that pages include, and `explore.html`, which stands alone."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in (("gallery", gallery()), ("claims", claims()), ("benchmarks", benchmarks())):
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
    (FOLDER / "ten_minutes.md").write_text(as_markdown(read(), FOLDER, "ten_minutes"), encoding="utf-8")
    (FOLDER / "framed.html").write_text(f"{framed_page()}\n{_ALONE}\n", encoding="utf-8")
    (FOLDER / "extra").mkdir(exist_ok=True)
    write_static_page(FOLDER / "extra" / "explore.html")


def gallery() -> str:
    """Every committed figure: its title, its picture, the module that computes and draws it, the table behind it."""
    parts = []
    for title, folder, package, figures in GROUPS:
        parts.append(f"## {title}")
        for name, figure in figures.items():
            file = f"figure_{name.lower()}"
            if not (ROOT / folder / f"{file}.png").exists():
                continue
            module = figure.__name__.rpartition(".")[2]
            parts += [
                f"### {name}: {figure.TITLE}",
                f"```{{image}} ../{folder}/{file}.png\n:alt: {figure.TITLE}\n:width: 100%\n```",
                f"`perceptron-pruning reproduce --only {name}` · "
                f"code `perceptron_pruning/figures/{package}/{module}.py` · table `{folder}/{file}.csv`",
            ]
    return "\n\n".join(parts) + "\n"


def claims() -> str:
    """One row for a claim and setting: its verdict, and the place in the paper."""
    parts = []
    for title, folder, _, _ in GROUPS:
        seen: dict[tuple[object, object], dict] = {}
        for row in read_table(ROOT / folder / "claims.csv"):
            seen.setdefault((row["claim"], row["setting"]), row)
        rows = [[row["claim"], row["setting"], f"**{row['verdict']}**", row["figure"]] for row in seen.values()]
        parts += [f"## {title}", _table(["claim", "setting", "verdict", "figure"], rows)]
    return "\n\n".join(parts) + "\n"


def benchmarks() -> str:
    """The first rows and columns of every committed table."""
    parts = []
    for path in sorted((ROOT / "benchmarks").glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(line for line in file if not line.startswith("#")))
        columns = [i for i in range(len(header)) if _is_read(header[i], [row[i] for row in rows[:_MOST_ROWS]])]
        columns = columns[:_MOST_COLUMNS]
        shown: list[list[object]] = [[_number(row[i]) for i in columns] for row in rows[:_MOST_ROWS]]
        parts += [f"## {path.stem}", _table([header[i].replace("_", " ") for i in columns], shown)]
        if rows and "machine" in header:
            parts.append(f"{len(rows)} rows. Machine: {rows[0][header.index('machine')]}")
    return "\n\n".join(parts) + "\n"


def _is_read(name: str, column: list[str]) -> bool:
    """Whether a column of a benchmark is read at a glance: the machine and whole settings are not."""
    return name in ("metrics", "case") or (name != "machine" and max(map(len, column), default=0) <= _SHORT)


def _number(text: str) -> str:
    """A number to five digits, whole ones as they are."""
    try:
        return text if text.lstrip("-").isdigit() else f"{float(text):.5g}"
    except ValueError:
        return text


def _table(header: list[str], rows: list[list[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= _LONGEST or " " in text else text[:_LONGEST] + "…"
