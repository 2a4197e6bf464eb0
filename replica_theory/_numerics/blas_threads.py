"""Linear algebra on one thread, where more are none the better.

On matrices of a few hundred rows the threads of BLAS wait for each other: two take 2 to 6 times as long as one, on a
machine that is busy otherwise a hundred times. And on two threads the same matrix product may differ in its
last bits.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from threadpoolctl import LibController, OpenBLASController, ThreadpoolController

_WORTH_THREADS = 1 << 30  # multiplications in a product, a tenth of a second, from which several threads are worth it


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Holds linear algebra to one thread, and OpenMP in the Python thread that asks.

    Holds may be nested, and overlap in several Python threads: the last that ends gives the threads back. A hold costs
    a few microseconds.
    """
    libraries = _libraries(len(sys.modules))
    threads = [(library, _n_threads(library)) for library in libraries.per_thread]
    before = [(library, n_threads) for library, n_threads in threads if n_threads > 1]
    _process_wide.hold(libraries.process_wide)
    for library, _ in before:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, n_threads in before:
            library.set_num_threads(n_threads)
        _process_wide.release()


def threads_worth(multiplications: float) -> AbstractContextManager[None]:
    """One thread for products of so few multiplications that others would only wait; else as many as there are."""
    return one_blas_thread() if multiplications < _WORTH_THREADS else nullcontext()


def check_one_blas_thread() -> None:
    """Raises a `RuntimeError` if linear algebra has more threads, within `one_blas_thread`: something else decides."""
    if any(_n_threads(library) > 1 for library in _libraries(len(sys.modules)).blas):
        raise RuntimeError(
            "linear algebra must have one thread here, for the same bits everywhere, and another thread of this "
            "process keeps it at more; set OPENBLAS_NUM_THREADS=1 and MKL_NUM_THREADS=1 before Python starts"
        )


class _ProcessWide:
    """Libraries with one number of threads for the whole process: the last holder gives back what they had."""

    def __init__(self) -> None:
        self._lock, self._n_holders = Lock(), 0
        self._before: dict[LibController, int] = {}  # threads before the first holder

    def hold(self, libraries: list[LibController]) -> None:
        with self._lock:
            self._n_holders += 1
            for library in libraries:
                if (n_threads := _n_threads(library)) > 1:
                    self._before.setdefault(library, n_threads)
                    library.set_num_threads(1)
            self._disown()

    def release(self) -> None:
        with self._lock:
            self._n_holders -= 1
            if self._n_holders == 0:
                for library, n_threads in self._before.items():
                    library.set_num_threads(n_threads)
                self._disown()
                self._before.clear()

    def _disown(self) -> None:
        """Lets any thread set the number next: threadpoolctl leaves it to the thread that did so first."""
        if self._before:
            OpenBLASController.clear_controlling_thread()


_process_wide = _ProcessWide()


class _Libraries(NamedTuple):
    """Libraries that are loaded.

    Attributes:
        process_wide: Those with one number of threads for the process.
        per_thread: Those with one for each Python thread: OpenMP, and linear algebra that is built on it.
        blas: Linear algebra, of either kind.
    """

    process_wide: list[LibController]
    per_thread: list[LibController]
    blas: list[LibController]


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> _Libraries:
    """Found anew, in half a millisecond, when modules were imported, with which libraries may have come."""
    described = [(library, library.info()) for library in ThreadpoolController().lib_controllers]
    on_openmp = [library for library, is_ in described if "openmp" in (is_["user_api"], is_.get("threading_layer"))]
    return _Libraries(
        process_wide=[library for library, _ in described if library not in on_openmp],
        per_thread=on_openmp,
        blas=[library for library, is_ in described if is_["user_api"] == "blas"],
    )


def _n_threads(library: LibController) -> int:
    return library.num_threads or 1  # None where it does not tell
