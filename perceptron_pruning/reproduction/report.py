"""The report of a reproduction, written once and rendered twice: an HTML file that needs no other, and Markdown."""

from pathlib import Path

from perceptron_pruning.output.atomic import write_text_atomically
from perceptron_pruning.reproduction.names import HTML, MARKDOWN
from perceptron_pruning.reproduction.reporting.content import Reproduction
from perceptron_pruning.reproduction.reporting.markdown import markdown
from perceptron_pruning.reproduction.reporting.page import write_html


def write_reports(folder: Path, reproduction: Reproduction) -> None:
    """Writes ``report.html`` and ``README.md`` into the folder that has the pictures."""
    write_html(folder / HTML, reproduction)
    write_text_atomically(folder / MARKDOWN, markdown(reproduction, folder))
