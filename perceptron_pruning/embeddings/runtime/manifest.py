"""What made a set of scores: inputs with their hashes, settings, versions, machine."""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from perceptron_pruning.embeddings.io.rows import Shard
from perceptron_pruning.embeddings.runtime.context import Pool
from perceptron_pruning.output.provenance import provenance, versions

PACKAGES = ("perceptron-pruning", "numpy", "scipy", "jax", "jaxlib", "pyarrow", "faiss-cpu")


def fingerprint(pool: Pool) -> dict:
    """Hashes of all that the scores are computed from."""
    test = () if pool.test_rows is None else pool.test_rows.own_shards()
    return {
        "embeddings": [_described(shard) for shard in pool.rows.own_shards()],
        "rows": [pool.rows.start, pool.rows.stop],
        "labels_sha256": None if pool.classes is None else _digest(pool.classes),
        "test_embeddings": [_described(shard) for shard in test],
        "test_labels_sha256": None if pool.test_classes is None else _digest(pool.test_classes),
    }


def manifest(pool: Pool, metrics: list[str], seconds: dict[str, float]) -> dict:
    """All of it, as plain values for JSON."""
    return {
        "inputs": fingerprint(pool),
        "n_rows": pool.statistics.n_rows,
        "n_features": pool.rows.n_features,
        "constant_features": list(pool.statistics.constant_features),
        "classes": class_counts(pool),
        "metrics": metrics,
        "convention": "high = keep",
        "settings": pool.settings.as_dict() | {"n_clusters_used": pool.n_clusters},
        "process": {"rank": pool.world.rank, "size": pool.world.size},
        "seconds": seconds,
        **provenance(*PACKAGES),
    }


def class_counts(pool: Pool) -> dict[str, int]:
    """Examples of each class in this process."""
    if pool.classes is None or pool.class_names is None:
        return {}
    counts = np.bincount(pool.classes, minlength=pool.n_classes)
    return {str(name): int(count) for name, count in zip(pool.class_names, counts, strict=True)}


def installed() -> dict[str, str]:
    """Versions of the packages that took part, as far as they are installed."""
    return versions(*PACKAGES)


def _described(shard: Shard) -> dict:
    return {"name": shard.name, "shape": list(shard.shape), "dtype": str(shard.dtype), "sha256": _shard_digest(shard)}


def _shard_digest(shard: Shard) -> str:
    if shard.path is None:
        return _digest(shard.read(0, shard.shape[0]))
    status = shard.path.stat()
    return file_digest(shard.path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def file_digest(path: Path, size: int, modified: int) -> str:
    """SHA-256 of a file's bytes; asked again for an unchanged file, it is not read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
