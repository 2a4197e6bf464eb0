"""What every compiled program here takes for granted, whatever the user's JAX is set to."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def device_numerics() -> Iterator[None]:
    """Double precision; products without TF32 or bfloat16; draws that do not depend on the size of their array."""
    with jax.enable_x64(True), jax.default_matmul_precision("highest"), jax.threefry_partitionable(True):
        yield


def bucket(size: int) -> int:
    """The next of 8, 10, 12, 14, 16, 20, 24, …: at most a quarter more, so that few programs are compiled."""
    step = max(1, 2 ** (size.bit_length() - 3))
    return max(8, -(-size // step) * step)


def power_of_two(size: int) -> int:
    """The next power of two."""
    return 1 << (size - 1).bit_length()
