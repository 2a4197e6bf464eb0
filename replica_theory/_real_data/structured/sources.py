"""Sources of examples: a law, a rule, weights and a share of the training set; what several have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from replica_theory._real_data.structured.bulk import Bulk, bulk_of
from replica_theory._real_data.structured.examples import Law
from replica_theory._real_data.structured.gaussian_law import GaussianLaw, plane_of
from replica_theory.losses.base import Weight
from replica_theory.selection import Selection


@dataclass(frozen=True, eq=False)
class LawSource:
    """A source.

    Attributes:
        law: Of its pool.
        selection: Its rule.
        share: Its share of all kept examples.
        strength: c > 0, by which its losses count.
        weight: Weight of the loss by signed margin beside that, if any.
    """

    law: Law
    selection: Selection
    share: float = 1.0
    strength: float = 1.0
    weight: Weight | None = None


def on_one_plane(laws: Sequence[GaussianLaw]) -> list[GaussianLaw]:
    """The laws with one plane, and groups of covariances numbered through."""
    plane, first, joined = plane_of(laws), 0, []
    for law in laws:
        components = tuple(replace(one, group=one.group + first) for one in law.components)
        joined.append(replace(law, components=components, common_plane=plane))
        first = 1 + max(component.group for component in components)
    return joined


def joint_bulk(laws: Sequence[GaussianLaw], *, finite: bool) -> Bulk:
    """The bulk of laws on one plane; see `Law.bulk`."""
    pairs = [law.covariances() for law in laws]
    given, whole = ({group: matrix for pair in pairs for group, matrix in pair[n].items()} for n in (0, 1))
    order = sorted(given)
    covariances = [given[group] for group in order]
    counted = covariances if finite else [whole[group] for group in order]
    return bulk_of(covariances, counted, laws[0].plane, laws[0].normalisation)
