"""Embeddings opened as rows: arrays, `.npy`, `.npz`, Parquet, safetensors, folders of shards."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import load_npz

from perceptron_pruning.embeddings.io.columns import split_name
from perceptron_pruning.embeddings.io.npy import DAMAGED_ARCHIVE, npy_shard, only_name, safetensors_shard
from perceptron_pruning.embeddings.io.rows import Rows, array_rows
from perceptron_pruning.embeddings.io.shards import ArrayShard, FileShard, Shard, SparseShard, sparse_shard

SUFFIXES = (".npy", ".npz", ".parquet", ".safetensors")
EmbeddingSource = ArrayLike | str | Path | Rows
"""Embeddings of one network: an array (n, d), or the path of a file or folder."""


def open_sources(sources: EmbeddingSource | Sequence[EmbeddingSource]) -> list[Rows]:
    """The rows of each network: several for a sequence of arrays or paths, one otherwise."""
    if isinstance(sources, Sequence) and not isinstance(sources, str) and _are_sources(sources):
        return [open_rows(source) for source in sources]
    return [open_rows(sources)]  # pyright: ignore[reportArgumentType]


def _are_sources(sources: Sequence) -> bool:
    return len(sources) > 0 and all(isinstance(s, str | Path | Rows) or np.ndim(s) == 2 for s in sources)


def open_rows(source: EmbeddingSource, *, name: str = "embeddings") -> Rows:
    """Embeddings as rows that are read when needed.

    Args:
        source: An array (n, d), dense or of SciPy's sparse ones, or a path: a `.npy`, `.npz` (also a sparse matrix
            saved by SciPy), Parquet (a list column, or a column a feature) or safetensors file, a folder of such
            shards, or a folder in clip-retrieval's layout (`img_emb/img_emb_*.npy`). `FILE:NAME` picks a column or an
            array. Shards are taken in the order of the numbers in their names.

    Raises:
        ValueError: A file is truncated, of another width, or of a kind that is not read; file and row are named.
        OSError: A file cannot be read.
    """
    if isinstance(source, Rows):
        return source
    if not isinstance(source, str | Path):
        return array_rows(source, name)
    path, key = split_name(source)
    if not path.exists():
        raise FileNotFoundError(f"`{path}` does not exist")
    files = shard_files(path) if path.is_dir() else [path]
    return Rows(tuple(_shard(file, key) for file in files))


def shard_files(folder: Path) -> list[Path]:
    """The shards of a folder, in the order of the numbers in their names."""
    place = folder / "img_emb" if (folder / "img_emb").is_dir() else folder
    shards = [file for suffix in SUFFIXES for file in place.glob(f"*{suffix}")]
    kinds = {file.suffix for file in shards}
    if len(kinds) != 1:
        raise ValueError(
            f"`{place}` must hold shards of one kind ({', '.join(SUFFIXES)}); got {sorted(kinds) or 'none'}"
        )
    return sorted(shards, key=_numbers_in_name)


def metadata_column(folder: Path, name: str) -> str | None:
    """`FOLDER/metadata:name`, a column of clip-retrieval's layout; None if there is no such folder."""
    metadata = folder / "metadata"
    return f"{metadata}:{name}" if metadata.is_dir() else None


def _numbers_in_name(file: Path) -> tuple[list[int], str]:
    digits = "".join(c if c.isdigit() else " " for c in file.stem).split()
    return [int(d) for d in digits], file.name


def _shard(path: Path, key: str | None) -> Shard:
    if path.suffix == ".npy":
        return npy_shard(path)
    if path.suffix == ".safetensors":
        return safetensors_shard(path, key)
    if path.suffix == ".npz":
        return _npz_shard(path, key)
    if path.suffix == ".parquet":
        return _parquet_shard(path, key)
    raise ValueError(f"`{path}` must end in one of {', '.join(SUFFIXES)}; got {path.suffix or 'no ending'}")


SPARSE_NAMES = {"data", "format", "shape"}  # in a matrix that scipy.sparse.save_npz wrote


def _npz_shard(path: Path, key: str | None) -> ArrayShard | SparseShard:
    """The array of a `.npz`, held in memory: compressed files cannot be read in pieces."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if key is None and set(archive.files) >= SPARSE_NAMES:
                file.seek(0)
                return sparse_shard(load_npz(file), f"`{path}`", path)
            names = archive.files if key is not None else [n for n in archive.files if archive[n].ndim == 2]
            chosen = names[0] if key is None and len(names) == 1 else key
            array = archive[chosen] if chosen in names else None
    except (*DAMAGED_ARCHIVE, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"`{path}` is no .npz file, or it is truncated: {error}") from error
    only_name(names, key, path)
    return ArrayShard(np.asarray(array), str(path), path)


class _TemporaryFiles:
    """Files in a temporary folder that is deleted when the process ends."""

    folder: tempfile.TemporaryDirectory | None = None

    @classmethod
    def new(cls, size: int) -> Path:
        """An empty file.

        Raises:
            OSError: The disk has fewer than ``size`` bytes left.
        """
        if cls.folder is None:
            cls.folder = tempfile.TemporaryDirectory(prefix="perceptron-pruning-")
        free = shutil.disk_usage(cls.folder.name).free
        if size > free:
            raise OSError(
                f"unpacking needs {size} bytes in {cls.folder.name}, {free} are free (set TMPDIR to another disk)"
            )
        return Path(tempfile.mkstemp(suffix=".raw", dir=cls.folder.name)[1])


def _parquet_shard(path: Path, key: str | None) -> Shard:
    """The list column of a file, or its columns, unpacked into a temporary file of plain numbers for every pass."""
    from perceptron_pruning.embeddings.io.parquet import (
        list_batches,
        list_column,
        wide_batches,
        wide_columns,
        wide_shape,
    )

    features = wide_columns(path) if key is None else []
    if features:
        n_rows, width, dtype = wide_shape(path, features)
        batches = wide_batches(path, features)
    else:
        name, n_rows, width, dtype = list_column(path, key)
        batches = list_batches(path, name, width)
    unpacked = _TemporaryFiles.new(n_rows * width * dtype.itemsize)
    with unpacked.open("wb") as file:
        for batch in batches:
            np.ascontiguousarray(batch, dtype).tofile(file)
    return UnpackedShard(FileShard(unpacked, (n_rows, width), dtype), path)


class UnpackedShard:
    """A copy in plain numbers, under the name and path of its source."""

    def __init__(self, copy: FileShard, path: Path):
        self.copy, self.path, self.name = copy, path, str(path)
        self.shape, self.dtype, self.read, self.take_into = copy.shape, copy.dtype, copy.read, copy.take_into
