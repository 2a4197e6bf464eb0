"""The data of the figures, by the names that `source_of` knows, and in words."""

from dataclasses import replace

from perceptron_pruning.evidence.claim import Claim

SOURCES = {
    "fashion-mnist": "Fashion-MNIST, EfficientNet",
    "fashion-mnist-resnet": "Fashion-MNIST, ResNet",
    "wordnet": "WordNet definitions, MiniLM",
}
PIXELS = "fashion-mnist-pixels"  # embeddings with their images, for students that see pixels
NAMES = SOURCES | {PIXELS: "Fashion-MNIST, pixels"}
PAIRS = {  # two classes of each source, by their labels and in words
    "fashion-mnist": ((7, 9), "sneaker or boot, EfficientNet"),
    "fashion-mnist-resnet": ((2, 4), "pullover or coat, ResNet"),
    "wordnet": ((1, 3), "person or animal, MiniLM"),
}
METRICS = {"el2n": "EL2N", "margin_label_agnostic": "label-agnostic margin"}  # the paper's, and its theory's


def claim_of(claim: Claim, source: str, figure: str) -> Claim:
    """A claim on retrained students as one of a source and figure."""
    return replace(claim, setting=f"{NAMES[source]}; {claim.setting}", figure=figure)
