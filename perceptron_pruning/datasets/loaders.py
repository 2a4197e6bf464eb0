"""The embeddings packaged with the project: Fashion-MNIST as two trained networks see it, and definitions of words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np

FILE_NAME = "fashion_mnist_efficientnet_lite0.npz"
RESNET_FILE_NAME = "fashion_mnist_resnet50_half.npz"
IMAGES_FILE_NAME = "fashion_mnist_images.npz"
WORDNET_FILE_NAME = "wordnet_minilm.npz"


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """Labelled embeddings, split into a pool to prune and a test set never pruned.

    Attributes:
        train_embeddings: (n_train, d) float64.
        train_labels: (n_train,) integers.
        test_embeddings: (n_test, d) float64.
        test_labels: (n_test,) integers.
        provenance: Where the data come from: examples, network, recipe, checksums.
        images: The pixels behind the rows, if they are at hand.
    """

    train_embeddings: np.ndarray
    train_labels: np.ndarray
    test_embeddings: np.ndarray
    test_labels: np.ndarray
    provenance: dict
    images: "Images | None" = None

    @property
    def pixels(self) -> "Images":
        """The images, for who cannot do without.

        Raises:
            ValueError: There are none.
        """
        if self.images is None:
            raise ValueError(
                "`images` must be given for students that see pixels (fashion-mnist-pixels has them); got None"
            )
        return self.images


@dataclass(frozen=True, kw_only=True)
class Images:
    """Pixels behind the rows of embeddings, in the same order.

    Attributes:
        train, test: (n, h, w) or (n, h, w, channels), any numbers.
        provenance: Where they come from.
    """

    train: np.ndarray
    test: np.ndarray
    provenance: dict


def load_fashion_mnist(*, images: bool = False) -> Embeddings:
    """15 000 training and 5 000 test images as 256 principal components of EfficientNet-Lite0.

    The numbers are stored in half precision and returned in double. ``make_fashion_mnist.py``
    made them.

    Args:
        images: Whether with the pixels behind them.

    References:
        Xiao et al. 2017, arXiv:1708.07747 (Fashion-MNIST); Tan & Le 2019, arXiv:1905.11946.
    """
    return _packaged(FILE_NAME, images)


def load_fashion_mnist_resnet() -> Embeddings:
    """The same 15 000 training and 5 000 test images as 128 principal components of a residual network.

    A ResNet-50 of half the width that Yahoo trained on photographs; ``make_fashion_mnist_resnet.py`` made
    the numbers.

    References:
        Xiao et al. 2017, arXiv:1708.07747 (Fashion-MNIST); He et al. 2015, arXiv:1512.03385.
    """
    return _packaged(RESNET_FILE_NAME, images=False)


def load_wordnet() -> Embeddings:
    """15 000 training and 5 000 test definitions of nouns as 128 principal components of MiniLM.

    The label is the field to which WordNet's lexicographers assigned the word, one of the ten largest: its
    definition alone must tell. ``make_wordnet.py`` made the numbers.

    References:
        Fellbaum 1998 (WordNet); Wang et al. 2020, arXiv:2002.10957 (MiniLM); Reimers & Gurevych 2019,
        arXiv:1908.10084.
    """
    return _packaged(WORDNET_FILE_NAME, images=False)


def load_fashion_mnist_images() -> Images:
    """The images themselves, (n, 28, 28) bytes; ``make_fashion_mnist_images.py`` made the file."""
    with _opened(IMAGES_FILE_NAME) as stored:
        images, is_test = stored["images"], stored["is_test"]
        return Images(train=images[~is_test], test=images[is_test], provenance=json.loads(str(stored["provenance"])))


def _packaged(name: str, images: bool) -> Embeddings:
    with _opened(name) as stored:
        embeddings = stored["embeddings"].astype(np.float64)
        labels = stored["labels"].astype(np.int64)
        is_test = stored["is_test"]
        provenance = json.loads(str(stored["provenance"]))
    return Embeddings(
        train_embeddings=embeddings[~is_test],
        train_labels=labels[~is_test],
        test_embeddings=embeddings[is_test],
        test_labels=labels[is_test],
        provenance=provenance,
        images=load_fashion_mnist_images() if images else None,
    )


@contextmanager
def _opened(name: str) -> Iterator[Any]:
    with as_file(files("perceptron_pruning.datasets") / "data" / name) as path, np.load(path) as stored:
        yield stored
