"""Every public name has an example in its docstring, and every example prints what it shows."""

import doctest
import re
from importlib import import_module
from inspect import getmembers, isroutine, unwrap
from pathlib import Path

import jax
import pytest

API = Path(__file__).parents[1] / "docs" / "api"
PACKAGES = (
    "replica_theory",
    "perceptron_pruning",
    "perceptron_pruning.embeddings",
    "perceptron_pruning.sweeps",
    "perceptron_pruning.experiments",
)
DIRECTIVE = re.compile(r"^\.\. (currentmodule|automodule|auto\w+):: (\S+)(?:\n   :members:([^\n]*))?", re.MULTILINE)


def shown(page: Path) -> dict[str, object]:
    """What a page of the reference shows, by full name: functions, classes, listed methods, functions of modules."""
    module, found = "", {}
    for kind, name, members in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
        if kind == "currentmodule":
            module = name
        elif kind == "automodule":
            found[name] = thing = import_module(name)
            own = {key: value for key, value in getmembers(thing, isroutine) if value.__module__ == name}
            found |= {f"{name}.{key}": value for key, value in own.items() if not key.startswith("_")}
        else:
            found[f"{module}.{name}"] = thing = getattr(import_module(module), name)
            for method in members.replace(",", " ").split():
                found[f"{module}.{name}.{method}"] = getattr(thing, method)
    return found


SHOWN = {name: thing for page in sorted(API.glob("*.md")) for name, thing in shown(page).items()}


def examples(name: str, thing: object) -> doctest.DocTest:
    """The examples of one docstring, which see no names but their own."""
    text = thing.__doc__ or ""
    return doctest.DocTestParser().get_doctest(text, {}, name, getattr(unwrap(thing), "__module__", None), 0)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_the_reference_shows_every_public_name(package):
    module = import_module(package)
    public = {name: getattr(module, name) for name in module.__all__}
    assert [name for name, thing in public.items() if callable(thing) and thing not in SHOWN.values()] == []


def test_every_name_has_an_example_with_a_printed_answer():
    missing = [name for name, thing in SHOWN.items() if not any(line.want for line in examples(name, thing).examples)]
    assert missing == []


@pytest.fixture
def own_jax_settings():
    """Puts JAX's own cache back, if an example has set one."""
    names = "jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs"
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("own_jax_settings")
@pytest.mark.parametrize("name", SHOWN, ids=str)
def test_examples_print_what_they_show(name, tmp_path, monkeypatch):
    if "torch" in name:
        pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    failed, _ = runner.run(examples(name, SHOWN[name]), out=told.append)
    assert failed == 0, "".join(told)
