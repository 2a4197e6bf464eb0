"""The report of a reproduction, written once and rendered twice: an HTML file that needs no other, and Markdown."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceptron_pruning.evidence.calibration import Calibration
from perceptron_pruning.figures.figure import Figure, caption, file_stem
from perceptron_pruning.output import html as web_page
from perceptron_pruning.output.atomic import write_atomically
from perceptron_pruning.output.provenance import machine, versions
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.claims import Claim
from perceptron_pruning.reproduction.manifest import PACKAGES
from perceptron_pruning.reproduction.suites import Group
from perceptron_pruning.reproduction.timings import STAGES

HTML, MARKDOWN, Z_SCORES = "report.html", "report.md", "z_scores"


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is reported, besides the pictures.

    Attributes:
        group: Whose figures they are.
        settings: Of the reproduction.
        claims: With their verdicts.
        calibration: z-scores of all pairs of theory and simulation; None where nothing is simulated.
        timings: Seconds of each figure's stages.
    """

    group: Group
    settings: Any
    claims: Sequence[Claim]
    calibration: Calibration | None
    timings: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report: text, a picture, a table, each or none.

    Attributes:
        title: Its heading.
        text: A paragraph.
        picture: Name of a PNG in the folder.
        description: Of the picture, for who cannot see it.
        head, rows: Of the table.
    """

    title: str
    text: str = ""
    picture: str = ""
    description: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()


def write_reports(folder: Path, found: Reproduction) -> None:
    """Writes ``report.html`` and ``report.md`` into the folder that has the pictures."""
    title, parts = f"{found.group.title} ({found.settings.name})", sections(found)
    web_page.write_page(folder / HTML, title, (_html(part, folder) for part in parts))
    text = "\n\n".join([f"# {title}", *map(_markdown, parts)]) + "\n"
    write_atomically(folder / MARKDOWN, lambda file: file.write(text.encode()))


def sections(found: Reproduction) -> list[Section]:
    """The whole report."""
    return [
        _claims(found.claims, found.group.about),
        *([] if found.calibration is None else [_calibration(found.calibration)]),
        *(_figure(figure, found.settings) for figure in found.group.figures.values()),
        _parameters(found),
        Section(
            title="Versions", head=("what", "version"), rows=[*versions(*PACKAGES).items(), ("machine", machine())]
        ),
        _timings(found.timings),
    ]


def _claims(claims: Sequence[Claim], about: str) -> Section:
    against = [claim.claim for claim in claims if claim.contradicts_theory]
    summary = "No verdict contradicts the theory's own prediction." if not against else "Against the theory's own"
    summary += f" prediction: {'; '.join(against)}." if against else ""
    return Section(
        title="Claims",
        text=f"{about} {summary}",
        head=("claim", "verdict", "theory alone", "theory", "measured (95 %)", "figure"),
        rows=[(c.claim, c.verdict, c.predicted or "silent", c.theory, c.measured, c.figure) for c in claims],
    )


def _calibration(found: Calibration) -> Section:
    return Section(
        title="Theory against simulation",
        text=(
            f"{found}. A z-score is simulation less theory and less the finite-size term at that N (columns "
            "finite_size and finite_size_error of simulation.csv), over the uncertainties of the simulated value "
            "and of the term. Right theory and right errors give a standard normal. Points of trained probes are left "
            "out: the theory is that of a probe that knows nothing of the pool. Where the error falls steeply, trials "
            "are of two kinds, and medians stand for means (column statistic)."
        ),
        picture=f"{Z_SCORES}.png",
        description=f"Histogram of z-scores beside the standard normal density. {found}",
    )


def _figure(figure: Figure, settings: Any) -> Section:
    title, stem = f"Figure {figure.NAME}: {figure.TITLE}", file_stem(figure.NAME)
    return Section(
        title=title,
        text=f"{caption(figure, settings)} Numbers: {stem}.csv.",
        picture=f"{stem}.png",
        description=f"{title}. Its numbers are in {stem}.csv",
    )


def _parameters(found: Reproduction) -> Section:
    return Section(
        title="Parameters and seeds",
        text=found.group.seeds,
        head=("parameter", "value"),
        rows=list(found.settings.parameters.items()),
    )


def _versions() -> Section:
    rows = [*versions(*PACKAGES).items(), ("machine", machine())]
    return Section(title="Versions", head=("what", "version"), rows=rows)


def _timings(timings: Sequence[Row]) -> Section:
    rows = [(row["figure"], *(f"{row[stage]:.1f}" for stage in STAGES)) for row in timings]
    totals = [f"{sum(row[stage] for row in timings):.1f}" for stage in STAGES]
    return Section(
        title="Timings",
        text="Seconds on the clock. A point that several figures show is counted at the first of them.",
        head=("figure", *STAGES),
        rows=[*rows, ("all", *totals)],
    )


def _html(part: Section, folder: Path) -> str:
    blocks = [f"<h2>{html.escape(part.title)}</h2>"]
    text = html.escape(part.text)
    if part.picture:
        image = web_page.picture((folder / part.picture).read_bytes(), part.description)
        blocks.append(f"<figure>{image}<figcaption>{text}</figcaption></figure>")
    elif text:
        blocks.append(f"<p>{text}</p>")
    if part.rows:
        blocks.append(web_page.table(part.head, part.rows))
    return "\n".join(blocks)


def _markdown(part: Section) -> str:
    blocks = [f"## {part.title}"]
    if part.picture:
        blocks.append(f"![{part.description}]({part.picture})")
    if part.text:
        blocks.append(part.text)
    if part.rows:
        lines = [part.head, ["---"] * len(part.head), *part.rows]
        blocks.append("\n".join(f"| {' | '.join(_in_a_cell(value) for value in line)} |" for line in lines))
    return "\n\n".join(blocks)


def _in_a_cell(value: object) -> str:
    return str(value).replace("|", "\\|")
