"""Makes fashion_mnist_images.npz: the pixels behind the embeddings of Fashion-MNIST, in the same order.

Nothing but NumPy is needed; the images are those of ``make_fashion_mnist``::

    python -m perceptron_pruning.datasets.make_fashion_mnist_images --images /usr/share/datasets/fashion-mnist

Recipe: bytes as they are, 28 x 28, dark background 0.
"""

import argparse
import json

import numpy as np

from perceptron_pruning.datasets.fashion_mnist_files import IMAGES, fashion_mnist_command_line, read_images_and_labels
from perceptron_pruning.datasets.loaders import IMAGES_FILE
from perceptron_pruning.datasets.recipe import TRAIN_ROWS, versions_of


def main(arguments: argparse.Namespace) -> None:
    images, _, checksums = read_images_and_labels(arguments.images)
    provenance = json.dumps({"images": IMAGES, "sha256": checksums, "versions": versions_of("numpy")}, indent=1)
    is_test = np.arange(len(images)) >= TRAIN_ROWS
    np.savez_compressed(arguments.output, images=images, is_test=is_test, provenance=provenance)
    print(provenance)


if __name__ == "__main__":
    main(fashion_mnist_command_line(str(__doc__), file=IMAGES_FILE))
