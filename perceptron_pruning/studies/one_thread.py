"""Linear algebra on one thread: on two, the same matrix product may differ in its last bits."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Holds the process's linear algebra to one thread.

    Where tasks run in threads, the limit must be held around all of them: one that ended would lift it for others.

    Raises:
        RuntimeError: Something else in the process decides, and has more threads.
    """
    libraries = _libraries(len(sys.modules))
    with libraries.limit(limits=1):
        if any(library["user_api"] == "blas" and library["num_threads"] > 1 for library in libraries.info()):
            raise RuntimeError(
                "linear algebra must have one thread here, for the same bits everywhere, and another thread of this "
                "process keeps it at more; set OPENBLAS_NUM_THREADS=1 and MKL_NUM_THREADS=1 before Python starts"
            )
        yield


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:
    """Those that are loaded. To find them takes milliseconds, and others come with other modules."""
    return ThreadpoolController()
