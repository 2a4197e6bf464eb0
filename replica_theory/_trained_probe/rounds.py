"""Several rounds of pruning: each probe trains on what the one before has kept, and prunes that.

Every learner adds one margin, one force and one constraint to the saddle point (S1)–(S5) of the next. The first is
solved exactly; later ones, and all students, on points of a Sobol sequence (see `SampledFields`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import COARSE, CRUDE, minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory._trained_probe.probe import train_probe
from replica_theory._trained_probe.round_learner import RoundLearner
from replica_theory._trained_probe.sampled_fields import SampledFields, sobol_points
from replica_theory.losses.base import Loss, LossName
from replica_theory.losses.named import LOSSES
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection import Selection, TrainedProbe
from replica_theory.selection.base import pieces_kept_by
from replica_theory.selection.kept_distribution import Piece, covering

_LOST_FORCE = 1e-4  # share of E[G²] that may be lost without changing a learner beyond the points' accuracy


@dataclass(frozen=True, kw_only=True)
class RoundOutcome:
    """A round's probe, and the student trained on what it kept.

    Attributes:
        keep_fraction: Share of the pool that is left.
        probe_angle: Between probe and teacher, radians.
        angle: Between student and teacher, radians.
        probe_overlap: Cosine of student and probe.
        norm: ‖w‖.
        learner: The probe's order parameters.
        student: The student's.
    """

    keep_fraction: float
    probe_angle: float
    angle: float
    probe_overlap: float
    norm: float
    learner: OrderParameters
    student: OrderParameters


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Rounds of pruning one pool.

    Attributes:
        alpha: α_total.
        label_noise: η.
        rounds: Its probes and rules.
        loss: Of the students; none for max-margin ones.
        ridge: λ_w, in [0, ∞].
        whole_pool: Whether each probe ranks the whole pool again instead of what is left.
    """

    alpha: float
    label_noise: float
    rounds: Sequence[tuple[TrainedProbe, Selection]]
    loss: LossName | None
    ridge: float
    whole_pool: bool

    def outcomes(self, log2_points: int, seed: int, starts: Sequence[RoundOutcome] = ()) -> list[RoundOutcome]:
        """One a round, by 2^log2_points points."""
        points = sobol_points(len(self.rounds), log2_points, seed)
        learner = self._first_learner(SampledFields.unseen(len(points)))
        kept, dropped, fraction, outcomes = SampledFields.unseen(len(points)), None, 1.0, []
        for number, (probe, selection) in enumerate(self.rounds):
            start = starts[number] if starts else None
            if number:
                learner = self._next_learner(probe, learner, kept, dropped, fraction, start and start.learner)
            margins = TrainedMargins(learner, probe.ties)
            pieces, share = pieces_kept_by(selection, margins)
            kept, dropped = self._pruned(kept, dropped, learner, margins, pieces, points[:, number])
            fraction = share if self.whole_pool else share * fraction
            student = self._student(number, learner, kept, start and start.student)
            outcomes.append(_outcome(fraction, learner, student))
        return outcomes

    def _first_learner(self, everything: SampledFields) -> RoundLearner:
        first, _ = self.rounds[0]
        probe = train_probe(
            LOSSES[first.loss], alpha=self.alpha, ridge=first.ridge, share=first.share, label_noise=self.label_noise
        )
        return RoundLearner(
            loss=probe.loss,
            alpha=self.alpha,
            share=first.share,
            ridge=probe.ridge,
            label_noise=self.label_noise,
            student=probe.student,
            before=Learners.none(),
            kept=everything.nodes,
            training_share=first.share,
        )

    def _next_learner(
        self,
        probe: TrainedProbe,
        last: RoundLearner,
        kept: SampledFields,
        dropped: SampledFields | None,
        fraction: float,
        start: OrderParameters | None,
    ) -> RoundLearner:
        training = self._training(LOSSES[probe.loss], probe.ridge, last.after, kept.times(probe.share))
        return RoundLearner(
            loss=training.loss,
            alpha=self.alpha,
            share=probe.share * (1.0 if dropped is None else fraction),
            ridge=training.ridge,
            label_noise=self.label_noise,
            student=self._trained(training, last, kept, probe.share, start),
            before=last.after,
            kept=kept.nodes,
            training_share=probe.share,
            dropped=None if dropped is None else dropped.nodes,
        )

    def _student(
        self, number: int, learner: RoundLearner, kept: SampledFields, start: OrderParameters | None
    ) -> OrderParameters:
        training = self._training(LOSSES[self.loss or "squared_hinge"], self.ridge, learner.after, kept)
        if self.loss is None and not isinstance(training.loss, HardMargin):
            raise ValueError(f"`loss` must not be a max-margin one: round {number + 1} leaves inseparable labels")
        return self._trained(training, learner, kept, 1.0, start)

    def _training(self, loss: Loss, ridge: float, learners: Learners, pool: SampledFields) -> Training:
        training = Training(
            loss=loss, alpha=self.alpha, ridge=ridge, label_noise=self.label_noise, learners=learners, pool=pool
        )
        return at_ridge_limit(training)

    def _trained(
        self,
        training: Training,
        last: RoundLearner,
        kept: SampledFields,
        share: float,
        start: OrderParameters | None,
    ) -> OrderParameters:
        """The solution; the last learner again if it minimises the same risk, but for examples that it hardly pulls."""
        same = type(training.loss) is type(last.loss) and training.ridge == last.ridge
        if same and share == last.training_share == 1:
            kept_force = kept.nodes.moments(self.label_noise)[-1, -1]  # E[k G²]/E[G²]
            if kept_force > 1 - _LOST_FORCE:
                return last.repeated
        return minimiser(training, start, order=COARSE, coarse=CRUDE)

    def _pruned(
        self,
        kept: SampledFields,
        dropped: SampledFields | None,
        learner: RoundLearner,
        margins: TrainedMargins,
        pieces: Sequence[Piece],
        uniform: np.ndarray,
    ) -> tuple[SampledFields, SampledFields | None]:
        """What the rule keeps, and what it drops if that will be ranked again."""

        def kept_by(pieces: Sequence[Piece]) -> SampledFields:
            intervals, share = margins.intervals(pieces), learner.training_share
            kinds = [(kept.times(share), True)]
            kinds += [(kept.times(1 - share), False)] if share < 1 else []
            kinds += [(dropped, False)] if dropped is not None else []
            return SampledFields.union(
                fields.pruned(learner, margins, intervals, uniform, trained=trained) for fields, trained in kinds
            )

        return kept_by(pieces), kept_by(_complement(pieces)) if self.whole_pool else None


def _complement(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces of 1 − q."""
    return [piece.transformed(factor=-1.0, offset=1.0) for piece in covering(pieces)]


def _outcome(fraction: float, learner: RoundLearner, student: OrderParameters) -> RoundOutcome:
    gram, along, b = learner.after.gram, student.along, student.outside
    overlaps = gram @ along
    norm = math.sqrt(along @ overlaps + b * b)
    across = along @ (gram - np.outer(gram[0], gram[0])) @ along + b * b
    return RoundOutcome(
        keep_fraction=fraction,
        probe_angle=learner.angle,
        angle=math.atan2(math.sqrt(across), overlaps[0]),
        probe_overlap=float(overlaps[-1] / norm),
        norm=norm,
        learner=learner.student,
        student=student,
    )
