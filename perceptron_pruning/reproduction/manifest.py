"""What made a reproduction."""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

MANIFEST = "manifest.json"
_PACKAGES = ("perceptron-pruning", "numpy", "scipy", "jax", "matplotlib")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers and the pictures."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def machine() -> str:
    """System, processor and number of cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def write_manifest(folder: Path, parameters: Mapping[str, str]) -> None:
    """Parameters, versions and machine, as JSON."""
    content = {"settings": dict(parameters), "versions": versions(), "machine": machine()}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
