"""Checkpoint stores: finished work on disk, from which an interrupted run resumes."""

import hashlib
import json
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup
from perceptron_pruning.output.atomic import write_atomically


class Checkpoint(Protocol):
    """Named groups of arrays."""

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays saved under the name by a run of the same inputs and settings, or None."""
        ...

    def save(self, name: str, **arrays: ArrayLike) -> None:
        """Saves arrays under the name, in place of earlier ones."""
        ...


class NoCheckpoint:
    """Saves nothing."""

    def load(self, name: str) -> None:
        return None

    def save(self, name: str, **arrays: ArrayLike) -> None:
        pass


class FolderCheckpoint:
    """A folder of `.npz` files that belong to one computation.

    Args:
        folder: Where the files are.
        computation: Inputs and settings, as values that JSON can hold; files of another computation are ignored.
    """

    def __init__(self, folder: Path, computation: dict[str, object]):
        self.folder = folder
        self.key = hashlib.sha256(json.dumps(computation, sort_keys=True, default=str).encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        path = self._path(name)
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        return arrays if str(arrays.pop("run_key")) == self.key else None

    def save(self, name: str, **arrays: ArrayLike) -> None:
        contents: dict[str, np.ndarray] = {key: np.asarray(values) for key, values in arrays.items()}
        contents["run_key"] = np.array(self.key)
        write_atomically(self._path(name), lambda file: np.savez(file, allow_pickle=False, **contents))

    def remove(self) -> None:
        """Deletes the files: the run is finished."""
        for path in self.folder.glob("*.npz"):
            path.unlink()
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"


def process_checkpoint(folder: str | Path | None, group: ProcessGroup, computation: dict[str, object]) -> "Checkpoint":
    """The store of this process in a folder that all share; none without a folder.

    Args:
        folder: Where finished work is.
        group: Process group.
        computation: Inputs and settings, as values that JSON can hold.
    """
    if folder is None:
        return NoCheckpoint()
    place = Path(folder) if group.size == 1 else Path(folder) / f"part-{group.rank:05d}"
    return FolderCheckpoint(place, {**computation, "rank": group.rank})


def load_everywhere(checkpoint: Checkpoint, name: str, group: ProcessGroup) -> dict[str, np.ndarray] | None:
    """The arrays saved under the name if every process has saved them, so that all resume from the same place."""
    stored = checkpoint.load(name)
    n_stored = int(group.all_sum(np.array(stored is not None, np.int64)))
    return stored if n_stored == group.size else None


def save_step(checkpoint: Checkpoint, name: str, step: int, group: ProcessGroup, **arrays: ArrayLike) -> None:
    """Saves this process's part of the state after a step of joint work.

    Of many processes the last two steps are kept: one may be interrupted a step before another.
    """
    checkpoint.save(_slot(name, step, group), step=step, **arrays)


def load_step_everywhere(checkpoint: Checkpoint, name: str, group: ProcessGroup) -> tuple[int, dict[str, np.ndarray]]:
    """The last step that every process has saved, and what this one saved then; step 0 and nothing before the first."""
    slots = {_slot(name, step, group) for step in range(2)}
    stored = [arrays for slot in slots if (arrays := checkpoint.load(slot)) is not None]
    by_step = {int(arrays.pop("step")): arrays for arrays in stored}
    step = int(group.all_gather(np.array([max(by_step, default=0)])).min())
    everywhere = int(group.all_sum(np.array(step in by_step, np.int64))) == group.size
    return (step, by_step[step]) if everywhere else (0, {})


def _slot(name: str, step: int, group: ProcessGroup) -> str:
    return f"{name}_step" if group.size == 1 else f"{name}_step_{step % 2}"
