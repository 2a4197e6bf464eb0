"""What the descent must know of a student: its error under a rule, and the error's derivatives."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from replica_theory._selection_descent.level_sets import RankedInfluence, Windows
from replica_theory._selection_descent.margins import MarginAxis, Scales
from replica_theory.selection import KeepWindows


class RuledStudent(Protocol):
    """A student on what a rule keeps of a pool, at a ridge."""

    @property
    def log_error(self) -> float:
        """ln ε."""
        ...

    @property
    def log_ridge_slope(self) -> float:
        """∂ ln ε/∂ ln λ at this rule; 0 of a student without a ridge."""
        ...

    @property
    def scales(self) -> Scales:
        """Margins around which its influence varies, and the widths on which it does."""
        ...

    def influence(self, margin: np.ndarray) -> np.ndarray:
        """ι of keeping an example at this margin, as the axis of margins has it: δ ln ε = (1/f) E[δq ι]."""
        ...


StudentT = TypeVar("StudentT", bound=RuledStudent)


class Students(Protocol[StudentT]):
    """Students of one loss on one pool."""

    def under(self, rule: KeepWindows, log_ridge: float | None, near: StudentT | None) -> StudentT:
        """The student on what this rule keeps at this ln λ (or at the only ridge), found from another's state."""
        ...


@dataclass(frozen=True)
class Candidate(Generic[StudentT]):
    """A rule and its student.

    Attributes:
        windows: Ranks that the rule keeps.
        log_ridge: ln λ; none where the ridge is given.
        student: The student.
    """

    windows: Windows
    log_ridge: float | None
    student: StudentT

    @property
    def log_error(self) -> float:
        """ln ε."""
        return self.student.log_error


@dataclass(frozen=True)
class Problem(Generic[StudentT]):
    """The search for the best of all rules that keep a fraction of a pool.

    Attributes:
        students: The students.
        axis: Margins as the rules see them.
        keep_fraction: f.
        label_aware: Whether the rules rank y z instead of |z|.
    """

    students: Students[StudentT]
    axis: MarginAxis
    keep_fraction: float
    label_aware: bool

    def candidate(self, windows: Windows, log_ridge: float | None, near: StudentT | None = None) -> Candidate[StudentT]:
        """The rule of these windows with its student."""
        rule = KeepWindows(windows, self.label_aware)
        return Candidate(windows, log_ridge, self.students.under(rule, log_ridge, near))

    def influence(self, student: StudentT, margin: np.ndarray) -> np.ndarray:
        """ι by the margin that the rule sees."""
        return self.axis.as_seen(student.influence)(margin)

    def edge_influence(self, candidate: Candidate[StudentT], ranks: np.ndarray) -> np.ndarray:
        """ι at these ranks."""
        if not ranks.size:
            return ranks
        return self.influence(candidate.student, np.array([self.axis.quantile(rank) for rank in ranks.tolist()]))

    def ranked_influence(self, candidate: Candidate[StudentT]) -> RankedInfluence:
        """ι by rank, with nodes at the rule's edges."""
        edges = np.array([end for window in candidate.windows for end in window if 0 < end < 1])
        at_edges = np.array([self.axis.quantile(rank) for rank in edges.tolist()])
        margins = self.axis.nodes(candidate.student.scales)
        ranks = self.axis.rank(margins)
        margins, ranks = np.append(margins, at_edges), np.append(ranks, edges)
        order = np.argsort(ranks, kind="stable")
        ranks = ranks[order]
        ranks[0], ranks[-1] = 0.0, 1.0
        return RankedInfluence.tilted(candidate.windows, ranks, self.influence(candidate.student, margins[order]))
