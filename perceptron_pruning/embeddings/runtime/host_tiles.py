"""A block of rows on the host's cores, a tile at a time, each by linear algebra on one thread.

Two threads of linear algebra wait for each other in small products, and on a busy machine they mostly wait. Tiles wait
for nobody. They are the same on any number of cores, and so are sums over them in their order.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

Result = TypeVar("Result")
HOST_TILE_ROWS = 512


def on_tiles(
    work: Callable[[slice], Result], n_rows: int, *, tile_rows: int = HOST_TILE_ROWS
) -> list[tuple[slice, Result]]:
    """Each tile of the rows and what the work returns for it, in order.

    Args:
        work: Called with the rows of a tile, in threads. It may meet numbers that are not finite: those are an error
            of the scores.
        n_rows: Rows of the block.
        tile_rows: Of a tile, at most.
    """
    spans = [slice(start, min(start + tile_rows, n_rows)) for start in range(0, n_rows, tile_rows)]

    def quietly(span: slice) -> Result:
        with np.errstate(over="ignore", invalid="ignore"):
            return work(span)

    with one_blas_thread():
        return list(zip(spans, on_all_cores(quietly, spans, threads=True), strict=True))
