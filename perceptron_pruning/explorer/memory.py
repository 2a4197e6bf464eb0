"""What a chart needs point by point, solved from coarse to fine in the time there is, and remembered."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import Any

from replica_theory import SaddlePointError

_REMEMBERED = 500  # curves
_STRIDES = 8, 4, 2, 1


@dataclass(frozen=True)
class Missing:
    """There is no solution here, or none that the theory confirms.

    Attributes:
        reason: One line.
    """

    reason: str


class Memory:
    """Solved points, by curve and place. May be asked by several threads."""

    def __init__(self):
        self._curves: OrderedDict[Hashable, dict[float, Any]] = OrderedDict()
        self._lock = Lock()

    def is_new(self, curve: Hashable) -> bool:
        """Whether a curve is asked for the first time."""
        with self._lock:
            new = curve not in self._curves
            self._curves.setdefault(curve, {})
            return new

    def at(self, curve: Hashable, place: float, solve: Callable[[float], Any]) -> Any:
        """The solution at a place: of ``solve``, or `Missing`."""
        with self._lock:
            known = self._curves.setdefault(curve, {})
            self._curves.move_to_end(curve)
            while len(self._curves) > _REMEMBERED:
                self._curves.popitem(last=False)
        if place not in known:
            known[place] = _solution(solve, place)
        return known[place]

    def along(
        self, curve: Hashable, places: Sequence[float], solve: Callable[[float], Any], *, seconds: float
    ) -> list[Any]:
        """Solutions at as many places as there is time for, None at the others; asked again, it goes on."""
        end = perf_counter() + seconds
        for stride in _STRIDES:
            for place in places[::stride]:
                if perf_counter() < end:
                    self.at(curve, place, solve)
        known = self._curves.get(curve, {})
        return [known.get(place) for place in places]


def _solution(solve: Callable[[float], Any], place: float) -> Any:
    try:
        return solve(place)
    except (ValueError, SaddlePointError) as error:
        return Missing(str(error))
