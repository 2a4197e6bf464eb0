"""Blocks of rows on the devices of this process."""

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec


def on_local_devices(values: np.ndarray) -> jax.Array:
    """A block on this process's devices: its rows split evenly among them, or whole on the first if they do not."""
    devices = jax.local_devices()
    if len(devices) == 1 or len(values) % len(devices):
        return jax.device_put(values, devices[0])
    mesh = jax.sharding.Mesh(np.array(devices), ("rows",))
    return jax.device_put(values, NamedSharding(mesh, PartitionSpec("rows")))
