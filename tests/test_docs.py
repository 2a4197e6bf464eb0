"""The documentation: examples print what they show, code beside pictures draws them, links lead somewhere."""

import doctest
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("**/[a-z]*.md"))}
BLOCKS = {name: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for name, text in PAGES.items()}
EXAMPLES = {name: blocks for name, blocks in BLOCKS.items() if blocks}
PICTURES = {
    name: block
    for name, text in PAGES.items()
    for block in re.findall(r"```\{eval-rst\}\n\.\. plot::\n   :context: reset\n\n(.*?)```", text, re.DOTALL)
}


def test_there_are_pages():
    assert len(PAGES) >= 20
    assert len(EXAMPLES) >= 12
    assert len(PICTURES) >= 7


@pytest.mark.parametrize("page", EXAMPLES, ids=str)
def test_examples_print_what_is_shown(page):
    """All blocks of a page are one session."""
    example = doctest.DocTestParser().get_doctest("\n".join(EXAMPLES[page]), {}, page, page, 0)
    assert example.examples
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert failed == 0


@pytest.mark.parametrize("page", PICTURES, ids=str)
def test_pictures_are_drawn(page):
    code = re.sub(r"^   ", "", PICTURES[page], flags=re.MULTILINE)
    plt.close("all")
    exec(compile(code, page, "exec"), {})
    (axes,) = plt.gcf().axes
    assert axes.lines
    assert axes.get_xlabel()
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_that_are_named_exist(page):
    for path in re.findall(r"\]\((?!http)([^)#]+)", PAGES[page]):
        assert ((DOCS / page).parent / path).exists(), path
