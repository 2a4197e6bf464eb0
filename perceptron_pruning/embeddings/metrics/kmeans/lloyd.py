"""Lloyd's algorithm over blocks of rows, in one process or in many."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.metrics.kmeans.assignment import ENGINES, Gains, distances, no_gains
from perceptron_pruning.embeddings.metrics.kmeans.settings import KMeansSettings
from perceptron_pruning.embeddings.metrics.kmeans.start import plus_plus, random_rows, sample_size
from perceptron_pruning.embeddings.runtime.blocks import Block, blocks
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, NoCheckpoint, load_everywhere
from perceptron_pruning.embeddings.runtime.devices import placed
from perceptron_pruning.embeddings.runtime.process_group import Alone, World
from perceptron_pruning.embeddings.runtime.progress import Progress, Silent

RESIDENT_BYTES = 2**28


@dataclass(frozen=True, kw_only=True)
class KMeans:
    """Centroids of a k-means run.

    Attributes:
        settings: What was asked.
        centroids: (k, d); of unit length if spherical.
        history: Objective Σ min ‖x − c‖² before each step, (steps,).
        counts: Rows of each cluster at the last assignment, (k,).
        reseeded: Clusters that were found empty and begun anew, over all steps.
    """

    settings: KMeansSettings
    centroids: np.ndarray
    history: np.ndarray
    counts: np.ndarray
    reseeded: int


def fit_kmeans(
    rows: Rows,
    settings: KMeansSettings,
    *,
    seed: int = 0,
    centroids: np.ndarray | None = None,
    world: World | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> KMeans:
    """Minimises Σ_i min_k ‖x_i − c_k‖² over the centroids, by Lloyd's algorithm.

    A step assigns every row to its nearest centroid (one matrix product a block) and moves the centroids to
    the means. An empty cluster begins anew at the row farthest from its centroid.

    Args:
        rows: (n, d) of this process, n ≥ k over all processes.
        settings: k must be set.
        seed: Of the start.
        centroids: Start (k, d) instead of `settings.start`.
        world: The other processes.
        progress: Told of every pass.
        checkpoint: Where the centroids of every step are kept, to resume.

    Raises:
        ValueError: k is out of range, or there are fewer distinct rows than k.
    """
    run = _Lloyd(rows, settings, world or Alone(), progress or Silent(), checkpoint or NoCheckpoint())
    with jax.enable_x64(True):
        return run.fit(seed, centroids)


class _Lloyd:
    """One run: the rows and who reads them."""

    def __init__(self, rows: Rows, settings: KMeansSettings, world: World, progress: Progress, checkpoint: Checkpoint):
        self.rows, self.settings, self.world = rows, settings, world
        self.progress, self.checkpoint = progress, checkpoint
        self.n_rows = int(world.sum(np.array(len(rows), np.int64)))
        self.n_clusters = settings.n_clusters or 0
        if not 1 <= self.n_clusters <= self.n_rows:
            raise ValueError(
                f"`n_clusters` must be in [1, {self.n_rows}], the number of rows; got {settings.n_clusters}"
            )
        self.resident: list[Block] | None = None

    def fit(self, seed: int, centroids: np.ndarray | None) -> KMeans:
        stored = self._stored()
        centroids = (
            stored["centroids"] if stored else self._start(seed) if centroids is None else self._scaled(centroids)
        )
        history, reseeded = (list(stored["history"]), int(stored["reseeded"])) if stored else ([], 0)
        counts = stored["counts"] if stored else np.zeros(self.n_clusters)
        while len(history) < self.settings.iterations and not self._settled(history):
            centroids, counts, objective, empty = self._step(centroids, len(history))
            history.append(objective)
            reseeded += empty
            self.checkpoint.save("kmeans", centroids=centroids, history=history, reseeded=reseeded, counts=counts)
        return KMeans(
            settings=self.settings, centroids=centroids, history=np.array(history), counts=counts, reseeded=reseeded
        )

    def _stored(self) -> dict[str, np.ndarray] | None:
        """Where an interrupted run stopped; of processes that stopped at different steps, the earliest's place."""
        stored = load_everywhere(self.checkpoint, "kmeans", self.world)
        if stored is None:
            return None
        steps = self.world.gather(np.array([len(stored["history"])]))
        if (steps == steps[0]).all():
            return stored
        mine = self.world.rank == int(steps.argmin())
        return {
            name: self.world.gather(stored[name] if mine else stored[name][:0])
            for name in ("centroids", "history", "counts")
        } | {"reseeded": self.world.gather(stored["reseeded"].reshape(-1)[: int(mine)])[0]}

    def _settled(self, history: list[float]) -> bool:
        if len(history) < 2:
            return False
        gain = history[-2] - history[-1]
        return 0 <= gain <= self.settings.tolerance * history[-2]

    def _start(self, seed: int) -> np.ndarray:
        if self.settings.start == "random":
            return self._scaled(random_rows(self.rows, self.n_clusters, seed=seed, world=self.world))
        size = sample_size(self.n_rows, self.n_clusters)
        sample = self._scaled(random_rows(self.rows, size, seed=seed, world=self.world))
        return plus_plus(sample, self.n_clusters, seed=seed)

    def _step(self, centroids: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray, float, int]:
        """New centroids, counts, the objective of the old ones, and how many were empty."""
        gains, squared = self._pass(centroids, f"k-means {number + 1}")
        sums, counts = self.world.sum(np.asarray(gains.sums)), self.world.sum(np.asarray(gains.counts))
        objective = float(self.world.sum(np.asarray(gains.objective)))
        means = (sums / np.maximum(counts, 1)[:, None]).astype(self.rows.dtype)
        empty = np.flatnonzero(counts == 0)
        if empty.size:
            means[empty] = self._farthest(squared, empty.size)
        return self._scaled(means), counts, objective, empty.size

    def _pass(self, centroids: np.ndarray, label: str) -> tuple[Gains, np.ndarray]:
        assign = ENGINES[self.settings.engine]
        gains, centroids_there = no_gains(*centroids.shape), jnp.asarray(centroids)
        squared, waiting = np.empty(len(self.rows), self.rows.dtype), None
        for block in self._blocks(label):
            gains, distance = assign(block.values, centroids_there, gains)
            if waiting is not None:  # one block behind, so that the device never waits for the host
                squared[waiting[0]] = waiting[1]
            waiting = block.span, distance
        if waiting is not None:
            squared[waiting[0]] = waiting[1]
        return gains, squared

    def _blocks(self, label: str):
        """Blocks on the device; small pools stay there between the steps."""
        if self.resident is not None:
            yield from self.resident
            return
        keep = [] if self.rows.in_memory and len(self.rows) * self.rows.n_features * 8 <= RESIDENT_BYTES else None
        for block in blocks(self.rows, progress=self.progress, label=label, widest=self.n_clusters):
            ready = Block(block.start, block.stop, placed(self._scaled(block.values)))  # pyright: ignore[reportArgumentType]
            if keep is not None:
                keep.append(ready)
            yield ready
        self.resident = keep

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return unit_rows(values) if self.settings.spherical else values

    def _farthest(self, squared: np.ndarray, count: int) -> np.ndarray:
        """The rows of all processes that lie farthest from their centroid, (count, d)."""
        mine = np.sort(np.argsort(-squared, kind="stable")[:count])
        distances_of_all = self.world.gather(squared[mine])
        rows_of_all = self.world.gather(self._scaled(self.rows.take(mine)))
        farthest = np.argsort(-distances_of_all, kind="stable")[:count]
        if len(farthest) < count or not distances_of_all[farthest[-1]] > 0:
            raise ValueError(
                f"`n_clusters` = {self.n_clusters} leaves a cluster empty: fewer rows are distinct; lower it"
            )
        return rows_of_all[farthest]


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Rows over their Euclidean length."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.all(lengths > 0):
        row = int(np.flatnonzero(lengths[:, 0] == 0)[0])
        raise ValueError(f"`spherical` needs rows of positive length; row {row} is zero")
    return values / lengths


def prototype_distances(
    rows: Rows, centroids: np.ndarray, *, spherical: bool, progress: Progress, label: str
) -> np.ndarray:
    """Euclidean distance of every row to its nearest centroid, (n,) float64."""
    result = np.empty(len(rows))
    with jax.enable_x64(True):
        there = jnp.asarray(centroids)
        for block in blocks(rows, progress=progress, label=label, widest=len(centroids)):
            values = unit_rows(block.values) if spherical else block.values
            result[block.span] = distances(placed(values), there)
    return result
