"""The pixels behind the packaged tables of Fashion-MNIST, in the same order.

Nothing but NumPy is needed; the images are those of ``make_fashion_mnist``::

    python -m perceptron_pruning.datasets.make_fashion_mnist_images \
        --images /usr/share/datasets/fashion-mnist --output fashion_mnist_images.npz

Recipe: bytes as they are, 28 x 28, dark background 0.
"""

import json
from importlib.metadata import version

import numpy as np

from perceptron_pruning.datasets.make_fashion_mnist import TRAIN_ROWS, arguments_of, images_of, read_images_and_labels


def main() -> None:
    arguments = arguments_of(__doc__)
    images, _, checksums = read_images_and_labels(arguments.images)
    provenance = {"images": images_of(), "sha256": checksums, "versions": {"numpy": version("numpy")}}
    is_test = np.arange(len(images)) >= TRAIN_ROWS
    np.savez_compressed(arguments.output, images=images, is_test=is_test, provenance=json.dumps(provenance, indent=1))
    print(json.dumps(provenance, indent=1))


if __name__ == "__main__":
    main()
