"""How many trials make a batch: what memory holds, in sizes for which few programs are compiled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax
import numpy as np

from perceptron_pruning.device.numerics import bucket, power_of_two
from perceptron_pruning.device.programs import Layout

if TYPE_CHECKING:
    from perceptron_pruning.device.trials import DeviceSetting

_LARGEST_BATCH = 4096  # trials a device, at most
_ON_A_CPU = 2**31  # bytes, where devices do not tell what they have
_SHARE = 0.5  # of a device's memory
_ROWS_COPIES = 5  # arrays (P, N) of double precision that a trial needs at its peak
_SQUARE_COPIES = 8  # arrays (N, N)
_POOL_SCALARS = 10  # numbers for each example of the pool
_LOCK_STEP_FEATURES = 640  # features of the trials that a CPU runs in lock step, together


def layout_of(n_features: int) -> Layout:
    """All devices, on an accelerator all trials in lock step; a CPU takes large problems one after the other."""
    devices = tuple(range(len(jax.devices())))
    if jax.default_backend() != "cpu":
        return Layout(devices, 0)
    return Layout(devices, max(1, min(32, _LOCK_STEP_FEATURES // n_features)))


def batches(
    setting: "DeviceSetting", places: np.ndarray, layout: Layout, *, memory_budget: int | None, largest: int | None
) -> Iterator[np.ndarray]:
    """The places in batches of one size, a power of two on each device, but for the last.

    Raises:
        ValueError: The budget does not hold one trial on each device.
    """
    size = _batch_size(setting, layout, memory_budget or _memory(), largest or _LARGEST_BATCH * len(layout.devices))
    for first in range(0, len(places), size):
        yield places[first : first + size]


def _batch_size(setting: "DeviceSetting", layout: Layout, memory_budget: int, largest: int) -> int:
    n_devices = len(layout.devices)
    planes, solving = _bytes(setting)
    in_lock_step = layout.lock_step * n_devices
    fit = memory_budget // (planes + solving)
    if in_lock_step and fit > in_lock_step:  # others wait as planes alone
        fit = in_lock_step + (memory_budget - in_lock_step * (planes + solving)) // planes
    if fit < n_devices:
        raise ValueError(
            f"`memory_budget` must hold one trial of {setting.n_kept} kept on each of {n_devices} devices, "
            f"{n_devices * (planes + solving)} bytes; got {memory_budget}"
        )
    each = max(1, min(fit, largest) // n_devices)
    return n_devices * (power_of_two(each + 1) // 2)


def _bytes(setting: "DeviceSetting") -> tuple[int, int]:
    """Bytes of a trial's pool, and of its rows while it is solved."""
    rule, examples, features = setting.rule, bucket(setting.n_kept), setting.n_features
    if rule is not None and setting.own_probe is not None:  # one program, which holds the whole pool
        examples += bucket(int(rule.pool))
        return 8, 8 * features * (_ROWS_COPIES * examples + _SQUARE_COPIES * features)
    pool = power_of_two(int(rule.pool)) if rule is not None else 0
    planes = 8 * (_POOL_SCALARS * pool + 2 * examples)
    return planes, 8 * features * (_ROWS_COPIES * examples + _SQUARE_COPIES * features)


def _memory() -> int:
    """Half of the memory of JAX's devices."""
    known = [(device.memory_stats() or {}).get("bytes_limit", 0) for device in jax.devices()]
    return int(_SHARE * sum(known)) or _ON_A_CPU
