"""What could keep a result from being written, found before the work."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout


def check_output(output: Path, suffixes: Sequence[str], *, overwrite: bool, option: str = "--output") -> None:
    """Raises a `ValueError` if the file could not be written, or is there already."""
    if output.suffix not in suffixes:
        raise ValueError(f"`{option}` must end in one of {', '.join(suffixes)}; got {output}")
    if output.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise ValueError(
            f'`{option}` {output} needs pyarrow: pip install "perceptron-pruning[embeddings]", or end it in .csv'
        )
    check_file(output, option)
    if output.exists() and not overwrite:
        raise ValueError(f"`{option}` {output} is there already; give another name, or --overwrite")


def check_images(images: Path) -> None:
    """Raises a `ValueError` unless the file holds pictures: bytes of shape (n, h, w) or (n, h, w, 3)."""
    if not images.is_file():
        raise ValueError(f"`--images` must be a file; {images} is not there")
    try:
        array = np.load(images, mmap_mode="r", allow_pickle=False)
    except (EOFError, OSError, ValueError) as error:
        raise ValueError(f"`--images` {images} cannot be read as a .npy file: {error}") from error
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise ValueError(
            f"`--images` must be bytes of shape (n, h, w) or (n, h, w, 3); {images} has {array.dtype} {array.shape}"
        )


def check_file(output: Path, option: str) -> None:
    """Raises a `ValueError` if no such file could be written, in place of one that is there or not."""
    check_folder(output.parent, option)
    if output.is_dir():
        raise ValueError(f"`{option}` must be a file; {output} is a folder")


def check_no_file(output: Path, option: str) -> None:
    """Raises a `ValueError` if a file is where a folder is to be."""
    if output.exists() and not output.is_dir():
        raise ValueError(f"`{option}` must be a folder; {output} is a file")


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
