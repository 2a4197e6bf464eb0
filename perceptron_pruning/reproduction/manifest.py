"""What made a reproduction."""

from collections.abc import Mapping
from pathlib import Path

from perceptron_pruning.output.atomic import write_json_atomically
from perceptron_pruning.output.provenance import NUMERICAL, PACKAGE, PYTHON, provenance

MANIFEST = "manifest.json"
DRAWS = "numpy"  # engine whose stream of draws every reproduction has, wherever it runs
PACKAGES = (PYTHON, PACKAGE, *NUMERICAL, "matplotlib")  # that decide the numbers and the pictures


def write_manifest(folder: Path, parameters: Mapping[str, str]) -> None:
    """Parameters, the stream of draws, versions, commit and machine, as JSON."""
    made = {"settings": dict(parameters), "engine": DRAWS}
    write_json_atomically(folder / MANIFEST, made | provenance(*PACKAGES))
