"""Parts common to the scripts that make the data sets: sizes, principal components, checksums, the command line."""

import argparse
import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np

from perceptron_pruning.datasets.loaders import DATA

TRAIN_ROWS, TEST_ROWS = 15_000, 5_000
SEED = 0  # for a set drawn at random


def principal_components(features: np.ndarray, n_components: int) -> tuple[np.ndarray, float]:
    """Coordinates (n, n_components) on the leading principal components of the training rows, and their share of the
    training rows' variance."""
    centred = features.astype(np.float64) - features[:TRAIN_ROWS].mean(0, dtype=np.float64)
    variance, directions = np.linalg.eigh(centred[:TRAIN_ROWS].T @ centred[:TRAIN_ROWS])
    leading = directions[:, ::-1][:, :n_components]
    return centred @ leading, float(variance[-n_components:].sum() / variance.sum())


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def versions_of(*packages: str) -> dict[str, str]:
    """Installed version of each package."""
    return {name: version(name) for name in packages}


def recipe_of(documentation: str) -> str:
    """The text after "Recipe: " in a script's docstring, on one line."""
    return documentation.split("Recipe: ")[1].replace("\n", " ").strip()


def command_line(documentation: str, *, file: str) -> argparse.ArgumentParser:
    """A parser with ``--output``, by default where the loader looks for the file."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=DATA / file, help="the .npz to write (default: %(default)s)")
    return parser
