"""The report as one HTML page: what was found, the matrix, the figures; everything else folded."""

import html
from collections.abc import Iterator
from pathlib import Path

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.judges import CONFIRMED, IN_REGIME, REFUTED, UNDECIDED
from perceptron_pruning.evidence.multiplicity import multiplicity
from perceptron_pruning.explorer.static_page import framed_page
from perceptron_pruning.figures.figure import caption, file_stem
from perceptron_pruning.output.html import folded, link, picture, table, write_page
from perceptron_pruning.output.provenance import commit, machine, versions
from perceptron_pruning.reproduction.manifest import MANIFEST, PACKAGES
from perceptron_pruning.reproduction.names import CLAIMS, HTML, NARROW, POINTS, Z_SCORES
from perceptron_pruning.reproduction.reporting.content import VERDICTS, Reproduction, figure_anchor, what_to_see
from perceptron_pruning.reproduction.reporting.glossary import TERMS
from perceptron_pruning.reproduction.reporting.matrix import LETTERS, MEANINGS, Cell, short, slug
from perceptron_pruning.reproduction.reporting.predictions import Prediction
from perceptron_pruning.reproduction.timings import STAGES

_CLASSES = {CONFIRMED: "confirmed", IN_REGIME: "part", REFUTED: "refuted", UNDECIDED: "undecided"}
_SCALE = 110 / 160  # CSS pixels for one of a picture's, which has 160 to the inch
_SECTIONS = {
    "found": "Found",
    "matrix": "Matrix",
    "figures": "Figures",
    "claims": "Claims",
    "glossary": "Glossary",
    "parameters": "Parameters",
    "provenance": "Provenance",
}


def write_html(path: Path, reproduction: Reproduction) -> None:
    """Writes the page; the pictures are those of its folder."""
    folder = path.parent
    write_page(
        path,
        reproduction.title,
        [
            _contents(reproduction),
            folded("Move the sliders: hard, easy or random, by the theory", framed_page()),
            "<div class='opening'>",
            _section("found", "What was asked, and found", _found(reproduction)),
            _section("matrix", "Where it holds", *_matrix(reproduction, folder)),
            "</div>",
            _section("figures", "Figures", *_figures(reproduction, folder)),
            _section("claims", "Claims, with their numbers", *_claims(reproduction, folder)),
            _section("glossary", "Glossary", _glossary()),
            _section("parameters", "Parameters and seeds", *_parameters(reproduction)),
            _section("provenance", "Provenance", *_provenance(reproduction, folder)),
        ],
    )


def _section(anchor: str, title: str, *blocks: str) -> str:
    return "\n".join([f"<section id='{anchor}'><h2>{html.escape(title)}</h2>", *blocks, "</section>"])


def _contents(reproduction: Reproduction) -> str:
    sections = " · ".join(link(f"#{anchor}", name) for anchor, name in _SECTIONS.items())
    figures = ", ".join(link(f"#{figure_anchor(name)}", name) for name in reproduction.suite.figures)
    return f"<nav>{folded('Contents', f'<p>{sections}</p>', f'<p>Figures: {figures}</p>')}</nav>"


def _found(reproduction: Reproduction) -> str:
    return f"<ol class='found'>{''.join(f'<li>{html.escape(text)}</li>' for text in reproduction.findings)}</ol>"


# the matrix


def _matrix(reproduction: Reproduction, folder: Path) -> Iterator[str]:
    matrix, question = reproduction.matrix, ""
    head = f"<th scope='col'>prediction</th>{''.join(map(_head, matrix.columns))}"
    yield f"<table class='matrix'><thead><tr>{head}</tr></thead><tbody>"
    for prediction in matrix.predictions:
        if prediction.question != question:
            question = prediction.question
            across = f"<th scope='colgroup' colspan='{len(matrix.columns) + 1}'>{html.escape(question)}</th>"
            yield f"<tr class='question'>{across}</tr>"
        cells = "".join(f"<td>{_badge_at(reproduction, folder, prediction, column)}</td>" for column in matrix.columns)
        yield f"<tr><th scope='row'>{html.escape(prediction.name)}</th>{cells}</tr>"
    yield "</tbody></table>"
    legend = ", ".join(f"{_badge(Cell({verdict: 1}))} {MEANINGS[letter]}" for verdict, letter in LETTERS.items())
    mixed = "5/18: confirmed on 5 of 18 rows, the others in the colours of their shares"
    yield folded("What the badges mean", f"<p>{legend}; {mixed}. Each badge leads to its rows.</p>")


def _head(column: str) -> str:
    return f"<th scope='col' title='{html.escape(column, quote=True)}'>{html.escape(short(column))}</th>"


def _badge_at(reproduction: Reproduction, folder: Path, prediction: Prediction, column: str) -> str:
    cell = reproduction.matrix.cells.get((prediction, column))
    if cell is None:
        return ""
    anchor = reproduction.anchor(prediction, column)
    address = f"#{anchor}" if anchor else _elsewhere(reproduction, folder)
    return _badge(cell, address, f"{prediction.name}, {column}: {cell}")


def _elsewhere(reproduction: Reproduction, folder: Path) -> str:
    """The other report's page, or its table where it has no page."""
    other = reproduction.beside.folder
    return f"{other}/{HTML}#matrix" if (folder / other / HTML).exists() else f"{other}/{CLAIMS}"


def _badge(cell: Cell, address: str = "", told: str = "") -> str:
    """Letter and colour of a verdict; where rows differ, their shares as the background."""
    look = f"class='badge {_CLASSES[cell.verdict]}'" if cell.verdict else f"class='badge mixed' style='{_shares(cell)}'"
    text = html.escape(cell.badge)
    if not address:
        return f"<span {look}>{text}</span>"
    told = html.escape(told, quote=True)
    return f"<a {look} href='{html.escape(address, quote=True)}' title='{told}' aria-label='{told}'>{text}</a>"


def _shares(cell: Cell) -> str:
    """Confirmed, undecided and refuted rows from left to right."""
    confirmed, undecided = cell.confirmed / cell.total, cell.counts.get(UNDECIDED, 0) / cell.total
    first, second = f"{confirmed:.0%}", f"{confirmed + undecided:.0%}"
    stops = f"var(--confirmed-tint) {first},var(--undecided-tint) {first} {second},var(--refuted-tint) {second}"
    return f"background:linear-gradient(90deg,{stops})"


# the figures


def _figures(reproduction: Reproduction, folder: Path) -> Iterator[str]:
    for name, figure in reproduction.suite.figures.items():
        yield _figure(
            folder,
            name=file_stem(name),
            title=f"Figure {name}: {figure.TITLE}",
            see=what_to_see(figure),
            told=caption(figure, reproduction.settings),
            numbers=f"{file_stem(name)}.csv",
            claims=_verdicts_of(reproduction, name),
        )
    if reproduction.calibration is not None:
        yield _figure(
            folder,
            name=Z_SCORES,
            title="Theory against simulation",
            see=f"Whether all points together are a standard normal: {reproduction.calibration}.",
            told=reproduction.z_scores_caption(),
            numbers=POINTS,
            claims="",
        )


def _figure(folder: Path, *, name: str, title: str, see: str, told: str, numbers: str, claims: str) -> str:
    narrow = folder / NARROW / f"{name}.png"
    image = picture(
        (folder / f"{name}.png").read_bytes(),
        f"{title}. {see} Its numbers are in {numbers}",
        narrow=narrow.read_bytes() if narrow.exists() else None,
        scale=_SCALE,
    )
    details = folded(
        "What was computed, and its numbers",
        f"<p>{html.escape(told)}</p>",
        f"<p>Numbers: {link(numbers, numbers)}.{f' Verdicts: {claims}.' if claims else ''}</p>",
    )
    return (
        f"<section id='{slug(name)}'><h3>{html.escape(title)}</h3>"
        f"<p><b>What to see.</b> {html.escape(see)}</p><figure>{image}</figure>{details}</section>"
    )


def _verdicts_of(reproduction: Reproduction, figure: str) -> str:
    """Links to the claims that rest on a figure."""
    places = [place for place, claims in reproduction.places.items() if any(c.figure == figure for c in claims)]
    return ", ".join(
        link(f"#{reproduction.anchor(prediction, column)}", f"{prediction.name} ({short(column)})")
        for prediction, column in places
    )


# the claims


def _claims(reproduction: Reproduction, folder: Path) -> Iterator[str]:
    together = multiplicity(reproduction.claims)
    yield f"<p>{html.escape(VERDICTS)} {html.escape(str(together)) if together.judged else ''}</p>"
    yield f"<p>Numbers: {link(CLAIMS, CLAIMS)}.</p>"
    told = None
    for (prediction, column), claims in reproduction.places.items():
        if prediction != told:
            told = prediction
            yield f"<h3>{html.escape(prediction.name[0].upper() + prediction.name[1:])}</h3>"
        cell = reproduction.matrix.cells[prediction, column]
        summary = f"{_badge(cell)} {html.escape(column)}: {html.escape(str(cell))}"
        listed = "".join(f"<li>{_claim(claim, reproduction)}</li>" for claim in claims)
        yield folded(summary, f"<ul class='claims'>{listed}</ul>", anchor=reproduction.anchor(prediction, column) or "")


def _claim(claim: Claim, reproduction: Reproduction) -> str:
    parts = (
        ("Tested", claim.setting),
        ("Measured", claim.measured),
        ("Theory", claim.theory),
        ("Theory alone says", claim.predicted or ""),
        ("Paper", claim.paper),
    )
    told = "".join(f"<br><span class='soft'>{name}:</span> {html.escape(text)}" for name, text in parts if text)
    shown = claim.figure in reproduction.suite.figures
    where = f"<br>{link(f'#{figure_anchor(claim.figure)}', f'Figure {claim.figure}')}" if shown else ""
    return f"{_badge(Cell({claim.verdict: 1}))} <b>{html.escape(claim.statement)}</b>{told}{where}"


# what it was made of


def _glossary() -> str:
    terms = (f"<dt>{html.escape(word)}</dt><dd>{html.escape(told)}</dd>" for word, told in TERMS.items())
    return f"<dl>{''.join(terms)}</dl>"


def _parameters(reproduction: Reproduction) -> Iterator[str]:
    yield f"<p>{html.escape(reproduction.suite.seeds)}</p>"
    yield folded("All parameters", table(("parameter", "value"), list(reproduction.settings.parameters.items())))


def _provenance(reproduction: Reproduction, folder: Path) -> Iterator[str]:
    made = commit() or "none: an installed package, whose version is below"
    yield f"<p>Commit: <code>{html.escape(made)}</code>. All that made these files: {link(MANIFEST, MANIFEST)}.</p>"
    rows = [*versions(*PACKAGES).items(), ("machine", machine())]
    yield folded("Versions and machine", table(("what", "version"), rows))
    yield folded(
        "Timings",
        "<p>Seconds on the clock. A point that several figures show is counted at the first of them.</p>",
        table(("figure", *STAGES), reproduction.timings_table()),
    )
