"""Rows that are the same, or nearly: which row duplicates which, and one representative a group."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.runtime.checkpoint import (
    Checkpoint,
    load_step_everywhere,
    process_checkpoint,
    save_step,
)
from perceptron_pruning.embeddings.runtime.manifest import rows_fingerprint
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.process_group import current_process_group
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.settings import PASSING_ROWS
from perceptron_pruning.embeddings.runtime.standardise import coarse, measure_standardisation
from perceptron_pruning.embeddings.runtime.tiling import Tiling, tiling_of
from perceptron_pruning.output.tables import Row
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

MOST_PAIRS = 50_000_000  # beyond which the threshold is too low to be of use


@dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """Groups of near-duplicates: rows connected by pairs of at least the threshold.

    Attributes:
        pairs: Row numbers i < j, (m, 2).
        similarity: Cosine of the two centred rows, (m,); 1 for equal rows.
        group: Number of the group of each row, or −1, (n,).
        representatives: Of every group the row with most duplicates in it, the first of equals, (groups,).
        threshold: Least similarity of a pair.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import near_duplicates
        >>> rows = np.random.default_rng(0).standard_normal((20, 8))
        >>> found = near_duplicates(np.vstack([rows, rows[:3]]))
        >>> found.pairs.tolist(), found.redundant, len(found.kept)
        ([[0, 20], [1, 21], [2, 22]], array([20, 21, 22]), 20)
    """

    pairs: np.ndarray
    similarity: np.ndarray
    group: np.ndarray
    representatives: np.ndarray
    threshold: float

    @property
    def redundant(self) -> np.ndarray:
        """Rows of a group other than its representative, ascending."""
        return np.setdiff1d(np.flatnonzero(self.group >= 0), self.representatives)

    @property
    def kept(self) -> np.ndarray:
        """All rows but the redundant ones, ascending."""
        return np.setdiff1d(np.arange(len(self.group)), self.redundant)

    @property
    def table(self) -> list[Row]:
        """A row for each redundant row: its number, its group and the representative."""
        return [
            {"row": int(row), "group": int(self.group[row]), "duplicate_of": int(self.representatives[self.group[row]])}
            for row in self.redundant
        ]


def near_duplicates(
    embeddings: Sources,
    *,
    threshold: float = 0.98,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> NearDuplicates:
    """Pairs of rows whose cosine about the mean is at least the threshold, and the groups that they make.

    Products are taken in blocks, n²/2 of them: 50 000 rows of 768 features are 2 Tflop. Rows equal to all others (zero
    after centring) pair with each other alone. Under `jax.distributed` the processes share the products, and each
    returns the pairs of all.

    Args:
        embeddings: (n, d), an array or a path as for `score`.
        threshold: In (0, 1]; 1 finds equal rows, up to the rounding of single precision.
        checkpoint: Folder of finished work: of many processes, what each has found among the rows of those before an
            interruption. It stays: delete it when the result is safe.
        progress: Told of every block.

    Raises:
        ValueError: The threshold is out of range or pairs up too many rows, or a number is not finite.
        LostProcessError: Another process died.

    Example:
        >>> import numpy as np
        >>> from perceptron_pruning.embeddings import near_duplicates
        >>> rows = np.random.default_rng(0).normal(size=(6, 4))
        >>> rows[4] = rows[1]
        >>> near_duplicates(rows, threshold=0.999).table
        [{'row': 4, 'group': 0, 'duplicate_of': 1}]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"`threshold` must be in (0, 1]; got {threshold}")
    group, progress = current_process_group(), progress or NoProgress()
    all_rows = open_rows(embeddings)  # pyright: ignore[reportArgumentType]
    rows = all_rows.part(group.rank, group.size)
    mean = coarse(measure_standardisation(rows, group=group, progress=progress)).mean
    tiling = tiling_of(rows, len(all_rows), group)
    store = process_checkpoint(checkpoint, group, {**rows_fingerprint(rows), "threshold": threshold})
    with one_blas_thread():
        pairs, similarity = _Search(rows, mean, tiling, threshold).pairs(store, progress)
    return _grouped(group.all_gather(pairs), group.all_gather(similarity), len(all_rows), threshold)


class _Search:
    """The pairs that this process finds: its rows with its own, and with those of half of the others.

    Args:
        rows: Of this process.
        mean: Of the rows of all, (d,).
        tiling: Of the rows of all; products are those of tiles, the earlier on the left.
        threshold: Least cosine.
    """

    def __init__(self, rows: Rows, mean: np.ndarray, tiling: Tiling, threshold: float):
        self.rows, self.mean, self.tiling, self.threshold = rows, mean, tiling, threshold
        self.near, self.cosine, self.n_pairs = [np.empty((0, 2), int)], [np.empty(0)], 0

    def pairs(self, store: Checkpoint, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers i < j, (m, 2), and cosines, (m,)."""
        group = self.tiling.group
        done, stored = load_step_everywhere(store, "near_duplicates", group)
        if done:
            self._add(stored["near"], stored["cosine"])
        lengths = group.all_gather(np.array([len(self.rows)]))
        step = _passing_rows(int(lengths.max()), self.tiling)
        with progress.task("near-duplicates", total=self.tiling.n_rows, unit="row") as advance:
            for source in range(done, group.size):
                first, count = int(lengths[:source].sum()), int(lengths[source])
                for begin in range(-(first % self.tiling.tile), count, step):
                    start, own = max(begin, 0), source == group.rank
                    passing = group.broadcast(self._read(start, min(begin + step, count), own), source)
                    if own or _takes(group.rank, source, group.size):
                        self._meet(passing, first + start)
                    self._check_count()
                    advance(len(passing))
                save_step(
                    store,
                    "near_duplicates",
                    source + 1,
                    group,
                    near=np.concatenate(self.near),
                    cosine=np.concatenate(self.cosine),
                )
        return np.concatenate(self.near), np.concatenate(self.cosine)

    def _read(self, start: int, stop: int, own: bool) -> np.ndarray:
        """Rows of length 1; none of another process."""
        if not own:
            return np.empty((0, self.rows.n_features), self.rows.dtype)
        return _unit(self.rows.read(start, stop), self.mean)

    def _meet(self, passing: np.ndarray, first: int) -> None:
        """Pairs of rows of this process with those that pass, of which the first has this number among all."""
        others = replace(self.tiling, first_row=first)
        is_own = self.tiling.first_row <= first < self.tiling.first_row + len(self.rows)
        for span in self.tiling.spans(0, len(self.rows)):
            number = self.tiling.first_row + span.start
            if is_own and number >= first + len(passing):
                break  # these rows pass later
            left, tiles = self._read(span.start, span.stop, own=True), others.spans(0, len(passing))
            right = [tile for tile in tiles if not is_own or number <= first + tile.start]
            for near, cosine in on_all_cores(
                lambda tile, one=(left, number): self._compared(one, (passing[tile], first + tile.start)),
                right,
                threads=True,
            ):
                self._add(near, cosine)

    def _compared(self, one: tuple[np.ndarray, int], other: tuple[np.ndarray, int]) -> tuple[np.ndarray, np.ndarray]:
        """Pairs between two tiles, each with the number of its first row, and their cosines; none if there are too
        many already."""
        if self.n_pairs > MOST_PAIRS:
            return np.empty((0, 2), int), np.empty(0)
        (left, first), (right, second) = sorted((one, other), key=lambda tile: tile[1])
        near, cosine = _near(left, right, self.threshold, same=first == second)
        return near + np.array([first, second]), cosine

    def _check_count(self) -> None:
        """Raises a `ValueError` on all processes if one has too many pairs."""
        if int(self.tiling.group.all_sum(np.array(self.n_pairs > MOST_PAIRS, np.int64))):
            raise ValueError(f"`threshold` {self.threshold} pairs up more than {MOST_PAIRS} rows; raise it")

    def _add(self, near: np.ndarray, cosine: np.ndarray) -> None:
        self.near.append(near)
        self.cosine.append(cosine)
        self.n_pairs += len(near)


def _takes(rank: int, source: int, size: int) -> bool:
    """Whether a process compares its rows with those of another one, or the other does."""
    ahead = (source - rank) % size
    return 0 < 2 * ahead < size or (2 * ahead == size and rank < source)


def _passing_rows(longest: int, tiling: Tiling) -> int:
    """Rows that pass at a time: an eighth of a process's, so that it reads its own a few times only; whole tiles."""
    return -(-max(PASSING_ROWS, longest // 8) // tiling.tile) * tiling.tile


def _unit(values: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Centred rows of length 1; a row equal to the mean stays zero."""
    centred = values - mean.astype(values.dtype)
    lengths = np.sqrt(np.einsum("ij,ij->i", centred, centred))
    return np.divide(centred, lengths[:, None], out=np.zeros_like(centred), where=lengths[:, None] > 0)


def _near(left: np.ndarray, right: np.ndarray, threshold: float, *, same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (m, 2) in the block, i < j where both sides are the same, and their cosines."""
    cosine = left @ right.T
    slack = 8 * np.finfo(left.dtype).eps  # rounding of the product of two equal rows
    near = cosine >= threshold - slack
    if same:
        near &= np.triu(np.ones_like(near), 1)
    found = np.argwhere(near)
    return found, np.minimum(cosine[near].astype(float), 1.0)


def _grouped(pairs: np.ndarray, similarity: np.ndarray, n: int, threshold: float) -> NearDuplicates:
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, similarity = pairs[order], similarity[order]
    paired, ends = np.unique(pairs, return_inverse=True)
    ends = ends.reshape(-1, 2)
    links = coo_array((np.ones(len(pairs), bool), (ends[:, 0], ends[:, 1])), shape=(paired.size, paired.size))
    number = np.empty(0, int)
    if paired.size:
        _, number = connected_components(links, directed=False)
    group = np.full(n, -1)
    group[paired] = number
    degree = np.bincount(ends.ravel(), minlength=paired.size)
    best_first = np.lexsort((paired, -degree, number))
    firsts = np.unique(number[best_first], return_index=True)[1]
    return NearDuplicates(
        pairs=pairs,
        similarity=similarity,
        group=group,
        representatives=paired[best_first][firsts],
        threshold=threshold,
    )
