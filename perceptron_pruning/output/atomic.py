"""Files that are whole or not there: written beside their place and renamed when all is on the disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes beside the path and renames when all is on the disk: the old file or the new one, never half.

    Raises:
        OSError: The disk is full, or the folder cannot be written; the temporary file is gone.
    """
    with temporary_beside(path) as temporary, temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name in the same folder whose file replaces the path if all goes well, and is deleted if not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OSError(f"`{path}` could not be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
