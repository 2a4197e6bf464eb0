"""Max-margin students in variables that lose no digits when they align with their teacher."""

from dataclasses import dataclass, fields

import numpy as np

_COARSE = 1e3  # lengths, and inverse widths of a rule's pieces, up to which doubles lose nothing


@dataclass(frozen=True, kw_only=True)
class OrderParameters:
    """Students: in-plane part of this length, angle ψ from the teacher, plus a unit vector outside.

    Every attribute is an array with one entry a student.

    Attributes:
        alpha: α, kept examples per dimension.
        k: Margin of the unscaled student, κ √(1 + length²).
        length: p, the length of its part in the plane of teacher and probe.
        angle: ψ of that part, radians from the teacher towards the probe.
    """

    alpha: np.ndarray
    k: np.ndarray
    length: np.ndarray
    angle: np.ndarray

    @classmethod
    def of(cls, alpha, k, length, angle) -> "OrderParameters":
        """Students from numbers or arrays of them."""
        columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.longdouble)) for v in (alpha, k, length, angle)))
        return cls(**dict(zip(("alpha", "k", "length", "angle"), columns, strict=True)))

    def __getitem__(self, index) -> "OrderParameters":
        """The students at these indices (a slice, a mask or an index array)."""
        return OrderParameters(**{field.name: getattr(self, field.name)[index] for field in fields(self)})

    def with_replaced(self, mask: np.ndarray, others: "OrderParameters") -> "OrderParameters":
        """The same, with others where the mask says so."""
        return (
            others
            if mask.all()
            else OrderParameters(**dict(zip(vars(self), replaced(vars(self), mask, vars(others)), strict=True)))
        )

    def resolving(self, finest: float) -> "OrderParameters":
        """The same in doubles, which is faster, if they resolve the students' scale and the rule's finest."""
        if self.length.max() >= _COARSE or finest <= 1 / _COARSE:
            return self
        return OrderParameters(**{field.name: getattr(self, field.name).astype(float) for field in fields(self)})

    @property
    def squared_norm(self) -> np.ndarray:
        return 1.0 + self.length * self.length

    @property
    def norm(self) -> np.ndarray:
        return np.hypot(1.0, self.length)

    @property
    def margin(self) -> np.ndarray:
        """κ = k / |student|."""
        return self.k / self.norm

    @property
    def overlap(self) -> np.ndarray:
        """R = p cos ψ / |student|."""
        return self.length * np.cos(self.angle) / self.norm

    def probe_overlap(self, probe_angle: float) -> np.ndarray:
        """ρ = p cos(θ − ψ) / |student|."""
        return self.length * np.cos(probe_angle - self.angle) / self.norm

    @property
    def generalization_error(self) -> np.ndarray:
        """ε = arctan2(√(1 + p² sin² ψ), p cos ψ) / π."""
        across = self.length * np.sin(self.angle)
        return np.arctan2(np.hypot(1.0, across), self.length * np.cos(self.angle)) / np.pi

    def stepped(self, log_alpha, slack, log_scale, turn) -> "OrderParameters":
        """Multiplies α, adds slack to k, which stays positive, then scales k and length, and turns the angle."""
        # sums and products of doubles with the state are in its own, longer precision
        gain, growth = slack / self.k, np.exp(np.asarray(log_scale, np.longdouble))
        return OrderParameters(
            alpha=self.alpha * np.exp(np.asarray(log_alpha, np.longdouble)),
            k=self.k * np.where(gain > 0, 1 + gain, np.exp(np.minimum(gain, 0))) * growth,
            length=self.length * growth,
            angle=self.angle + turn,
        )

    def log_error_slopes(self) -> np.ndarray:
        """∂ ln ε by the steps of `stepped`, (students, 4): the error depends on length and angle alone."""
        along, across = self.length * np.cos(self.angle), self.length * np.sin(self.angle)
        beside = np.hypot(1.0, across)
        # ε = arctan2(beside, along)/π; across/beside is how beside grows with across
        by_scale = (along * across**2 / beside - beside * along) / self.squared_norm
        by_turn = (along**2 * across / beside + beside * across) / self.squared_norm
        zero = np.zeros_like(along)
        slopes = np.stack([zero, zero, by_scale, by_turn], -1) / (np.pi * self.generalization_error)[:, None]
        return slopes.astype(float)


def replaced(columns: dict[str, np.ndarray], mask: np.ndarray, others: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Copies of the columns, with those of others where the mask says so."""
    copies = []
    for name, column in columns.items():
        copies.append(column.copy())
        copies[-1][mask] = others[name]
    return copies
