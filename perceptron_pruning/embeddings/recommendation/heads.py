"""Softmax heads in single precision that start from a neighbour's solution: hundreds are trained in a race.

The loss is that of `fit_softmax`, mean cross-entropy + (ridge/2) ‖W‖², minimised by L-BFGS until the largest component
of the gradient is below a tolerance, or for a number of iterations: a recipe, the same for every rule.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from perceptron_pruning.embeddings.metrics.softmax_head import HeadFitError, softmax_loss, unpacked

MEMORY = 15  # steps that L-BFGS remembers
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
    targets = np.zeros((len(inputs), n_classes), np.float32)
    targets[np.arange(len(inputs)), classes] = 1
    scale = _scale(inputs, n_classes, ridge)
    loss = _ScaledLoss(inputs=inputs, targets=targets, ridge=ridge, scale=scale, tolerance=stop.gradient)
    solution = minimize(
        loss,
        np.zeros(scale.size) if start is None else start / scale,
        jac=True,
        method="L-BFGS-B",
        callback=loss.stop_when_flat,
        options={"maxiter": stop.iterations, "maxfun": 3 * stop.iterations, "maxcor": MEMORY, "gtol": 0.0, "ftol": 0.0},
    )
    if not (np.isfinite(solution.fun) and np.isfinite(solution.x).all()):
        raise HeadFitError(
            f"a softmax head on {len(inputs)} rows diverged; rescale the embeddings or raise its ridge {ridge:g}",
            gradient=loss.largest_gradient,
        )
    present = np.bincount(classes, minlength=n_classes) > 0
    return Head(parameters=solution.x * scale, present=present, n_evaluations=int(solution.nfev))


def _scale(inputs: np.ndarray, n_classes: int, ridge: float) -> np.ndarray:
    """Unit of each parameter, 1/√(curvature), in which L-BFGS needs half the steps, ((d + 1) C,).

    The curvature of the loss along the weights of feature j is about p(1 − p) ⟨x_j²⟩ + ridge.
    """
    curvature = np.append(CURVATURE * np.einsum("ij,ij->j", inputs, inputs) / len(inputs) + ridge, CURVATURE)
    return np.repeat(1 / np.sqrt(curvature), n_classes)


@dataclass(kw_only=True)
class _ScaledLoss:
    """Loss and gradient by parameters in units of ``scale``; remembers the largest gradient by the parameters."""

    inputs: np.ndarray
    targets: np.ndarray
    ridge: float
    scale: np.ndarray
    tolerance: float
    largest_gradient: float = np.inf

    def __call__(self, scaled: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = (scaled * self.scale).astype(np.float32)
        value, gradient = softmax_loss(parameters, self.inputs, self.targets, self.ridge)
        self.largest_gradient = float(np.abs(gradient).max())
        return value, gradient * self.scale

    def stop_when_flat(self, intermediate_result: object) -> None:
        """Ends the minimisation at the gradient asked for."""
        if self.largest_gradient < self.tolerance:
            raise StopIteration
