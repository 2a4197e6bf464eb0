"""The group of processes that score together: one, or those of a `jax.distributed` cluster.

Every process holds its own rows. What they must agree on goes through three collective operations: a gather (the rows
of all processes in the order of their ranks), a sum, and a broadcast. All take part in each, in the same order.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np

from perceptron_pruning.embeddings.runtime.settings import EXCHANGED_NUMBERS, PROCESS_TIMEOUT, SIGN_OF_LIFE

Result = TypeVar("Result")


class ProcessGroup(Protocol):
    """Processes that work together.

    Attributes:
        rank: Number of this process, 0..size−1.
        size: Number of processes.
    """

    rank: int
    size: int

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        """The arrays of all processes joined along the first axis, in the order of their ranks."""
        ...

    def all_sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over all processes, the same to the last bit on each."""
        ...

    def broadcast(self, values: np.ndarray, source: int) -> np.ndarray:
        """The array of process ``source``; those of the others give dtype and trailing shape alone."""
        ...


class SingleProcess:
    """A group of one."""

    rank, size = 0, 1

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        return values

    def all_sum(self, values: np.ndarray) -> np.ndarray:
        return values

    def broadcast(self, values: np.ndarray, source: int) -> np.ndarray:
        return values


class LostProcessError(ArithmeticError):
    """Another process has died or does not answer: the joint computation cannot go on."""


class JaxProcessGroup:
    """The processes of a `jax.distributed` cluster.

    A process that dies ends the collective operations of the others with a `LostProcessError`; one that hangs does so
    after ``timeout`` seconds.
    """

    def __init__(self, timeout: float = PROCESS_TIMEOUT):
        import jax

        self.rank, self.size = jax.process_index(), jax.process_count()
        self.timeout = timeout

    def all_gather(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values)
        lengths = self._exchange(np.array([len(values)], np.int32)).ravel()
        padded = np.zeros((int(lengths.max()), *values.shape[1:]), values.dtype)
        padded[: len(values)] = values
        parts = self._exchange(padded)
        return np.concatenate([part[:length] for part, length in zip(parts, lengths, strict=True)])

    def all_sum(self, values: np.ndarray) -> np.ndarray:
        values = np.asarray(values)
        if values.dtype == np.int64:  # exact in any order, so that it need not come from each process apart
            return self._joint(lambda: _integer_sum(values.reshape(-1))).reshape(values.shape)
        flat = values.reshape(-1)
        total = np.empty_like(flat)
        piece = max(1, EXCHANGED_NUMBERS // self.size)
        for start in range(0, flat.size, piece):  # every process adds in the order of ranks
            total[start : start + piece] = self._exchange(flat[start : start + piece]).sum(axis=0)
        return total.reshape(values.shape)

    def broadcast(self, values: np.ndarray, source: int) -> np.ndarray:
        from jax.experimental import multihost_utils

        values = np.asarray(values)
        length = int(self._exchange(np.array([len(values)], np.int64))[source, 0])
        shape = length, *values.shape[1:]
        count = int(np.prod(shape)) * values.dtype.itemsize
        raw = np.zeros(_rounded_up(count), np.uint8)
        if self.rank == source:
            raw[:count] = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        sent = self._joint(lambda: np.asarray(multihost_utils.broadcast_one_to_all(raw, self.rank == source)))
        return sent[:count].copy().view(values.dtype).reshape(shape)

    def _exchange(self, values: np.ndarray) -> np.ndarray:
        """The same-shaped arrays of all processes, (size, ...). Bytes are sent, so that no dtype is converted."""
        from jax.experimental import multihost_utils

        bare = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        raw = np.zeros(_rounded_up(bare.size), np.uint8)
        raw[: bare.size] = bare
        gathered = self._joint(lambda: np.asarray(multihost_utils.process_allgather(raw)))
        sent = np.ascontiguousarray(gathered.reshape(self.size, -1)[:, : bare.size])
        return sent.view(values.dtype).reshape(self.size, *values.shape)

    def _joint(self, work: Callable[[], np.ndarray]) -> np.ndarray:
        """The result of a collective operation; a `LostProcessError` if it fails or takes too long."""
        try:
            return _with_timeout(self.timeout, work)
        except Exception as error:
            raise LostProcessError(f"process {self.rank} of {self.size}: another process is lost ({error})") from error


def _integer_sum(values: np.ndarray) -> np.ndarray:
    """Sum over all processes of int64 arrays, (n,), by one reduction."""
    import jax
    from jax.experimental import multihost_utils
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    padded = np.zeros(_rounded_up(8 * values.size) // 8, np.int64)
    padded[: values.size] = values
    devices = np.array(jax.devices()).reshape(jax.process_count(), -1)
    mesh = Mesh(devices, ("processes", "devices"))
    with jax.enable_x64(True):
        parts = multihost_utils.host_local_array_to_global_array(padded[None], mesh, PartitionSpec("processes"))
        total = _compiled_sum(NamedSharding(mesh, PartitionSpec()))(parts)
        return np.asarray(total.addressable_data(0))[: values.size].copy()


@cache
def _compiled_sum(sharding: Any) -> Callable[[Any], Any]:
    import jax

    return jax.jit(lambda parts: parts.sum(axis=0), out_shardings=sharding)


def _rounded_up(count: int) -> int:
    """A number of bytes ≥ count, at most an eighth above it: a program is compiled for each, so there should be few."""
    step = max(64, 1 << max(count.bit_length() - 4, 0))
    return max(1, -(-count // step)) * step


def at_own_pace(group: ProcessGroup, work: Callable[[], Result]) -> Result:
    """The result of work that takes every process another time; meanwhile they tell each other that they live."""
    if group.size == 1:
        return work()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="own work") as worker:
        pending = worker.submit(work)
        while int(group.all_sum(np.array(pending.done(), np.int64))) < group.size:
            wait([pending], timeout=SIGN_OF_LIFE)
    return pending.result()


def _with_timeout(seconds: float, work: Callable[[], np.ndarray]) -> np.ndarray:
    """The result of ``work`` in a thread of its own: a collective operation that hangs cannot be interrupted.

    Raises:
        TimeoutError: It took longer.
    """
    results: list[np.ndarray] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]


def current_process_group() -> ProcessGroup:
    """The `jax.distributed` cluster that this process has joined; otherwise this process alone."""
    jax = sys.modules.get("jax")  # without it no process has joined one
    joined = jax is not None and jax.distributed.is_initialized() and jax.process_count() > 1
    return JaxProcessGroup() if joined else SingleProcess()


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
        import jax

        jax.distributed.initialize(coordinator, num_processes, process_id)
