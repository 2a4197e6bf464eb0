"""The documentation: every block of code is run or read by its command, links lead somewhere."""

import doctest
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from cyclopts.exceptions import CycloptsError

from perceptron_pruning.cli import app
from perceptron_pruning.embeddings import load_fashion_mnist

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    str(path.relative_to(DOCS)): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.glob("**/[a-z]*.md"))
    if not any(part.startswith("_") for part in path.relative_to(DOCS).parts)
}
FENCE = re.compile(r"^(`{3,})(\S*)[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
FENCES = {name: [(kind, body) for _, kind, body in FENCE.findall(text)] for name, text in PAGES.items()}
NO_CODE = {"{image}", "{include}", "{raw}", "{toctree}"}
BLOCKS = {name: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for name, text in PAGES.items()}
README = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
EXAMPLES = {name: blocks for name, blocks in BLOCKS.items() if blocks}
PICTURES = {
    name: block
    for name, text in PAGES.items()
    for block in re.findall(r"```\{eval-rst\}\n\.\. plot::\n   :context: reset\n\n(.*?)```", text, re.DOTALL)
}


COMMANDS = {
    name: [
        line for kind, body in fences if kind == "sh" for line in body.replace("\\\n", " ").splitlines() if line.strip()
    ]
    for name, fences in [*FENCES.items(), ("README", [("sh", "\n".join(README))])]
}
COMMANDS = {name: lines for name, lines in COMMANDS.items() if lines}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def problem(kind: str, body: str) -> str | None:
    """Why nothing runs or reads this block, if so."""
    if kind in NO_CODE or kind == "sh":  # whose commands are read below
        return None
    if kind == "python":
        return None if ">>> " in body else "has no prompts, so that no test runs it"
    if kind == "toml":
        return None if tomllib.loads(body) else "sets nothing"
    if kind == "{eval-rst}":
        drawn = body.startswith(".. plot::\n   :context: reset\n\n")
        listed = all(
            line.startswith((".. auto", ".. currentmodule::", "   :members:")) for line in body.split("\n") if line
        )
        return None if drawn or listed else "is neither a picture that a test draws nor a list of names"
    return f"is of a kind that no test knows: {kind or 'none'}"


@pytest.mark.parametrize("page", FENCES, ids=str)
def test_every_block_is_run_or_read(page):
    assert [(why, body) for kind, body in FENCES[page] if (why := problem(kind, body))] == []


@pytest.mark.parametrize("block", ["", "text", "yaml", "python", "{eval-rst}"], ids=lambda kind: kind or "none")
def test_a_block_that_nothing_runs_would_be_seen(block):
    assert problem(block, "print(1)\n")


def words(line: str) -> list[list[str]]:
    """The commands of a line, each in words, without the folder of an environment."""
    commands = [shlex.split(command, comments=True) for command in line.split("&&")]
    return [[name.removeprefix(".venv/bin/"), *arguments] for name, *arguments in commands]


@pytest.mark.parametrize("page", COMMANDS, ids=str)
def test_commands_are_such_that_the_program_takes_them(page):
    for name, *arguments in (command for line in COMMANDS[page] for command in words(line)):
        if name == "perceptron-pruning":
            app.parse_args(arguments, exit_on_error=False, print_error=False)
        elif name == "pip":
            *install, what = arguments
            extras = re.fullmatch(r"\.\[([\w,-]+)\]", what)
            assert install == ["install", "-e"]
            assert extras
            assert set(extras[1].split(",")) <= set(EXTRAS)
        else:
            assert [name, *arguments] in (
                ["python3", "-m", "venv", ".venv"],
                [".", ".venv/bin/activate"],
                ["python", "-m", "pytest", "-n", "auto"],
            )


def test_a_command_that_is_none_would_be_seen():
    with pytest.raises(CycloptsError, match="--lables"):
        app.parse_args(["recommend", "rows.npy", "--lables", "labels.npy"], exit_on_error=False, print_error=False)


MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$]+?)\$", re.DOTALL)


def formulas(text: str) -> list[tuple[str, str]]:
    """What stands between two dollars and between one, outside of code; one of the two is empty."""
    return MATH.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text)))


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if formulas(text)], ids=str)
def test_formulas_are_drawn_whole(page):
    """No command is left as text; no line within one begins as an item of a list does."""
    converter = pytest.importorskip("latex2mathml.converter", reason="needs the extra test")
    for shown, inline in formulas(PAGES[page]):
        assert not re.search(r"\n\s*[-+*] ", inline), inline
        left = converter.convert((shown or inline).replace("{aligned}", "{align*}"))
        assert "\\" not in left, shown or inline


def test_there_are_pages():
    assert len(PAGES) >= 20
    assert len(EXAMPLES) >= 12
    assert len(PICTURES) >= 7


@pytest.mark.parametrize("page", EXAMPLES, ids=str)
def test_examples_print_what_is_shown(page, tmp_path, monkeypatch):
    """All blocks of a page are one session."""
    example = doctest.DocTestParser().get_doctest("\n".join(EXAMPLES[page]), {}, page, page, 0)
    assert example.examples
    monkeypatch.chdir(tmp_path)  # where pages write their files
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


RUN = "start/practitioner.md", "start/paper.md", "howto/embeddings.md", "howto/sweeps.md"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=str)
def test_commands_of_a_page_run(page, tmp_path):
    """In order, in one folder with 5000 rows and what the page has of settings."""
    data = load_fashion_mnist()
    arrays = {"embeddings": data.train_embeddings[:5000], "labels": data.train_labels[:5000]}
    arrays |= {"test": data.test_embeddings, "test_labels": data.test_labels}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    for settings in (body for kind, body in FENCES[page] if kind == "toml"):
        (tmp_path / "sweep.toml").write_text(settings, encoding="utf-8")
    for line in COMMANDS[page]:
        (command,) = words(line)
        run = subprocess.run(
            [sys.executable, "-m", "perceptron_pruning.cli", *command[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert run.stdout
