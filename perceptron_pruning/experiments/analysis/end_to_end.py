"""Networks trained end to end on pixels, held against students of frozen embeddings on the same examples."""

from collections.abc import Iterator
from dataclasses import dataclass

import xarray as xr

from perceptron_pruning.evidence.claim import Claim, Measurement
from perceptron_pruning.evidence.effect import Effect, effect, exact
from perceptron_pruning.evidence.judges import direction
from perceptron_pruning.experiments.plan import CHANCE, SEED
from perceptron_pruning.experiments.students.heads import student_named

TELLING = 0.5  # share of the points that both must decide before their agreement means anything
_NONE = 0.5  # a count below this is none


def sees_images(student: str) -> bool:
    """Whether a student is trained end to end."""
    return student_named(student).needs_images


@dataclass(frozen=True, kw_only=True)
class PairedGains:
    """What one rule gains over random keeping at one point: test error of random keeping less that of the rule.

    Attributes:
        rule, keep_fraction, pool_size: The point.
        network: The gain of the network that is trained end to end.
        student: The gain of the student of frozen embeddings.
    """

    rule: str
    keep_fraction: float
    pool_size: int
    network: Effect
    student: Effect

    @property
    def decided(self) -> bool:
        """Whether both gains differ from zero."""
        return "no difference" not in (direction(self.network), direction(self.student))

    @property
    def opposite(self) -> bool:
        """Whether the rule surely helps one of them and surely hurts the other."""
        return self.decided and direction(self.network) != direction(self.student)

    def __str__(self) -> str:
        place = f"{self.rule}, f = {self.keep_fraction:g}, {self.pool_size}"
        return f"{place}: {self.network} and {self.student}"


def paired_gains(errors: xr.DataArray, network: str, student: str) -> Iterator[PairedGains]:
    """Every point of both students.

    Args:
        errors: Test errors with the dimensions student, rule, pool_size, keep_fraction (below 1) and seed.
        network, student: Names in its coordinate.
    """
    gains = (errors.sel(rule=CHANCE) - errors).transpose(..., SEED)
    for rule in errors.rule.values:
        if rule == CHANCE:
            continue
        for fraction in errors.keep_fraction.values:
            for size in errors.pool_size.values:
                point = gains.sel(rule=rule, keep_fraction=fraction, pool_size=size)
                yield PairedGains(
                    rule=str(rule),
                    keep_fraction=float(fraction),
                    pool_size=int(size),
                    network=effect(point.sel(student=network).values),
                    student=effect(point.sel(student=student).values),
                )


def agrees_with_embeddings(errors: xr.DataArray, network: str, student: str, setting: str) -> Claim:
    """Refuted if some rule helps one and hurts the other at the same point; confirmed if none does and more than half
    of the points are decided by both.

    Args:
        errors: Test errors as in `paired_gains`.
        network, student: Names in its coordinate.
        setting: Where it is tested.
    """
    points = list(paired_gains(errors, network, student))
    opposite = [point for point in points if point.opposite]
    decided = sum(point.decided for point in points)
    return Claim(
        statement="A network trained end to end on pixels tells the same story as frozen embeddings",
        setting=f"{setting}, {len(points)} points",
        measurements=(
            Measurement(
                quantity="points at which a rule helps one and hurts the other",
                effect=exact(len(opposite)),
                criterion="below",
                reference=_NONE,
            ),
            Measurement(
                quantity="share of the points that both decide",
                effect=exact(decided / max(len(points), 1)),
                criterion="above",
                reference=TELLING,
                precondition=True,
            ),
        ),
        note=f"gains over random that are opposite: {'; '.join(map(str, opposite))}" if opposite else "",
    )
