"""L-BFGS on many problems of one size at a time: the steps of each are those of `minimise`, the calls are shared.

Equation 3.1 of Byrd, Nocedal & Schnabel 1994 as in `perceptron_pruning.students.lbfgs`, with R⁻¹ kept instead of R: it
grows by a column and loses its first row and column as the steps do. A pair whose curvature is lost in rounding enters
as zeros, with 1 on the diagonal of R, and has no effect.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from perceptron_pruning.students.lbfgs import DECREASE, HALVINGS, LEAST_CURVATURE, MEMORY, SINGLE, Minimum


class Losses(Protocol):
    """B convex losses of p parameters each."""

    def __call__(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Losses (B,) and gradients (B, p) at the problems' parameters, (B, p)."""
        ...

    def are_done(self, gradients: np.ndarray) -> np.ndarray:
        """Whether all problems' gradients, (B, p), are small enough, (B,)."""
        ...

    def part(self, which: np.ndarray | slice) -> "Losses":
        """Some of the problems."""
        ...


class _Memories:
    """The last steps of B problems, and the products of the equation."""

    def __init__(self, n_problems: int, n_parameters: int) -> None:
        self.store = np.empty((2, n_problems, 2 * MEMORY, n_parameters))
        self.first = self.last = 0
        self.inverse = self.squared = np.empty((n_problems, 0, 0))
        self.diagonal, self.scale = np.empty((n_problems, 0)), np.ones(n_problems)

    def part(self, which: np.ndarray) -> "_Memories":
        """Those of some problems."""
        rest = _Memories(0, 0)
        rest.store, rest.first, rest.last = self.store[:, which], self.first, self.last
        rest.inverse, rest.squared = self.inverse[which], self.squared[which]
        rest.diagonal, rest.scale = self.diagonal[which], self.scale[which]
        return rest

    def add(self, steps: np.ndarray, changes: np.ndarray) -> None:
        """Enters a step of every problem, (B, p), and the change of its gradient."""
        curvature, squares = _dots(steps, changes), _dots(changes, changes)
        lost = ~(curvature > LEAST_CURVATURE * np.sqrt(_dots(steps, steps) * squares))
        if lost.any():
            steps[lost] = changes[lost] = curvature[lost] = 0
        if self.last == 2 * MEMORY:
            self.store[:, :, :MEMORY] = self.store[:, :, MEMORY:]
            self.first, self.last = self.first - MEMORY, MEMORY
        if self.last - self.first == MEMORY:
            self.first += 1
            self.inverse, self.squared = self.inverse[:, 1:, 1:], self.squared[:, 1:, 1:]
            self.diagonal = self.diagonal[:, 1:]
        self.store[0, :, self.last], self.store[1, :, self.last] = steps, changes
        self.last += 1
        all_steps, all_changes = self.store[:, :, self.first : self.last]
        self._border(_times(all_steps, changes)[:, :-1], np.where(lost, 1, curvature), _times(all_changes, changes))
        self.diagonal = np.concatenate([self.diagonal, curvature[:, None]], axis=1)
        self.scale = np.divide(curvature, squares, out=self.scale, where=~lost)

    def _border(self, column: np.ndarray, corner: np.ndarray, squared: np.ndarray) -> None:
        """R⁻¹ and YᵀY with one more column each: of R (B, k) and its corner (B,), of YᵀY (B, k + 1)."""
        n_problems, size = squared.shape
        inverse, products = np.zeros((n_problems, size, size)), np.empty((n_problems, size, size))
        inverse[:, :-1, :-1], inverse[:, -1, -1] = self.inverse, 1 / corner
        inverse[:, :-1, -1] = -_times(self.inverse, column) / corner[:, None]
        products[:, :-1, :-1], products[:, -1], products[:, :, -1] = self.squared, squared, squared
        self.inverse, self.squared = inverse, products

    def directions(self, gradients: np.ndarray) -> np.ndarray:
        """−H g of every problem, (B, p); without a memory −g."""
        if self.last == self.first:
            return -gradients
        steps, changes = self.store[:, :, self.first : self.last]
        scale = self.scale[:, None]
        along = _times(self.inverse, _times(steps, gradients))
        curved = self.diagonal * along + scale * (_times(self.squared, along) - _times(changes, gradients))
        back = _times(self.inverse.swapaxes(1, 2), curved)
        return -(scale * gradients + _times(steps.swapaxes(1, 2), back) - scale * _times(changes.swapaxes(1, 2), along))


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(B, a, b) times (B, b) → (B, a)."""
    return np.matmul(matrices, vectors[:, :, None])[:, :, 0]


def _dots(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(B, p) and (B, p) → (B,)."""
    return np.einsum("bp,bp->b", first, second)


class _State:
    """Where the problems that are left stand.

    Attributes:
        number: Of each problem in the batch, (B,).
        places, values, gradients: (B, p), (B,), (B, p).
        evaluations: So far, (B,).
        running: Whether the problem is to go on, (B,): others move on unheeded until half of them can be left out.
    """

    def __init__(self, losses: Losses, start: np.ndarray):
        self.losses, self.number, self.places = losses, np.arange(len(start)), start
        self.values, self.gradients = losses(start)
        self.evaluations, self.running = np.ones(len(start), int), np.ones(len(start), bool)
        self.memories = _Memories(*start.shape)

    def leave_out_ended(self) -> None:
        left = np.flatnonzero(self.running)
        if 2 * left.size > len(self.number):
            return
        self.losses, self.memories = self.losses.part(left), self.memories.part(left)
        for name in ("number", "places", "values", "gradients", "evaluations", "running"):
            setattr(self, name, getattr(self, name)[left])

    def minimum(self, problem: int) -> Minimum:
        return Minimum(
            parameters=self.places[problem].copy(),
            loss=float(self.values[problem]),
            gradient=self.gradients[problem].copy(),
            n_evaluations=int(self.evaluations[problem]),
        )

    def step(self, rounding: float, first_length: float | None) -> np.ndarray:
        """One step of every problem; which of the running ones found none, (b,)."""
        directions = self.memories.directions(self.gradients)
        if first_length is not None:
            lengths = np.maximum(np.sqrt(_dots(self.gradients, self.gradients)), 1e-300)
            directions *= np.minimum(1.0, first_length / lengths)[:, None]
        slopes, allowed = DECREASE * _dots(directions, self.gradients), self.values + rounding * np.abs(self.values)
        sizes, new, high = np.ones(len(directions)), self.places + directions, self.running
        values, gradients = np.empty_like(self.values), np.empty_like(self.gradients)
        values[:], gradients[:] = self.losses(new)
        self.evaluations += 1
        for _ in range(HALVINGS - 1):
            high = high & ~(values <= allowed + sizes * slopes)
            if not high.any():
                break
            sizes[high] /= 2
            new[high] = self.places[high] + sizes[high, None] * directions[high]
            self._evaluate(high, new, values, gradients)
        stuck = np.flatnonzero(high & ~(values <= allowed + sizes * slopes))
        new[stuck], values[stuck], gradients[stuck] = self.places[stuck], self.values[stuck], self.gradients[stuck]
        self.memories.add(new - self.places, gradients - self.gradients)
        self.places, self.values, self.gradients = new, values, gradients
        return stuck

    def _evaluate(self, which: np.ndarray, places: np.ndarray, values: np.ndarray, gradients: np.ndarray) -> None:
        """Losses and gradients of some problems, one by one if they are few."""
        self.evaluations += which
        if 2 * np.count_nonzero(which) >= which.size:
            new_values, new_gradients = self.losses(places)
            values[which], gradients[which] = new_values[which], new_gradients[which]
            return
        for problem in np.flatnonzero(which):
            one = slice(problem, problem + 1)
            values[one], gradients[one] = self.losses.part(one)(places[one])


def minimise_all(
    losses: Losses, start: np.ndarray, *, iterations: int, rounding: float = SINGLE, first_length: float = 1.0
) -> Sequence[Minimum]:
    """Goes down from ``start`` until each problem is done, its loss no longer falls, or the iterations are used up.

    Args:
        losses: B of them.
        start: (B, p).
        iterations: At most.
        rounding: Relative error of a loss.
        first_length: Of the first step, at most.
    """
    state = _State(losses, start)
    ends: dict[int, Minimum] = {}

    def end(problems: np.ndarray) -> None:
        ends.update((int(state.number[problem]), state.minimum(problem)) for problem in problems)
        state.running[problems] = False

    for iteration in range(iterations):
        end(np.flatnonzero(state.running & state.losses.are_done(state.gradients)))
        state.leave_out_ended()
        if not state.running.any():
            break
        end(state.step(rounding, first_length if iteration == 0 else None))
    end(np.flatnonzero(state.running))
    return [ends[number] for number in range(len(start))]
