"""Files that store an array as one contiguous piece of numbers: `.npy` and safetensors."""

import json
import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

import ml_dtypes
import numpy as np

from perceptron_pruning.embeddings.io.shards import ArrayShard, FileShard

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
SAFETENSORS_DTYPES = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": BFLOAT16,
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "I16": np.dtype("<i2"),
    "I32": np.dtype("<i4"),
}
HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

DAMAGED_ARCHIVE = (EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""Raised by damaged `.npz`, besides `ValueError` and `OSError`; `RuntimeError` where bits say that it is encrypted."""


def npy_shard(path: Path) -> FileShard | ArrayShard:
    """A `.npy` of shape (n, d). NumPy writes bfloat16 as two-byte voids; one stored by columns is mapped.

    Raises:
        ValueError: The header is damaged, the array is not (n, d), or the file is cut off.
    """
    with path.open("rb") as file:
        try:
            header = HEADER_READERS[np.lib.format.read_magic(file)](file)
        except (ValueError, KeyError, EOFError, SyntaxError, TypeError) as error:
            raise ValueError(f"`{path}` is no .npy file, or its header is cut off: {error}") from error
        shape, by_columns, dtype = header
        offset = file.tell()
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"`{path}` must have shape (n, d), neither of them 0; got {shape}")
    if by_columns and 1 not in shape:
        return ArrayShard(_mapped(path), str(path), path)
    dtype = BFLOAT16 if dtype == np.dtype("V2") else dtype
    if dtype.hasobject:
        raise ValueError(f"`{path}` must hold numbers; got Python objects")
    return FileShard(path, shape, dtype, offset)


def safetensors_shard(path: Path, key: str | None = None) -> FileShard:
    """One tensor of shape (n, d) of a safetensors file: the named one, or the only one of two axes.

    Raises:
        ValueError: The header is damaged, no such tensor, or its dtype is not read.
    """
    with path.open("rb") as file:
        try:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length))
            tables = {name: tensor for name, tensor in header.items() if len(tensor.get("shape", ())) == 2}
        except (struct.error, ValueError, MemoryError, OverflowError, AttributeError, TypeError) as error:
            raise ValueError(f"`{path}` is no safetensors file, or its header is cut off") from error
    tensor = tables[only_name(tables, key, path)]
    if not {"dtype", "data_offsets"} <= set(tensor) or 0 in tensor["shape"]:
        raise ValueError(f"`{path}` must describe each tensor by dtype, shape (n, d) and data_offsets; got {tensor}")
    if tensor["dtype"] not in SAFETENSORS_DTYPES:
        raise ValueError(f"`{path}` must hold one of {', '.join(SAFETENSORS_DTYPES)}; got {tensor['dtype']}")
    offset = 8 + length + tensor["data_offsets"][0]
    return FileShard(path, tuple(tensor["shape"]), SAFETENSORS_DTYPES[tensor["dtype"]], offset)


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"`{path}` is truncated, or its header is damaged: {error}") from error


def only_name(names: Collection[str], key: str | None, path: Path) -> str:
    """``key`` if it is among the names; without a key, the only name.

    Raises:
        ValueError: No such name, or several to choose from; the message lists them.
    """
    if key is None and len(names) == 1:
        return next(iter(names))
    if key is None or key not in names:
        raise ValueError(f"name one of {', '.join(sorted(names)) or 'none'} as `{path}:NAME`; got {key}")
    return key
