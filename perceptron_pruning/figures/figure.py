"""What every figure has: a name, a title, a caption and a picture drawn from its table."""

from collections.abc import Sequence
from typing import Protocol

from matplotlib.figure import Figure as Picture

from perceptron_pruning.output.tables import Row


class Figure(Protocol):
    """What the module of any figure has."""

    @property
    def NAME(self) -> str: ...

    @property
    def TITLE(self) -> str: ...

    @property
    def CAPTION(self) -> str: ...

    def draw(self, table: Sequence[Row]) -> Picture: ...


def file_stem(name: str) -> str:
    """Name of a figure's table and pictures, without the suffix."""
    return f"figure_{name.lower()}"


def caption(figure: Figure, settings: object) -> str:
    """One sentence on what is seen, with what its fields name of the settings."""
    return figure.CAPTION.format(**vars(settings))
