"""Blocks of rows on the devices of this process, and the precision of what is computed there."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec


@contextmanager
def full_precision() -> Iterator[None]:
    """Double precision where it is asked for, and products of single precision as such: no TF32, no bfloat16."""
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        yield


def on_local_devices(values: np.ndarray) -> jax.Array:
    """A block on this process's devices: its rows split evenly among them, or whole on the first if they do not."""
    devices = jax.local_devices()
    if len(devices) == 1 or len(values) % len(devices):
        return jax.device_put(values, devices[0])
    mesh = jax.sharding.Mesh(np.array(devices), ("rows",))
    return jax.device_put(values, NamedSharding(mesh, PartitionSpec("rows")))


def is_host() -> bool:
    """Whether JAX computes on the host's cores, where NumPy's products are the faster ones."""
    return jax.default_backend() == "cpu"
