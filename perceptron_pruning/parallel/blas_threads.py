"""Linear algebra on one thread, and freed memory that is kept for the next solve."""

import numpy as np

from replica_theory._numerics.blas_threads import check_one_blas_thread, one_blas_thread

__all__ = ["check_one_blas_thread", "keep_freed_memory", "one_blas_thread"]

_KEPT_BYTES = 31 * 2**20  # just below the 32 MiB beyond which glibc does not adapt


def keep_freed_memory() -> None:
    """Has glibc keep up to 31 MiB of freed memory, instead of giving every large block back to the system.

    Blocks above glibc's mmap threshold, 128 KiB at first, are taken from the system one by one and given back when they
    are freed; the arrays of a solve would be mapped anew, page by page, at each of its steps. But when one such block
    is freed, the threshold rises to its size, up to 32 MiB. So one of 31 MiB is taken and freed here, and never
    touched: it costs no memory. On other systems this does nothing.
    """
    np.empty(_KEPT_BYTES, dtype=np.uint8)


keep_freed_memory()
