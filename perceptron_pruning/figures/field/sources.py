"""Students of several sources of structured inputs, simulated beside their theory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from perceptron_pruning.output.tables import Row
from perceptron_pruning.parallel.blas_threads import one_blas_thread
from perceptron_pruning.parallel.cores import on_all_cores
from perceptron_pruning.students.empirical_risk.fit import fit_empirical_risk
from replica_theory.losses.base import LossLike
from replica_theory.real_data.structured_inputs import GaussianInputs, StructuredInputs
from replica_theory.real_data.structured_mixed_risk import StructuredSource, structured_mixed_risk

BIAS = 0.3  # of terms of 1/N, in ε/N: docs/theory/structured_inputs has 0.13 % at N = 200

_LARGE = 300.0  # entry of a column whose weight is the intercept: its ridge is nothing


@dataclass(frozen=True, eq=False)
class Trainings:
    """One training problem, drawn again and again.

    Attributes:
        sources: What the training set is made of; covariances are diagonal.
        tested: Law of the test.
        loss, ridge: Of the student.
        seed: Of all trials.
    """

    sources: Sequence[StructuredSource]
    tested: GaussianInputs
    loss: LossLike
    ridge: float
    seed: int

    def theory(self, *, finite_size: bool = False) -> float:
        """Test error for N → ∞, or with terms of 1/N."""
        return structured_mixed_risk(
            self.sources, loss=self.loss, ridge=self.ridge, tested_on=self.tested, finite_size=finite_size
        ).generalization_error

    def whole(self) -> "Trainings":
        """The same with sizes that are whole numbers of examples, as those that are drawn."""
        N = self.tested.normalisation
        rounded = [replace(source, alpha_prune=round(source.alpha_prune * N) / N) for source in self.sources]
        return replace(self, sources=rounded)

    def error(self, trial: int) -> float:
        """Test error of one student, exact given its weights."""
        rng = np.random.default_rng([self.seed, trial])
        drawn = [kept(source, rng) for source in self.sources if source.weight > 0]
        inputs, labels, weights = (np.concatenate(column) for column in zip(*drawn, strict=True))
        if self.tested.intercept:
            inputs = np.column_stack([inputs, np.full(len(inputs), _LARGE)])
        N = self.tested.means.shape[1]
        with one_blas_thread():  # the risk is divided by N, not by the number of columns
            ridge = self.ridge * N / inputs.shape[1]
            student = fit_empirical_risk(inputs, labels, loss=self.loss, ridge=ridge, sample_weight=weights).weights
        return error_on(self.tested, student)

    def errors(self, n_trials: int) -> np.ndarray:
        """Of students of pools of their own, (n_trials,)."""
        return np.array(on_all_cores(self.error, range(n_trials)))

    def simulated(self, place: Row, n_trials: int) -> Row:
        """A row: errors of simulated students beside theory, its terms of 1/N and an allowance for the next order."""
        errors = self.errors(n_trials)
        limit, N = self.whole().theory(), self.tested.means.shape[1]
        mean, spread = float(errors.mean()), float(errors.std(ddof=1)) / math.sqrt(n_trials)
        shift = self.whole().theory(finite_size=True) - limit
        next_order = math.hypot(2 * shift**2 / limit, BIAS * limit / N)
        return place | {
            "kind": "simulation",
            "theory": limit,
            "simulation": mean,
            "standard_error": spread,
            "finite_size": shift,
            "finite_size_error": next_order,
            "z_score": (mean - limit - shift) / math.hypot(spread, next_order),
            "n_features": N,
            "n_trials": n_trials,
            "seed": self.seed,
        }


def kept(source: StructuredSource, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (P, d), labels (P,) and weights (P,) of what a source's rule keeps of a pool."""
    law, rule = source.inputs, source.selection
    count = round(source.alpha_prune * law.normalisation)
    pool = round(count / structured_keep_fraction(source))
    component = rng.choice(len(law.shares), size=pool, p=law.shares)
    scales = np.sqrt(law.covariances.diagonal(axis1=1, axis2=2))
    inputs = law.means[component] + scales[component % len(scales)] * rng.standard_normal((pool, law.means.shape[1]))
    if law.labels is None:
        assert law.teacher is not None
        labels = np.sign(inputs @ law.teacher) * np.where(rng.random(pool) < law.label_noise, -1.0, 1.0)
    else:
        labels = law.labels[component]
    chosen = rule.choose(inputs @ law.probe / law.probe_unit, labels, count=count, rng=rng)
    return inputs[chosen], labels[chosen], np.full(len(chosen), source.weight)


def structured_keep_fraction(source: StructuredSource) -> float:
    """Share of the pool that its rule keeps; of rules that rank, their own number."""
    return getattr(source.selection, "keep_fraction", 1.0)


def error_on(law: GaussianInputs, student: np.ndarray) -> float:
    """Chance of a mistake on a law's examples: of its classes, or against the sign of the teacher's field, centred."""
    weights, offset = (student[:-1], _LARGE * student[-1]) if law.intercept else (student, 0.0)
    covariances = np.broadcast_to(law.covariances, (len(law.means), *law.covariances.shape[1:]))
    if law.labels is not None:
        deviations = np.sqrt(np.einsum("i,cij,j->c", weights, covariances, weights))
        return float(law.shares @ ndtr(-law.labels * (law.means @ weights + offset) / deviations))
    assert law.teacher is not None
    if law.means.any() or offset:
        raise ValueError("a teacher's examples must be centred, and their students without an intercept")
    pulled = law.covariances[0] @ law.teacher
    square = (weights @ law.covariances[0] @ weights) * (law.teacher @ pulled)
    return math.acos((weights @ pulled) / math.sqrt(square)) / math.pi


def noisy_classes(mean: np.ndarray, *, wrong: float = 0.0, intercept: bool = False) -> GaussianInputs:
    """Two classes N(±μ, 1) of equal size, with a share of wrong labels."""
    shares = {1.0: (1 - wrong) / 2, -1.0: wrong / 2}
    clusters = [(side, side * right, share) for right, share in shares.items() if share > 0 for side in (1.0, -1.0)]
    sides, labels, sizes = zip(*clusters, strict=True)
    means = [side * mean for side in sides]
    ones = np.ones(mean.size)
    return StructuredInputs.mixture(means, ones, labels=labels, shares=sizes, probe=mean, intercept=intercept)


def axis(n_features: int, *components: float) -> np.ndarray:
    """A vector with these first components."""
    return np.pad(np.array(components), (0, n_features - len(components)))
