"""What has been solved, by curve and place, and what is still to be solved of it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from types import MappingProxyType
from typing import Any

from replica_theory import SaddlePointError

_REMEMBERED = 3000  # curves


@dataclass(frozen=True)
class Missing:
    """There is no solution here, or none that the theory confirms.

    Attributes:
        reason: One line.
    """

    reason: str


@dataclass(frozen=True)
class Task:
    """Points of a curve that are solved in one go, by a process that breaks off where nobody waits for them.

    Attributes:
        curve: Whose points.
        places: Where on it.
        solve: Makes a solution, or `Missing`, of each place; can be pickled.
        first: Whether it comes first: one point, quickly solved, without which the page has little to say.
    """

    curve: Hashable
    places: tuple[float, ...]
    solve: Callable[[tuple[float, ...]], Sequence[Any]]
    first: bool = False


def one_by_one(solve: Callable[[float], Any]) -> Callable[[tuple[float, ...]], list[Any]]:
    """Solves place by place, as a `Task` has it."""
    return partial(_one_by_one, solve)


def _one_by_one(solve: Callable[[float], Any], places: tuple[float, ...]) -> list[Any]:
    return [_solution(solve, place) for place in places]


def _solution(solve: Callable[[float], Any], place: float) -> Any:
    try:
        return solve(place)
    except (ValueError, SaddlePointError) as error:
        return Missing(str(error))


def coarse_to_fine(count: int, strides: Sequence[int]) -> list[list[int]]:
    """Places 0 to count − 1 by the first of the falling strides that meets them."""
    met: dict[int, int] = {}
    for level, stride in enumerate(strides):
        met = {place: level for place in range(0, count, stride)} | met
    return [sorted(place for place, first in met.items() if first == level) for level in range(len(strides))]


class Memory:
    """Solved points. May be asked by several threads."""

    def __init__(self):
        self._curves: OrderedDict[Hashable, dict[float, Any]] = OrderedDict()
        self._lock = Lock()

    def of(self, curve: Hashable) -> Mapping[float, Any]:
        """What is known of a curve, by place."""
        with self._lock:
            return MappingProxyType(dict(self._curves.get(curve, {})))

    def at(self, curve: Hashable, place: float) -> Any:
        """The solution at a place: None if it is not known yet."""
        with self._lock:
            return self._curves.get(curve, {}).get(place)

    def keep(self, curve: Hashable, places: Iterable[float], solutions: Iterable[Any]) -> None:
        """Remembers solutions; curves that were asked for longest ago are forgotten."""
        with self._lock:
            self._curves.setdefault(curve, {}).update(zip(places, solutions, strict=True))
            self._curves.move_to_end(curve)
            while len(self._curves) > _REMEMBERED:
                self._curves.popitem(last=False)

    def left(self, task: Task) -> tuple[float, ...]:
        """Places of a task that are not solved yet."""
        with self._lock:
            known = self._curves.get(task.curve, {})
            return tuple(place for place in task.places if place not in known)

    def has(self, tasks: Iterable[Task]) -> bool:
        """Whether all of these are solved."""
        return not any(map(self.left, tasks))

    def progress(self, tasks: Iterable[Task]) -> tuple[int, int]:
        """Points that are solved, and all of them."""
        tasks = tuple(tasks)
        whole = sum(len(task.places) for task in tasks)
        return whole - sum(len(self.left(task)) for task in tasks), whole

    def solve(self, tasks: Iterable[Task]) -> None:
        """Solves here and now what is not known yet."""
        for task in tasks:
            if left := self.left(task):
                self.keep(task.curve, left, task.solve(left))
