"""Embeddings of the same examples by several networks, as one wide row each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.io.shards import Shard


@dataclass(frozen=True)
class SideBySide(Rows):
    """Several networks' embeddings of the same examples as one wide row, each at unit scale.

    Attributes:
        backbones: The embeddings of each network; `shards` are those of the first.
        scales: Root mean square of the centred coordinates of each, by which it is divided.
    """

    backbones: tuple[Rows, ...] = ()
    scales: tuple[float, ...] = ()

    @property
    def n_features(self) -> int:
        return sum(self.widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """Features of each network."""
        return tuple(rows.n_features for rows in self.backbones)

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(*(rows.dtype for rows in self.backbones))

    @property
    def narrowest(self) -> np.dtype:
        return self.dtype

    @property
    def stored_bytes(self) -> int:
        return sum(rows.stored_bytes for rows in self.backbones)

    @property
    def in_memory(self) -> bool:
        return False

    def read(self, start: int, stop: int) -> np.ndarray:
        blocks = (rows.read(start, stop) / scale for rows, scale in zip(self.backbones, self.scales, strict=True))
        return np.concatenate(list(blocks), axis=1).astype(self.dtype, copy=False)

    def read_narrow(self, start: int, stop: int) -> np.ndarray:
        return self.read(start, stop)

    def take_narrow(self, indices: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        parts = [rows.take(indices) / scale for rows, scale in zip(self.backbones, self.scales, strict=True)]
        return np.concatenate(parts, axis=1, out=self.room(len(indices)) if out is None else out)

    def part(self, rank: int, size: int) -> Rows:
        if size == 1:
            return self
        raise ValueError(f"several backbones must be scored by one process; got {size}")

    def own_shards(self) -> tuple[Shard, ...]:
        return tuple(shard for rows in self.backbones for shard in rows.own_shards())


def side_by_side(backbones: Sequence[Rows], scales: Sequence[float]) -> SideBySide:
    """The rows of several networks, joined.

    Raises:
        ValueError: They have different numbers of rows.
    """
    lengths = [len(rows) for rows in backbones]
    if len(set(lengths)) > 1:
        raise ValueError(f"all `embeddings` must have as many rows; got {lengths}")
    return SideBySide(backbones[0].shards, backbones=tuple(backbones), scales=tuple(scales))
