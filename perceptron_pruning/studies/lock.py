"""One driver for each store: a file lock that the system releases when its owner dies, however it dies."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from perceptron_pruning.studies.errors import StoreError

_LOCK, _OWNER = "done/.lock", "done/.owner"  # within an array, where Zarr does not look for other arrays


@contextmanager
def only_driver(path: Path) -> Iterator[None]:
    """Holds the store's lock, or raises a `StoreError` that names its owner.

    The lock is ``flock``. On a network file system without a lock service it may not reach other hosts; two drivers
    would then do the work twice, and write the same numbers.
    """
    lock = FileLock(path / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"{path} is being written by {owner(path)}; wait for it, or stop it, and try again") from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}; what is done can be read") from error
    try:
        _sign(path)
        yield
    finally:
        lock.release()


def owner(path: Path) -> str:
    """Who holds the lock, or held it last."""
    try:
        signed = json.loads((path / _OWNER).read_text(encoding="utf-8"))
        return f"process {signed['process']} on {signed['host']}"
    except (OSError, ValueError):
        return "another process"


def is_driven(path: Path) -> bool | None:
    """Whether a driver holds the lock; None where it cannot be tried."""
    lock = FileLock(path / _LOCK, timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True
    except OSError:
        return None


def _sign(path: Path) -> None:
    text = json.dumps({"host": socket.gethostname(), "process": os.getpid()})
    try:
        (path / _OWNER).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}; what is done can be read") from error
