"""The predictions that the claims test, each under the question that it answers."""

from dataclasses import dataclass

FURTHER = "What else was asked"  # the question of claims that no prediction below names


@dataclass(frozen=True)
class Prediction:
    """What is predicted, in few words.

    Attributes:
        name: A noun phrase, for a row of the matrix.
        question: The question that it answers.
        statements: Beginnings of the claims' statements that test it.
    """

    name: str
    question: str
    statements: tuple[str, ...]


QUESTIONS = {
    "Does theory tell the error?": {
        "theory's error": (
            "Replica theory predicts the test error",
            "It predicts the order parameters",
            "What is left between them vanishes",
            "The theory of probes trained on their own pool predicts",
        ),
        "isotropic theory on data": ("The theory of isotropic Gaussian inputs",),
        "plane-and-bulk theory": ("The theory of a measured plane and bulk",),
        "whole-law theory": (
            "The theory of the whole empirical law",
            "The whole law finds",
            "The whole law tells",
        ),
        "a pilot's forecast": (
            "Choosing between hard, easy and random by a pilot's forecast",
            "A pilot's forecast",
            "The whole law forecasts nearer",
            "The cross-fitted plane and bulk forecasts nearer",
        ),
    },
    "Which examples are worth keeping?": {
        "easy when data are scarce": ("When data are scarce", "Real images: when data are scarce"),
        "hard when data abound": ("When data abound", "Real images: when data abound"),
        "the flip with pool size": (
            "The optimal strategy flips",
            "Keeping hard hurts when data are scarce and helps when they abound",
        ),
        "a window of margins": (
            "Between scarce and abundant a window",
            "A window that skips the hardest",
            "Keeping the rows of least signed margin",
        ),
    },
    "Does pruning beat the power law?": {
        "a power law at fixed f": ("At a fixed kept fraction the error", "At a fixed kept fraction of the hardest"),
        "faster at the best f": (
            "With the Pareto-optimal fraction for each size",
            "With the best fraction for each size",
        ),
        "exponential error": (
            "The Pareto frontier of a pool of bounded size",
            "With a fraction that shrinks as data grow error",
            "With an unlimited pool a perfect metric",
        ),
        "a power law at θ > 0": ("With an imperfect probe",),
        "more told per example": (
            "Each kept example carries more information",
            "At a fixed kept fraction the information gain",
            "With a fraction that shrinks as data grow the information gain",
        ),
    },
    "What works in practice?": {
        "the pool's own probe": (
            "A probe trained on the pool itself",
            "Hard pruning by a probe of the pool's own",
            "Pruning in rounds",
        ),
        "a metric that sees labels": ("A metric that sees the labels",),
        "a metric above chance": ("The best metric keeps a better training set",),
        "label-free prototypes": ("Label-free prototypes", "Any number of prototypes"),
        "a class floor": ("A floor for every class",),
        "pruned pretraining": ("Pretraining on",),
        "embeddings for pixels": ("A network trained end to end",),
    },
}

PREDICTIONS = tuple(
    Prediction(name, question, statements)
    for question, named in QUESTIONS.items()
    for name, statements in named.items()
)


def prediction_of(statement: str) -> Prediction:
    """The prediction that a claim tests; one of its own, named as the claim is, where none of them does."""
    for prediction in PREDICTIONS:
        if statement.startswith(prediction.statements):
            return prediction
    return Prediction(statement, FURTHER, (statement,))
