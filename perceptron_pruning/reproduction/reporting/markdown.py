"""The report as Markdown, for a reader on a forge: the same order, with folds where the forge has them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.evidence.multiplicity import multiplicity
from perceptron_pruning.figures.figure import caption, file_stem
from perceptron_pruning.output.provenance import commit, machine, versions
from perceptron_pruning.reproduction.manifest import MANIFEST, PACKAGES
from perceptron_pruning.reproduction.names import CLAIMS, MARKDOWN, POINTS, Z_SCORES
from perceptron_pruning.reproduction.reporting.content import VERDICTS, Reproduction, figure_anchor, what_to_see
from perceptron_pruning.reproduction.reporting.glossary import TERMS
from perceptron_pruning.reproduction.reporting.matrix import LETTERS, MEANINGS, short
from perceptron_pruning.reproduction.reporting.predictions import Prediction
from perceptron_pruning.reproduction.timings import STAGES

WRITTEN = "<!-- written by perceptron-pruning reproduce -->"


def markdown(reproduction: Reproduction, folder: Path) -> str:
    """The whole report."""
    parts = [
        WRITTEN,
        f"# {reproduction.title}",
        "\n".join(f"{number}. {_plain(text)}" for number, text in enumerate(reproduction.findings, 1)),
        "## Where it holds",
        *_matrix(reproduction, folder),
        "## Figures",
        *_figures(reproduction),
        "## Claims, with their numbers",
        *_claims(reproduction),
        "## Glossary",
        "\n".join(f"- **{word}**: {told}" for word, told in TERMS.items()),
        "## Parameters and seeds",
        reproduction.suite.seeds,
        _folded("All parameters", _table(("parameter", "value"), list(reproduction.settings.parameters.items()))),
        "## Provenance",
        f"Commit: `{commit() or 'none: an installed package'}`. All that made these files: [{MANIFEST}]({MANIFEST}).",
        _folded(
            "Versions and machine", _table(("what", "version"), [*versions(*PACKAGES).items(), ("machine", machine())])
        ),
        _folded("Timings, seconds on the clock", _table(("figure", *STAGES), reproduction.timings_table())),
    ]
    return "\n\n".join(parts) + "\n"


def _matrix(reproduction: Reproduction, folder: Path) -> Iterator[str]:
    """A table of letters; questions are lines of their own."""
    columns, lines, question = reproduction.matrix.columns, [], ""
    for prediction in reproduction.matrix.predictions:
        if prediction.question != question:
            question = prediction.question
            lines.append([f"**{_plain(question)}**", *[""] * len(columns)])
        lines.append([_plain(prediction.name), *(_badge(reproduction, folder, prediction, c) for c in columns)])
    yield _table(("prediction", *map(short, columns)), lines, escape=False)
    legend = ", ".join(f"**{letter}** {MEANINGS[letter]}" for letter in LETTERS.values())
    yield f"{legend}; 5/18: confirmed on 5 of 18 rows. Each leads to its rows."


def _badge(reproduction: Reproduction, folder: Path, prediction: Prediction, column: str) -> str:
    cell = reproduction.matrix.cells.get((prediction, column))
    if cell is None:
        return ""
    anchor, other = reproduction.anchor(prediction, column), reproduction.beside.folder
    page = MARKDOWN if (folder / other / MARKDOWN).exists() else CLAIMS
    return f"[{cell.badge}]({f'#{anchor}' if anchor else f'{other}/{page}'})"


def _figures(reproduction: Reproduction) -> Iterator[str]:
    for name, figure in reproduction.suite.figures.items():
        title = f"Figure {name}: {figure.TITLE}"
        yield f'<a id="{figure_anchor(name)}"></a>\n\n### {_plain(title)}'
        yield f"**What to see.** {_plain(what_to_see(figure))}"
        yield f"![{_plain(title)}]({file_stem(name)}.png)"
        numbers = f"{file_stem(name)}.csv"
        yield f"{_plain(caption(figure, reproduction.settings))} Numbers: [{numbers}]({numbers})."
    if reproduction.calibration is not None:
        yield "### Theory against simulation"
        yield f"![Histogram and quantiles of the z-scores. {reproduction.calibration}]({Z_SCORES}.png)"
        yield f"{_plain(reproduction.z_scores_caption())} Numbers: [{POINTS}]({POINTS})."


def _claims(reproduction: Reproduction) -> Iterator[str]:
    together = multiplicity(reproduction.claims)
    yield f"{VERDICTS.replace(CLAIMS, f'[{CLAIMS}]({CLAIMS})')} {together if together.judged else ''}".strip()
    for (prediction, column), claims in reproduction.places.items():
        cell = reproduction.matrix.cells[prediction, column]
        head = ("claim", "verdict", "theory alone", "tested", "measured (95 %)", "theory", "paper", "figure")
        yield f'<a id="{reproduction.anchor(prediction, column)}"></a>'
        yield _folded(f"{_plain(prediction.name)}, {column}: {cell}", _table(head, [_claim(c) for c in claims]))


def _claim(claim: Claim) -> tuple[str, ...]:
    predicted = claim.predicted or "silent"
    return (
        *(claim.statement, claim.verdict, predicted, claim.setting, claim.measured, claim.theory),
        *(claim.paper, claim.figure),
    )


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], *, escape: bool = True) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = (map(_in_a_cell, line) if escape else map(str, line) for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _in_a_cell(value: object) -> str:
    return _plain(str(value)).replace("|", "\\|")


def _plain(text: str) -> str:
    """Text that Markdown does not take for markup."""
    return text.replace("<", "&lt;")
