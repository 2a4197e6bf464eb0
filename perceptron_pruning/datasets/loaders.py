"""The data sets of the project: Fashion-MNIST as two trained networks see it, its pixels, and definitions of words.

The first of them is installed with the package; the others lie in the repository, and elsewhere a script makes them.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from perceptron_pruning.datasets.archive import read_embeddings

DATA = Path(__file__).parent / "data"
EFFICIENTNET_FILE = "fashion_mnist_efficientnet_lite0.npz"
RESNET_FILE = "fashion_mnist_resnet50_half.npz"
IMAGES_FILE = "fashion_mnist_images.npz"
WORDNET_FILE = "wordnet_minilm.npz"
_COMMANDS = {  # that make each file
    EFFICIENTNET_FILE: "python -m perceptron_pruning.datasets.make_fashion_mnist --images FOLDER",
    RESNET_FILE: "python -m perceptron_pruning.datasets.make_fashion_mnist_resnet --images FOLDER",
    IMAGES_FILE: "python -m perceptron_pruning.datasets.make_fashion_mnist_images --images FOLDER",
    WORDNET_FILE: "python -m perceptron_pruning.datasets.make_wordnet --dictionary data.noun",
}


@dataclass(frozen=True, kw_only=True)
class Images:
    """Pixels behind the rows of embeddings, in the same order.

    Attributes:
        train, test: (n, h, w) or (n, h, w, channels), any numbers.
        provenance: Source, checksums and versions.
    """

    train: np.ndarray
    test: np.ndarray
    provenance: dict


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """Labelled embeddings, split into a pool to prune and a test set never pruned.

    Attributes:
        train_embeddings: (n_train, d) float64.
        train_labels: (n_train,) integers.
        test_embeddings: (n_test, d) float64.
        test_labels: (n_test,) integers.
        provenance: Examples, network, recipe, checksums and versions.
        images: The pixels behind the rows, or None.

    Example:
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> data = load_fashion_mnist()
        >>> data.train_embeddings.shape, data.test_embeddings.shape
        ((15000, 256), (5000, 256))
    """

    train_embeddings: np.ndarray
    train_labels: np.ndarray
    test_embeddings: np.ndarray
    test_labels: np.ndarray
    provenance: dict
    images: Images | None = None

    @property
    def pixels(self) -> Images:
        """The images, for students that see pixels.

        Raises:
            ValueError: There are none.
        """
        if self.images is None:
            raise ValueError(
                "`images` must be given for students that see pixels (fashion-mnist-pixels has them); got None"
            )
        return self.images


def load_fashion_mnist(*, images: bool = False) -> Embeddings:
    """15 000 training and 5 000 test images as 256 principal components of EfficientNet-Lite0.

    The components are multiples of 1/32, returned in double precision; ``make_fashion_mnist.py`` made them.

    Args:
        images: Whether with the pixels behind them.

    Returns:
        The embeddings, labels 0..9.

    Raises:
        FileNotFoundError: The pixels are asked for and not there (the repository has them).

    References:
        Xiao et al. 2017, arXiv:1708.07747 (Fashion-MNIST); Tan & Le 2019, arXiv:1905.11946.

    Example:
        >>> from perceptron_pruning.embeddings import load_fashion_mnist
        >>> load_fashion_mnist().train_embeddings.shape
        (15000, 256)
    """
    return _load(EFFICIENTNET_FILE, images=load_fashion_mnist_images() if images else None)


def load_fashion_mnist_resnet() -> Embeddings:
    """The same 15 000 training and 5 000 test images as 128 principal components of a residual network.

    A ResNet-50 of half the width that Yahoo trained on photographs; ``make_fashion_mnist_resnet.py`` made
    the numbers.

    Raises:
        FileNotFoundError: The file is not there (the repository has it).

    References:
        Xiao et al. 2017, arXiv:1708.07747 (Fashion-MNIST); He et al. 2015, arXiv:1512.03385.
    """
    return _load(RESNET_FILE)


def load_wordnet() -> Embeddings:
    """15 000 training and 5 000 test definitions of nouns as 128 principal components of MiniLM.

    The label is the field to which WordNet's lexicographers assigned the word, one of the ten largest: its
    definition alone must tell. ``make_wordnet.py`` made the numbers.

    Raises:
        FileNotFoundError: The file is not there (the repository has it).

    References:
        Fellbaum 1998 (WordNet); Wang et al. 2020, arXiv:2002.10957 (MiniLM); Reimers & Gurevych 2019,
        arXiv:1908.10084.
    """
    return _load(WORDNET_FILE)


def load_fashion_mnist_images() -> Images:
    """The pixels of the same images, (n, 28, 28) bytes; ``make_fashion_mnist_images.py`` made the file.

    Raises:
        FileNotFoundError: The file is not there (the repository has it).
    """
    with _archive(IMAGES_FILE) as stored:
        images, is_test = stored["images"], stored["is_test"]
        return Images(train=images[~is_test], test=images[is_test], provenance=json.loads(str(stored["provenance"])))


def _load(file: str, images: Images | None = None) -> Embeddings:
    with _archive(file) as stored:
        embeddings = read_embeddings(stored)
        labels = stored["labels"].astype(np.int64)
        is_test = stored["is_test"]
        provenance = json.loads(str(stored["provenance"]))
    return Embeddings(
        train_embeddings=embeddings[~is_test],
        train_labels=labels[~is_test],
        test_embeddings=embeddings[is_test],
        test_labels=labels[is_test],
        provenance=provenance,
        images=images,
    )


@contextmanager
def _archive(file: str) -> Iterator[NpzFile]:
    path = DATA / file
    if not path.exists():
        raise FileNotFoundError(f"`{path}` is not installed (the repository has it); to make it: {_COMMANDS[file]}")
    with np.load(path, allow_pickle=False) as stored:
        yield stored
