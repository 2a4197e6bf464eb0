"""Networks trained end to end on pixels, held against students of frozen embeddings on the same examples."""

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from perceptron_pruning.evidence.effect import CONFIRMED, REFUTED, UNDECIDED, Effect, effect
from perceptron_pruning.experiments.analysis.verdict import Verdict
from perceptron_pruning.experiments.plan import CHANCE, SEED
from perceptron_pruning.experiments.students.heads import student_named

TELLING = 0.5  # share of the points that must be decided by both before agreement means anything


def sees_images(student: str) -> bool:
    """Whether a student is trained end to end."""
    return student_named(student).needs_images


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What one rule gains over random keeping, at one point, by either student: positive where it helps."""

    rule: str
    keep_fraction: float
    pool_size: int
    network: Effect
    student: Effect

    @property
    def decided(self) -> bool:
        """Whether both effects differ from zero."""
        return UNDECIDED not in (self.network.verdict(), self.student.verdict())

    @property
    def opposite(self) -> bool:
        """Whether the rule surely helps one of them and surely hurts the other."""
        return self.decided and self.network.verdict() != self.student.verdict()


def side_by_side(errors: xr.DataArray, network: str, student: str) -> Iterator[Beside]:
    """Every point of both students.

    Args:
        errors: With the dimensions student, rule, pool_size, keep_fraction (below 1) and seed.
        network, student: Names in its coordinate.
    """
    gains = (errors.sel(rule=CHANCE) - errors).transpose(..., SEED)
    for rule in errors.rule.values:
        if rule != CHANCE:
            for fraction in errors.keep_fraction.values:
                for size in errors.pool_size.values:
                    point = gains.sel(rule=rule, keep_fraction=fraction, pool_size=size)
                    yield Beside(
                        rule=str(rule),
                        keep_fraction=float(fraction),
                        pool_size=int(size),
                        network=effect(point.sel(student=network).values),
                        student=effect(point.sel(student=student).values),
                    )


def agrees_with_embeddings(errors: xr.DataArray, network: str, student: str, setting: str) -> Verdict:
    """Refuted if some rule helps one and hurts the other at the same point; confirmed if none does and half of the
    points are decided by both.

    Args:
        errors: As in `side_by_side`.
        network, student: Likewise.
        setting: For the verdict.
    """
    points = list(side_by_side(errors, network, student))
    decided = [point for point in points if point.decided]
    opposite = [point for point in points if point.opposite]
    listed = "; ".join(
        f"{point.rule}, f = {point.keep_fraction:g}, {point.pool_size}: {point.network} and {point.student}"
        for point in opposite
    )
    telling = len(decided) >= TELLING * len(points)
    return Verdict(
        claim="A network trained end to end on pixels tells the same story as frozen embeddings",
        setting=setting,
        measured=f"of {len(points)} points {len(decided)} are decided by both, {len(decided) - len(opposite)} alike"
        + (f"; gains over random that are opposite: {listed}" if opposite else ""),
        verdict=REFUTED if opposite else CONFIRMED if telling else UNDECIDED,
    )
