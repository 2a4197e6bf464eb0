"""Habits of the tests: every parametrisation names its cases, every expected error says what it must say."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("tests", "figures") for path in (ROOT / folder).rglob("test_*.py"))
WORDLESS = {"KeyboardInterrupt", "SystemExit"}  # Ctrl-C has no message, an exit its status


def calls(path: Path, name: str) -> list[ast.Call]:
    """Calls of a function or decorator whose dotted name ends so."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name)]


def are_named(call: ast.Call) -> bool:
    """Whether each case has an id, all together or one by one."""
    if any(keyword.arg == "ids" for keyword in call.keywords):
        return True
    values = call.args[1] if len(call.args) > 1 else None
    cases = values.elts if isinstance(values, ast.List | ast.Tuple) else []
    if isinstance(values, ast.ListComp):
        cases = [values.elt]
    return bool(cases) and all(
        isinstance(case, ast.Call)
        and ast.unparse(case.func) == "pytest.param"
        and any(keyword.arg == "id" for keyword in case.keywords)
        for case in cases
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_parametrisation_names_its_cases(path):
    assert [call.lineno for call in calls(path, "parametrize") if not are_named(call)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_expected_error_says_what_it_must_say(path):
    errors = [call for call in calls(path, "pytest.raises") if ast.unparse(call.args[0]) not in WORDLESS]
    assert [call.lineno for call in errors if not any(keyword.arg == "match" for keyword in call.keywords)] == []
