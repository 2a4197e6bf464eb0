"""Several rounds of pruning: each probe trains on what the one before has kept, and prunes that.

Every learner adds one margin, one force and one constraint to the saddle point (S1)–(S5) of the next. The first is
solved exactly; later ones, and all students, on points of a Sobol sequence (see `SampledFields`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replica_theory._numerics.blas_threads import one_blas_thread
from replica_theory._trained_probe.gradient_steps import Descent
from replica_theory._trained_probe.limits import at_ridge_limit
from replica_theory._trained_probe.margins import TrainedMargins
from replica_theory._trained_probe.minimiser import COARSE, minimiser
from replica_theory._trained_probe.newton import Training
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory._trained_probe.probe import train_probe
from replica_theory._trained_probe.round_learner import RoundLearner
from replica_theory._trained_probe.sampled_fields import SampledFields, sobol_points
from replica_theory.losses.base import Loss, LossName
from replica_theory.losses.named import LOSSES
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection import GradientProbe, Selection, TrainedProbe
from replica_theory.selection.base import pieces_kept_by
from replica_theory.selection.kept_distribution import Piece, covering

RoundProbe = TrainedProbe | GradientProbe
Ranked = list[tuple[SampledFields, bool]]  # examples, and whether the probe was trained on them

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
    rounds: Sequence[tuple[RoundProbe, Selection]]
    loss: LossName | None
    ridge: float
    whole_pool: bool

    @one_blas_thread()
    def outcomes(self, log2_points: int, seed: int, starts: Sequence[RoundOutcome] = ()) -> list[RoundOutcome]:
        """One a round, by 2^log2_points points."""
        points = sobol_points(sum(_dimensions(probe) for probe, _ in self.rounds), log2_points, seed)
        kept, dropped, fraction, outcomes = SampledFields.unseen(len(points)), None, 1.0, []
        learner, column = None, 0
        for number, (probe, selection) in enumerate(self.rounds):
            start = starts[number] if starts else None
            last = column + _dimensions(probe) - 1
            learner, ranked = self._probe(
                probe, learner, kept, dropped, fraction, start and start.learner, points[:, column:last]
            )
            margins = TrainedMargins(learner, "random" if isinstance(probe, GradientProbe) else probe.ties)
            pieces, share = pieces_kept_by(selection, margins)
            kept = _pruned(ranked, learner, margins, pieces, points[:, last])
            dropped = (
                _pruned(ranked, learner, margins, _complement(pieces), points[:, last]) if self.whole_pool else None
            )
            fraction, column = share if self.whole_pool else share * fraction, last + 1
            student = self._student(number, learner, kept, start and start.student)
            outcomes.append(_outcome(fraction, learner, student))
        return outcomes

    def _probe(
        self,
        probe: RoundProbe,
        last: RoundLearner | None,
        kept: SampledFields,
        dropped: SampledFields | None,
        fraction: float,
        start: OrderParameters | None,
        coordinates: np.ndarray,
    ) -> tuple[RoundLearner, Ranked]:
        """The round's probe, and what it ranks."""
        inside = kept.times(probe.share)
        others = [kept.times(1 - probe.share)] if probe.share < 1 else []
        others += [dropped] if dropped is not None else []
        if isinstance(probe, GradientProbe):
            outside = SampledFields.union(others) if others else None
            return self._descended(probe, last, inside, outside, coordinates)
        share = probe.share * (1.0 if dropped is None else fraction)
        learner = self._minimiser(probe, last, kept, dropped, share, start)
        return learner, [(inside, True), *((fields, False) for fields in others)]

    def _descended(
        self,
        probe: GradientProbe,
        last: RoundLearner | None,
        inside: SampledFields,
        outside: SampledFields | None,
        coordinates: np.ndarray,
    ) -> tuple[RoundLearner, Ranked]:
        """A probe of gradient steps, whose every step but the last places its field by a column of coordinates."""
        before = Learners.none() if last is None else last.after
        start = Descent(
            probe=probe,
            loss=LOSSES[probe.loss],
            alpha=self.alpha,
            label_noise=self.label_noise,
            learners=before,
            inside=inside,
            outside=outside,
            position=np.zeros(len(before.gram)),
        )
        learner, inside, outside = start.trained(coordinates)
        return learner, [(inside, True), *([(outside, False)] if outside is not None else [])]

    def _minimiser(
        self,
        probe: TrainedProbe,
        last: RoundLearner | None,
        kept: SampledFields,
        dropped: SampledFields | None,
        share: float,
        start: OrderParameters | None,
    ) -> RoundLearner:
        """A probe that minimises its risk; the first one's is known without points."""
        before = Learners.none() if last is None else last.after
        if last is None:
            first = train_probe(
                LOSSES[probe.loss], alpha=self.alpha, ridge=probe.ridge, share=probe.share, label_noise=self.label_noise
            )
            loss, ridge, student = first.loss, first.ridge, first.student
        else:
            training = self._training(LOSSES[probe.loss], probe.ridge, before, kept.times(probe.share))
            loss, ridge = training.loss, training.ridge
            student = self._trained(training, last, kept, probe.share, start)
        return RoundLearner(
            loss=loss,
            alpha=self.alpha,
            share=share,
            ridge=ridge,
            label_noise=self.label_noise,
            student=student,
            before=before,
            kept=SampledFields.unseen(1).nodes if last is None else kept.nodes,  # no field to tell examples apart yet
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
        if last.minimises(training.loss, training.ridge, share):
            kept_force = kept.nodes.moments(self.label_noise)[-1, -1]  # E[k G²]/E[G²]
            if kept_force > 1 - _LOST_FORCE:
                return last.repeated
        return minimiser(training, start, order=COARSE)


def _dimensions(probe: RoundProbe) -> int:
    """Gaussian fields that a probe adds to an example."""
    return 1 + probe.steps if isinstance(probe, GradientProbe) and probe.steps > 1 else 1


def _pruned(
    ranked: Ranked, learner: RoundLearner, margins: TrainedMargins, pieces: Sequence[Piece], uniform: np.ndarray
) -> SampledFields:
    """What these pieces of a rule keep."""
    intervals = margins.intervals(pieces)
    return SampledFields.union(
        fields.pruned(learner, margins, intervals, uniform, trained=trained) for fields, trained in ranked
    )


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
        probe_overlap=float(learner.direction @ overlaps / norm),
        norm=norm,
        learner=learner.student,
        student=student,
    )
