"""Two habits of the machine that cost a solve of milliseconds more than its arithmetic, changed.

Several threads on matrices of a few hundred rows wait for each other: two take 2 to 6 times as long
as one. And freed memory that goes back to the system comes back page by page.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import scipy

# After a block of this size was freed once, glibc keeps as much for what comes next. Nothing touches it.
np.empty(31 * 2**20, dtype=np.uint8)


class _OneThread:
    """Of the OpenBLAS libraries that NumPy and SciPy bring, while anyone asks for it."""

    def __init__(self) -> None:
        self._lock, self._asking = Lock(), 0
        self._switches = [switch for package in (np, scipy) for switch in _switches(package)]
        self._before: list[int] = []

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._asking += 1
            if self._asking == 1:
                self._before = [get() for get, _ in self._switches]
                self._set([1] * len(self._before))
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                if self._asking == 0:
                    self._set(self._before)

    def _set(self, counts: list[int]) -> None:
        for (_, set_threads), count in zip(self._switches, counts, strict=True):
            set_threads(count)


def _switches(package: Any) -> Iterator[tuple[Callable[[], int], Callable[[int], None]]]:
    """How to ask and tell each OpenBLAS of a wheel its number of threads; none of another library."""
    home = Path(package.__file__).parent
    for folder in (home.with_name(f"{home.name}.libs"), home / ".dylibs"):
        for file in folder.glob("*scipy_openblas*"):
            library = ctypes.CDLL(str(file))
            for suffix in ("64_", ""):
                if hasattr(library, f"scipy_openblas_set_num_threads{suffix}"):
                    yield (
                        getattr(library, f"scipy_openblas_get_num_threads{suffix}"),
                        getattr(library, f"scipy_openblas_set_num_threads{suffix}"),
                    )


one_blas_thread = _OneThread()
