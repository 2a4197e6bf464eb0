"""What pruning did to every class: the table behind the class floor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from perceptron_pruning.embeddings.io.labels import encoded
from perceptron_pruning.embeddings.keep import class_floors


@dataclass(frozen=True, kw_only=True)
class ClassAudit:
    """One class before and after pruning.

    Attributes:
        label: Its name.
        size: Examples before.
        kept: Examples after.
        floor: Examples that it was sure of.
        share: kept / size.
        raised: Whether it has no more than its floor: the floor binds, or nearly.
    """

    label: str
    size: int
    kept: int
    floor: int

    @property
    def share(self) -> float:
        return self.kept / self.size

    @property
    def raised(self) -> bool:
        return self.kept <= self.floor

    def row(self) -> dict:
        """As plain values."""
        return {
            "label": self.label,
            "size": self.size,
            "kept": self.kept,
            "floor": self.floor,
            "share": round(self.share, 6),
            "at_floor": self.raised,
        }


def class_audit(
    kept: ArrayLike, labels: ArrayLike, *, keep_fraction: float, class_floor: float = 0.5
) -> list[ClassAudit]:
    """How many of each class were kept, and how many had to be.

    Args:
        kept: Indices of the kept examples, as `keep` returns them.
        labels: (n,), of all examples.
        keep_fraction: f of the rule that chose them.
        class_floor: Share of the quota that each class was sure of.

    Raises:
        ValueError: An index is out of range, or a label is missing.
    """
    indices = np.asarray(kept)
    classes, names = encoded(labels, len(np.asarray(labels)))
    if indices.size and not 0 <= indices.min() <= indices.max() < len(classes):
        raise ValueError(f"`kept` must be in 0..{len(classes) - 1}; got {indices.min()}..{indices.max()}")
    sizes = np.bincount(classes)
    counts = np.bincount(classes[indices], minlength=len(names))
    floors = class_floors(sizes, class_floor * keep_fraction, len(indices))
    return [
        ClassAudit(label=str(name), size=int(size), kept=int(count), floor=int(floor))
        for name, size, count, floor in zip(names, sizes, counts, floors, strict=True)
    ]


def audit_text(audits: list[ClassAudit], most: int = 20) -> str:
    """The classes that lost most, as a table, and how many are at their floor."""
    worst = sorted(audits, key=lambda audit: audit.share)[:most]
    lines = [f"{'class':<24}{'size':>9}{'kept':>9}{'share':>8}{'floor':>8}"]
    lines += [
        f"{a.label[:23]:<24}{a.size:>9}{a.kept:>9}{a.share:>8.3f}{a.floor:>8}{'  at its floor' if a.raised else ''}"
        for a in worst
    ]
    at_floor = sum(audit.raised for audit in audits)
    return "\n".join([*lines, f"{at_floor} of {len(audits)} classes are at their floor"])
