"""A probe's full-batch gradient steps, each one learner among the others.

A step p' = (1 − step λ) p + (step/N) Σ_I G_i a_i, G = −ℓ'(f), is linear in the data as a minimiser's stationarity is,
so that it leaves one constraint and one direction. With β the regression of G on earlier forces, G_⊥ = G − β·G_earlier
and X p' the field of the new iterate, conditioning on the steps before (Bolthausen 2014) gives

    p' = A T + Σ_j r_j p_j + b g,    Γ (A, r) = (1 − step λ) Γ (A, r)_p + step α E[(s, f) G],    b² = step² α E[G_⊥²]
    X p' = A s + Σ_j r_j f_j + step G_⊥ + b ξ,                                                   ξ ~ N(0, 1)

All is explicit; nothing is solved. To keep the Gram matrix regular while the iterates converge, what a step leaves as
its learner j is its new part, q = (p' − Σ_j r_j p_j) = A T + b g, with force G_⊥, which is orthogonal to all before.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from replica_theory._trained_probe.kept_fields import KeptFields, label_moments
from replica_theory._trained_probe.order_parameters import Learners, OrderParameters
from replica_theory._trained_probe.round_learner import RoundLearner, bordered
from replica_theory._trained_probe.sampled_fields import SampledFields
from replica_theory.losses.base import Loss
from replica_theory.losses.named import NamedLoss
from replica_theory.selection import GradientProbe

_KNOWN = 1e-8  # spread of a teacher's field that is known
_INSIDE = 1e-16  # distance of a uniform number from 0 and 1
_CONVERGED = 1e-7  # b of an iterate, relative to it and to its new part, below which rounding drowns it


@dataclass(frozen=True, kw_only=True)
class GradientLearner(RoundLearner):
    """An iterate, as the rest sees it.

    ``before`` has its own force already, orthogonal to the others, and ``kept`` too; ``student.scale`` is 0, since an
    example's margin is its field.

    Attributes:
        outside: Ranked examples that the probe was not trained on, if any.
    """

    outside: KeptFields | None

    @property
    def force_size(self) -> float:
        return math.nan  # its forces have unit second moment by construction

    @property
    def own_norm(self) -> float:
        """‖q‖ = √(A² + b²), of what this iterate adds."""
        return math.hypot(self.student.along[0], self.student.outside)

    @property
    def after(self) -> Learners:
        gram, share = self.before.gram, self.student.along[0] / self.own_norm
        return Learners(gram=bordered(gram, share * gram[0]), force_overlaps=self.before.force_overlaps)

    @property
    def direction(self) -> np.ndarray:
        return np.concatenate([[0.0], self.student.along[1:], [self.own_norm]]) / self.norm

    def margin(self, z: np.ndarray, *, trained: bool) -> np.ndarray:
        return self.norm * z

    def cavity(self, margin: float) -> float:
        return margin / self.norm

    def minimises(self, loss: Loss, ridge: float, share: float) -> bool:
        return False

    def rows(self, nodes: KeptFields, z: np.ndarray, *, trained: bool) -> tuple[np.ndarray, np.ndarray]:
        own = (self.norm * z - self.student.along[1:] @ nodes.margins) / self.own_norm
        return np.vstack([nodes.margins, own]), nodes.forces

    def _of_kind(self, trained: bool) -> list[KeptFields]:
        return [self.kept] if trained or self.outside is None else [self.outside]


@dataclass(frozen=True, kw_only=True)
class Descent:
    """A gradient probe on its way.

    Attributes:
        probe: Its steps.
        loss: ℓ.
        alpha: α of the pool.
        label_noise: η.
        learners: Γ and M of all that is before the next step.
        inside: Examples that it is trained on.
        outside: Others that it ranks, if any.
        position: p in terms of (T, p_1, …).
    """

    probe: GradientProbe
    loss: NamedLoss
    alpha: float
    label_noise: float
    learners: Learners
    inside: SampledFields
    outside: SampledFields | None
    position: np.ndarray

    def trained(self, coordinates: np.ndarray) -> tuple[GradientLearner, SampledFields, SampledFields | None]:
        """The probe after all steps; ``coordinates`` (points, steps) place s and all fields but the last.

        The first step, whose force is the same everywhere, is exact: s is drawn after it.
        """
        here = self
        for number in range(1, self.probe.steps):
            learner, *examples = here.step()
            if number == 1:
                examples = [
                    fields and teacher_drawn(fields, coordinates[:, 0], self.label_noise) for fields in examples
                ]
            inside, outside = (fields and _placed(fields, learner, coordinates[:, number]) for fields in examples)
            assert inside is not None
            here = replace(
                here,
                learners=learner.after,
                inside=inside,
                outside=outside,
                position=learner.direction * learner.norm,
            )
        return here.step()

    def step(self) -> tuple[GradientLearner, SampledFields, SampledFields | None]:
        """The next iterate, whose field is not yet placed, and the examples with its force."""
        nodes, step = self.inside.nodes, self.probe.step_size
        force = -self.loss.derivative(self.position[1:] @ nodes.margins)
        chance, along = label_moments(nodes.mean / nodes.spread, self.label_noise)[:2]
        weight = nodes.weight * chance
        pull = np.array([nodes.weight @ (force * (nodes.mean * chance + nodes.spread * along))])
        pull = np.concatenate([pull, nodes.margins @ (weight * force)])
        M, overlaps = self.learners.force_overlaps, nodes.forces @ (weight * force)
        regression = np.linalg.solve(M, overlaps)
        new_square = weight @ force**2 - regression @ overlaps  # E[G_⊥²] over the pool: dropped examples have G_⊥ too
        size = math.sqrt(max(new_square, 0.0))
        gram = self.learners.gram
        kept = 1 - step * self.probe.ridge
        position = kept * self.position + step * self.alpha * np.linalg.solve(gram, pull)
        student = OrderParameters(
            along=position,
            reaction=np.append(np.zeros(len(M)), step * size),
            outside=step * math.sqrt(self.alpha) * size,
            scale=0.0,
        )
        inside = _with_force(self.inside, force, regression, size)
        outside = self.outside and _with_force(self.outside, 0.0, regression, size)
        learner = GradientLearner(
            loss=self.loss,
            alpha=self.alpha,
            share=self.ranked_share,
            ridge=self.probe.ridge,
            label_noise=self.label_noise,
            student=student,
            before=Learners(gram=gram, force_overlaps=bordered(M, np.zeros(len(M)))),
            kept=inside.nodes,
            training_share=self.probe.share,
            outside=outside and outside.nodes,
        )
        if not _CONVERGED * max(learner.norm, learner.own_norm) < student.outside < math.inf:
            raise ValueError(
                "`steps` of a GradientProbe must be fewer: its iterates no longer change (TrainedProbe is their "
                f"limit), or grow beyond bounds (a smaller `step_size` keeps them); got {self.probe}"
            )
        return learner, inside, outside

    @property
    def ranked_share(self) -> float:
        """Of what it ranks, the share that it was trained on."""
        if self.outside is None:
            return 1.0
        inside, outside = (part.nodes.moments(self.label_noise)[0, 0] for part in (self.inside, self.outside))
        return float(inside / (inside + outside))


def teacher_drawn(fields: SampledFields, uniform: np.ndarray, label_noise: float) -> SampledFields:
    """The same examples with their teacher's field drawn, so that the step of the label cuts through no later field.

    At a node of mean μ and spread σ, s = μ + σν is positive with chance Φ(μ/σ). Each sign has nodes of its own, in
    which s is drawn by its quantile.
    """
    nodes, u = fields.nodes, uniform[fields.point]
    parts = []
    for sign in (1.0, -1.0) if label_noise > 0 else (1.0,):
        chance = ndtr(sign * nodes.mean / nodes.spread)
        s = nodes.mean - sign * nodes.spread * ndtri(np.clip(u * chance, _INSIDE, 1 - _INSIDE))
        known = replace(nodes, weight=nodes.weight * chance, mean=s, spread=np.full_like(s, _KNOWN))
        parts.append(replace(fields, nodes=known))
    return SampledFields.union(parts)


def _placed(fields: SampledFields, learner: GradientLearner, uniform: np.ndarray) -> SampledFields:
    """Every example with a field of this iterate."""
    nodes, (centre, S) = fields.nodes, learner.shift_and_spread(fields.nodes)
    xi = ndtri(uniform[fields.point])
    A, sigma = learner.student.along[0], nodes.spread
    margins, forces = learner.rows(nodes, (centre + S * xi) / learner.norm, trained=True)
    placed = replace(
        nodes,
        mean=nodes.mean + A * sigma**2 / S * xi,
        spread=sigma * learner.student.outside / S,
        margins=margins,
        forces=forces,
    )
    return replace(fields, nodes=placed)


def _with_force(fields: SampledFields, force: np.ndarray | float, regression: np.ndarray, size: float) -> SampledFields:
    """The same examples with G_⊥/√(E G_⊥²) as their last force."""
    forces = fields.nodes.forces
    new = (force - regression @ forces) / size if size > 0 else np.zeros(forces.shape[1])
    return replace(fields, nodes=replace(fields.nodes, forces=np.vstack([forces, new])))
