"""Order parameters of students drawn at random from the version space: Gibbs students."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OrderParameters:
    """R and q of Gibbs students, in variables that lose no digits as R, q → 1.

    Attributes:
        alpha: α, kept examples per dimension.
        along: a = R/√(1−q), the students' mean along the teacher in units of their spread about it.
        across: b = √(q−R²)/√(1−q), their mean across the teacher, likewise.
    """

    alpha: float
    along: float
    across: float

    @property
    def squared_norm(self) -> float:
        """c² = a² + b² = q/(1 − q)."""
        return self.along**2 + self.across**2

    @property
    def overlap(self) -> float:
        """R, of a student with the teacher."""
        return self.along / math.sqrt(1 + self.squared_norm)

    @property
    def self_overlap(self) -> float:
        """q, of two students drawn independently."""
        return self.squared_norm / (1 + self.squared_norm)

    @property
    def gibbs_error(self) -> float:
        """arccos(R)/π = arctan(√(1 + b²)/a)/π."""
        return math.atan2(math.hypot(1.0, self.across), self.along) / math.pi

    @property
    def center_of_mass_error(self) -> float:
        """arccos(R/√q)/π = arctan(b/a)/π."""
        return math.atan2(self.across, self.along) / math.pi

    def entropy(self, information_gain: float) -> float:
        """S = −½ ln(1 + c²) + ½ b² − α I."""
        return 0.5 * (self.across**2 - math.log1p(self.squared_norm)) - self.alpha * information_gain
