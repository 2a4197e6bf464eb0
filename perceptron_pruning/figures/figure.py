"""What every figure has: a name, a title, a caption and a picture drawn from its table."""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Protocol, runtime_checkable

from matplotlib.figure import Figure as Picture

from perceptron_pruning.evidence.claim import Claim
from perceptron_pruning.output.tables import Row


@runtime_checkable
class Figure(Protocol):
    """What the module of any figure has."""

    @property
    def NAME(self) -> str:
        """Name by which it is asked for."""
        ...

    @property
    def TITLE(self) -> str:
        """Heading in the report."""
        ...

    @property
    def CAPTION(self) -> str:
        """What is seen; its fields are those of the settings."""
        ...

    def draw(self, table: Sequence[Row]) -> Picture:
        """The picture of a table."""
        ...


@runtime_checkable
class WithClaims(Protocol):
    """A figure that says what its table means for the paper's predictions."""

    def claims(self, table: Sequence[Row]) -> list[Claim]:
        """Claims with their verdicts."""
        ...


def figure_modules(package: str, names: Sequence[str]) -> list[ModuleType]:
    """The modules ``figure_<name>`` of a package, in the given order."""
    return [import_module(f"{package}.{file_stem(name)}") for name in names]


def file_stem(name: str) -> str:
    """Name of a figure's module, table and pictures, without the suffix."""
    return f"figure_{name.lower()}"


def caption(figure: Figure, settings: object) -> str:
    """One sentence on what is seen, with what its fields name of the settings."""
    return figure.CAPTION.format(**vars(settings))
