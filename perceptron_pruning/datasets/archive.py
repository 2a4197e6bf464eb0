"""The file format of the data sets: one compressed `.npz` of embeddings, labels, split and provenance.

Embeddings are stored in half precision (array ``embeddings``), or, in half the space, in fixed point: every number is
an integer multiple of a step, q = 256 coarse + fine, both one byte. Component after component, the coarse bytes are
mostly zero and compress to almost nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from perceptron_pruning.output.atomic import write_atomically

FIXED_POINT_STEP = 1 / 32  # rounding error at most 1/64 a component; half precision has this step between 32 and 64


def write_embeddings(
    path: Path,
    embeddings: np.ndarray,
    labels: np.ndarray,
    *,
    n_train: int,
    provenance: dict[str, object],
    fixed_point: bool = False,
) -> None:
    """Writes a data set.

    Args:
        path: The `.npz`.
        embeddings: (n, d), training rows first; rounded to half precision, and then to multiples of 1/32 if
            ``fixed_point``.
        labels: (n,), integers.
        n_train: Training rows.
        provenance: Source, network, recipe, checksums and versions, as values that JSON can hold.
        fixed_point: Whether to store multiples of 1/32: half the bytes.
    """
    halves = embeddings.astype(np.float16)
    numbers = to_fixed_point(halves.astype(np.float64)) if fixed_point else {"embeddings": halves}
    arrays = numbers | {"labels": labels, "is_test": np.arange(len(labels)) >= n_train}
    text = np.array(json.dumps(provenance, indent=1))
    write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays, provenance=text))
    print(json.dumps(provenance, indent=1))


def read_embeddings(stored: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n, d) float64, from either form of storage."""
    if "fine" in stored:
        return from_fixed_point(stored["coarse"], stored["fine"])
    return stored["embeddings"].astype(np.float64)


def to_fixed_point(embeddings: np.ndarray) -> dict[str, np.ndarray]:
    """The bytes ``coarse`` and ``fine``, (d, n) each, of q = round(x / step) = 256 coarse + fine, −128 ≤ fine < 128.

    Raises:
        ValueError: A number exceeds what two bytes hold, 1024 in size.
    """
    integers = np.rint(np.ascontiguousarray(embeddings.T) / FIXED_POINT_STEP)
    coarse = np.floor((integers + 128) / 256)
    if not np.all(np.abs(coarse) < 128):
        raise ValueError(f"`embeddings` must be within ±1000 for fixed point; got {np.abs(embeddings).max()}")
    return {"coarse": coarse.astype(np.int8), "fine": (integers - 256 * coarse).astype(np.int8)}


def from_fixed_point(coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """x = (256 coarse + fine) · step, (n, d) float64."""
    return np.ascontiguousarray((256.0 * coarse + fine).T) * FIXED_POINT_STEP
