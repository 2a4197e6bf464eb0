"""The processes that work together: alone, or many under `jax.distributed`.

Every process holds its own rows. What they must agree on goes through two operations: a sum over all processes,
and the rows of all of them in the order of their ranks.
"""

import os
import threading
from collections.abc import Callable
from typing import Protocol

import jax
import numpy as np

ANSWER_WITHIN = 600.0
EXCHANGED_NUMBERS = 2**24


class World(Protocol):
    """Who works together.

    Attributes:
        rank: Number of this process.
        size: Number of processes.
    """

    rank: int
    size: int

    def gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all processes joined along the first axis, in the order of their ranks."""
        ...

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over all processes, the same to the last bit on each."""
        ...


class Alone:
    """One process."""

    rank, size = 0, 1

    def gather(self, values: np.ndarray) -> np.ndarray:
        return values

    def sum(self, values: np.ndarray) -> np.ndarray:
        return values


class LostProcessError(ArithmeticError):
    """Another process has died or does not answer: the joint computation cannot go on."""


class Processes:
    """The processes of a `jax.distributed` cluster.

    A process that dies ends the operation of the others with an error; one that hangs does so after
    `answer_within` seconds.
    """

    def __init__(self, answer_within: float = ANSWER_WITHIN):
        self.rank, self.size = jax.process_index(), jax.process_count()
        self.answer_within = answer_within

    def gather(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values)
        lengths = self._exchange(np.array([len(values)], np.int32)).ravel()
        padded = np.zeros((int(lengths.max()), *values.shape[1:]), values.dtype)
        padded[: len(values)] = values
        everyones = self._exchange(padded)
        return np.concatenate([part[:length] for part, length in zip(everyones, lengths, strict=True)])

    def sum(self, values: np.ndarray) -> np.ndarray:
        flat = np.asarray(values).reshape(-1)
        total = np.empty_like(flat)
        piece = max(1, EXCHANGED_NUMBERS // self.size)  # so that not all processes' numbers are held at once
        for start in range(0, flat.size, piece):  # added in the order of ranks, on every process alike
            total[start : start + piece] = self._exchange(flat[start : start + piece]).sum(axis=0)
        return total.reshape(np.shape(values))

    def _exchange(self, values: np.ndarray) -> np.ndarray:
        """The same-shaped arrays of all processes, (size, ...). Bytes travel, so that no dtype is converted."""
        from jax.experimental import multihost_utils

        raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        try:
            everyones = _within(self.answer_within, lambda: np.asarray(multihost_utils.process_allgather(raw)))
        except Exception as error:
            raise LostProcessError(f"process {self.rank} of {self.size}: another process is lost ({error})") from error
        return everyones.view(values.dtype).reshape(self.size, *values.shape)


def _within(seconds: float, work: Callable[[], np.ndarray]) -> np.ndarray:
    """The work's result, or a `TimeoutError`: a collective that hangs cannot be interrupted otherwise."""
    outcome: list = []

    def run() -> None:
        try:
            outcome.append((True, work()))
        except Exception as error:
            outcome.append((False, error))

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    succeeded, value = outcome[0]
    if not succeeded:
        raise value
    return value


def current_world() -> World:
    """The `jax.distributed` cluster if this process has joined one; itself otherwise."""
    return Processes() if jax.distributed.is_initialized() and jax.process_count() > 1 else Alone()


def join(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Joins the cluster named by the arguments, or by SLURM's environment if there are none.

    Raises:
        ValueError: Only some of the three are given.
    """
    given = [value is not None for value in (coordinator, num_processes, process_id)]
    if any(given) and not all(given):
        raise ValueError(
            "`coordinator`, `num_processes` and `process_id` belong together; "
            f"got {coordinator}, {num_processes}, {process_id}"
        )
    if all(given) or int(os.environ.get("SLURM_NTASKS", "1")) > 1:
        jax.distributed.initialize(coordinator, num_processes, process_id)
