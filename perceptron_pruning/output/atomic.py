"""Files that are whole or not there: written beside their place, and renamed when all is on the disk."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Lets a function write into an open file that replaces the path: the old content or the new, never half.

    Example::

        write_atomically(Path("kept.npy"), lambda file: np.save(file, kept))

    Args:
        path: The file, replaced if it exists.
        write: Writes bytes into the file that it is given.

    Raises:
        OSError: The disk is full, or the folder cannot be written; the message names the path, the old file is as it
            was, and no temporary file is left.
    """
    with temporary_beside(path) as temporary, temporary.open("wb") as file:
        write(file)


def write_text_atomically(path: Path, text: str) -> None:
    """`write_atomically` for UTF-8 text."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json_atomically(path: Path, content: object) -> None:
    """`write_atomically` for JSON, indented by one space."""
    write_text_atomically(path, json.dumps(content, indent=1) + "\n")


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """For writers that take a path: a file name in the same folder, whose file replaces ``path`` in the end.

    Raises:
        OSError: As for `write_atomically`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise OSError(f"`{path}` could not be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it was renamed, or never made
            temporary.unlink()


def _flush_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
