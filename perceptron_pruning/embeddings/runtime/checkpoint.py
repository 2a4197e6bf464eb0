"""Finished work, kept on disk so that an interrupted run goes on where it stopped."""

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from perceptron_pruning.embeddings.runtime.process_group import World
from perceptron_pruning.output.atomic import write_atomically


class Checkpoint(Protocol):
    """Named groups of arrays."""

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """What was saved under the name by a run of the same inputs and settings."""
        ...

    def save(self, name: str, **arrays: Any) -> None:
        """Keeps the arrays, in place of those of the same name."""
        ...


class NoCheckpoint:
    """Keeps nothing."""

    def load(self, name: str) -> None:
        return None

    def save(self, name: str, **arrays: Any) -> None:
        pass


class FolderCheckpoint:
    """A folder for one run, whose key says what the run computes: another key begins anew."""

    def __init__(self, folder: Path, what: dict):
        self.folder = folder
        self.key = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        path = self._path(name)
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        return arrays if str(arrays.pop("run_key")) == self.key else None

    def save(self, name: str, **arrays: Any) -> None:
        write_atomically(self._path(name), lambda file: np.savez(file, run_key=np.array(self.key), **arrays))

    def remove(self) -> None:
        """Deletes what was kept: the run is finished."""
        for path in self.folder.glob("*.npz"):
            path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def load_everywhere(checkpoint: Checkpoint, name: str, world: World) -> dict[str, np.ndarray] | None:
    """What was saved, if every process has saved it: all must go on from the same place."""
    stored = checkpoint.load(name)
    everywhere = int(world.sum(np.array(stored is not None, np.int64))) == world.size
    return stored if everywhere else None
