"""Threads that score together as processes of a cluster do, for tests that need no cluster of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")
TIMEOUT = 120.0  # seconds that one waits for another


class ThreadGroup:
    """A process group of threads; each calls the same operations in the same order."""

    def __init__(self, rank: int, size: int, barrier: threading.Barrier, places: list):
        self.rank, self.size, self.barrier, self.places = rank, size, barrier, places

    def all_gather(self, values):
        parts = self._exchange(np.asarray(values))
        assert len({(part.dtype, part.shape[1:]) for part in parts}) == 1
        return np.concatenate(parts)

    def all_sum(self, values):
        parts = self._exchange(np.asarray(values))
        assert len({(part.dtype, part.shape) for part in parts}) == 1
        return np.sum(np.stack(parts), axis=0)

    def broadcast(self, values, source):
        parts = self._exchange(np.asarray(values))
        assert len({(part.dtype, part.shape[1:]) for part in parts}) == 1
        return parts[source]

    def _exchange(self, values: np.ndarray) -> list:
        self.places[self.rank] = values.copy()
        self.barrier.wait(TIMEOUT)
        taken = [part.copy() for part in self.places]
        self.barrier.wait(TIMEOUT)
        return taken


def together(size: int, work: Callable[[ThreadGroup], T]) -> list[T]:
    """Results of the work of every process, in the order of the ranks."""
    barrier, places = threading.Barrier(size), [None] * size

    def run(rank: int) -> T:
        try:
            return work(ThreadGroup(rank, size, barrier, places))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(run, range(size)))
