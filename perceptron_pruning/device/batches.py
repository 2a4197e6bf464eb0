"""How many trials make a batch: what memory holds, in sizes for which few programs are compiled."""

from collections.abc import Iterator
from typing import Protocol

import jax
import numpy as np

from perceptron_pruning.device.numerics import power_of_two
from perceptron_pruning.device.programs import Layout
from perceptron_pruning.parallel.cores import usable_cores

_LARGEST_BATCH = 4096  # trials a device, at most
_ON_A_CPU = 2**31  # bytes, where devices do not tell what they have
_SHARE = 0.5  # of a device's memory
_LOCK_STEP_FEATURES = 640  # features of the trials that a CPU runs in lock step, together


class Sized(Protocol):
    """Trials whose sizes are known."""

    @property
    def n_features(self) -> int: ...
    @property
    def n_kept(self) -> int: ...
    def bytes_of_a_trial(self) -> tuple[int, int]:
        """While it waits, and while it is solved."""
        ...


def layout_of(n_features: int, *, side_by_side: int = 1) -> Layout:
    """All devices, on an accelerator all trials in lock step; a CPU takes large problems one after the other.

    LAPACK's batched calls in jaxlib 0.10 wait for threads of the very pool that they run in, and as many of them at a
    time as it has threads wait for ever. So a CPU has single calls where devices are as many as cores.

    Args:
        n_features: N.
        side_by_side: Students of a trial that a program may train at the same time.
    """
    devices = tuple(range(len(jax.devices())))
    if jax.default_backend() != "cpu":
        return Layout(devices, 0)
    if 1 < len(devices) * side_by_side >= usable_cores():
        return Layout(devices, 1)
    return Layout(devices, max(1, min(32, _LOCK_STEP_FEATURES // n_features)))


def batches(
    setting: Sized, places: np.ndarray, layout: Layout, *, memory_budget: int | None, largest: int | None
) -> Iterator[np.ndarray]:
    """The places in batches of one size, a power of two on each device, but for the last.

    Raises:
        ValueError: The budget does not hold one trial on each device.
    """
    size = _batch_size(setting, layout, memory_budget or _memory(), largest or _LARGEST_BATCH * len(layout.devices))
    for first in range(0, len(places), size):
        yield places[first : first + size]


def _batch_size(setting: Sized, layout: Layout, memory_budget: int, largest: int) -> int:
    n_devices = len(layout.devices)
    waiting, solving = setting.bytes_of_a_trial()
    in_lock_step = layout.lock_step * n_devices
    fit = memory_budget // (waiting + solving)
    if in_lock_step and fit > in_lock_step:  # others wait as planes of their pools, or as numbers
        fit = in_lock_step + (memory_budget - in_lock_step * (waiting + solving)) // waiting
    if fit < n_devices:
        raise ValueError(
            f"`memory_budget` must hold one trial of {setting.n_kept} kept on each of {n_devices} devices, "
            f"{n_devices * (waiting + solving)} bytes; got {memory_budget}"
        )
    each = max(1, min(fit, largest) // n_devices)
    return n_devices * (power_of_two(each + 1) // 2)


def _memory() -> int:
    """Half of the memory of JAX's devices."""
    known = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in jax.devices()]
    return int(_SHARE * sum(known)) or _ON_A_CPU
