"""The data of the figures, by the names that `source_of` knows, and in words."""

from dataclasses import dataclass, replace

from perceptron_pruning.evidence.claim import Claim

SOURCES = {
    "fashion-mnist": "Fashion-MNIST, EfficientNet",
    "fashion-mnist-resnet": "Fashion-MNIST, ResNet",
    "wordnet": "WordNet definitions, MiniLM",
}
PIXELS = "fashion-mnist-pixels"  # embeddings with their images, for students that see pixels
NAMES = SOURCES | {PIXELS: "Fashion-MNIST, pixels"}
PAIRS_OF_CLASSES = "pairs of classes"  # of several sources, judged together


@dataclass(frozen=True)
class TwoClassPair:
    """Two classes of a source, by their labels, the second being +1, and in words."""

    source: str
    classes: tuple[int, int]
    words: str


PAIRS = {
    "sneaker-boot": TwoClassPair("fashion-mnist", (7, 9), "sneaker or boot, EfficientNet"),
    "pullover-coat": TwoClassPair("fashion-mnist", (2, 4), "pullover or coat, EfficientNet"),
    "shirt-trouser": TwoClassPair("fashion-mnist", (0, 1), "T-shirt or trouser, EfficientNet"),
    "pullover-coat-resnet": TwoClassPair("fashion-mnist-resnet", (2, 4), "pullover or coat, ResNet"),
    "shirts-resnet": TwoClassPair("fashion-mnist-resnet", (0, 6), "T-shirt or shirt, ResNet"),
    "person-animal": TwoClassPair("wordnet", (1, 3), "person or animal, MiniLM"),
}
TOO_EASY = ("shirt-trouser",)  # 8 errors in all test rows, and fewer among a pilot's
METRICS = {"el2n": "EL2N", "margin_label_agnostic": "label-agnostic margin"}  # the paper's, and its theory's
BENCHMARKED = (  # metrics of the benchmark
    "self_supervised_prototypes",
    "supervised_prototypes",
    "margin",
    "margin_label_agnostic",
    "el2n",
    "el2n_1",
    "grand",
    "forgetting",
    "ddd",
    "active_learning",
    "active_learning_entropy",
    "active_learning_mutual_information",
    "memorization",
    "memorization_subsets",
    "influence_max",
    "influence_sum_abs",
)


def claim_of(claim: Claim, source: str, figure: str) -> Claim:
    """A claim on retrained students as one of a source and figure."""
    return replace(claim, setting=f"{NAMES[source]}; {claim.setting}", figure=figure, tested_on=NAMES[source])
