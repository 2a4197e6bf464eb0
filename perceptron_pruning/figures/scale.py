"""The two sizes of a figure's own constants."""

from typing import Literal, Protocol


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Scaled:
    """Settings by which figures choose among their own sizes, beside those that settings hold."""

    @property
    def scale(self: _Named) -> Literal["quick", "full"]:
        """Quick unless they are the full settings."""
        return "full" if self.name == "full" else "quick"
