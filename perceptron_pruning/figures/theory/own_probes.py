"""Pools pruned by probes of their own, for figures: simulated in one study, and held against their theory.

Each point is simulated at N, and at N/2 and N/4, which measure the finite-size term: ε(N/4) − ε(N/2) = 2 c/N.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from perceptron_pruning.figures.theory.settings import Settings
from perceptron_pruning.figures.theory.simulated import student_label
from perceptron_pruning.finite_size import NEXT_ORDER
from perceptron_pruning.output.tables import Row
from perceptron_pruning.own_probe_theory import loss_and_ridge
from perceptron_pruning.rounds import simulate_rounds
from perceptron_pruning.simulation import OwnProbe
from perceptron_pruning.students.training import Student
from perceptron_pruning.studies.study import Output, Study, stable_text
from replica_theory.empirical_risk import empirical_risk
from replica_theory.max_margin import max_margin
from replica_theory.pruning_rounds import pruning_rounds
from replica_theory.selection import GradientProbe, Selection

if TYPE_CHECKING:
    import xarray as xr

OUTPUTS = {
    "generalization_error": Output(long_name="test error ε of the student after the last round"),
    "probe_angles": Output(long_name="angle θ of the last round's probe and the teacher", units="rad"),
}
_SMALLER = (1, 2, 4)  # divisors of N


@dataclass(frozen=True, kw_only=True)
class OwnPool:
    """A pool that is pruned by probes trained on it, in one round or several.

    Attributes:
        alpha_total: α of the pool.
        rounds: Pairs of probe and rule.
        student: Who is trained on what the last round leaves.
        label_noise: η.
        n_features: N.
    """

    alpha_total: float
    rounds: tuple[tuple[OwnProbe, Selection], ...]
    student: Student = "max_margin"
    label_noise: float = 0.0
    n_features: int = 200

    @property
    def keep_fraction(self) -> float:
        """Share of the pool that is left in the end."""
        fractions = [rule.kept_distribution(0.0, self.label_noise).keep_fraction for _, rule in self.rounds]
        return math.prod(fractions)

    def own_seed(self, seed: int) -> int:
        """63 bits of SHA-256 of a seed and of what the pool is, so that no two points share their draws."""
        return int.from_bytes(hashlib.sha256(f"{seed}|{stable_text(self)}".encode()).digest()[:8], "big") >> 1

    @property
    def columns(self) -> Row:
        """What a table says of it."""
        probe, rule = self.rounds[-1]
        steps = {}
        if isinstance(probe, GradientProbe):
            steps = {"steps": probe.steps, "step_size": probe.step_size, "batches": probe.batches}
        return {
            "rule": repr(rule),
            "probe": repr(probe),
            "rounds": len(self.rounds),
            "keep_fraction": self.keep_fraction,
            "alpha_prune": self.keep_fraction * self.alpha_total,
            "alpha_total": self.alpha_total,
            "student": student_label(self.student),
            "label_noise": self.label_noise,
            **steps,
        }


@dataclass(frozen=True, kw_only=True)
class SimulatedPool:
    """Simulates a range of a pool's trials."""

    seed: int

    def __call__(self, pool: OwnPool, trials: range) -> dict[str, np.ndarray]:
        last = simulate_rounds(
            pool.alpha_total,
            rounds=pool.rounds,
            student=pool.student,
            label_noise=pool.label_noise,
            n_features=pool.n_features,
            n_trials=len(trials),
            first_trial=trials.start,
            seed=pool.own_seed(self.seed),
        )[-1]
        return {name: getattr(last, name) for name in OUTPUTS}


def own_pool_study(name: str, pools: Sequence[OwnPool], settings: Settings) -> Study:
    """The simulation of these pools at the settings' N, and at half and a quarter of it."""
    sized = [replace(pool, n_features=settings.n_features // part) for pool in pools for part in _SMALLER]
    return Study(
        name=name,
        function=SimulatedPool(seed=settings.seed),
        cells=sized,
        outputs=OUTPUTS,
        coordinates={"pool": [stable_text(pool) for pool in sized], "n_features": [pool.n_features for pool in sized]},
        n_trials=settings.n_trials,
        seconds=[_trial_seconds(pool) for pool in sized],
        parameters={"seed": settings.seed},
    )


def _trial_seconds(pool: OwnPool) -> float:
    """Of drawing the pool and of Newton's steps of its probes, on one core."""
    n, examples = pool.n_features, pool.alpha_total * pool.n_features
    return 2e-3 + len(pool.rounds) * 6e-9 * examples * n**2


def simulated_rows(dataset: "xr.Dataset", pools: Sequence[OwnPool], settings: Settings) -> list[Row]:
    """A row for each pool: simulation, theory, and the finite-size term between them."""
    errors = dataset["generalization_error"].values.reshape(len(pools), len(_SMALLER), -1)
    angles = dataset["probe_angles"].values.reshape(errors.shape)
    return [
        _row(pool, trials, float(np.degrees(angle[0].mean())), settings)
        for pool, trials, angle in zip(pools, errors, angles, strict=True)
    ]


def _row(pool: OwnPool, errors: np.ndarray, degrees: float, settings: Settings) -> Row:
    means = errors.mean(axis=1)
    variances = errors.var(axis=1, ddof=1) / errors.shape[1]
    theory, theory_error = theory_of(pool)
    term = 0.5 * float(means[2] - means[1])
    term_error = math.hypot(0.5 * math.sqrt(float(variances[1:].sum())), NEXT_ORDER * term**2 / float(means[0]))
    uncertainty = math.sqrt(float(variances[0]) + term_error**2 + theory_error**2)
    return pool.columns | {
        "kind": "simulation",
        "probe_angle_degrees": round(degrees, 9),
        "theory": theory,
        "theory_error": theory_error,
        "simulation": float(means[0]),
        "standard_error": math.sqrt(float(variances[0])),
        "finite_size": term,
        "finite_size_error": term_error,
        "z_score": (float(means[0]) - theory - term) / uncertainty,
        "n_features": settings.n_features,
        "n_trials": errors.shape[1],
        "seed": settings.seed,
    }


def theory_rows(pools: Iterable[OwnPool], kind: str = "theory") -> list[Row]:
    """A row of theory for each pool."""
    rows = []
    for pool in pools:
        theory, error = theory_of(pool)
        rows.append(pool.columns | {"kind": kind, "theory": theory, "theory_error": error})
    return rows


@lru_cache(maxsize=4096)
def theory_of(pool: OwnPool) -> tuple[float, float]:
    """ε of the theory, and its numerical uncertainty: none to speak of after one round by a minimiser.

    Of mini-batches it is that of the full batch.
    """
    ((probe, rule), *more) = pool.rounds
    if isinstance(probe, GradientProbe) and probe.batches > 1:  # beside the full batch's
        return theory_of(replace(pool, rounds=((replace(probe, batches=1), rule),)))
    if more or isinstance(probe, GradientProbe):
        last = pruning_rounds(
            pool.alpha_total, rounds=pool.rounds, label_noise=pool.label_noise, **loss_and_ridge(pool.student)
        )[-1]
        return last.generalization_error, last.standard_error
    return float(_own_student(pool).generalization_error), 0.0


@lru_cache(maxsize=4096)
def _own_student(pool: OwnPool):
    """The theory's student of what one round by a minimiser has kept."""
    ((probe, rule),) = pool.rounds
    return student_of_theory(pool, selection=rule, probe=probe)


def student_of_theory(pool: OwnPool, **rule):
    """The theory's student of a pool whose one rule and probe are given: of its own, or at an angle."""
    alpha = pool.keep_fraction * pool.alpha_total
    if pool.student == "max_margin":
        return max_margin(alpha, **rule)
    risk = pool.student
    return empirical_risk(alpha, loss=risk.loss, ridge=risk.ridge, label_noise=pool.label_noise, **rule)


def foreign_rows(pools: Iterable[OwnPool]) -> list[Row]:
    """The same rules by a probe that knows nothing of the pool, at the angle that the pool's own probe reaches."""
    rows = []
    for pool in pools:
        ((_, rule),) = pool.rounds
        angle = _own_student(pool).probe_angle
        foreign = student_of_theory(pool, selection=rule, probe_angle=angle)
        rows.append(
            pool.columns
            | {"kind": "foreign", "probe": "exact", "probe_angle_degrees": round(math.degrees(angle), 9)}
            | {"theory": float(foreign.generalization_error), "theory_error": 0.0}
        )
    return rows
