"""How far a store is, and what made it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceptron_pruning.output.provenance import PACKAGE
from perceptron_pruning.studies.lock import is_driven, owner
from perceptron_pruning.studies.store import read_store


@dataclass(frozen=True, kw_only=True)
class Status:
    """A store's state.

    Attributes:
        path: The store.
        n_cells, n_trials: Cells of the study, and trials of each.
        cells_done: Number of cells of which every trial is there.
        share_done: Share of all trials of all cells that are there.
        outputs: Names of the outputs.
        study: What was asked for: the study's parameters and name, as they are compared on resuming.
        version: Version of this package that made the store.
        commit: The git commit, if it was made from a checkout.
        libraries: Versions of NumPy, SciPy and JAX, of each process that wrote into it.
        driver: The process that is writing it; None for nobody, "unknown" where that cannot be tried.
    """

    path: Path
    n_cells: int
    n_trials: int
    cells_done: int
    share_done: float
    outputs: list[str]
    study: dict[str, Any]
    version: str
    commit: str | None
    libraries: list[dict[str, str]]
    driver: str | None

    @property
    def complete(self) -> bool:
        return self.cells_done == self.n_cells

    def __str__(self) -> str:
        commit = f" (commit {self.commit})" if self.commit else ""
        lines = [
            f"{self.path}: {self.share_done:.1%} done, {self.cells_done} of {self.n_cells} cells complete, "
            f"{self.n_trials} trials each",
            *(f"    {name} = {value}" for name, value in self.study.items() if name not in ("n_cells", "n_trials")),
            f"    outputs = {', '.join(self.outputs)}",
            f"    made by {PACKAGE} {self.version}{commit}, with "
            + "; ".join(", ".join(f"{n} {v}" for n, v in made.items()) for made in self.libraries),
            f"    being written by {self.driver}" if self.driver else "    nobody is writing it",
        ]
        return "\n".join(lines)


def status(path: str | Path) -> Status:
    """Reads a store's state, also while it is being written.

    Raises:
        StoreError: There is no store, or it is of another schema.
    """
    path = Path(path)
    store = read_store(path)
    done = store.done()
    driven = is_driven(path)
    return Status(
        path=path,
        n_cells=done.shape[0],
        n_trials=done.shape[1],
        cells_done=int(done.all(1).sum()),
        share_done=float(done.mean()),
        outputs=list(store.outputs),
        study=store.attributes["study"],
        version=store.attributes["version"],
        commit=store.attributes.get("commit"),
        libraries=store.attributes["libraries"],
        driver="unknown" if driven is None else owner(path) if driven else None,
    )
