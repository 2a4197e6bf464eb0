"""Softmax heads that many processes train together on the rows of all, bit for bit those of one process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perceptron_pruning.embeddings.recommendation.difficulty import N_FOLDS, SCORING_RIDGE
from perceptron_pruning.embeddings.recommendation.heads import (
    CONVERGED,
    Head,
    HeadLoss,
    diverged,
    minimised,
    parameter_units,
)
from perceptron_pruning.embeddings.runtime.led import JointLoss, led
from perceptron_pruning.embeddings.runtime.settings import ADDED_NUMBERS
from perceptron_pruning.embeddings.runtime.tiling import ExactSum, Tiling
from perceptron_pruning.parallel.cores import on_all_cores

FEW_TILES = 24  # that are not worth the start of threads


def fit_joint_head(
    inputs: np.ndarray,
    classes: np.ndarray,
    seen: np.ndarray,
    *,
    n_classes: int,
    ridge: float,
    tiling: Tiling,
    start: np.ndarray | None = None,
) -> Head:
    """Trains a head to convergence.

    Args:
        inputs: Of the rows of this process, (n, d) float32, entries of order one.
        classes: (n,), in 0..C−1.
        seen: Whether the head is trained on the row, (n,).
        n_classes: C.
        ridge: Strength, > 0, in units of the loss.
        tiling: Of the rows of all processes.
        start: Parameters of a similar head, ((d + 1) C,); zero by default.

    Raises:
        HeadFitError: The loss is not finite.
    """
    loss = JointHeadLoss(inputs, classes, seen, n_classes=n_classes, ridge=ridge, tiling=tiling)
    unit = parameter_units(loss.mean_squares(), n_classes, ridge)

    def numbers(asked: JointLoss) -> np.ndarray:
        end = minimised(asked, unit, start, CONVERGED)
        return np.array([end.loss, np.abs(end.gradient).max(), end.n_evaluations, *end.parameters])

    value, gradient, evaluations, *parameters = led(numbers, loss, tiling.group)
    if not (np.isfinite(value) and np.isfinite(gradient)):
        raise diverged(loss.n_rows, ridge, gradient)
    counts = tiling.group.all_sum(np.bincount(classes[seen], minlength=n_classes))
    return Head(parameters=np.array(parameters), present=counts > 0, n_evaluations=int(evaluations))


def batched(tiles: Sequence[HeadLoss], count: int) -> Iterator[Sequence[HeadLoss]]:
    """The tiles, so many at a time."""
    return (tiles[start : start + count] for start in range(0, len(tiles), count))


@dataclass(frozen=True, kw_only=True)
class UnseenHeads:
    """Heads of which each left out a fold of the rows of all processes.

    Attributes:
        heads: One for each fold.
        fold: Of the rows of this process, 0..4, (n,).
    """

    heads: list[Head]
    fold: np.ndarray

    def probabilities(self, inputs: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """Of some rows by the heads that left them out, (n, C) float32."""
        probabilities = np.empty((len(inputs), self.heads[0].present.size), np.float32)
        for number, head in enumerate(self.heads):
            probabilities[fold == number] = head.probabilities(inputs[fold == number])
        return probabilities


def unseen_heads(inputs: np.ndarray, classes: np.ndarray, n_classes: int, seed: int, tiling: Tiling) -> UnseenHeads:
    """Trains five heads, each on four fifths of the rows of all processes.

    Args:
        inputs, classes: Of the rows of this process, (n, d) and (n,).
        n_classes: C.
        seed: Draws the folds.
        tiling: Of the rows of all processes.
    """
    drawn = np.random.default_rng([seed, 1]).permutation(tiling.n_rows)
    fold = (drawn[tiling.first_row : tiling.first_row + len(inputs)] % N_FOLDS).astype(np.uint8)
    heads: list[Head] = []
    for number in range(N_FOLDS):
        head = fit_joint_head(
            inputs,
            classes,
            fold != number,
            n_classes=n_classes,
            ridge=SCORING_RIDGE,
            tiling=tiling,
            start=heads[-1].parameters if heads else None,
        )
        heads.append(head)
    return UnseenHeads(heads=heads, fold=fold)


class JointHeadLoss:
    """Mean cross-entropy + (ridge/2) ‖W‖² over the rows of all processes, and its gradient.

    Args:
        inputs, classes, seen, n_classes, ridge, tiling: As for `fit_joint_head`.

    Attributes:
        n_rows: Rows of all processes that the head is trained on.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        classes: np.ndarray,
        seen: np.ndarray,
        *,
        n_classes: int,
        ridge: float,
        tiling: Tiling,
    ):
        self.group, self.n_classes, self.ridge = tiling.group, n_classes, ridge
        self.n_features = inputs.shape[1]
        self.n_rows = int(self.group.all_sum(np.array(np.count_nonzero(seen), np.int64)))
        self.tiles = [
            HeadLoss(inputs[span][seen[span]], classes[span][seen[span]], n_classes=n_classes, ridge=0.0)
            for span in tiling.spans(0, len(inputs))
            if seen[span].any()
        ]

    def mean_squares(self) -> np.ndarray:
        """⟨x_j²⟩ of every feature, (d,)."""
        total = ExactSum((self.n_features,))
        for tile in self.tiles:
            total.add(np.einsum("ji,ji->j", tile.features, tile.features)[None])
        return total.total(self.group) / self.n_rows

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient at the rows of W and then b, flat, ((d + 1) C,); all processes call it together."""
        total, single = ExactSum((parameters.size + 1,)), parameters.astype(np.float32)
        for tiles in batched(self.tiles, max(1, ADDED_NUMBERS // parameters.size)):
            terms = np.empty((len(tiles), parameters.size + 1))

            def enter(term: np.ndarray, tile: HeadLoss) -> None:
                term[-1], term[:-1] = tile(single)
                term *= tile.features.shape[1]

            on_all_cores(enter, terms, tiles, at_most=None if len(tiles) > FEW_TILES else 1, threads=True)
            total.add(terms)
        means = total.total(self.group) / self.n_rows
        weights = parameters[: self.n_features * self.n_classes].astype(float)
        means[: weights.size] += self.ridge * weights
        return float(means[-1] + self.ridge / 2 * np.sum(weights**2)), means[:-1]
