"""Solutions whose fields are arrays: compared by value, printed briefly, kept from being written to."""

from dataclasses import fields

import numpy as np

_SHORT = 6  # numbers of an array that are printed


def read_only(values: np.ndarray) -> np.ndarray:
    """A view of the array that cannot be written to."""
    view = np.asarray(values).view()
    view.flags.writeable = False
    return view


class ArrayFields:
    """Comparison and printing of a dataclass (``eq=False, repr=False``) with arrays among its public fields."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, name), getattr(other, name)) for name in _names(self))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_brief(getattr(self, name))}" for name in _names(self))
        return f"{type(self).__name__}({shown})"


def _names(solution: object) -> list[str]:
    return [field.name for field in fields(solution) if field.repr]  # pyright: ignore[reportArgumentType]


def _same(first: object, second: object) -> bool:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    return type(first) is type(second) and bool(first == second)


def _brief(value: object) -> str:
    if isinstance(value, np.ndarray) and value.size > _SHORT:
        return f"<array {value.shape}, from {value.min():.6g} to {value.max():.6g}>"
    return repr(value)
