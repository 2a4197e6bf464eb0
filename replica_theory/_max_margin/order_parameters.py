"""Order parameters of max-margin students, in variables that lose no digits as the student aligns with its teacher.

A student is scaled so that its part outside the plane of teacher and probe is a unit vector. Its part in the plane has
length p and lies at an angle ψ to the teacher; k is its margin. The paper's order parameters follow:

    κ = k/√(1+p²),   R = p cos ψ/√(1+p²),   ρ = p cos(θ−ψ)/√(1+p²),   ε = arctan2(√(1 + p² sin² ψ), p cos ψ)/π.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from replica_theory._numerics.elementary import functions_of, in_precision_of

_DOUBLES_SUFFICE = 1e3  # largest p, and largest 1/(narrowest length scale of the rule), that doubles resolve


class PerStudent:
    """A dataclass whose attributes all have one entry a student along their first axis, or are numbers of one student.

    Attributes may be tuples of these, and tuples of tuples.
    """

    def __getitem__(self, index: int | slice | np.ndarray | tuple[slice, None]) -> Self:
        """The students at these indices (a number, a slice, a mask or an index array), or all with another axis."""
        return self._mapped(lambda values: values[index])

    def replaced(self, mask: np.ndarray, others: Self) -> Self:
        """The same, with others' entries where the mask is true."""

        def merged(values: np.ndarray, other_values: np.ndarray) -> np.ndarray:
            values = values.copy()
            values[mask] = other_values
            return values

        return self._mapped(merged, others)

    def joined(self, *others: Self) -> Self:
        """These students and others."""
        return self._mapped(lambda *arrays: np.concatenate(arrays), *others)

    @property
    def each(self) -> list[Self]:
        """Every student in numbers, of attributes without parts."""
        if not isinstance(next(iter(vars(self).values())), np.ndarray):
            return [self]
        columns = zip(*(values.tolist() for values in vars(self).values()), strict=True)
        return [type(self)(**dict(zip(vars(self), student, strict=True))) for student in columns]

    @property
    def as_arrays(self) -> Self:
        """One student's numbers as arrays of one student."""
        return self._mapped(lambda number: np.array([number]))

    def _mapped(self, function: Callable[..., Any], *others: Self) -> Self:
        """With each attribute a function of it and of the others' attributes."""
        columns = zip(*(vars(some).values() for some in (self, *others)), strict=True)
        return type(self)(**{name: _mapped(function, values) for name, values in zip(vars(self), columns, strict=True)})


def _mapped(function: Callable[..., Any], values: tuple[Any, ...]) -> Any:
    """A function of attributes, part by part where they have parts."""
    first = values[0]
    if isinstance(first, PerStudent):
        return first._mapped(function, *values[1:])
    if isinstance(first, tuple):
        return tuple(_mapped(function, parts) for parts in zip(*values, strict=True))
    return function(*values)


@dataclass(frozen=True, kw_only=True)
class OrderParameters(PerStudent):
    """Order parameters of students, each attribute an array (students,), or a number of one student.

    Attributes:
        alpha: α, kept examples per dimension.
        k: Margin of the unscaled student, κ √(1 + p²).
        length: p, length of its part in the plane of teacher and probe.
        angle: ψ of that part, radians from the teacher towards the probe.
    """

    alpha: Any
    k: Any
    length: Any
    angle: Any

    @classmethod
    def of(cls, alpha: ArrayLike, k: ArrayLike, length: ArrayLike, angle: ArrayLike) -> "OrderParameters":
        """Students from numbers or arrays that broadcast, in extended precision."""
        values = (np.atleast_1d(np.asarray(v, np.longdouble)) for v in (alpha, k, length, angle))
        alphas, ks, lengths, angles = np.broadcast_arrays(*values)
        return cls(alpha=alphas, k=ks, length=lengths, angle=angles)

    @property
    def are_many(self) -> bool:
        """Whether the attributes are arrays."""
        return isinstance(self.k, np.ndarray)

    def in_sufficient_precision(self, narrowest_scale: float) -> "OrderParameters":
        """The same in doubles, which are faster, where they resolve 1/p and the rule's narrowest length scale.

        One student's are plain floats there, and extended numbers elsewhere.
        """
        longest = self.length.max() if self.are_many else self.length
        doubles_suffice = longest < _DOUBLES_SUFFICE and narrowest_scale > 1 / _DOUBLES_SUFFICE
        if self.are_many:
            return self._mapped(lambda values: values.astype(float, copy=False)) if doubles_suffice else self
        kind = float if doubles_suffice else np.longdouble
        if type(self.k) is kind:
            return self
        return OrderParameters(alpha=kind(self.alpha), k=kind(self.k), length=kind(self.length), angle=kind(self.angle))

    @property
    def squared_norm(self) -> Any:
        """1 + p²."""
        return 1.0 + self.length * self.length

    @property
    def norm(self) -> Any:
        """√(1 + p²)."""
        return functions_of(self.length).hypot(1.0, self.length)

    @property
    def margin(self) -> Any:
        """κ = k/√(1 + p²)."""
        return self.k / self.norm

    @property
    def overlap(self) -> Any:
        """R = p cos ψ/√(1 + p²)."""
        return self.length * functions_of(self.angle).cos(self.angle) / self.norm

    def probe_overlap(self, probe_angle: float) -> Any:
        """ρ = p cos(θ − ψ)/√(1 + p²)."""
        return self.length * functions_of(self.angle).cos(probe_angle - self.angle) / self.norm

    @property
    def generalization_error(self) -> Any:
        """ε = arctan2(√(1 + p² sin² ψ), p cos ψ)/π."""
        functions = functions_of(self.angle)
        across = self.length * functions.sin(self.angle)
        return functions.atan2(functions.hypot(1.0, across), self.length * functions.cos(self.angle)) / np.pi

    def stepped(self, log_alpha: Any, delta_k: Any, log_scale: Any, delta_angle: Any) -> "OrderParameters":
        """α → α e^a, k → (k + δk) e^s, p → p e^s, ψ → ψ + δψ; k stays positive, by k e^(δk/k) where δk < 0."""
        # sums and products of doubles with the order parameters are in their own, longer precision
        exp, gain = functions_of(self.k).exp, delta_k / self.k
        growth, rise = exp(in_precision_of(log_scale, self.k)), 0.5 * (gain + abs(gain))
        return OrderParameters(
            alpha=self.alpha * exp(in_precision_of(log_alpha, self.k)),
            k=self.k * (rise + exp(gain - rise)) * growth,
            length=self.length * growth,
            angle=self.angle + delta_angle,
        )

    def log_error_gradient(self) -> tuple[Any, Any]:
        """∂ ln ε by the steps s and δψ of `stepped`; by the others it is 0: the error depends on p and ψ alone."""
        functions = functions_of(self.angle)
        parallel, across = self.length * functions.cos(self.angle), self.length * functions.sin(self.angle)
        perpendicular = functions.hypot(1.0, across)  # ε = arctan2(perpendicular, parallel)/π
        by_scale = (parallel * across**2 / perpendicular - perpendicular * parallel) / self.squared_norm
        by_angle = (parallel**2 * across / perpendicular + perpendicular * across) / self.squared_norm
        angle = np.pi * self.generalization_error
        return by_scale / angle, by_angle / angle
