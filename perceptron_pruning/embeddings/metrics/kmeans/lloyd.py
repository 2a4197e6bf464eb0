"""Lloyd's algorithm over blocks of rows, in one process or in many."""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.metrics.kmeans.assignment import ENGINES, ClusterSums, nearest_distances, zero_sums
from perceptron_pruning.embeddings.metrics.kmeans.start import plus_plus, random_rows, sample_size
from perceptron_pruning.embeddings.runtime.blocks import blocks
from perceptron_pruning.embeddings.runtime.checkpoint import Checkpoint, NoCheckpoint, load_everywhere
from perceptron_pruning.embeddings.runtime.devices import full_precision, on_local_devices
from perceptron_pruning.embeddings.runtime.process_group import ProcessGroup, SingleProcess
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import KMEANS_RESIDENT_BYTES, KMeansSettings


@dataclass(frozen=True, kw_only=True)
class KMeans:
    """Centroids of a k-means run.

    Attributes:
        settings: The settings of the run.
        centroids: (k, d); of unit length if spherical.
        history: Objective Σ min ‖x − c‖² before each step, (steps,).
        counts: Rows of each cluster at the last assignment, (k,).
        reseeded: Empty clusters that began anew, over all steps.
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
    group: ProcessGroup | None = None,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> KMeans:
    """Minimises Σ_i min_k ‖x_i − c_k‖² over the centroids, by Lloyd's algorithm.

    A step assigns every row to its nearest centroid (one matrix product a block) and moves the centroids to
    the means. An empty cluster begins anew at the row farthest from its centroid.

    Args:
        rows: (n, d) of this process, n ≥ k over all processes.
        settings: k must be set.
        seed: Seed of the first centroids.
        centroids: First centroids (k, d) instead of `settings.start`.
        group: Process group.
        progress: Progress reporter.
        checkpoint: Store of the centroids of every step, to resume from.

    Raises:
        ValueError: k is out of range, or there are fewer distinct rows than k.
    """
    run = _Lloyd(rows, settings, group or SingleProcess(), progress or NoProgress(), checkpoint or NoCheckpoint())
    with full_precision():
        return run.fit(seed, centroids)


@dataclass
class _State:
    """State of a run between steps.

    Attributes:
        centroids: (k, d).
        counts: Rows of each cluster at the last assignment, (k,).
        history: Objective before each step.
        reseeded: Empty clusters that began anew.
    """

    centroids: np.ndarray
    counts: np.ndarray
    history: list[float]
    reseeded: int = 0


@dataclass(frozen=True)
class _DeviceBlock:
    """Rows of a block as k-means sees them, on the device, (B, d)."""

    span: slice
    values: jax.Array


class _Lloyd:
    """A run of Lloyd's algorithm on the rows of a process group."""

    def __init__(
        self, rows: Rows, settings: KMeansSettings, group: ProcessGroup, progress: Progress, checkpoint: Checkpoint
    ):
        self.rows, self.settings, self.group = rows, settings, group
        self.progress, self.checkpoint = progress, checkpoint
        self.n_rows = int(group.all_sum(np.array(len(rows), np.int64)))
        self.n_clusters = settings.n_clusters or 0
        if not 1 <= self.n_clusters <= self.n_rows:
            raise ValueError(
                f"`n_clusters` must be in [1, {self.n_rows}], the number of rows; got {settings.n_clusters}"
            )
        self.resident: list[_DeviceBlock] | None = None

    def fit(self, seed: int, centroids: np.ndarray | None) -> KMeans:
        state = self._stored_state() or self._first_state(seed, centroids)
        while len(state.history) < self.settings.iterations and not self._converged(state.history):
            self._step(state)
            self.checkpoint.save("kmeans", **vars(state))
        return KMeans(
            settings=self.settings,
            centroids=state.centroids,
            history=np.array(state.history),
            counts=state.counts,
            reseeded=state.reseeded,
        )

    def _first_state(self, seed: int, centroids: np.ndarray | None) -> _State:
        first = self._first_centroids(seed) if centroids is None else self._scaled(centroids)
        return _State(centroids=first, counts=np.zeros(self.n_clusters), history=[])

    def _stored_state(self) -> _State | None:
        """The state in the checkpoint; of processes that were interrupted at different steps, the earliest."""
        stored = load_everywhere(self.checkpoint, "kmeans", self.group)
        if stored is None:
            return None
        steps = self.group.all_gather(np.array([len(stored["history"])]))
        if not (steps == steps[0]).all():
            earliest = self.group.rank == int(steps.argmin())
            own_part = slice(None) if earliest else slice(0)
            stored = {name: self.group.all_gather(np.atleast_1d(values)[own_part]) for name, values in stored.items()}
        return _State(
            centroids=stored["centroids"],
            counts=stored["counts"],
            history=list(stored["history"]),
            reseeded=int(stored["reseeded"].reshape(())),
        )

    def _converged(self, history: list[float]) -> bool:
        """Whether the last step lowered the objective by at most the tolerance, relative to it."""
        if len(history) < 2:
            return False
        decrease = history[-2] - history[-1]
        return 0 <= decrease <= self.settings.tolerance * history[-2]

    def _first_centroids(self, seed: int) -> np.ndarray:
        if self.settings.start == "random":
            return self._scaled(random_rows(self.rows, self.n_clusters, seed=seed, group=self.group))
        size = sample_size(self.n_rows, self.n_clusters)
        sample = self._scaled(random_rows(self.rows, size, seed=seed, group=self.group))
        return plus_plus(sample, self.n_clusters, seed=seed)

    def _step(self, state: _State) -> None:
        """Moves the centroids to the means of their rows; empty clusters to the farthest rows."""
        assigned, squared = self._assign(state.centroids, f"k-means {len(state.history) + 1}")
        sums, counts = self.group.all_sum(np.asarray(assigned.sums)), self.group.all_sum(np.asarray(assigned.counts))
        means = (sums / np.maximum(counts, 1)[:, None]).astype(self.rows.dtype)
        empty = np.flatnonzero(counts == 0)
        state.history.append(float(self.group.all_sum(np.asarray(assigned.objective))))
        if empty.size:
            means[empty] = self._farthest_rows(squared, empty.size)
        state.centroids, state.counts = self._scaled(means), counts
        state.reseeded += empty.size

    def _assign(self, centroids: np.ndarray, label: str) -> tuple[ClusterSums, np.ndarray]:
        """Sums over the rows of this process, and each row's squared distance to its centroid, (n,)."""
        assign = ENGINES[self.settings.engine]
        total, device_centroids = zero_sums(*centroids.shape), jnp.asarray(centroids)
        squared = np.empty(len(self.rows), self.rows.dtype)
        pending: tuple[slice, jax.Array] | None = None
        for block in self._device_blocks(label):
            total, distances = assign(block.values, device_centroids, total)
            if pending is not None:  # copied one block late, so that the device never waits for the host
                squared[pending[0]] = pending[1]
            pending = block.span, distances
        if pending is not None:
            squared[pending[0]] = pending[1]
        return total, squared

    def _device_blocks(self, label: str) -> Iterator[_DeviceBlock]:
        """Blocks of rows on the device; few enough rows stay there between the steps."""
        if self.resident is not None:
            yield from self.resident
            return
        few = self.rows.in_memory and len(self.rows) * self.rows.n_features * 8 <= KMEANS_RESIDENT_BYTES
        resident: list[_DeviceBlock] = []
        for block in blocks(self.rows, progress=self.progress, label=label, widest=self.n_clusters):
            ready = _DeviceBlock(block.span, on_local_devices(self._scaled(block.values)))
            if few:
                resident.append(ready)
            yield ready
        self.resident = resident if few else None

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return unit_rows(values) if self.settings.spherical else values

    def _farthest_rows(self, squared: np.ndarray, count: int) -> np.ndarray:
        """The rows of all processes that lie farthest from their centroid, (count, d)."""
        own = np.sort(np.argsort(-squared, kind="stable")[:count])
        candidate_distances = self.group.all_gather(squared[own])
        candidates = self.group.all_gather(self._scaled(self.rows.take(own)))
        farthest = np.argsort(-candidate_distances, kind="stable")[:count]
        if len(farthest) < count or not candidate_distances[farthest[-1]] > 0:
            raise ValueError(
                f"`n_clusters` = {self.n_clusters} leaves a cluster empty: fewer rows are distinct; lower it"
            )
        return candidates[farthest]


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Rows over their Euclidean length.

    Raises:
        ValueError: A row is zero.
    """
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.all(lengths > 0):
        row = int(np.flatnonzero(lengths[:, 0] == 0)[0])
        raise ValueError(f"`spherical` needs rows of positive length; row {row} is zero")
    return values / lengths


def prototype_distances(
    rows: Rows, centroids: np.ndarray, *, spherical: bool, progress: Progress, label: str
) -> np.ndarray:
    """Euclidean distance of every row to its nearest centroid, (n,) float64."""
    distances = np.empty(len(rows))
    with full_precision():
        device_centroids = jnp.asarray(centroids)
        for block in blocks(rows, progress=progress, label=label, widest=len(centroids)):
            values = unit_rows(block.values) if spherical else block.values
            distances[block.span] = nearest_distances(on_local_devices(values), device_centroids)
    return distances
