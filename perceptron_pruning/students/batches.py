"""Fits of several problems as one."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PerProblem: TypeAlias = np.ndarray | np.floating  # a number of one problem, or (batch,) of a batch
Fit = TypeVar("Fit", bound="DataclassInstance")


def stacked(fits: Sequence[Fit]) -> Fit:
    """One fit, each of its fields with a leading axis over the problems."""
    names = [field.name for field in fields(fits[0])]
    return type(fits[0])(**{name: np.stack([getattr(fit, name) for fit in fits]) for name in names})
