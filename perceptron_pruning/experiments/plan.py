"""What an experiment compares: the axes of its table, and the cells that are computed for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from perceptron_pruning.datasets.loaders import Embeddings
from perceptron_pruning.embeddings.metrics.registry import family_of, metric_names
from perceptron_pruning.experiments.students.heads import Student, student_named
from replica_theory.errors import check_keep_fraction
from replica_theory.selection import KeepEasiest, KeepHardest, KeepRandom, Selection

RULES: dict[str, type] = {"random": KeepRandom, "hard": KeepHardest, "easy": KeepEasiest}
CHANCE = "random"  # rule of cells that no metric ranks
SEED = "seed"


class Point(NamedTuple):
    """One point of an experiment's table."""

    student: str
    metric: str
    rule: str
    class_floor: float
    pool_size: int
    keep_fraction: float


AXES = Point._fields


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Students of one recipe, retrained on what one rule keeps.

    Attributes:
        pool_size: Examples before pruning.
        metric, rule: What ranks them, and which of them are kept; a random rule has the metric "random".
        class_floor: Share of its proportional quota that a class is sure of.
        keep_fraction: f.
        student, recipe: The student's name, and what it does.
    """

    pool_size: int
    metric: str
    rule: str
    class_floor: float
    keep_fraction: float
    student: str
    recipe: Student

    @property
    def selection(self) -> Selection:
        """The rule, as theory and `keep` know it."""
        return RULES[self.rule](self.keep_fraction)

    @property
    def kept(self) -> int:
        """Number of examples that it keeps."""
        return n_kept(self.pool_size, self.keep_fraction)


def n_kept(pool_size: int, keep_fraction: float) -> int:
    """Examples after pruning, as `keep` counts them."""
    return max(1, round(keep_fraction * pool_size))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Axes of an experiment. Random keeping, the baseline, is always among the rules.

    Attributes:
        pool_sizes: Examples before pruning.
        keep_fractions: f in (0, 1]; at 1 all rules are one.
        metrics: Names that `score` knows; "all" for all of them.
        students: Names in `STUDENTS`.
        rules: Some of "random", "hard", "easy".
        class_floors: Shares of its proportional quota that a class is sure of, in [0, 1], for every rule.
        n_seeds: Seeds 0, 1, …: each draws a pool, and decides all chance in metric, rule and student.
        n_validation: Training rows, the last ones, kept out of all pools and used as test set of the influence metrics
            alone: a metric never sees the rows on which students are tested.

    Raises:
        ValueError: A value is out of range or unknown, an axis is empty or repeats itself, or influence has no
            validation rows.

    Example:
        >>> from perceptron_pruning.experiments import Plan
        >>> plan = Plan(pool_sizes=(200, 400), keep_fractions=(0.5, 1.0), n_seeds=2)
        >>> plan.metrics, plan.rules, len(plan.cells)
        (('margin',), ('random', 'hard', 'easy'), 8)
    """

    pool_sizes: tuple[int, ...]
    keep_fractions: tuple[float, ...]
    metrics: tuple[str, ...] = ("margin",)
    students: tuple[str, ...] = ("softmax",)
    rules: tuple[str, ...] = ("random", "hard", "easy")
    class_floors: tuple[float, ...] = (0.5,)
    n_seeds: int = 5
    n_validation: int = 0

    def __post_init__(self):
        names = metric_names(self.metrics[0] if self.metrics == ("all",) else self.metrics, labelled=True, tested=True)
        object.__setattr__(self, "metrics", tuple(name for name in names if name != CHANCE))
        if not self.metrics:
            raise ValueError(f"`metrics` must name another than {CHANCE}, which is among the rules already")
        object.__setattr__(self, "rules", tuple(rule for rule in RULES if rule == CHANCE or rule in self.rules))
        for axis in ("pool_sizes", "keep_fractions", "metrics", "students", "class_floors"):
            values = getattr(self, axis)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"`{axis}` must have values, all different; got {values}")
        for fraction in self.keep_fractions:
            check_keep_fraction(fraction)
        for name in self.students:
            student_named(name)
        if min(self.pool_sizes) < 2 or self.n_seeds < 2 or self.n_validation < 0:
            raise ValueError(
                "`pool_sizes` and `n_seeds` must be at least 2 and `n_validation` at least 0; "
                f"got {min(self.pool_sizes)}, {self.n_seeds} and {self.n_validation}"
            )
        if not all(0.0 <= floor <= 1.0 for floor in self.class_floors):
            raise ValueError(f"`class_floors` must be in [0, 1]; got {self.class_floors}")
        tested = [name for name in self.metrics if family_of(name).test_set]
        if tested and not self.n_validation:
            raise ValueError(f"`n_validation` must be > 0 for the metric {tested[0]}; got 0")

    def check(self, data: Embeddings) -> None:
        """A `ValueError` if the training rows are too few, or pixels that a student needs are missing."""
        most = len(data.train_labels) - self.n_validation
        if max(self.pool_sizes) > most:
            raise ValueError(
                f"`pool_sizes` must be at most {most}, the training rows less `n_validation`; "
                f"got {max(self.pool_sizes)}"
            )
        if any(student_named(name).needs_images for name in self.students):
            _ = data.pixels

    @property
    def axes(self) -> dict[str, tuple]:
        """Values of each axis of the table."""
        values = (self.students, self.metrics, self.rules, self.class_floors, self.pool_sizes, self.keep_fractions)
        return dict(zip(AXES, values, strict=True))

    def cell(self, point: Point) -> Cell:
        """The cell that a point of the table shows: many points show the same where nothing distinguishes them."""
        whole = point.keep_fraction == 1.0
        rule = CHANCE if whole else point.rule
        return Cell(
            pool_size=point.pool_size,
            metric=CHANCE if rule == CHANCE else point.metric,
            rule=rule,
            class_floor=self.class_floors[0] if whole else point.class_floor,
            keep_fraction=point.keep_fraction,
            student=point.student,
            recipe=student_named(point.student),
        )

    def points(self) -> Iterator[Point]:
        """Every point of the table, row-major in `axes`."""
        yield from (Point(*values) for values in product(*self.axes.values()))

    @property
    def cells(self) -> list[Cell]:
        """Each cell once; those of one pool and metric stand together and share its scores."""
        distinct = dict.fromkeys(self.cell(point) for point in self.points())
        return sorted(distinct, key=lambda cell: (cell.pool_size, cell.metric))
