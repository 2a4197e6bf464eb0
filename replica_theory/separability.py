"""Up to how many kept examples a student can classify every label, noise included."""

import math
from dataclasses import dataclass

import numpy as np

from replica_theory._empirical_risk.separability import solved_threshold
from replica_theory.errors import check_probe_angle
from replica_theory.geometry import angle_to, in_plane
from replica_theory.selection import Selection, check_selection
from replica_theory.selection.label_noise import Noise, check_label_noise


@dataclass(frozen=True, kw_only=True)
class SeparabilitySolution:
    """The threshold of linear separability.

    Attributes:
        selection: The rule by which the examples were kept.
        probe_angle: θ, radians.
        label_noise: η.
        alpha_prune: α*, kept examples per dimension; infinite where teacher or probe classify all kept labels.
        generalization_error: ε of the only student left at the threshold; none where it is infinite.
        overlap: R of that student, if there is one.
        probe_overlap: ρ of that student, if there is one.
        residual: Of the minimum that determines it, by a second quadrature.

    Example:
        >>> from replica_theory import KeepHardest, separability_solution
        >>> at = separability_solution(selection=KeepHardest(0.5), label_noise=0.1)
        >>> f"{at.alpha_prune:.5f}, {at.generalization_error:.5f}"
        '3.19003, 0.14315'
    """

    selection: Selection
    probe_angle: float
    label_noise: Noise
    alpha_prune: float
    generalization_error: float | None
    overlap: float | None
    probe_overlap: float | None
    residual: float


def separability_threshold(*, selection: Selection, probe_angle: float = 0.0, label_noise: Noise) -> float:
    """α_prune up to which kept labels are linearly separable, noise included: infinite where they have no noise.

    With s = (z, v) an example's fields along the probe and across it, and h ~ N(0, 1) those of a random direction::

        1/α* = min over a of E_kept (h − y a·s)₊²

    At smaller α an unregularised logistic student has no minimiser, and hinge students have no loss.
    `separability_solution` has more to say of it.

    Args:
        selection: Which examples are kept, as a function of probe field and (noisy) label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label is flipped, in [0, 1/2], or a `LabelNoise`.

    Returns:
        The threshold, ≥ 2 for rules that do not see the label's noise alone.

    Raises:
        ValueError: A parameter is out of range.
        SaddlePointError: The minimum was not found to a residual of 1e-10; carries the residual.

    References:
        Gardner 1988; Candès & Sur 2020, arXiv:1804.09753 (the unpruned case).

    Example:
        >>> from replica_theory import KeepRandom, separability_threshold
        >>> f"{separability_threshold(selection=KeepRandom(), label_noise=0.1):.6f}"
        '2.992286'
    """
    return separability_solution(selection=selection, probe_angle=probe_angle, label_noise=label_noise).alpha_prune


def separability_solution(
    *, selection: Selection, probe_angle: float = 0.0, label_noise: Noise
) -> SeparabilitySolution:
    """`separability_threshold` with the student that is left there; same arguments and errors.

    Example:
        >>> from replica_theory import KeepEasiest, separability_solution
        >>> f"{separability_solution(selection=KeepEasiest(0.5), probe_angle=0.3, label_noise=0.1).alpha_prune:.5f}"
        '3.55459'
    """
    angle, noise = check_probe_angle(probe_angle), check_label_noise(label_noise)
    threshold = solved_threshold(check_selection(selection).kept_distribution(angle, noise))
    direction = np.append(threshold.components, 1.0)
    to_teacher, to_probe = (float(angle_to(direction, in_plane(target))) for target in (angle, 0.0))
    exists = math.isfinite(threshold.alpha)
    return SeparabilitySolution(
        selection=selection,
        probe_angle=angle,
        label_noise=noise,
        alpha_prune=threshold.alpha,
        generalization_error=to_teacher / math.pi if exists else None,
        overlap=math.cos(to_teacher) if exists else None,
        probe_overlap=math.cos(to_probe) if exists else None,
        residual=threshold.residual,
    )
