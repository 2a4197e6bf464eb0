"""What the README shows is what a reader gets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_examples():
    assert len(EXAMPLES) == 2
    assert len(EXAMPLES[0][0].splitlines()) <= 11


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["theory and simulation", "embeddings"])
def test_examples_print_what_is_shown(code, printed):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed


def test_files_that_are_named_exist():
    for path in re.findall(r"\]\((?!http)([^)]+)\)", TEXT):
        assert (ROOT / path).exists(), path


def test_commands_are_those_that_continuous_integration_runs():
    command = re.findall(r"```sh\n(.*?)\n```", TEXT, re.DOTALL)[1]
    assert command.replace("install -e", "install -q -e") in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
