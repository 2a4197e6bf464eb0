"""Rows that are the same, or nearly: which row duplicates which, and one representative a group."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.embeddings.runtime.prepare import Sources
from perceptron_pruning.embeddings.runtime.process_group import SingleProcess
from perceptron_pruning.embeddings.runtime.progress import NoProgress, Progress
from perceptron_pruning.embeddings.runtime.standardise import measure_standardisation
from perceptron_pruning.output.tables import Row

BLOCK = 2048  # rows whose products with as many others are held at a time
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
    embeddings: Sources, *, threshold: float = 0.98, progress: Progress | None = None
) -> NearDuplicates:
    """Pairs of rows whose cosine about the mean is at least the threshold, and the groups that they make.

    Products are taken in blocks, n²/2 of them: 50 000 rows of 768 features are 2 Tflop. Rows equal to all others (zero
    after centring) pair with each other alone.

    Args:
        embeddings: (n, d), an array or a path as for `score`.
        threshold: In (0, 1]; 1 finds equal rows, up to the rounding of single precision.
        progress: Told of every block.

    Raises:
        ValueError: The threshold is out of range or pairs up too many rows, or a number is not finite.

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
    progress = progress or NoProgress()
    rows = open_rows(embeddings)  # pyright: ignore[reportArgumentType]
    standardisation = measure_standardisation(rows, group=SingleProcess(), progress=progress)
    n = len(rows)
    pairs, similarities, n_pairs = [np.empty((0, 2), int)], [np.empty(0)], 0
    with progress.task("near-duplicates", total=n, unit="row") as advance:
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            left = _unit(rows.read(start, stop), standardisation.mean)
            for other in range(start, n, BLOCK):
                right = left if other == start else _unit(rows.read(other, min(other + BLOCK, n)), standardisation.mean)
                near, cosine = _near(left, right, threshold, same=other == start)
                pairs.append(near + np.array([start, other]))
                similarities.append(cosine)
                n_pairs += len(near)
                if n_pairs > MOST_PAIRS:
                    raise ValueError(f"`threshold` {threshold} pairs up more than {MOST_PAIRS} rows; raise it")
            advance(stop - start)
    return _grouped(np.concatenate(pairs), np.concatenate(similarities), n, threshold)


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
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, component = connected_components(links, directed=False)
    paired = np.unique(pairs)
    group = np.full(n, -1)
    group[paired] = np.unique(component[paired], return_inverse=True)[1]
    degree = np.bincount(pairs.ravel(), minlength=n)
    order = np.lexsort((paired, -degree[paired], group[paired]))
    firsts = np.unique(group[paired][order], return_index=True)[1]
    return NearDuplicates(
        pairs=pairs,
        similarity=similarity,
        group=group,
        representatives=paired[order][firsts],
        threshold=threshold,
    )
