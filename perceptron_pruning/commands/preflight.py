"""What could keep a result from being written, found before the work."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout


def check_output(output: Path, suffixes: Sequence[str], *, overwrite: bool, option: str = "--output") -> None:
    """Raises a `ValueError` if the file could not be written, or is there already."""
    if output.suffix not in suffixes:
        raise ValueError(f"`{option}` must end in one of {', '.join(suffixes)}; got {output}")
    if output.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ValueError(
            f'`{option}` {output} needs pyarrow: pip install "perceptron-pruning[embeddings]", or end it in .csv'
        )
    check_folder(output.parent, option)
    if output.is_dir():
        raise ValueError(f"`{option}` must be a file; {output} is a folder")
    if output.exists() and not overwrite:
        raise ValueError(f"`{option}` {output} is there already; give another name, or --overwrite")


def check_folder(folder: Path, option: str) -> None:
    """Raises a `ValueError` if nothing can be written into the folder."""
    if not folder.is_dir():
        raise ValueError(f"`{option}` must lie in a folder that exists; {folder} does not")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"`{option}` must lie in a folder that can be written; {folder} cannot")


@contextmanager
def only_run(output: Path) -> Iterator[None]:
    """Holds a lock beside the output, so that no other run writes it.

    Raises:
        ValueError: Another run holds it.
    """
    path = output.with_name(f".{output.name}.lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(f"{output} is being written by another run; wait for it, or give another output") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
