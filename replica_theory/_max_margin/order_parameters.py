"""Order parameters of max-margin students, in variables that lose no digits as the student aligns with its teacher.

A student is scaled so that its part outside the plane of teacher and probe is a unit vector. Its part in the plane has
length p and lies at an angle ψ to the teacher; k is its margin. The paper's order parameters follow:

    κ = k/√(1+p²),   R = p cos ψ/√(1+p²),   ρ = p cos(θ−ψ)/√(1+p²),   ε = arctan2(√(1 + p² sin² ψ), p cos ψ)/π.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from replica_theory.errors import FloatOrArray

_DOUBLES_SUFFICE = 1e3  # largest p, and largest 1/(narrowest length scale of the rule), that doubles resolve


class PerStudent:
    """A dataclass whose attributes all have one entry a student, along their first axis."""

    def __getitem__(self, index: int | slice | np.ndarray | tuple[slice, None] | None) -> Self:
        """The students at these indices (a number, a slice, a mask or an index array), or all with another axis."""
        return type(self)(**{name: values[index] for name, values in vars(self).items()})

    def replaced(self, mask: np.ndarray, others: Self) -> Self:
        """The same, with others' entries where the mask is true."""
        merged = {}
        for name, values in vars(self).items():
            if isinstance(values, PerStudent):
                merged[name] = values.replaced(mask, getattr(others, name))
            else:
                merged[name] = values.copy()
                merged[name][mask] = getattr(others, name)
        return type(self)(**merged)


@dataclass(frozen=True, kw_only=True)
class OrderParameters(PerStudent):
    """Order parameters of students, each attribute an array (students,).

    Attributes:
        alpha: α, kept examples per dimension.
        k: Margin of the unscaled student, κ √(1 + p²).
        length: p, length of its part in the plane of teacher and probe.
        angle: ψ of that part, radians from the teacher towards the probe.
    """

    alpha: np.ndarray
    k: np.ndarray
    length: np.ndarray
    angle: np.ndarray

    @classmethod
    def of(cls, alpha: ArrayLike, k: ArrayLike, length: ArrayLike, angle: ArrayLike) -> "OrderParameters":
        """Students from numbers or arrays that broadcast, in extended precision."""
        values = (np.atleast_1d(np.asarray(v, np.longdouble)) for v in (alpha, k, length, angle))
        alphas, ks, lengths, angles = np.broadcast_arrays(*values)
        return cls(alpha=alphas, k=ks, length=lengths, angle=angles)

    def in_sufficient_precision(self, narrowest_scale: float) -> "OrderParameters":
        """The same in doubles, which are faster, where they resolve 1/p and the rule's narrowest length scale."""
        longest = self.length if self.length.ndim == 0 else self.length.max()
        if longest >= _DOUBLES_SUFFICE or narrowest_scale <= 1 / _DOUBLES_SUFFICE:
            return self
        return OrderParameters(
            alpha=self.alpha.astype(float),
            k=self.k.astype(float),
            length=self.length.astype(float),
            angle=self.angle.astype(float),
        )

    @property
    def squared_norm(self) -> np.ndarray:
        """1 + p²."""
        return 1.0 + self.length * self.length

    @property
    def norm(self) -> np.ndarray:
        """√(1 + p²)."""
        return np.hypot(1.0, self.length)

    @property
    def margin(self) -> np.ndarray:
        """κ = k/√(1 + p²)."""
        return self.k / self.norm

    @property
    def overlap(self) -> np.ndarray:
        """R = p cos ψ/√(1 + p²)."""
        return self.length * np.cos(self.angle) / self.norm

    def probe_overlap(self, probe_angle: float) -> np.ndarray:
        """ρ = p cos(θ − ψ)/√(1 + p²)."""
        return self.length * np.cos(probe_angle - self.angle) / self.norm

    @property
    def generalization_error(self) -> np.ndarray:
        """ε = arctan2(√(1 + p² sin² ψ), p cos ψ)/π."""
        across = self.length * np.sin(self.angle)
        return np.arctan2(np.hypot(1.0, across), self.length * np.cos(self.angle)) / np.pi

    def stepped(
        self, log_alpha: FloatOrArray, delta_k: FloatOrArray, log_scale: FloatOrArray, delta_angle: FloatOrArray
    ) -> "OrderParameters":
        """α → α e^a, k → (k + δk) e^s, p → p e^s, ψ → ψ + δψ; k stays positive, by k e^(δk/k) where δk < 0."""
        # sums and products of doubles with the order parameters are in their own, longer precision
        gain, growth = delta_k / self.k, np.exp(np.longdouble(log_scale))
        return OrderParameters(
            alpha=self.alpha * np.exp(np.longdouble(log_alpha)),
            k=self.k * (np.maximum(gain, 0) + np.exp(np.minimum(gain, 0))) * growth,
            length=self.length * growth,
            angle=self.angle + delta_angle,
        )

    def log_error_gradient(self) -> np.ndarray:
        """∂ ln ε by the steps (a, δk, s, δψ) of `stepped`, (students, 4): the error depends on p and ψ alone."""
        parallel, across = self.length * np.cos(self.angle), self.length * np.sin(self.angle)
        perpendicular = np.hypot(1.0, across)  # ε = arctan2(perpendicular, parallel)/π
        by_scale = (parallel * across**2 / perpendicular - perpendicular * parallel) / self.squared_norm
        by_angle = (parallel**2 * across / perpendicular + perpendicular * across) / self.squared_norm
        zero = np.zeros_like(parallel)
        gradient = np.stack([zero, zero, by_scale, by_angle], -1) / (np.pi * self.generalization_error)[:, None]
        return gradient.astype(float)
