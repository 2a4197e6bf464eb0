"""What made a reproduction."""

from collections.abc import Mapping
from pathlib import Path

from perceptron_pruning.output.atomic import write_json_atomically
from perceptron_pruning.output.provenance import NUMERICAL, PACKAGE, PYTHON, provenance

MANIFEST = "manifest.json"
PACKAGES = (PYTHON, PACKAGE, *NUMERICAL, "matplotlib")  # that decide the numbers and the pictures


def write_manifest(folder: Path, parameters: Mapping[str, str]) -> None:
    """Parameters, versions, commit and machine, as JSON."""
    write_json_atomically(folder / MANIFEST, {"settings": dict(parameters)} | provenance(*PACKAGES))
