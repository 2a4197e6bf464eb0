"""Up to how many kept examples a student can classify every label, noise included."""

from replica_theory._empirical_risk.separability import threshold
from replica_theory.errors import check_label_noise, check_probe_angle
from replica_theory.selection import Selection, check_selection


def separability_threshold(*, selection: Selection, probe_angle: float = 0.0, label_noise: float) -> float:
    """α_prune up to which kept labels are linearly separable, noise included: infinite where they have no noise.

    With s = (z, v) an example's fields along the probe and across it, and h ~ N(0, 1) those of a random direction::

        1/α* = min over a of E_kept (h − y a·s)₊²

    At smaller α an unregularised logistic student has no minimiser, and hinge students have no loss.

    Args:
        selection: Which examples are kept, as a function of probe field and (noisy) label.
        probe_angle: θ between probe and teacher, radians, in [0, π/2].
        label_noise: η, chance that a label is flipped, in [0, 1/2].

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
    kept = check_selection(selection).kept_distribution(check_probe_angle(probe_angle), check_label_noise(label_noise))
    return threshold(kept)
