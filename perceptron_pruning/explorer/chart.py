"""What a view shows: curves on two axes, a sentence, numbers, and the table they come from."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from perceptron_pruning.output.tables import Row

Scale = Literal["log", "linear"]
EQUAL = 1e-6  # |ε₁/ε₂ − 1| up to which two errors are the same


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        label: What it is called.
        scale: Logarithmic or linear.
        ends: Where the data do not set them.
        parameter: The state's, which the user may move along this axis.
    """

    label: str
    scale: Scale
    ends: tuple[float, float] | None = None
    parameter: str | None = None


@dataclass(frozen=True)
class Series:
    """A curve, its values None where there is none.

    Attributes:
        key: Which colour it has: a rule, or "plain".
        label: As it is called on the page.
        x, y: Its points.
        steps: Whether it stays level between two points, as a chance to be kept does.
    """

    key: str
    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    steps: bool = False


@dataclass(frozen=True)
class Mark:
    """A dot where the sliders stand; hollow where better may be found."""

    key: str
    x: float
    y: float
    hollow: bool = False


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A view of one state.

    Attributes:
        title: What is drawn.
        sentence: What it says at this state.
        numbers: Name and value, as text.
        notes: One line each, of what is left out or cannot be.
        x, y: Axes.
        series: Curves.
        marks: Dots.
        words: Texts within the picture, at (x, y).
        rows: The table.
        solved, points: Points that are solved, and all of them.
    """

    title: str
    sentence: str
    numbers: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    x: Axis
    y: Axis
    series: Sequence[Series]
    marks: Sequence[Mark] = ()
    words: Sequence[tuple[float, float, str]] = ()
    rows: Sequence[Row] = field(default=(), repr=False)
    solved: int = 1
    points: int = 1

    @property
    def complete(self) -> bool:
        """Whether all points are solved; otherwise there is more to ask for."""
        return self.solved == self.points

    def as_json(self) -> dict[str, object]:
        """Everything but the table."""
        values = {name: value for name, value in asdict(self).items() if name != "rows"}
        return {**values, "complete": self.complete}

    def as_csv(self, *, comment: str) -> str:
        """The table as text, under one line of comment."""
        text = io.StringIO(newline="")
        text.write(f"# {comment}\n")
        writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in self.rows for name in row)))
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


def short(error: float) -> str:
    """An error as it is read: three decimals, or two digits where that would be less, and no leading zero."""
    if not math.isfinite(error):
        return "–"
    text = f"{error:.3f}" if error >= 0.01 else f"{error:.2g}"
    return text.removeprefix("0")


def count(per_dimension: float) -> str:
    """A number of examples per dimension as it is read: three digits, or all of those before the point."""
    return f"{per_dimension:.3g}" if per_dimension < 999.5 else f"{per_dimension:.0f}"


def equal(error: float, other: float) -> bool:
    """Whether two errors are the same but for the last digits of their solutions."""
    return math.isclose(error, other, rel_tol=EQUAL)
