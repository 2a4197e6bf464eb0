"""What a metric will cost, before it begins."""

import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from perceptron_pruning.embeddings.runtime.context import Pool

PROBE_SIZE = 1024
READ_BYTES_PER_SECOND = 1.0e9
RUNTIME_BYTES = 5.0e8


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one family of metrics on one process.

    Attributes:
        flops: Of its matrix products.
        passes: Times that all rows are read.
        state_bytes: What it holds beside the blocks.
    """

    flops: float
    passes: float
    state_bytes: float


@dataclass(frozen=True, kw_only=True)
class Size:
    """The numbers that costs depend on: of the rows, the test rows, the classes and the clusters."""

    n: int
    d: int
    n_test: int
    n_classes: int
    n_clusters: int


def size_of(pool: Pool) -> Size:
    """The size of a pool."""
    return Size(
        n=len(pool.rows),
        d=pool.rows.n_features,
        n_test=0 if pool.test_rows is None else len(pool.test_rows),
        n_classes=pool.n_classes,
        n_clusters=pool.n_clusters,
    )


def matrix_rate(dtype: np.dtype) -> float:
    """Flops a second of a matrix product here, by trying one: the best of three."""
    with jax.enable_x64(True):
        square = jnp.ones((PROBE_SIZE, PROBE_SIZE), dtype)
        product = jax.jit(jnp.matmul)
        product(square, square).block_until_ready()
        best = min(_seconds(lambda: product(square, square).block_until_ready()) for _ in range(3))
    return 2 * PROBE_SIZE**3 / best


def _seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plan_text(costs: dict[str, Cost], pool: Pool, rate: float) -> str:
    """The costs as a table, with seconds at the measured rate and 1 GB/s of reading."""
    lines = [
        f"{len(pool.rows)} rows x {pool.rows.n_features}, {pool.rows.stored_bytes / 1e9:.3g} GB a pass; "
        f"matrix products at {rate / 1e9:.3g} Gflop/s",
        f"{'metrics':<42}{'Tflop':>9}{'passes':>8}{'GB held':>9}{'estimate':>11}",
    ]
    seconds = {name: _estimate(cost, pool, rate) for name, cost in costs.items()}
    lines += [
        f"{shortened(name):<42}{cost.flops / 1e12:>9.3g}{cost.passes:>8.3g}{cost.state_bytes / 1e9:>9.2g}"
        f"{_spoken(seconds[name]):>11}"
        for name, cost in costs.items()
    ]
    return "\n".join([*lines, f"{'all':<42}{_spoken(sum(seconds.values())):>37}"])


def _estimate(cost: Cost, pool: Pool, rate: float) -> float:
    reading = 0 if pool.rows.in_memory else cost.passes * pool.rows.stored_bytes / READ_BYTES_PER_SECOND
    return cost.flops / rate + reading


def shortened(name: str, width: int = 40) -> str:
    """The name, or its beginning and an ellipsis."""
    return name if len(name) <= width else name[: width - 1] + "…"


def _spoken(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds >= 1 else "< 1 s"


def check_budget(costs: dict[str, Cost], block_bytes: float, memory_budget: float) -> None:
    """A `ValueError` if some metric cannot be computed within the budget."""
    for name, cost in costs.items():
        needed = cost.state_bytes + block_bytes
        if needed > memory_budget:
            raise ValueError(
                f"`memory_budget` must be at least {needed / 1e9:.2f} GB for {name}; got {memory_budget / 1e9:.2f} GB"
            )
