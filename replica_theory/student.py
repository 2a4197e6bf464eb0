"""A max-margin student in variables that lose no digits when it aligns with its teacher."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Student:
    """A student: in-plane part of this length, angle ψ from the teacher, plus a unit vector outside.

    Attributes:
        alpha: α, kept examples per dimension.
        k: Margin of the unscaled student, κ √(1 + length²).
        length: p, the length of its part in the plane of teacher and probe.
        angle: ψ of that part, radians from the teacher towards the probe.
    """

    alpha: float
    k: float
    length: float
    angle: float

    @property
    def squared_norm(self) -> float:
        return 1.0 + self.length * self.length

    @property
    def norm(self) -> float:
        return math.hypot(1.0, self.length)

    @property
    def margin(self) -> float:
        """κ = k / |student|."""
        return self.k / self.norm

    @property
    def overlap(self) -> float:
        """R = p cos ψ / |student|."""
        return self.length * math.cos(self.angle) / self.norm

    def probe_overlap(self, probe_angle: float) -> float:
        """ρ = p cos(θ − ψ) / |student|."""
        return self.length * math.cos(probe_angle - self.angle) / self.norm

    @property
    def generalization_error(self) -> float:
        """ε = arctan2(√(1 + p² sin² ψ), p cos ψ) / π."""
        across = self.length * math.sin(self.angle)
        return math.atan2(math.hypot(1.0, across), self.length * math.cos(self.angle)) / math.pi

    def stepped(self, log_k: float, along: float, across: float) -> "Student":
        """Multiplies k by e^log_k and adds a vector (along, across), in lengths, to the in-plane part."""
        return replace(
            self,
            k=self.k * math.exp(log_k),
            length=self.length * math.hypot(1.0 + along, across),
            angle=self.angle + math.atan2(across, 1.0 + along),
        )
