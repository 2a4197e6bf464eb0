"""What a release says of itself in several files agrees: version, dependencies, licence."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # the library without a window


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def recipe(section: str) -> list[str]:
    """Entries of a list of the recipe, which stands under its name."""
    (found,) = re.findall(rf"^ +{section}:\n((?: +- .*\n)+)", text("docs/release/recipe.yaml"), re.MULTILINE)
    return [line.strip().removeprefix("- ") for line in found.splitlines()]


def with_extras(requirements: list[str]) -> set[tuple[str, str]]:
    """(name, bound) of requirements; an extra of our own stands for what it brings."""
    found: set[tuple[str, str]] = set()
    for requirement in requirements:
        if own := re.fullmatch(r"perceptron-pruning\[([\w,-]+)\]", requirement):
            for extra in own[1].split(","):
                found |= with_extras(PROJECT["optional-dependencies"][extra])
        else:
            name, bound = re.fullmatch(r"([\w-]+)(>=[\w.]+)", requirement).groups()  # pyright: ignore
            found.add((CONDA_NAMES.get(name, name), bound))
    return found


VERSIONS = {
    "CITATION.cff": r"^version: (\S+)$",
    ".zenodo.json": r'^  "version": "(\S+)",$',
    "docs/release/recipe.yaml": r'^  version: "(\S+)"$',
}


@pytest.mark.parametrize("place", VERSIONS, ids=str)
def test_versions_agree(place):
    assert re.findall(VERSIONS[place], text(place), re.MULTILINE) == [PROJECT["version"]]


def test_the_changelog_has_this_version_with_the_date_of_the_citation():
    (released,) = re.findall(r"^date-released: (\S+)$", text("CITATION.cff"), re.MULTILINE)
    assert f"\n## {PROJECT['version']} — {released}\n" in text("CHANGELOG.md")


def test_the_recipe_needs_what_the_package_and_its_command_need():
    needed = with_extras([*PROJECT["dependencies"], "perceptron-pruning[cli]"]) | {
        ("python", PROJECT["requires-python"])
    }
    listed = {tuple(entry.split(" ")) for entry in recipe("run")}
    assert listed == needed
    assert ("python " + PROJECT["requires-python"]) in recipe("host")


def test_the_recipe_has_the_command_and_the_licence():
    ((name, place),) = PROJECT["scripts"].items()
    assert recipe("entry_points") == [f"{name} = {place}"]
    assert f"\n  license: {PROJECT['license']}\n" in text("docs/release/recipe.yaml")
    assert json.loads(text(".zenodo.json"))["license"] == PROJECT["license"]
    assert f"\nlicense: {PROJECT['license']}\n" in text("CITATION.cff")
