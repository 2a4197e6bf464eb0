"""The class audit: examples of every class before and after pruning, and its floor."""

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
        size: Examples before pruning.
        kept: Examples after pruning.
        floor: Smallest number kept, whatever the scores.
        share: kept / size.
        at_floor: Whether kept ≤ floor: the floor binds, or nearly.

    Example:
        >>> from perceptron_pruning.embeddings import class_audit
        >>> cats, dogs = class_audit([0, 1, 2, 4], ["cat", "cat", "cat", "cat", "dog", "dog"], keep_fraction=0.5)
        >>> f"{dogs.label}: {dogs.kept} of {dogs.size}, {dogs.share:.0%}", dogs.at_floor
        ('dog: 1 of 2, 50%', True)
    """

    label: str
    size: int
    kept: int
    floor: int

    @property
    def share(self) -> float:
        return self.kept / self.size

    @property
    def at_floor(self) -> bool:
        return self.kept <= self.floor

    def row(self) -> dict[str, str | int | float]:
        """As values that JSON can hold."""
        return {
            "label": self.label,
            "size": self.size,
            "kept": self.kept,
            "floor": self.floor,
            "share": round(self.share, 6),
            "at_floor": self.at_floor,
        }


def class_audit(
    kept: ArrayLike, labels: ArrayLike, *, keep_fraction: float, class_floor: float = 0.5
) -> list[ClassAudit]:
    """Examples of each class before and after pruning, and its floor.

    Args:
        kept: Indices of the kept examples, as `keep` returns them.
        labels: (n,), of all examples.
        keep_fraction: f of the rule that chose them.
        class_floor: Share of its proportional quota f n_c that each class was sure of.

    Returns:
        One `ClassAudit` a class, in the sorted order of the labels.

    Raises:
        ValueError: An index is out of range, or a label is missing.

    Example:
        >>> from perceptron_pruning.embeddings import class_audit
        >>> for row in class_audit([0, 1, 2, 4], ["cat", "cat", "cat", "cat", "dog", "dog"], keep_fraction=0.5):
        ...     print(row.label, row.size, row.kept, row.floor)
        cat 4 3 1
        dog 2 1 1
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
    """A table of the ``most`` classes of smallest kept share, and how many classes are at their floor."""
    worst = sorted(audits, key=lambda audit: audit.share)[:most]
    lines = [f"{'class':<24}{'size':>9}{'kept':>9}{'share':>8}{'floor':>8}"]
    lines += [
        f"{a.label[:23]:<24}{a.size:>9}{a.kept:>9}{a.share:>8.3f}{a.floor:>8}{'  at its floor' if a.at_floor else ''}"
        for a in worst
    ]
    n_at_floor = sum(audit.at_floor for audit in audits)
    return "\n".join([*lines, f"{n_at_floor} of {len(audits)} classes are at their floor"])
