"""Students on pruned data of power-law covariance, radii and noisy labels, N = 200, against `structured_risk`.

Each setting has its own rule, loss, ridge, spectrum, radii, label noise and α, drawn at random from the lists below;
`N_TRIALS` students are trained on pools of their own, and the exact test error of each is averaged. Printed: χ² of the
mean errors in units of their standard errors, over settings, with the theory's terms of order 1/N and without; once for
draws from what the rule keeps of an infinite pool, and once for finite pools that are ranked (``finite_pool``).

    python benchmarks/structured_risk.py        # about ten minutes of one core
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from machine import description
from scipy.special import expit, ndtr
from tqdm import tqdm

from perceptron_pruning import fit_empirical_risk
from perceptron_pruning.output.tables import Row, write_table
from replica_theory import KeepBetween, KeepEasiest, KeepHardest, KeepRandom, StructuredInputs, structured_risk
from replica_theory.selection import Piece, Selection
from replica_theory.selection.kept_distribution import keep_probability

N_FEATURES, N_SETTINGS, N_TRIALS, SEED = 200, 48, 160, 2024
RULES: tuple[Selection, ...] = (
    KeepRandom(),
    KeepHardest(0.5),
    KeepHardest(0.3),
    KeepEasiest(0.5),
    KeepHardest(0.5, label_aware=True),
    KeepEasiest(0.5, label_aware=True),
    KeepBetween(0.15, 0.7),
)
STUDENTS = (("logistic", 0.05), ("logistic", 0.002), ("square", 0.1), ("hinge", 0.05), ("squared_hinge", 0.01))
EXPONENTS, SPREADS, ALPHAS, DEGREES = (0.0, 0.5, 1.0), (0.0, 0.4), (0.5, 1.0, 2.0, 4.0), (0, 15, 30, 45)
NOISES = ("none", "flips", "field")
_RADIUS_NODES = 11


def rising_chance(field: np.ndarray) -> np.ndarray:
    """P(y = +1 | u): surer far from the boundary, and never of one label in twenty."""
    return 0.05 + 0.9 * expit(4 * field + field**3)


@dataclass(frozen=True)
class Setting:
    """One law, rule and student.

    Attributes:
        rule: What is kept.
        loss: The student's loss.
        ridge: Its λ.
        exponent: Of the power law of variances.
        spread: Standard deviation of ln ρ of lognormal radii.
        noise: Of labels.
        degrees: Angle between probe and teacher in whitened coordinates.
        alpha: α.
        n_features: N.
        seed: Of directions and trials.
        by_rank: Whether a finite pool is ranked; else what is kept are draws from the rule's law on an infinite pool.
    """

    rule: Selection
    loss: Any
    ridge: float
    exponent: float
    spread: float
    noise: str
    degrees: float
    alpha: float
    n_features: int = N_FEATURES
    seed: int = SEED
    by_rank: bool = False

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Keep probability by margin on an infinite pool."""
        return self.rule.kept_pieces(self.inputs.law.margins())[0]

    @cached_property
    def deviations(self) -> np.ndarray:
        """Standard deviations of the inputs' coordinates."""
        variances = np.arange(1.0, self.n_features + 1.0) ** -self.exponent
        return np.sqrt(variances / variances.mean())

    @cached_property
    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors of probe and teacher in whitened coordinates."""
        pair = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((self.n_features, 2)))[0].T
        angle = math.radians(self.degrees)
        return pair[0], math.cos(angle) * pair[0] + math.sin(angle) * pair[1]

    @cached_property
    def radii(self) -> tuple[np.ndarray, np.ndarray]:
        """Radii and shares, by a Gauss–Hermite rule."""
        nodes, shares = np.polynomial.hermite_e.hermegauss(_RADIUS_NODES if self.spread else 1)
        return np.exp(self.spread * nodes), shares / shares.sum()

    @cached_property
    def unit(self) -> float:
        """Root mean square of the radii."""
        return math.exp(self.spread**2)

    def chance(self, field: np.ndarray) -> np.ndarray:
        """P(y = +1 | u)."""
        flip = {"none": 0.0, "flips": 0.1}.get(self.noise)
        return rising_chance(field) if flip is None else np.where(field > 0, 1 - flip, flip)

    @cached_property
    def inputs(self) -> StructuredInputs:
        """The law, as the theory takes it."""
        probe, teacher = self.directions
        labels: dict[str, Any] = {
            "none": {},
            "flips": {"label_noise": 0.1},
            "field": {"label_chance": rising_chance},
        }[self.noise]
        return StructuredInputs.gaussian(
            self.deviations**2,
            teacher=teacher / self.deviations,
            probe=probe / self.deviations,
            radii=self.radii[0],
            radius_shares=self.radii[1],
            **labels,
        )

    def trial(self, rng: np.random.Generator) -> tuple[float, float]:
        """Clean and noisy test error of a student of a pool of its own."""
        n_kept = round(self.alpha * self.n_features)
        n_pool = round(n_kept / self.rule.keep_fraction)
        n_pool += 0 if self.by_rank else round(8 * math.sqrt(n_pool)) + 20
        probe, teacher = self.directions
        white = rng.standard_normal((n_pool, self.n_features))
        radii = np.exp(self.spread * rng.standard_normal(n_pool))
        field = radii * (white @ teacher) / self.unit
        labels = np.where(rng.random(n_pool) < self.chance(field), 1.0, -1.0)
        ranked = radii * (white @ probe) / self.unit
        if self.by_rank:
            kept = self.rule.choose(ranked, labels, count=n_kept, rng=rng)
        else:
            likely = keep_probability(self.pieces, labels * ranked)
            kept = np.flatnonzero(rng.random(n_pool) < likely)[:n_kept]
            if len(kept) < n_kept:
                raise RuntimeError(f"a pool of {n_pool} must have {n_kept} examples to keep; got {len(kept)}")
        inputs = radii[kept, None] * white[kept] * self.deviations
        weights = fit_empirical_risk(inputs, labels[kept], loss=self.loss, ridge=self.ridge).weights
        return self.errors(weights)

    def errors(self, weights: np.ndarray) -> tuple[float, float]:
        """Exact test errors of weights, by the angle to the teacher, and an integral over its field."""
        seen = weights * self.deviations
        along = float(seen @ self.directions[1])
        across = math.sqrt(max(seen @ seen - along**2, 0.0))
        u, step = np.linspace(-9, 9, 4001, retstep=True)
        density = np.exp(-0.5 * u * u) * step / math.sqrt(2 * math.pi)
        negative, noisy = ndtr(-along * u / across), 0.0
        for radius, share in zip(*self.radii, strict=True):
            positive = self.chance(radius * u / self.unit)
            noisy += share * float(density @ (positive * negative + (1 - positive) * (1 - negative)))
        return math.atan2(across, along) / math.pi, noisy


def settings(number: int) -> list[Setting]:
    """Settings drawn at random from the lists."""
    rng = np.random.default_rng(SEED)

    def one_of(choices: Any) -> Any:
        return choices[rng.integers(len(choices))]

    def drawn(index: int) -> Setting:
        rule, (loss, ridge) = one_of(RULES), one_of(STUDENTS)
        law = one_of(EXPONENTS), one_of(SPREADS), one_of(NOISES), one_of(DEGREES)
        return Setting(rule, loss, ridge, *law, one_of(ALPHAS), seed=SEED + index)

    return [drawn(index) for index in range(number)]


def measured(setting: Setting, n_trials: int) -> Row:
    """Theory and students of a setting."""
    rng = np.random.default_rng([setting.seed, 1])
    clean, noisy = np.array([setting.trial(rng) for _ in range(n_trials)]).T
    law = {"inputs": setting.inputs, "selection": setting.rule, "loss": setting.loss, "ridge": setting.ridge}
    theory = structured_risk(setting.alpha, **law, finite_pool=setting.by_rank)
    limit = structured_risk(setting.alpha, **law, finite_size=False)
    error = clean.std(ddof=1) / math.sqrt(n_trials)
    noisy_error = noisy.std(ddof=1) / math.sqrt(n_trials)
    return {
        "rule": repr(setting.rule),
        "loss": setting.loss,
        "ridge": setting.ridge,
        "exponent": setting.exponent,
        "spread": setting.spread,
        "label_noise": setting.noise,
        "probe_angle_degrees": setting.degrees,
        "alpha_prune": setting.alpha,
        "ranked_pool": int(setting.by_rank),
        "measured": clean.mean(),
        "standard_error": error,
        "theory": theory.generalization_error,
        "limit": limit.generalization_error,
        "z": (clean.mean() - theory.generalization_error) / error,
        "z_limit": (clean.mean() - limit.generalization_error) / error,
        "noisy_measured": noisy.mean(),
        "noisy_theory": theory.noisy_test_error,
        "noisy_z": (noisy.mean() - theory.noisy_test_error) / noisy_error,
        "residual": theory.residual,
        "n_features": setting.n_features,
        "n_trials": n_trials,
        "seed": setting.seed,
        "machine": description(),
    }


def main() -> None:
    drawn = settings(N_SETTINGS)
    every = [*drawn, *(replace(setting, by_rank=True) for setting in drawn)]
    rows = [measured(setting, N_TRIALS) for setting in tqdm(every)]
    write_table(Path(__file__).with_suffix(".csv"), rows)
    for ranked, name in itertools.product((0, 1), ("z", "noisy_z", "z_limit")):
        z = np.array([row[name] for row in rows if row["ranked_pool"] == ranked], dtype=float)
        pools = "ranked pools" if ranked else "draws"
        print(f"{pools}, {name}: χ²/settings {np.mean(z**2):.2f}, mean {z.mean():+.2f}, largest {np.abs(z).max():.1f}")


if __name__ == "__main__":
    main()
