"""Least work of a compiled max-margin trial, and what a device can do: the roofline under `accelerator.py`.

A step of a loop reads its arrays from the device's memory once a pass, since those of a batch fit no cache. With P × N
labelled rows, R of them in a step of the interior point and E of these with a weight of their own, S = min(P, N) slots
of the active set::

    draw                8 PN written, 8 PN read, 4 PN written in single precision            (bytes)
    AᵀA                 4 PN                                            2 P N²               (single)
    interior step       4 (5 R + 2 E) N + 24 N²                         10 R N + 2 E N² + N³/3
    first inverse       8 (2 S N + 4 S²)                                2 S² N + 10 S³/3     (double)
    exchange step       8 (P N + 7 S N + 5 S²)                          2 P N + 14 S N + 10 S²
    verification        8 (2 P N + S N)                                 4 P N + 2 S N

The pool's scalars and their sort are left out. A device needs at least the longer of bytes/bandwidth and
operations/rate, both measured here.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.device import max_margin
from perceptron_pruning.device.numerics import device_numerics
from perceptron_pruning.students.arrays import NUMPY
from perceptron_pruning.students.max_margin.interior_point import interior_point, least_squares, start

_REPEATS = 5


class Work(NamedTuple):
    """Bytes through memory, and floating-point operations in single and in double precision."""

    bytes: float
    single: float
    double: float

    def seconds(self, rates: "Rates") -> float:
        """The longer of transport and arithmetic."""
        return max(self.bytes / rates.bandwidth, self.single / rates.single + self.double / rates.double)


class Rates(NamedTuple):
    """Of a device: bytes a second of a copy, operations a second of a matrix product in either precision."""

    bandwidth: float
    single: float
    double: float


def trial_work(examples: int, features: int, *, coarse_steps: float, interior_steps: float, exchanges: float) -> Work:
    """Work of a trial from its sizes and its steps.

    Args:
        examples: P, rows of the arrays, padding included.
        features: N.
        coarse_steps: Steps of the interior point on all rows; the others are on the last 2 N of them.
        interior_steps: All its steps.
        exchanges: Steps of the active set.
    """
    whole, slots, last = examples * features, min(examples, features), min(examples, 2 * features)
    exact = min(examples, max(2 * features, examples // 20))
    coarse = _interior_step(examples, exact, features)
    fine = _interior_step(last, last, features)
    parts = [
        (Work(20.0 * whole, 0.0, 0.0), 1.0),
        (Work(4.0 * whole, 2.0 * whole * features, 0.0), 1.0),
        (coarse, coarse_steps),
        (fine, interior_steps - coarse_steps),
        (Work(8.0 * (2 * slots * features + 4 * slots**2), 0.0, 2.0 * slots**2 * features + 10 * slots**3 / 3), 1.0),
        (_exchange_step(whole, slots, features), exchanges),
        (Work(8.0 * (2 * whole + slots * features), 0.0, 4.0 * whole + 2 * slots * features), 1.0),
    ]
    return Work(*(sum(times * part[place] for part, times in parts) for place in range(3)))


def _interior_step(rows: int, exact: int, features: int) -> Work:
    passes = 4.0 * (5 * rows + 2 * exact) * features
    return Work(passes + 24 * features**2, 10.0 * rows * features + 2 * exact * features**2 + features**3 / 3, 0.0)


def _exchange_step(whole: int, slots: int, features: int) -> Work:
    numbers = whole + 7 * slots * features + 5 * slots**2
    return Work(8.0 * numbers, 0.0, 2.0 * whole + 14 * slots * features + 10 * slots**2)


def coarse_steps(rows: np.ndarray) -> int:
    """Steps of the interior point on all labelled rows (P, N), before it goes on with 2 N of them; 0 where P ≤ 2 N."""
    examples, features = rows.shape
    if examples <= max_margin._LAST_ROWS * features:
        return 0
    single, target = (rows / np.sqrt(features)).astype(np.float32), np.ones(examples, np.float32)
    gram = single.T @ single
    point = start(NUMPY, single, target, least_squares(NUMPY, gram, target @ single))
    exact = max(max_margin._EXACT_ROWS * features, examples // 20)
    return int(interior_point(NUMPY, single, point, tolerance=max_margin._COARSE, gram=gram, exact_rows=exact).steps)


def measured_rates(side: int) -> Rates:
    """Of JAX's first device, by a copy and by products of square matrices.

    Args:
        side: Rows of the matrices; the copy moves as many numbers as 16 of them.
    """
    with device_numerics():
        numbers = jnp.zeros(16 * side**2, jnp.float64)
        copied = _seconds(jax.jit(lambda values: values + 1), numbers)
        products = [
            _seconds(jax.jit(jnp.matmul), *[jnp.ones((side, side), dtype)] * 2) for dtype in (jnp.float32, jnp.float64)
        ]
    return Rates(2 * numbers.nbytes / copied, *(2 * side**3 / seconds for seconds in products))


def _seconds(function: Callable[..., jax.Array], *arguments: jax.Array) -> float:
    """The shortest of several runs."""
    function(*arguments).block_until_ready()  # compiles
    times = []
    for _ in range(_REPEATS):
        begun = time.perf_counter()
        function(*arguments).block_until_ready()
        times.append(time.perf_counter() - begun)
    return min(times)
