"""Students of a trained probe as the choices compare them, each found from its neighbours."""

import numpy as np

from replica_theory._trained_probe.nearby import NearbyStudents
from replica_theory.choices.student import StudentErrors, StudentSetting
from replica_theory.losses.ridgeless import HardMargin
from replica_theory.selection import Selection

_NO_RIDGE = 1.0  # λ at which a constraint is solved: any gives the same student


def is_found_nearby(student: StudentSetting) -> bool:
    """Whether students of this setting are: beside a trained probe, at a given ridge."""
    return student.probe is not None and not student.ridge_is_free


class TrainedStudents:
    """Verified students on a line of pools, one α at a time.

    Args:
        student: What the student is, with a trained probe and a ridge.
    """

    def __init__(self, student: StudentSetting):
        assert student.probe is not None
        self._ridge = float(student.ridge)
        self._nearby = NearbyStudents(
            probe=student.probe,
            loss=HardMargin() if student.is_max_margin else student.convex_loss,
            ridge=_NO_RIDGE if student.is_max_margin else self._ridge,
            label_noise=student.label_noise,
        )

    def at(self, alpha_prune: float, rule: Selection) -> StudentErrors:
        """The student under a rule, arrays (1,).

        Raises:
            ValueError: There is no such student.
            SaddlePointError: No solution to the requested residual.
        """
        student = self._nearby.at(alpha_prune, rule)
        return StudentErrors(
            generalization_error=np.array([student.generalization_error]),
            ridge=np.array([self._ridge]),
            residual=np.array([student.residual]),
            probe_angle=np.array([student.probe_angle]),
        )
