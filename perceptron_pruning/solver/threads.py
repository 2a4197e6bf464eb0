"""Independent problems on all cores, by threads: linear algebra lets go of Python's lock."""

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def usable_cores() -> int:
    """Cores this process may use; one in a worker process, whose siblings have the others."""
    if multiprocessing.parent_process() is not None:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[..., Any], *arguments: Iterable, at_most: int | None = None) -> list:
    """Results in the order of the arguments, whatever the number of threads.

    Set OPENBLAS_NUM_THREADS=1 before Python starts, or the library's own threads compete with these.
    """
    workers = min(usable_cores(), at_most or usable_cores())
    if workers == 1:
        return list(map(work, *arguments))
    with ThreadPoolExecutor(max_workers=workers) as threads:
        return list(threads.map(work, *arguments))
