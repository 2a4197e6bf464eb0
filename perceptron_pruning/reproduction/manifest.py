"""What made a reproduction."""

import json
import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from perceptron_pruning.figures.settings import Settings

MANIFEST = "manifest.json"
_PACKAGES = ("perceptron-pruning", "numpy", "scipy", "jax", "matplotlib")


def versions() -> dict[str, str]:
    """Of Python and of the packages that decide the numbers and the pictures."""
    return {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}


def machine() -> str:
    """System, processor and number of cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def parameters(settings: Settings) -> dict[str, str]:
    """The settings in words."""
    return {name: str(value) for name, value in asdict(settings).items() if name != "embeddings"} | {
        f"embeddings: {name}": str(value) for name, value in vars(settings.embeddings).items()
    }


def write_manifest(folder: Path, settings: Settings) -> None:
    """Settings, versions and machine, as JSON."""
    content = {"settings": parameters(settings), "versions": versions(), "machine": machine()}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
