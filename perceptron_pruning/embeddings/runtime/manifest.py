"""The manifest of a set of scores: inputs with their hashes, settings, versions, machine."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from perceptron_pruning.embeddings.io.rows import Rows
from perceptron_pruning.embeddings.io.shards import Shard
from perceptron_pruning.embeddings.runtime.context import ScoringContext
from perceptron_pruning.output.provenance import provenance, versions

HASHED_ROWS = 4096  # rows whose bytes are held while an array is hashed
PACKAGES = ("perceptron-pruning", "numpy", "scipy", "jax", "jaxlib", "pyarrow", "faiss-cpu")


def fingerprint(context: ScoringContext) -> dict[str, object]:
    """Hashes of embeddings, labels and test set."""
    test = () if context.test_rows is None else context.test_rows.own_shards()
    return {
        **rows_fingerprint(context.rows),
        "labels_sha256": None if context.classes is None else digest(context.classes),
        "test_embeddings": [_shard_entry(shard) for shard in test],
        "test_labels_sha256": None if context.test_classes is None else digest(context.test_classes),
    }


def rows_fingerprint(rows: Rows) -> dict[str, object]:
    """Hashes of embeddings, and which rows of theirs."""
    return {"embeddings": [_shard_entry(shard) for shard in rows.own_shards()], "rows": [rows.start, rows.stop]}


def manifest(context: ScoringContext, *, metrics: Mapping[str, str], seconds: Mapping[str, float]) -> dict[str, object]:
    """Everything that made the scores, as values that JSON can hold.

    Args:
        context: What they were computed from and with.
        metrics: Name of each score → the built-in metric or the qualified name of the function that gave it.
        seconds: Wall time of each family of metrics.
    """
    return {
        "inputs": fingerprint(context),
        "n_rows": context.standardisation.n_rows,
        "n_features": context.rows.n_features,
        "constant_features": list(context.standardisation.constant_features),
        "classes": class_counts(context),
        "metrics": dict(metrics),
        "convention": "high = keep",
        "settings": context.settings.as_dict() | {"n_clusters_used": context.n_clusters},
        "process": {"rank": context.group.rank, "size": context.group.size},
        "seconds": dict(seconds),
        **provenance(*PACKAGES),
    }


def class_counts(context: ScoringContext) -> dict[str, int]:
    """Examples of each class in this process."""
    if context.classes is None or context.class_names is None:
        return {}
    counts = np.bincount(context.classes, minlength=context.n_classes)
    return {str(name): int(count) for name, count in zip(context.class_names, counts, strict=True)}


def installed() -> dict[str, str]:
    """Versions of the packages that took part, as far as they are installed."""
    return versions(*PACKAGES)


def _shard_entry(shard: Shard) -> dict[str, object]:
    return {"name": shard.name, "shape": list(shard.shape), "dtype": str(shard.dtype), "sha256": _shard_digest(shard)}


def _shard_digest(shard: Shard) -> str:
    if shard.path is None:
        hashed = hashlib.sha256()
        for start in range(0, shard.shape[0], HASHED_ROWS):
            block = shard.read(start, min(start + HASHED_ROWS, shard.shape[0]))
            hashed.update(np.ascontiguousarray(block).tobytes())
        return hashed.hexdigest()
    status = shard.path.stat()
    return file_digest(shard.path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def file_digest(path: Path, size: int, modified: int) -> str:
    """SHA-256 of a file's bytes; asked again for an unchanged file, it is not read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(values: np.ndarray) -> str:
    """SHA-256 of an array's bytes."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
