"""Softmax heads on small sets, many at a time: the steps of `fit_head`, in calls that all of them share.

On a few hundred rows the calls of NumPy take longer than what they compute; for ten heads of one size they are made
once. Sets of fewer rows than the largest are filled up with rows of weight zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perceptron_pruning.embeddings.recommendation.heads import CONVERGED, Head, Stop, diverged, parameter_units
from perceptron_pruning.students.lbfgs_batch import minimise_all

MOST_WORK = 2**19  # n d C of a set, above which its head is trained alone: the calls no longer count
MOST_PARAMETERS = 2**11  # of a head that is not trained alone: steps of many wider ones leave the cache
MOST_IN_BATCH = 2**23  # n d C of sets of one size that are trained together
MOST_FILLED_UP = 2**21  # n d C of sets of several sizes, filled up to the largest: more zeros cost more than calls
FEWEST_IN_BATCH = 4


def batches(sizes: Sequence[int], n_features: int, n_classes: int) -> list[list[int]]:
    """Numbers of the sets, of so many rows each, that are trained together."""
    row, grouped = n_features * n_classes, []
    are_narrow = (n_features + 1) * n_classes <= MOST_PARAMETERS
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        last = [sizes[other] for other in grouped[-1]] if grouped else []
        filled = (len(last) + 1) * max(last, default=0) * row
        most = MOST_IN_BATCH if set(last) == {sizes[number]} else MOST_FILLED_UP
        if last and are_narrow and last[0] * row <= MOST_WORK and filled <= most:
            grouped[-1].append(number)
        else:
            grouped.append([number])
    return grouped


def fit_heads(
    inputs: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    *,
    n_classes: int,
    ridges: Sequence[float],
    starts: Sequence[np.ndarray | None],
    stop: Stop = CONVERGED,
) -> list[Head]:
    """Trains a head on each of B sets.

    Args:
        inputs: B arrays (n_b, d) float32, entries of order one.
        classes: B arrays (n_b,), in 0..C−1; not all need be there.
        n_classes: C.
        ridges: Strength for each, > 0, in units of the loss.
        starts: Parameters of a similar head for each, ((d + 1) C,), or None for zero.
        stop: Where each minimisation ends.

    Raises:
        HeadFitError: A loss is not finite.
    """
    units = np.array(
        [
            parameter_units(np.einsum("ij,ij->j", rows, rows) / len(rows), n_classes, ridge)
            for rows, ridge in zip(inputs, ridges, strict=True)
        ]
    )
    start = np.array([np.zeros(units.shape[1]) if start is None else start for start in starts])
    losses = HeadLosses.of(inputs, classes, n_classes=n_classes, ridges=ridges, units=units, tolerance=stop.gradient)
    ends = minimise_all(losses, start / units, iterations=stop.iterations)
    heads = []
    for end, unit, labels, ridge in zip(ends, units, classes, ridges, strict=True):
        if not (np.isfinite(end.loss) and np.isfinite(end.gradient).all()):
            raise diverged(len(labels), ridge, float(np.abs(end.gradient / unit).max()))
        present = np.bincount(labels, minlength=n_classes) > 0
        heads.append(Head(parameters=end.parameters * unit, present=present, n_evaluations=end.n_evaluations))
    return heads


@dataclass(frozen=True, kw_only=True)
class HeadLosses:
    """Losses of `HeadLoss` for B sets, and their gradients, in parameters that are measured in units of their own.

    Attributes:
        features: (B, d, n) float32; zero where a set has no more rows.
        own: Places of the labels in (C, n), flat, (B, n).
        share: 1/n_b for the rows of a set, 0 where it has no more, (B, n) float32.
        n_classes: C.
        ridges: Strengths, in units of the loss, (B,) float32.
        units: Of the parameters, (B, p).
        tolerance: Largest component of the gradient, in plain units, at which a head has converged.
    """

    features: np.ndarray
    own: np.ndarray
    share: np.ndarray
    n_classes: int
    ridges: np.ndarray
    units: np.ndarray
    tolerance: float

    @classmethod
    def of(
        cls,
        inputs: Sequence[np.ndarray],
        classes: Sequence[np.ndarray],
        *,
        n_classes: int,
        ridges: Sequence[float],
        units: np.ndarray,
        tolerance: float,
    ) -> "HeadLosses":
        """Sets of any sizes, filled up to the largest."""
        n = max(map(len, inputs))
        features = np.zeros((len(inputs), inputs[0].shape[1], n), np.float32)
        labels, share = np.zeros((len(inputs), n), int), np.zeros((len(inputs), n), np.float32)
        for number, (rows, given) in enumerate(zip(inputs, classes, strict=True)):
            features[number, :, : len(rows)] = rows.T
            labels[number, : len(rows)], share[number, : len(rows)] = given, 1 / len(rows)
        return cls(
            features=features,
            own=labels * n + np.arange(n),
            share=share,
            n_classes=n_classes,
            ridges=np.array(ridges, np.float32),
            units=units,
            tolerance=tolerance,
        )

    def part(self, which: np.ndarray | slice) -> "HeadLosses":
        """Some of the sets."""
        return replace(
            self,
            features=self.features[which],
            own=self.own[which],
            share=self.share[which],
            ridges=self.ridges[which],
            units=self.units[which],
        )

    def are_done(self, gradients: np.ndarray) -> np.ndarray:
        """Whether the heads have converged, (B,)."""
        return np.abs(gradients / self.units).max(axis=1) < self.tolerance

    def __call__(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Losses (B,) and gradients (B, p), at parameters over their units, (B, p)."""
        n_sets, d, _ = self.features.shape
        parameters = (places * self.units).astype(np.float32)
        flat_weights, bias = parameters[:, : d * self.n_classes], parameters[:, d * self.n_classes :]
        weights = flat_weights.reshape(n_sets, d, self.n_classes)
        odds = weights.swapaxes(1, 2) @ self.features
        odds += bias[:, :, None]
        odds -= odds.max(axis=1, keepdims=True)
        flat, each = odds.reshape(n_sets, -1), np.arange(n_sets)[:, None]
        own_logits = flat[each, self.own]
        np.exp(odds, out=odds)
        normaliser = odds.sum(axis=1)
        values = np.einsum("bn,bn->b", np.log(normaliser) - own_logits, self.share, dtype=float)
        odds *= (self.share / normaliser)[:, None]
        flat[each, self.own] -= self.share  # now the residual (p − t)/n
        gradients = np.empty((n_sets, d + 1, self.n_classes), np.float32)
        np.matmul(self.features, odds.swapaxes(1, 2), out=gradients[:, :-1])
        gradients[:, :-1] += self.ridges[:, None, None] * weights
        gradients[:, -1] = odds.sum(axis=2)
        values += self.ridges / 2 * np.einsum("bp,bp->b", flat_weights, flat_weights, dtype=float)
        return values, gradients.reshape(n_sets, -1) * self.units
