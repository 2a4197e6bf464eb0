"""How long work says how far it is: silent in a program, a bar with the time left on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """What `score` tells while it works."""

    def say(self, text: str) -> None:
        """A line, such as the plan with its costs."""
        ...

    def task(self, label: str, *, total: int, unit: str) -> AbstractContextManager[Callable[[int], object]]:
        """Context manager of one task; gives a function that is told of finished units."""
        ...


class Silent:
    """Tells nothing."""

    def say(self, text: str) -> None:
        pass

    @contextmanager
    def task(self, label: str, *, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        yield lambda count: None


class Terminal:
    """Lines and bars on the standard error; the bars only where it is a terminal."""

    def say(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(text, file=_stderr())

    @contextmanager
    def task(self, label: str, *, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        from tqdm import tqdm

        with tqdm(desc=label, total=total, unit=unit, unit_scale=True, disable=None, leave=False) as bar:
            yield bar.update


def _stderr():
    import sys

    return sys.stderr
