"""Where an experiment's data come from: packaged embeddings, or files of one's own; with pixels, where there are."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.datasets.loaders import (
    Embeddings,
    Images,
    load_fashion_mnist,
    load_fashion_mnist_resnet,
    load_wordnet,
)
from perceptron_pruning.embeddings.io.columns import read_column
from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.io.open import open_rows
from perceptron_pruning.output.atomic import write_atomically

PACKAGED: dict[str, Callable[[], Embeddings]] = {
    "fashion-mnist": load_fashion_mnist,
    "fashion-mnist-resnet": load_fashion_mnist_resnet,
    "fashion-mnist-pixels": partial(load_fashion_mnist, images=True),
    "wordnet": load_wordnet,
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """Labelled embeddings and a test set that any process can load; two of equal digest are the same data.

    Attributes:
        digest: SHA-256 of the numbers and labels.
        places: The name of packaged data, or what `read_embeddings` takes, followed by what `read_images` does.

    Example:
        >>> from perceptron_pruning.experiments import source_of
        >>> source = source_of("fashion-mnist")
        >>> len(source.digest), source.load().train_embeddings.shape
        (64, (15000, 256))
    """

    digest: str
    places: tuple[str, ...] = field(repr=False, compare=False)

    def load(self) -> Embeddings:
        """The data, read once in a process.

        Raises:
            ValueError: The files have changed since the source was made.
        """
        if self.digest not in _LOADED and _read(self.places) != self.digest:
            raise ValueError(f"`{self.places[0]}` and its companions must not change while they are used; they did")
        return _LOADED[self.digest]


def source_of(*places: str) -> Source:
    """A source from the name of packaged data, from four places (see `read_embeddings`), or with pixels from six: the
    others are those of the training and of the test images.

    Raises:
        ValueError: Neither; or the files do not fit each other.
        OSError: A file cannot be read.

    Example:
        >>> from perceptron_pruning.experiments import source_of
        >>> source_of("fashion-mnist") == source_of("fashion-mnist")
        True
    """
    if len(places) not in (1, 4, 6) or (len(places) == 1 and places[0] not in PACKAGED):
        raise ValueError(
            f"`embeddings` must be one of {', '.join(PACKAGED)}, or come with `labels`, `test_embeddings` and "
            f"`test_labels`, and with both or none of `images` and `test_images`; got {', '.join(places)}"
        )
    return Source(digest=_read(places), places=places)


def saved_source(data: Embeddings, folder: Path) -> Source:
    """A source from arrays, which are written into a folder so that other processes find them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "embeddings": data.train_embeddings,
        "labels": data.train_labels,
        "test_embeddings": data.test_embeddings,
        "test_labels": data.test_labels,
    }
    if data.images is not None:
        parts |= {"images": data.images.train, "test_images": data.images.test}
    for name, values in parts.items():
        write_atomically(folder / f"{name}.npy", lambda file, values=values: np.save(file, values))
    return source_of(*(str(folder / f"{name}.npy") for name in parts))


def read_embeddings(embeddings: str, labels: str, test_embeddings: str, test_labels: str) -> Embeddings:
    """Embeddings (n, d) with their labels, and a test set, from files that `score` can read too.

    Labels of any kind become classes 0..C−1 in sorted order. All of it is held in memory, as stored.

    Raises:
        ValueError: The files do not fit each other, a number is not finite, or a test label never occurs in training.
        OSError: A file cannot be read.
    """
    rows, test = (_finite_rows(place) for place in (embeddings, test_embeddings))
    if rows.shape[1] != test.shape[1]:
        raise ValueError(f"`test_embeddings` must be {rows.shape[1]} wide, as `embeddings`; got {test.shape[1]}")
    classes, names = encoded(read_column(labels), len(rows))
    if names.size < 2:
        raise ValueError(f"`labels` must have two classes at least; got {names.size}")
    return Embeddings(
        train_embeddings=rows,
        train_labels=classes,
        test_embeddings=test,
        test_labels=_test_classes(read_column(test_labels), len(test), names),
        provenance={"files": [embeddings, labels, test_embeddings, test_labels]},
    )


def with_images(data: Embeddings, images: str, test_images: str) -> Embeddings:
    """The same data with the pixels behind their rows, from .npy files of shape (n, h, w) or (n, h, w, channels).

    Raises:
        ValueError: Shapes do not fit, or a number is not finite.
        OSError: A file cannot be read.
    """
    train = _pixels("images", images, len(data.train_labels))
    test = _pixels("test_images", test_images, len(data.test_labels))
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(f"`test_images` must be {train.shape[1:]} each, as `images`; got {test.shape[1:]}")
    return replace(data, images=Images(train=train, test=test, provenance={"files": [images, test_images]}))


def _pixels(name: str, place: str, n_rows: int) -> np.ndarray:
    pixels = np.load(place, allow_pickle=False)
    if pixels.ndim not in (3, 4) or len(pixels) != n_rows:
        raise ValueError(
            f"`{name}` must have shape ({n_rows}, height, width) or ({n_rows}, height, width, channels); "
            f"got {pixels.shape}"
        )
    if pixels.dtype.kind not in "uif" or not np.isfinite(pixels).all():
        raise ValueError(f"`{name}` must be finite numbers; {place} has others, of type {pixels.dtype}")
    return pixels


def _test_classes(labels: ArrayLike, n_rows: int, names: np.ndarray) -> np.ndarray:
    numbers, test_names = encoded(labels, n_rows, "test_labels")
    unknown = ~np.isin(test_names, names)
    if unknown.any():
        raise ValueError(f"`test_labels` must be among `labels`; got {test_names[unknown][0]}")
    return np.searchsorted(names, test_names)[numbers]


def _finite_rows(place: str) -> np.ndarray:
    rows = open_rows(place)
    values = rows.read(0, len(rows))
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        raise ValueError(f"`embeddings` must be finite; {rows.where(int(bad[0]))} is not ({bad.size} such rows)")
    return values


_LOADED: dict[str, Embeddings] = {}  # what this process has read, by digest


def _read(places: tuple[str, ...]) -> str:
    """Reads the data for later, and gives its digest."""
    data = PACKAGED[places[0]]() if len(places) == 1 else read_embeddings(*places[:4])
    if len(places) == 6:
        data = with_images(data, *places[4:])
    digest = _digest(data)
    _LOADED.setdefault(digest, data)
    return digest


def _digest(data: Embeddings) -> str:
    parts = (data.train_embeddings, data.train_labels, data.test_embeddings, data.test_labels)
    if data.images is not None:
        parts += (data.images.train, data.images.test)
    hashes = [hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest() for part in parts]
    shapes = [[str(part.dtype), list(part.shape)] for part in parts]
    return hashlib.sha256(json.dumps([hashes, shapes]).encode()).hexdigest()
