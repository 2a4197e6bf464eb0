"""Chance of the label +1 as a function of the teacher's field, in units of its root mean square."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Flipped:
    """The sign of the field, flipped with chance η.

    Attributes:
        noise: η.
    """

    noise: float

    def __call__(self, field: np.ndarray) -> np.ndarray:
        return np.where(field > 0, 1 - self.noise, self.noise)


@dataclass(frozen=True)
class Checked:
    """A user's P(y = +1 | u).

    Attributes:
        chance: The user's function.
    """

    chance: Callable[[np.ndarray], np.ndarray]

    def __call__(self, field: np.ndarray) -> np.ndarray:
        values = np.asarray(self.chance(field), dtype=float)
        if values.shape != field.shape or not np.all((values >= 0) & (values <= 1)):
            raise ValueError(
                f"`label_chance` must return values in [0, 1], one a field; got shape {values.shape}, "
                f"range [{values.min()}, {values.max()}]"
            )
        return values
