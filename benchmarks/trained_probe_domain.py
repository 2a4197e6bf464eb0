"""Random settings of trained probes: how many are refused, and how many of their numbers are wrong.

    python benchmarks/trained_probe_domain.py [settings]     # 2000 take about five minutes on one core; writes
                                                              # trained_probe_domain.csv and, if any fail,
                                                              # trained_probe_domain_failures.csv

The domain: α_total .3 to 300, keep fraction .02 to 1, ridges 1e-4 to 100 and ∞, share .05 to 1, label noise 0 to .3,
every probe, student and kind of rule, ties at random and by the dual. Every setting is solved a second time, cold and
on panels of twice the order. A number is wrong if its error changes by more than 1e-7 or its angle by 1e-8.
"""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from machine import description
from scipy.optimize import brentq
from tqdm import tqdm

from perceptron_pruning.output.tables import Row, write_table
from replica_theory import (
    Calibrated,
    KeepBetween,
    KeepEasiest,
    KeepHardest,
    KeepRandom,
    KeepWindows,
    KeepWithProbability,
    SaddlePointError,
    Selection,
    TrainedProbe,
    Verified,
    empirical_risk,
    max_margin,
)
from replica_theory._trained_probe.kept_fields import UnseenPool
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import Learners
from replica_theory._trained_probe.probe import Probe
from replica_theory._trained_probe.pruned_pool import PrunedPool
from replica_theory.losses.custom import as_loss
from replica_theory.losses.named import LOSSES, check_loss
from replica_theory.losses.ridgeless import HardMargin

SETTINGS, SEED = 2000, 20251
WRONG_ERROR, WRONG_ANGLE = 1e-7, 1e-8
PROBE_ORDER, ORDER = 24, 18  # Gauss–Legendre nodes in a panel of the second solution
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Setting:
    """A point of the domain."""

    alpha_total: float
    probe: TrainedProbe
    selection: Selection
    student: str
    ridge: float
    label_noise: float


def random_setting(rng: np.random.Generator) -> Setting:
    """Logarithmic in α, fraction and ridges."""

    def logarithmic(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(math.log(low), math.log(high))))

    def ridge() -> float:
        return math.inf if rng.random() < 0.1 else logarithmic(1e-4, 100.0)

    probe = TrainedProbe(
        str(rng.choice(sorted(LOSSES))),  # pyright: ignore[reportArgumentType]
        ridge(),
        1.0 if rng.random() < 0.4 else float(rng.uniform(0.05, 1.0)),
        str(rng.choice(["random", "dual"])),  # pyright: ignore[reportArgumentType]
    )
    noise = 0.0 if rng.random() < 0.5 else float(rng.uniform(0.0, 0.3))
    students = ["square", "logistic", "hinge", "squared_hinge", *(["max_margin"] if noise == 0 else [])]
    return Setting(
        alpha_total=logarithmic(0.3, 300.0),
        probe=probe,
        selection=random_rule(rng, min(logarithmic(0.02, 1.05), 1.0)),
        student=str(rng.choice(students)),
        ridge=ridge(),
        label_noise=noise,
    )


def random_rule(rng: np.random.Generator, fraction: float) -> Selection:
    """Of this fraction, or nearly."""
    aware, rest = bool(rng.random() < 0.4), 1 - fraction
    low = float(rng.uniform(0.0, rest)) if rest else 0.0
    gap = low + fraction / 2 + float(rng.uniform(0.0, rest - low)) if rest else 0.5
    makers = [
        lambda: KeepHardest(fraction, aware),
        lambda: KeepHardest(fraction, aware),
        lambda: KeepEasiest(fraction, aware),
        lambda: KeepEasiest(fraction, aware),
        lambda: KeepBetween(low, min(low + fraction, 1.0), aware),
        lambda: KeepWindows(((low, low + fraction / 2), (gap, min(gap + fraction / 2, 1.0))), aware),
        lambda: Calibrated(KeepHardest(fraction, aware), float(rng.uniform())),
        lambda: KeepRandom(fraction),
        lambda: KeepWithProbability(lambda z, y: fraction * np.exp(-(z**2) / 4)),
        lambda: Verified(KeepHardest(fraction, aware), 1.0, float(rng.uniform())),
    ]
    return makers[rng.integers(len(makers))]()


def check(setting: Setting) -> Row:
    """Solves a setting twice. Differences are NaN where it is refused."""
    selection, probe = setting.selection, setting.probe
    row: Row = {"alpha_total": setting.alpha_total, "probe": str(probe), "selection": str(selection)}
    row |= {"student": setting.student, "ridge": setting.ridge, "label_noise": setting.label_noise}
    row |= {"error_difference": math.nan, "angle_difference": math.nan, "refused": 0, "residual": math.nan}
    start = time.process_time()
    alpha = setting.alpha_total * near_fraction(setting)
    try:
        if setting.student == "max_margin":
            solution = max_margin(alpha, selection=selection, probe=probe)
        else:
            risk = {"loss": setting.student, "ridge": setting.ridge, "label_noise": setting.label_noise}
            solution = empirical_risk(alpha, selection=selection, probe=probe, **risk)
    except SaddlePointError as error:
        return row | {"refused": 1, "residual": error.residual}
    row |= {"milliseconds": 1e3 * (time.process_time() - start), "residual": solution.residual}
    angle, error = solved_another_way(setting, alpha)
    row |= {"generalization_error": solution.generalization_error, "probe_angle": solution.probe_angle}
    row["error_difference"] = abs(error - solution.generalization_error)
    return row | {"angle_difference": abs(angle - solution.probe_angle)}


def near_fraction(setting: Setting) -> float:
    """The fraction that the rule keeps of an independent probe's margins, so that α_total is about what was drawn."""
    return setting.selection.kept_distribution(math.pi / 8, setting.label_noise).keep_fraction


def solved_another_way(setting: Setting, alpha_prune: float) -> tuple[float, float]:
    """The probe's angle and the student's error, cold, on fine panels."""
    pool = fine_pool(setting, pool_size(setting, alpha_prune))
    probe, hard = pool.probe, setting.student == "max_margin"
    loss, ridge = (HardMargin(), 1.0) if hard else (as_loss(check_loss(setting.student)), setting.ridge)
    training = at_ridge_limit(pool.training(loss, ridge))
    if pool.makes_the_probe(training.loss, training.ridge):
        return probe.angle, probe.angle / math.pi
    student = minimiser(training, resort=pool.near_the_probe(training), order=ORDER, trusted=0.0)
    (A, r), b = student.along, student.outside
    return probe.angle, math.atan2(math.hypot(r * probe.sine, b), A + r * probe.cosine) / math.pi


def pool_size(setting: Setting, alpha_prune: float) -> float:
    """α_total of which the rule keeps α_prune; by iteration, or where that does not settle, as a root."""
    alpha = setting.alpha_total
    for _ in range(4):
        following = alpha_prune / fine_pool(setting, alpha).keep_fraction
        if abs(following / alpha - 1) < 1e-13:
            return following
        alpha = following

    def excess(log_alpha: float) -> float:
        return log_alpha + math.log(fine_pool(setting, math.exp(log_alpha)).keep_fraction / alpha_prune)

    return math.exp(float(brentq(excess, math.log(alpha_prune), math.log(alpha_prune) + 15, xtol=1e-14)))  # pyright: ignore[reportArgumentType]


def fine_pool(setting: Setting, alpha_total: float) -> PrunedPool:
    """A pool of this size, pruned by a probe from fine panels."""
    spec, noise = setting.probe, setting.label_noise
    training = Training(
        loss=LOSSES[spec.loss],
        alpha=spec.share * alpha_total,
        ridge=spec.ridge,
        label_noise=noise,
        learners=Learners.none(),
        pool=UnseenPool(),
    )
    training = at_ridge_limit(training)
    probe = Probe(
        loss=training.loss,
        alpha=alpha_total,
        share=spec.share,
        ridge=training.ridge,
        label_noise=noise,
        student=minimiser(training, order=PROBE_ORDER, trusted=0.0),
        residual=0.0,
    )
    margins = TrainedMargins(probe, spec.ties)
    pieces, fraction = setting.selection.kept_pieces(margins)
    return PrunedPool(probe=probe, margins=margins, intervals=tuple(margins.intervals(pieces)), keep_fraction=fraction)


def is_wrong(row: Row) -> bool:
    return row["error_difference"] > WRONG_ERROR or row["angle_difference"] > WRONG_ANGLE


def summary(student: str, rows: list[Row]) -> Row:
    """Counts over some rows, and what they cost."""
    milliseconds = [row["milliseconds"] for row in rows if not row["refused"]]
    return {
        "student": student,
        "settings": len(rows),
        "refused": sum(row["refused"] for row in rows),
        "wrong": sum(map(is_wrong, rows)),
        "largest_residual": float(np.nanmax([row["residual"] for row in rows])),
        "largest_error_difference": float(np.nanmax([row["error_difference"] for row in rows])),
        "largest_angle_difference": float(np.nanmax([row["angle_difference"] for row in rows])),
        "median_milliseconds": float(np.median(milliseconds)),
        "milliseconds_of_95_percent": float(np.percentile(milliseconds, 95)),
        "largest_milliseconds": max(milliseconds),
        "seed": SEED,
        "machine": description(),
    }


def main(count: int) -> None:
    rng = np.random.default_rng(SEED)
    rows = [check(random_setting(rng)) for _ in tqdm(range(count), disable=None)]
    students = sorted({row["student"] for row in rows})
    table = [summary(name, [row for row in rows if row["student"] == name]) for name in students]
    table.append(summary("all", rows))
    write_table(FOLDER / "trained_probe_domain.csv", table)
    for line in table:
        print(", ".join(f"{name} {value}" for name, value in line.items() if name not in {"seed", "machine"}))
    failed = [
        row | {"why": "refused" if row["refused"] else "wrong"} for row in rows if row["refused"] or is_wrong(row)
    ]
    path = FOLDER / "trained_probe_domain_failures.csv"
    path.unlink(missing_ok=True)
    for row in failed:
        print(row)
    if failed:
        names = ("why", "alpha_total", "probe", "selection", "student", "ridge", "label_noise", "residual")
        columns = (*names, "error_difference", "angle_difference")
        write_table(path, [{name: row.get(name) for name in columns} for row in failed], digits=17)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SETTINGS)
