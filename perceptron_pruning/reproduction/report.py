"""The report of a reproduction, written once and rendered twice: an HTML file that needs no other, and Markdown."""

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from perceptron_pruning.evidence.calibration import Calibration
from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.multiplicity import multiplicity
from perceptron_pruning.figures.figure import Figure, caption, file_stem
from perceptron_pruning.finite_size import SOURCE
from perceptron_pruning.output import html as web_page
from perceptron_pruning.output.atomic import write_atomically
from perceptron_pruning.output.provenance import machine, versions
from perceptron_pruning.output.tables import Row
from perceptron_pruning.reproduction.manifest import PACKAGES
from perceptron_pruning.reproduction.suites import FigureT, SettingsT, Suite, SuiteSettings
from perceptron_pruning.reproduction.timings import STAGES

HTML, MARKDOWN, Z_SCORES = "report.html", "report.md", "z_scores"


@dataclass(frozen=True, kw_only=True)
class Reproduction(Generic[SettingsT, FigureT]):
    """What is reported, besides the pictures.

    Attributes:
        suite: The figures.
        settings: How large they are.
        claims: The claims, with their verdicts.
        calibration: z-scores of all pairs of theory and simulation; None where nothing is simulated.
        timings: Seconds of each figure's stages.
    """

    suite: Suite[SettingsT, FigureT]
    settings: SettingsT
    claims: Sequence[Claim]
    calibration: Calibration | None
    timings: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the report: text, a picture, a table, each or none.

    Attributes:
        title: The heading.
        text: A paragraph.
        picture: Name of a PNG in the folder.
        description: The picture in words, for who cannot see it.
        head, rows: Head and lines of the table.
    """

    title: str
    text: str = ""
    picture: str = ""
    description: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()


def write_reports(folder: Path, reproduction: Reproduction) -> None:
    """Writes ``report.html`` and ``report.md`` into the folder that has the pictures."""
    title, parts = f"{reproduction.suite.title} ({reproduction.settings.name})", sections(reproduction)
    web_page.write_page(folder / HTML, title, (_html(part, folder) for part in parts))
    text = "\n\n".join([f"# {title}", *map(_markdown, parts)]) + "\n"
    write_atomically(folder / MARKDOWN, lambda file: file.write(text.encode()))


def sections(reproduction: Reproduction) -> list[Section]:
    """The whole report."""
    return [
        _claims(reproduction.claims, reproduction.suite.about),
        *([] if reproduction.calibration is None else [_calibration(reproduction.calibration)]),
        *(_figure(figure, reproduction.settings) for figure in reproduction.suite.figures.values()),
        _parameters(reproduction),
        Section(
            title="Versions", head=("what", "version"), rows=[*versions(*PACKAGES).items(), ("machine", machine())]
        ),
        _timings(reproduction.timings),
    ]


def _claims(claims: Sequence[Claim], about: str) -> Section:
    return Section(
        title="Claims",
        text=" ".join(part for part in (about, _verdicts(claims), _against_theory(claims), _together(claims)) if part),
        head=("claim", "paper", "verdict", "theory alone", "setting", "theory", "measured (95 %)", "figure"),
        rows=[
            (c.statement, c.paper, c.verdict, c.predicted or "silent", c.setting, c.theory, c.measured, c.figure)
            for c in claims
        ],
    )


def _verdicts(claims: Sequence[Claim]) -> str:
    counted = Counter(claim.verdict for claim in claims)
    return f"Of {len(claims)} rows, {', '.join(f'{count} are {verdict}' for verdict, count in counted.items())}."


def _against_theory(claims: Sequence[Claim]) -> str:
    """What the data decide otherwise than the theory, where it says something."""
    if not any(claim.predicted for claim in claims):
        return ""
    against = [claim.statement for claim in claims if claim.contradicts_theory]
    if not against:
        return "No verdict contradicts the theory's own prediction where it has one."
    return f"Against the theory's own prediction: {'; '.join(against)}."


def _together(claims: Sequence[Claim]) -> str:
    """What the verdicts are worth together, where many effects are measured."""
    together = multiplicity(claims)
    return str(together) if together.judged else ""


def _calibration(calibration: Calibration) -> Section:
    return Section(
        title="Theory against simulation",
        text=(
            f"{calibration}. A z-score is simulation less theory and less the finite-size term at that N (columns "
            "finite_size and finite_size_error of simulation.csv), over the uncertainties of the simulated value and "
            f"of the term. The term is {SOURCE}. Right theory and right errors give a standard normal. Points of "
            "trained probes are left out: the theory is that of a probe that knows nothing of the pool. Where the "
            "error falls steeply, trials are of two kinds, and medians stand for means (column statistic)."
        ),
        picture=f"{Z_SCORES}.png",
        description=f"z-scores as a histogram and as quantiles, beside standard normals. {calibration}",
    )


def _figure(figure: Figure, settings: SuiteSettings) -> Section:
    title, stem = f"Figure {figure.NAME}: {figure.TITLE}", file_stem(figure.NAME)
    return Section(
        title=title,
        text=f"{caption(figure, settings)} Numbers: {stem}.csv.",
        picture=f"{stem}.png",
        description=f"{title}. Its numbers are in {stem}.csv",
    )


def _parameters(reproduction: Reproduction) -> Section:
    return Section(
        title="Parameters and seeds",
        text=reproduction.suite.seeds,
        head=("parameter", "value"),
        rows=list(reproduction.settings.parameters.items()),
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
