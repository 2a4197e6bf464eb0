"""The cost of metrics, known before the work: arithmetic, passes over the rows, memory."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.embeddings.runtime.settings import (
    BLOCK_NUMBERS,
    READ_BYTES_PER_SECOND,
    RECEIVED_BYTES_PER_SECOND,
    RUNTIME_BYTES,
)
from perceptron_pruning.parallel.cores import usable_cores

PRODUCT_SIZE = 1024  # rows and columns of the matrix product that is timed
NAME_WIDTH = 32  # characters of the first column of the plan


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of one family of metrics on one process.

    Attributes:
        flops: Floating-point operations of its matrix products; None where they are not known.
        passes: Times that all rows are read.
        state_bytes: Bytes held besides the blocks.
        received_bytes: Bytes that reach it from other processes; 0 of one process.
        core_seconds: Of one core of a host, for what is no product: numbers that are widened, copied, exponentiated.
        start_seconds: Compilation, and what else does not depend on the rows.
    """

    flops: float | None
    passes: float
    state_bytes: float
    received_bytes: float = 0.0
    core_seconds: float = 0.0
    start_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What work takes, as far as it is known before.

    Attributes:
        wall_seconds: By the clock.
        processor_seconds: Of all cores of this process; those of a device's host are not known.
    """

    wall_seconds: float
    processor_seconds: float

    @classmethod
    def of(cls, cost: Cost, context: ScoringContext, rate: float) -> "Estimate | None":
        """At a rate of products, and 1 GB/s of reading and of receiving; None if the cost is not known."""
        from perceptron_pruning.embeddings.runtime.devices import is_host  # imports JAX

        if cost.flops is None:
            return None
        cores, others = (usable_cores(), cost.core_seconds) if is_host() else (1, 0.0)
        products = cost.flops / rate
        reading = 0 if context.rows.in_memory else cost.passes * context.rows.stored_bytes / READ_BYTES_PER_SECOND
        waiting = reading + cost.received_bytes / RECEIVED_BYTES_PER_SECOND
        return cls(
            wall_seconds=cost.start_seconds + products + others / cores + waiting,
            processor_seconds=cost.start_seconds + products * cores + others,
        )


@dataclass(frozen=True, kw_only=True)
class ProblemSize:
    """The numbers that costs depend on.

    Attributes:
        n: Rows of this process.
        d: Features.
        n_test: Test rows.
        n_classes: C.
        n_clusters: k.
        loaded_bytes: Bytes that it takes to hold all rows at once; 0 if the caller holds them.
        sent_bytes: Of a number of a row, where rows are sent from process to process.
        n_all: Rows of all processes.
        processes: Their number.
    """

    n: int
    d: int
    n_test: int
    n_classes: int
    n_clusters: int
    loaded_bytes: int
    sent_bytes: int
    n_all: int
    processes: int

    @property
    def senders(self) -> int:
        """Processes that each sum comes from; 0 if there is no other."""
        return self.processes if self.processes > 1 else 0


def problem_size(context: ScoringContext) -> ProblemSize:
    """The numbers that costs depend on."""
    rows = context.rows
    return ProblemSize(
        n=len(rows),
        d=rows.n_features,
        n_test=0 if context.test_rows is None else len(context.test_rows),
        n_classes=context.n_classes,
        n_clusters=context.n_clusters,
        loaded_bytes=0 if rows.in_memory else len(rows) * rows.n_features * rows.dtype.itemsize,
        sent_bytes=rows.narrowest.itemsize,
        n_all=context.standardisation.n_rows,
        processes=context.group.size,
    )


def matrix_rate(dtype: np.dtype) -> float:
    """Flop/s of a matrix product on this machine: the best of three of 1024 x 1024."""
    import jax
    import jax.numpy as jnp

    from perceptron_pruning.embeddings.runtime.devices import full_precision  # imports JAX

    with full_precision():
        square = jnp.ones((PRODUCT_SIZE, PRODUCT_SIZE), dtype)
        product = jax.jit(jnp.matmul)
        product(square, square).block_until_ready()
        best = min(_seconds(lambda: product(square, square).block_until_ready()) for _ in range(3))
    return 2 * PRODUCT_SIZE**3 / best


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plan_text(costs: Mapping[str, Cost], context: ScoringContext, rate: float) -> str:
    """The costs as a table, with what they take by the clock and of processors, and the sums."""
    rows, shared = context.rows, context.group.size > 1
    heading = (
        f"{len(rows)} rows x {rows.n_features}, {rows.stored_bytes / 1e9:.3g} GB a pass; "
        f"matrix products at {rate / 1e9:.3g} Gflop/s"
    )
    if shared:
        heading += f"; process {context.group.rank} of {context.group.size}"
    received = f"{'GB received':>13}" if shared else ""
    columns = f"{'metrics':<{NAME_WIDTH}}{'Tflop':>9}{'passes':>8}{'GB held':>9}{received}"
    estimates = {name: Estimate.of(cost, context, rate) for name, cost in costs.items()}
    known = [estimate for estimate in estimates.values() if estimate is not None]
    total = Estimate(
        wall_seconds=sum(estimate.wall_seconds for estimate in known),
        processor_seconds=sum(estimate.processor_seconds for estimate in known),
    )
    lines = [_plan_line(name, cost, shared) + _durations(estimates[name]) for name, cost in costs.items()]
    last = f"{'all':<{len(columns)}}" + _durations(total) + (" + unknown" if len(known) < len(costs) else "")
    return "\n".join([heading, f"{columns}{'estimate':>10}{'processor':>11}", *lines, last])


def _plan_line(name: str, cost: Cost, shared: bool) -> str:
    flops = "unknown" if cost.flops is None else f"{cost.flops / 1e12:.3g}"
    received = f"{cost.received_bytes / 1e9:>13.3g}" if shared else ""
    return f"{_truncated(name):<{NAME_WIDTH}}{flops:>9}{cost.passes:>8.3g}{cost.state_bytes / 1e9:>9.2g}{received}"


def _durations(estimate: Estimate | None) -> str:
    """The two last columns of the plan."""
    if estimate is None:
        return f"{'unknown':>10}{'unknown':>11}"
    return f"{duration_text(estimate.wall_seconds):>10}{duration_text(estimate.processor_seconds):>11}"


def _truncated(name: str) -> str:
    """The name, or its beginning and an ellipsis, so that it fits into the first column."""
    width = NAME_WIDTH - 2
    return name if len(name) <= width else name[: width - 1] + "…"


def duration_text(seconds: float) -> str:
    """A duration in its unit: "12.3 s"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds >= 1 else "< 1 s"


def check_budget(costs: Mapping[str, Cost], dtype: np.dtype, memory_budget: float) -> None:
    """Raises a `ValueError` if the state of some metric, with four blocks and the runtime, exceeds the budget."""
    block_bytes = 4.0 * BLOCK_NUMBERS * dtype.itemsize + RUNTIME_BYTES
    for name, cost in costs.items():
        needed = cost.state_bytes + block_bytes
        if needed > memory_budget:
            raise ValueError(
                f"`memory_budget` must be at least {needed / 1e9:.2f} GB for {name}; got {memory_budget / 1e9:.2f} GB"
            )
