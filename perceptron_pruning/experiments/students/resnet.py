"""A small residual network on pixels, trained from scratch: the check on what frozen embeddings tell."""

from dataclasses import dataclass
from typing import ClassVar, NotRequired, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from perceptron_pruning.experiments.students.networks import Array, Network, normal

_KERNEL, _STEM_STRIDE, _VARIANCE_FLOOR = 3, 2, 1e-5


Norm = tuple[Array, Array]  # gain and bias (channels,)


class Block(TypedDict):
    """Parameters of a residual block: kernels (k, k, c, c'), norms, and a 1 × 1 kernel where it halves the maps."""

    first_norm: Norm
    first: Array
    second_norm: Norm
    second: Array
    skip: NotRequired[Array]


class Body(TypedDict):
    """Parameters of all layers but the head."""

    stem: Array
    blocks: list[Block]
    norm: Norm


@dataclass(frozen=True, kw_only=True)
class ResNet(Network[Body]):
    """Pre-activation residual blocks, each x + conv(relu(norm(conv(relu(norm x))))), and the mean over positions.

    A convolution of stride 2 comes first; every stage after the first begins with a stride of 2 and a 1 × 1
    convolution on its skip. The norm is over all positions and channels of an image (group norm of one group), so
    that no image depends on the others of its batch. Kernels start normal with variance 2/fan-in, and the last of
    each block at zero: the network begins as a nearly linear one.

    Attributes:
        widths: Channels of each stage.
        blocks: Residual blocks in each stage.

    References:
        He et al. 2016, arXiv:1603.05027 (pre-activation); Wu & He 2018, arXiv:1803.08494 (group norm).
    """

    needs_images: ClassVar[bool] = True

    widths: tuple[int, ...] = (8, 16, 32)
    blocks: int = 1
    steps: int = 1000
    batch: int = 64
    learning_rate: float = 1e-2
    weight_decay: float = 1e-2

    def start(self, rng: np.random.Generator, inputs: np.ndarray) -> tuple[Body, int]:
        channels = inputs.shape[3] if inputs.ndim == 4 else 1
        stem = _kernel(rng, _KERNEL, channels, self.widths[0])
        blocks: list[Block] = []
        before = self.widths[0]
        for stage, width in enumerate(self.widths):
            for block in range(self.blocks):
                blocks.append(_new_block(rng, before, width, halves=stage > 0 and block == 0))
                before = width
        return {"stem": stem, "blocks": blocks, "norm": _new_norm(before)}, before

    @staticmethod
    def features(body: Body, inputs: jax.Array) -> jax.Array:
        maps = convolved(inputs if inputs.ndim == 4 else inputs[..., None], body["stem"], _STEM_STRIDE)
        for block in body["blocks"]:
            maps = _through(block, maps)
        return _activated(maps, body["norm"]).mean(axis=(1, 2))

    def seconds(self, n_rows: int, n_features: int, n_classes: int) -> float:
        stages = len(self.widths) * self.blocks
        return 0.5 + 7e-9 * self.steps * self.batch * n_features * self.widths[0] * stages


def convolved(maps: jax.Array, kernel: Array, stride: int) -> jax.Array:
    """(n, h, w, c) under a kernel (k, k, c, c'), zeros around: (n, ⌈h/stride⌉, ⌈w/stride⌉, c').

    As one matrix product over all patches: on a CPU, XLA's own convolution takes about ten times as long to
    differentiate.
    """
    size, (_, height, width, channels) = kernel.shape[0], maps.shape
    padding = [_around(length, size, stride) for length in (height, width)]
    padded = jnp.pad(maps, ((0, 0), *padding, (0, 0)))
    across, down = (-(-length // stride) for length in (width, height))
    shifted = [
        lax.slice(
            padded,
            (0, i, j, 0),
            (len(maps), i + (down - 1) * stride + 1, j + (across - 1) * stride + 1, channels),
            (1, stride, stride, 1),
        )
        for i in range(size)
        for j in range(size)
    ]
    return jnp.concatenate(shifted, axis=-1) @ kernel.reshape(-1, kernel.shape[-1])


def _around(length: int, size: int, stride: int) -> tuple[int, int]:
    missing = max((-(-length // stride) - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2


def _new_block(rng: np.random.Generator, before: int, width: int, *, halves: bool) -> Block:
    block: Block = {
        "first_norm": _new_norm(before),
        "first": _kernel(rng, _KERNEL, before, width),
        "second_norm": _new_norm(width),
        "second": np.zeros((_KERNEL, _KERNEL, width, width), np.float32),
    }
    if halves:
        block["skip"] = _kernel(rng, 1, before, width)
    return block


def _kernel(rng: np.random.Generator, size: int, before: int, width: int) -> np.ndarray:
    return normal(rng, size, size, before, width, variance=2 / (size * size * before))


def _new_norm(channels: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(channels, np.float32), np.zeros(channels, np.float32)


def _through(block: Block, maps: jax.Array) -> jax.Array:
    active = _activated(maps, block["first_norm"])
    skip = convolved(active, block["skip"], 2) if "skip" in block else maps
    inner = _activated(convolved(active, block["first"], 2 if "skip" in block else 1), block["second_norm"])
    return skip + convolved(inner, block["second"], 1)


def _activated(maps: jax.Array, norm: Norm) -> jax.Array:
    """relu of the maps with mean 0 and variance 1 over each image, times gain plus bias."""
    gain, bias = norm
    centred = maps - maps.mean(axis=(1, 2, 3), keepdims=True)
    variance = jnp.square(centred).mean(axis=(1, 2, 3), keepdims=True)
    return jax.nn.relu(centred * lax.rsqrt(variance + _VARIANCE_FLOOR) * gain + bias)
