"""The images and labels of Fashion-MNIST, from its four gzipped ``idx`` files.

References:
    Xiao et al. 2017, arXiv:1708.07747.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np

from perceptron_pruning.datasets.recipe import TEST_ROWS, TRAIN_ROWS, command_line, sha256

IMAGES = f"Fashion-MNIST (MIT licence, Zalando SE): first {TRAIN_ROWS} training, first {TEST_ROWS} test"


def read_idx(path: Path) -> np.ndarray:
    """Array in a gzipped file of the ``idx`` format of unsigned bytes (MNIST's own)."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"`{path}` must be an idx file of unsigned bytes; got header {raw[:4]!r}")
    shape = np.frombuffer(raw, ">i4", raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def read_images_and_labels(folder: Path) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Images (n, 28, 28) and labels (n,), the first training and then the first test ones, and the files' SHA-256."""
    files = [
        folder / f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1") for part in ("train", "t10k")
    ]
    images, test_images, labels, test_labels = map(read_idx, files)
    return (
        np.concatenate([images[:TRAIN_ROWS], test_images[:TEST_ROWS]]),
        np.concatenate([labels[:TRAIN_ROWS], test_labels[:TEST_ROWS]]),
        {path.name: sha256(path) for path in files},
    )


def fashion_mnist_command_line(documentation: str, *, file: str) -> argparse.Namespace:
    """``--images`` and ``--output`` of a script that reads Fashion-MNIST."""
    parser = command_line(documentation, file=file)
    parser.add_argument("--images", type=Path, required=True, help="folder of the four idx files")
    return parser.parse_args()
