"""The notebook of the ten minutes: it runs from top to bottom, and says what is committed."""

import importlib.util
import re
from pathlib import Path

import numpy as np

PLACE = Path(__file__).parents[1] / "docs" / "notebook.py"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def module():
    """docs/notebook.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("docs_notebook", PLACE)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


NOTEBOOK = module()
CODE = [cell for cell in NOTEBOOK.read()["cells"] if cell["cell_type"] == "code"]


def test_it_runs_and_says_what_is_committed():
    """Words to the letter, numbers to what machines and their linear algebra may differ by."""
    found = NOTEBOOK.run(NOTEBOOK.read())
    assert len(found) == len(CODE) >= 8
    for outputs, cell in zip(found, CODE, strict=True):
        assert [set(one.get("data", ())) for one in outputs] == [set(one.get("data", ())) for one in cell["outputs"]]
        told, committed = "\n".join(NOTEBOOK.texts(outputs)), "\n".join(NOTEBOOK.texts(cell["outputs"]))
        assert NUMBER.sub("#", told) == NUMBER.sub("#", committed)
        numbers = [[float(number) for number in NUMBER.findall(text)] for text in (told, committed)]
        np.testing.assert_allclose(*numbers, rtol=1e-3, atol=1e-3)


def test_the_first_cell_installs_where_the_package_is_missing(monkeypatch):
    ran = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda words, check: ran.append((words, check)))
    exec("".join(CODE[0]["source"]), {})
    ((words, check),) = ran
    assert words[1:] == ["-m", "pip", "install", "-q", "perceptron-pruning[embeddings]"]
    assert check


def test_an_output_that_is_wrong_would_be_seen():
    wrong = NOTEBOOK.read()
    cell = next(cell for cell in wrong["cells"] if "crossover" in "".join(cell["source"]))
    cell["source"] = ["from replica_theory import *\nprint('hard is better beyond 9 examples per dimension')"]
    found = NOTEBOOK.run({"cells": [cell]})
    assert NOTEBOOK.texts(found[0]) != NOTEBOOK.texts(cell["outputs"])


def test_it_has_the_form_of_a_notebook():
    notebook = NOTEBOOK.read()
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)
    assert all(cell["execution_count"] == number for number, cell in enumerate(CODE, 1))
