"""Which tables and pictures of a folder are what today's code would make, so that none is made twice.

Beside every finished figure stands a stamp, ``cache/figure_<name>.json``: digests of what its table was made of (code,
data sets, versions and settings, which decide what is simulated or trained, too), of the table with its simulated
points, and of its pictures. A file that was changed, or code that was, has another digest, and is made anew; so is what
a damaged stamp was of. Nothing is removed: a new file replaces
the old one when it is whole.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import perceptron_pruning
import replica_theory
from perceptron_pruning.figures.figure import Figure, file_stem
from perceptron_pruning.output.atomic import write_json_atomically
from perceptron_pruning.output.provenance import versions
from perceptron_pruning.output.style import renderer
from perceptron_pruning.output.tables import Row, read_table, write_table
from perceptron_pruning.reproduction.manifest import PACKAGES

FOLDER = "cache"


class Cache:
    """The stamps of a folder.

    Args:
        folder: Where the figures are.
        settings: The suite's settings, in words.
        figures: The suite's, by name.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], figures: Mapping[str, Figure]):
        self._folder = folder
        self._settings = dict(settings)
        self._figures = figures

    def has_table(self, name: str) -> bool:
        """Whether a figure's table was made by the same code, of the same settings."""
        return self._stamp(name).get("made_of") == self._made_of(name) and self.is_unchanged(name)

    def is_unchanged(self, name: str) -> bool:
        """Whether a figure's table and points are as they were written, by whatever code."""
        stamp = self._stamp(name)
        files = {"table": self._table(name), "points": self._points(name)}
        return all(file.exists() and stamp.get(kind) == _digest_of(file) for kind, file in files.items())

    def has_pictures(self, name: str, files: Iterable[Path]) -> bool:
        """Whether a figure's pictures are those that today's code drew of its table."""
        stamp, table = self._stamp(name), _digest_of(self._table(name))
        drawn = stamp.get("drawn", {})
        return table is not None and all(
            drawn.get(self._name(file)) == [self._drawn_of(name, table), _digest_of(file)] and file.exists()
            for file in files
        )

    def points(self, name: str) -> list[Row]:
        """The simulated points of a figure whose table is there."""
        return read_table(self._points(name))

    def note_table(self, name: str, points: Sequence[Row]) -> None:
        """Stamps a table that was just written, with its simulated points."""
        self._points(name).parent.mkdir(exist_ok=True)
        write_table(self._points(name), points)
        digests = {"table": _digest_of(self._table(name)), "points": _digest_of(self._points(name))}
        self._write(name, {"made_of": self._made_of(name), **digests, "drawn": {}})

    def note_pictures(self, name: str, files: Iterable[Path]) -> None:
        """Stamps pictures that were just drawn of the table."""
        table = _digest_of(self._table(name))
        drawn = {self._name(file): [self._drawn_of(name, table), _digest_of(file)] for file in files}
        self._write(name, self._stamp(name) | {"drawn": drawn})

    def _made_of(self, name: str) -> str:
        """Digest of everything that decides a table."""
        return _identity(self._code(name), versions(*PACKAGES), self._settings)

    def _code(self, name: str) -> list[str]:
        """Digests of both packages, and of the file of a figure of one's own."""
        figure = self._figures[name]
        if isinstance(figure, ModuleType):
            return [_packages(), _own(figure.__name__)]
        return [_packages(), _own(type(figure).__module__), repr(figure)]

    def _drawn_of(self, name: str, table: str | None) -> str:
        """Digest of what decides a picture: its table, the code, what draws it."""
        return _identity(self._code(name), renderer(), table)

    def _stamp(self, name: str) -> dict[str, Any]:
        path = self._folder / FOLDER / f"{file_stem(name)}.json"
        if not path.exists():
            return {}
        try:
            stamp = json.loads(path.read_bytes())
        except ValueError:  # damaged: it vouches for nothing
            return {}
        return stamp if isinstance(stamp, dict) and isinstance(stamp.get("drawn"), dict) else {}

    def _write(self, name: str, stamp: Mapping[str, Any]) -> None:
        (self._folder / FOLDER).mkdir(exist_ok=True)
        write_json_atomically(self._folder / FOLDER / f"{file_stem(name)}.json", stamp)

    def _points(self, name: str) -> Path:
        return self._folder / FOLDER / f"{file_stem(name)}.csv"

    def _table(self, name: str) -> Path:
        return self._folder / f"{file_stem(name)}.csv"

    def _name(self, file: Path) -> str:
        return file.relative_to(self._folder).as_posix()


def _identity(*parts: object) -> str:
    """Digest of parts, as JSON."""
    return _digest(json.dumps(parts, sort_keys=True, default=str).encode())


@cache
def _own(module: str) -> str:
    """Digest of the file of a module; where it has none, a digest that no other process gives."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return str(_digest_of(Path(path))) if path else f"process {os.getpid()}"


@cache
def _packages() -> str:
    """Digest of the sources of both packages, and of the sizes of their data sets."""
    digest = hashlib.sha256()
    for package in (replica_theory, perceptron_pruning):
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
        for path in sorted(root.rglob("*.npz")):
            digest.update(f"{path.relative_to(root).as_posix()} {path.stat().st_size}".encode())
    return digest.hexdigest()


def _digest_of(path: Path) -> str | None:
    return _digest(path.read_bytes()) if path.exists() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
