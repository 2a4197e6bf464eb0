"""Students of queries orthogonal to the centre of their version space, which expectation propagation finds."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from perceptron_pruning.figures.field.points import SMALLER, beside_smaller
from perceptron_pruning.output.tables import Row
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores

_EVERY, _SWEEPS = 4, 2  # queries between sweeps over all of them, and sweeps then
_LEAST = 1e-12  # precision of a site below which it is left as it is


@dataclass
class Posterior:
    """Mean and covariance of students that agree with all labels, as a Gaussian with a site an example.

    Attributes:
        mean: m, (N,).
        covariance: S, (N, N).
        inputs: y x of each example so far, a list of (N,).
        precisions, shifts: τ and ν of each site, exp(−τ u²/2 + ν u) of the field u = y J·x.
    """

    mean: np.ndarray
    covariance: np.ndarray
    inputs: list[np.ndarray]
    precisions: list[float]
    shifts: list[float]

    @classmethod
    def prior(cls, n_features: int) -> "Posterior":
        return cls(np.zeros(n_features), np.eye(n_features), [], [], [])

    def add(self, example: np.ndarray) -> None:
        """One more example, y x."""
        self.inputs.append(example)
        self.precisions.append(0.0)
        self.shifts.append(0.0)
        self.refine(len(self.inputs) - 1)

    def refine(self, number: int) -> None:
        """Matches a site to the truncated field of its cavity."""
        x, tau, nu = self.inputs[number], self.precisions[number], self.shifts[number]
        pulled = self.covariance @ x
        variance, field = float(x @ pulled), float(x @ self.mean)
        spread = 1 / (1 / variance - tau)
        centre = spread * (field / variance - nu)
        z = centre / math.sqrt(spread)
        hazard = math.exp(-0.5 * z * z - 0.5 * math.log(2 * math.pi) - float(log_ndtr(z)))
        drop = hazard * (hazard + z)  # of the variance, relative
        tilted_mean, tilted = centre + math.sqrt(spread) * hazard, spread * max(1 - drop, _LEAST)
        new_tau = 1 / tilted - 1 / spread
        new_nu = tilted_mean / tilted - centre / spread
        change = new_tau - tau
        gain = change / (1 + change * variance)
        self.mean = self.mean + pulled * (new_nu - nu - gain * (field + variance * (new_nu - nu)))
        self.covariance = self.covariance - gain * np.outer(pulled, pulled)
        self.precisions[number], self.shifts[number] = new_tau, new_nu


@dataclass(frozen=True)
class Queries:
    """Trials of queries in N dimensions.

    Attributes:
        n_features: N.
        alphas: Numbers of queries per dimension after which errors are taken, ascending.
        seed: Of all trials.
    """

    n_features: int
    alphas: tuple[float, ...]
    seed: int

    def errors(self, trial: int) -> list[float]:
        """Test errors of the centre, one an α."""
        rng, N = np.random.default_rng([self.seed, self.n_features, trial]), self.n_features
        teacher = rng.standard_normal(N)
        teacher /= np.linalg.norm(teacher)
        posterior, errors = Posterior.prior(N), []
        counts = [round(alpha * N) for alpha in self.alphas]
        with one_blas_thread():
            for count in range(1, counts[-1] + 1):
                query, mean = rng.standard_normal(N), posterior.mean
                if mean.any():
                    query -= (query @ mean) / (mean @ mean) * mean
                posterior.add(query * np.sign(query @ teacher))
                if count % _EVERY == 0 or count in counts:
                    for _ in range(_SWEEPS):
                        for number in range(count):
                            posterior.refine(number)
                if count in counts:
                    errors.append(_angle(posterior.mean, teacher) / math.pi)
        return errors

    def all_errors(self, n_trials: int) -> np.ndarray:
        """(trials, alphas)."""
        return np.array(on_all_cores(self.errors, range(n_trials)))


def _angle(student: np.ndarray, teacher: np.ndarray) -> float:
    along = student @ teacher
    return math.atan2(np.linalg.norm(student - along * teacher), along)


def simulated(place: Row, theory: dict[float, float], n_features: int, n_trials: int, seed: int) -> list[Row]:
    """Rows of simulated queries, one an α of ``theory``; see `beside_smaller`."""
    alphas = tuple(theory)
    sizes = [Queries(n_features // part, alphas, seed).all_errors(n_trials * more) for part, more in SMALLER]
    return [
        beside_smaller(
            place | {"alpha_prune": alpha}, theory[alpha], [one[:, number] for one in sizes], n_features, seed
        )
        for number, alpha in enumerate(alphas)
    ]
