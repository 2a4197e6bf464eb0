"""Softmax heads in single precision that start from a neighbour's solution: hundreds are trained in a race.

The loss is that of `fit_softmax`, mean cross-entropy + (ridge/2) ‖W‖², minimised by L-BFGS until the largest component
of the gradient is below a tolerance, or for a number of iterations: a recipe, the same for every rule.
"""

from dataclasses import dataclass, replace

import numpy as np

from perceptron_pruning.embeddings.metrics.softmax_head import HeadFitError, unpacked
from perceptron_pruning.students.lbfgs import Loss, Minimum, minimise

CURVATURE = 0.05  # p(1 − p) of a class, typical of a trained head


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Where the minimisation ends.

    Attributes:
        gradient: Largest component of the gradient at which it has converged.
        iterations: Most iterations of L-BFGS.
    """

    gradient: float
    iterations: int


CONVERGED = Stop(gradient=6e-5, iterations=120)
RACED = Stop(gradient=2e-4, iterations=60)  # errors of rules differ by 0.1 to 0.2 points (rms) from converged heads'


@dataclass(frozen=True, kw_only=True)
class Head:
    """A trained head.

    Attributes:
        parameters: The rows of W and then b, flat, ((d + 1) C,).
        present: Whether a class had examples; one without is never predicted, (C,).
        n_evaluations: Times that loss and gradient were computed.
    """

    parameters: np.ndarray
    present: np.ndarray
    n_evaluations: int

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """(n, d) → (n, C) float32; −∞ for classes without examples."""
        weights, bias = unpacked(self.parameters.astype(np.float32), self.present.size)
        return np.where(self.present, inputs @ weights + bias, np.float32(-np.inf))

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """(n, d) → classes, (n,)."""
        return self.logits(inputs).argmax(axis=1)

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """(n, d) → p(c | x), (n, C) float32."""
        odds = self.logits(inputs)
        odds -= odds.max(axis=1, keepdims=True)
        np.exp(odds, out=odds)
        odds /= odds.sum(axis=1, keepdims=True)
        return odds


def fit_head(
    inputs: np.ndarray,
    classes: np.ndarray,
    *,
    n_classes: int,
    ridge: float,
    start: np.ndarray | None = None,
    stop: Stop = CONVERGED,
) -> Head:
    """Trains a head.

    Args:
        inputs: (n, d) float32, entries of order one.
        classes: (n,), in 0..C−1; not all need be there.
        n_classes: C.
        ridge: Strength, > 0, in units of the loss.
        start: Parameters of a similar head, ((d + 1) C,); zero by default.
        stop: Where the minimisation ends.

    Raises:
        HeadFitError: The loss is not finite.
    """
    loss = HeadLoss(inputs, classes, n_classes=n_classes, ridge=ridge)
    unit = parameter_units(np.einsum("ij,ij->j", inputs, inputs) / len(inputs), n_classes, ridge)
    end = minimised(loss, unit, start, stop)
    if not (np.isfinite(end.loss) and np.isfinite(end.gradient).all()):
        raise diverged(len(inputs), ridge, float(np.abs(end.gradient).max()))
    present = np.bincount(classes, minlength=n_classes) > 0
    return Head(parameters=end.parameters, present=present, n_evaluations=end.n_evaluations)


def minimised(loss: Loss, unit: np.ndarray, start: np.ndarray | None, stop: Stop) -> Minimum:
    """Where L-BFGS ends, in parameters that are measured in these units, (p,)."""

    def scaled_loss(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = loss((scaled * unit).astype(np.float32))
        return value, gradient * unit

    end = minimise(
        scaled_loss,
        np.zeros(unit.size) if start is None else start / unit,
        is_done=lambda _, gradient: bool(np.abs(gradient / unit).max() < stop.gradient),
        iterations=stop.iterations,
    )
    return replace(end, parameters=end.parameters * unit, gradient=end.gradient / unit)


def diverged(n_rows: int, ridge: float, gradient: float) -> HeadFitError:
    """The error of a head whose loss is not finite."""
    return HeadFitError(
        f"a softmax head on {n_rows} rows diverged; rescale the embeddings or raise its ridge {ridge:g}",
        gradient=gradient,
    )


def parameter_units(squares: np.ndarray, n_classes: int, ridge: float) -> np.ndarray:
    """Unit of each parameter, 1/√(curvature), in which L-BFGS needs half the steps, ((d + 1) C,).

    The curvature of the loss along the weights of feature j is about p(1 − p) ⟨x_j²⟩ + ridge.

    Args:
        squares: ⟨x_j²⟩, (d,).
        n_classes: C.
        ridge: Strength, in units of the loss.
    """
    return np.repeat(1 / np.sqrt(np.append(CURVATURE * squares + ridge, CURVATURE)), n_classes)


class HeadLoss:
    """Mean cross-entropy + (ridge/2) ‖W‖² and its gradient, in the precision of the inputs.

    Rows run along the last axis of all arrays, so that sums over classes add long vectors: twice as fast as
    `softmax_loss` for ten classes.

    Args:
        inputs: (n, d).
        classes: (n,), in 0..C−1.
        n_classes: C.
        ridge: Strength, in units of the loss.
    """

    def __init__(self, inputs: np.ndarray, classes: np.ndarray, *, n_classes: int, ridge: float):
        self.features = np.ascontiguousarray(inputs.T)
        self.n_classes, self.ridge = n_classes, inputs.dtype.type(ridge)
        self.own = classes * len(inputs) + np.arange(len(inputs))  # places of the labels in (C, n), flat

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Loss and gradient at the rows of W and then b, flat, ((d + 1) C,), in the precision of the inputs."""
        n, number = self.features.shape[1], self.features.dtype.type
        weights, bias = unpacked(parameters, self.n_classes)
        odds = weights.T @ self.features
        odds += bias[:, None]
        odds -= odds.max(axis=0)
        own_logits = float(odds.ravel()[self.own].sum(dtype=float))
        np.exp(odds, out=odds)
        normaliser = odds.sum(axis=0)
        loss = (float(np.log(normaliser).sum(dtype=float)) - own_logits) / n
        odds /= normaliser * number(n)
        odds.ravel()[self.own] -= number(1 / n)  # now the residual (p − t)/n
        gradient = np.empty((len(weights) + 1, self.n_classes), number)
        np.matmul(self.features, odds.T, out=gradient[:-1])
        gradient[:-1] += self.ridge * weights
        gradient[-1] = odds.sum(axis=1)
        return loss + float(self.ridge) / 2 * float(np.vdot(weights, weights)), gradient.ravel()
